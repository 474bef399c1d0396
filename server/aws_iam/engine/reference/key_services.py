"""AWS services that use a KMS key under their own principal: their actions, and the guard that AWS documents for each."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = "assets/data/kms-services.json"
_ARNS = "{SourceArns}"
_HOLE = re.compile(r"\{(Partition|Region|Account)\}")
_KIND = re.compile(r"[a-z-]+[:/]")


@slotted
class KeyService:
    """One use of a key by a service. Without `guard` AWS supports none, and `note` says what then keeps others out.

    `usage` is the kind of key that it takes, and `region` the only one in which it takes keys.
    """

    name: str
    purpose: str
    principal: str
    regional: bool
    guard: str
    note: str
    source: str
    source_arn: str
    usage: str
    region: str
    statements: tuple[Mapping[str, Any], ...]

    def principal_in(self, region: str) -> str:
        """The service principal, which some services have one of in each Region."""
        return _filled(self.principal, {"Region": region})

    def unguarded(self) -> tuple[str, ...]:
        """The actions for which AWS documents no condition on whose behalf the service calls."""
        return tuple(
            action
            for statement in self.statements
            if not self._asks_for_whom(statement["condition"])
            for action in statement["actions"]
        )

    def _asks_for_whom(self, condition: Mapping[str, Mapping[str, str]]) -> bool:
        texts = [text for keys in condition.values() for text in keys.values()]
        return any("{Account}" in (self.source_arn if each == _ARNS else each) for each in texts)

    def calls_for(self, arn: str) -> bool:
        """Whether the ARN may be a source of its calls: of the same service and kind, with an account where these have one."""
        if not self.source_arn:
            return False
        wanted, given = self.source_arn.split(":", 5), arn.split(":", 5)
        kind = _KIND.match(wanted[5])
        return (
            given[2] == wanted[2]
            and bool(given[4]) == bool(wanted[4])
            and given[5].startswith(kind[0] if kind else "")
        )

    def sources(self) -> str:
        """What its sources look like, for people."""
        names = {"Partition": "aws", "Region": "REGION", "Account": "ACCOUNT"}
        return _filled(self.source_arn, names)

    def conditions(
        self, values: Mapping[str, str], arns: tuple[str, ...]
    ) -> tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...]:
        """Actions and condition of each statement, limited to these sources, else to all of the account's."""
        wanted = arns or ((_filled(self.source_arn, values),) if self.source_arn else ())
        return tuple(
            (tuple(statement["actions"]), _of(statement["condition"], values, wanted))
            for statement in self.statements
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
            usage=each.get("usage", "encrypt"),
            region=each.get("region", ""),
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
