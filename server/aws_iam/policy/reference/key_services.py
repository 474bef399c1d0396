"""AWS services that use a KMS key under their own principal: their actions, and the guard that AWS documents for each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = "assets/data/kms-services.json"
_ARNS = "{SourceArns}"
_HOLE = re.compile(r"\{(Partition|Region|Account)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyService:
    """One use of a key by a service. Without `guard` AWS supports none, and `note` says what then keeps others out."""

    name: str
    purpose: str
    principal: str
    regional: bool
    guard: str
    note: str
    source: str
    source_arn: str
    statements: tuple[Mapping[str, Any], ...]

    def principal_in(self, region: str) -> str:
        """The service principal, which some services have one of in each Region."""
        return _filled(self.principal, {"Region": region})

    def service_of_arns(self) -> str:
        """The service whose ARNs name the sources of its calls; empty where no source may be named."""
        return self.source_arn.split(":")[2] if self.source_arn else ""

    def conditions(
        self, values: Mapping[str, str], arns: tuple[str, ...]
    ) -> tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...]:
        """Actions and condition of each statement, limited to these sources, else to all of the account's."""
        wanted = arns or ((_filled(self.source_arn, values),) if self.source_arn else ())
        return tuple(
            (tuple(each["actions"]), _of(each["condition"], values, wanted))
            for each in self.statements
        )


def _of(
    condition: Mapping[str, Mapping[str, str]], values: Mapping[str, str], arns: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    listed = arns[0] if len(arns) == 1 else list(arns)
    return {
        operator: {
            key: listed if text == _ARNS else _filled(text, values) for key, text in keys.items()
        }
        for operator, keys in condition.items()
    }


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda hole: values[hole[1]], text)


@cache
def key_services() -> Mapping[str, KeyService]:
    """Every known use by its name."""
    return {
        each["name"]: KeyService(
            name=each["name"],
            purpose=each["for"],
            principal=each["principal"],
            regional=each["regional"],
            guard=each["guard"],
            note=each.get("note", ""),
            source=each["source"],
            source_arn=each.get("source_arn", ""),
            statements=tuple(each["statements"]),
        )
        for each in _table()["services"]
    }


def as_of() -> str:
    """The date of the table."""
    return str(_table()["as_of"])


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(resources.text(_FILE))
    return table
