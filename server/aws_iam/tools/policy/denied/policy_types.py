"""What `policy denied` says about each policy type: what the refusal means, who can change it, what to check."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTypeText:
    """One policy type in sentences; `no_allow` and `explicit_deny` say what the refusal means."""

    no_allow: str
    explicit_deny: str
    owner: str
    look_at: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRemarks:
    """Causes in one service that look like a policy and are none, and the page that says so."""

    remarks: tuple[str, ...]
    source: str


@cache
def policy_type_texts() -> Mapping[str, PolicyTypeText]:
    """The texts by policy type, as AWS's messages name it."""
    return {
        name: PolicyTypeText(**{**row, "look_at": tuple(row["look_at"])})
        for name, row in _data()["policy_types"].items()
    }


@cache
def service_remarks() -> Mapping[str, ServiceRemarks]:
    """The remarks by service prefix."""
    return {
        service: ServiceRemarks(**{**row, "remarks": tuple(row["remarks"])})
        for service, row in _data()["services"].items()
    }


def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(resources.text("assets/data/access-denied.json"))
    return data
