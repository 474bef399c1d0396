"""API operations whose name is no IAM action, and the actions that authorise them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aws_iam import resources

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The actions an operation needs, and when it needs others."""

    actions: tuple[str, ...]
    note: str = ""


@cache
def operations() -> Mapping[str, Operation]:
    """Each operation by `service:Operation` in lower case."""
    data = json.loads(resources.text("assets/data/api-operations.json"))
    return {
        f"{row['service']}:{name}".lower(): Operation(
            actions=tuple(row["actions"]), note=row.get("note", "")
        )
        for row in data["operations"]
        for name in row["operations"]
    }
