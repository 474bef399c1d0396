"""Uses of a KMS key by AWS services: their actions, and the condition that AWS documents; or whose permissions they use."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

_ARNS = "{SourceArns}"
_HOLE = re.compile(r"\{(Partition|Region|Account|Suffix)\}")
_KIND = re.compile(r"[a-z-]+[:/]")


@slotted
class KeyService:
    """One use of a key by a service.

    `guard` is the documented condition against confused deputies; when AWS supports none it is empty and `note` says
    what protects the key instead. `usage` is the kind of key that the service uses, `region` the only Region in which it uses keys.
    `caller` says whose permissions the service uses, if it has no statement of its own; with `for_others` the statements
    are for the other accounts that use the key.
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
    caller: str
    for_others: bool
    statements: tuple[Mapping[str, Any], ...]

    def principal_in(self, partition: str, region: str, account: str) -> dict[str, str]:
        """The principal: of the service, which some have for each Region, or its service-linked role in the account."""
        suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
        values = {"Partition": partition, "Region": region, "Account": account, "Suffix": suffix}
        principal = _filled(self.principal, values)
        return {"AWS" if principal.startswith("arn:") else "Service": principal}

    def principal_words(self) -> str:
        """The principal with its parts named, for people."""
        if self.caller:
            return self.caller
        if self.for_others:
            return "the other accounts"
        values = {"Partition": "aws", "Region": "REGION", "Account": "ACCOUNT"}
        return _filled(self.principal, {**values, "Suffix": "amazonaws.com"})

    def is_principal(self, text: str) -> bool:
        """Whether the text is the service's principal, in any Region and partition."""
        if not self.principal:
            return False
        pattern = _HOLE.sub(
            _one_field, re.escape(self.principal).replace(r"\{", "{").replace(r"\}", "}")
        )
        return re.fullmatch(pattern, text) is not None

    def unguarded(self) -> tuple[str, ...]:
        """The actions for which AWS documents no condition on the account that the service acts for."""
        return tuple(
            action
            for statement in self.statements
            if not self._tests_account(statement["condition"])
            for action in statement["actions"]
        )

    def _tests_account(self, condition: Mapping[str, Mapping[str, str]]) -> bool:
        if "{Account}" in self.principal:
            return True
        texts = [text for keys in condition.values() for text in keys.values()]
        return any("{Account}" in (self.source_arn if text == _ARNS else text) for text in texts)

    def calls_for(self, arn: str) -> bool:
        """Whether the service may call on behalf of the ARN: same service and kind, with an account where those have one."""
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
        """The form of its source ARNs, for people."""
        names = {"Partition": "aws", "Region": "REGION", "Account": "ACCOUNT"}
        return _filled(self.source_arn, names)

    def conditions(
        self, values: Mapping[str, str], arns: tuple[str, ...]
    ) -> tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...]:
        """Actions and condition of each statement, limited to these source ARNs, else to all of the account."""
        wanted = arns or ((_filled(self.source_arn, values),) if self.source_arn else ())
        return tuple(
            (
                tuple(statement["actions"]),
                _filled_condition(statement["condition"], values, wanted),
            )
            for statement in self.statements
        )


def _filled_condition(
    condition: Mapping[str, Mapping[str, str]], values: Mapping[str, str], arns: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    listed = arns[0] if len(arns) == 1 else list(arns)
    return {
        operator: {
            key: listed if text == _ARNS else _filled(text, values) for key, text in keys.items()
        }
        for operator, keys in condition.items()
    }


def _one_field(hole: re.Match[str]) -> str:
    return r"amazonaws\.com(?:\.cn)?" if hole[1] == "Suffix" else "[a-z0-9-]+"


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda hole: values[hole[1]], text)


@cache
def key_services() -> Mapping[str, KeyService]:
    """Every known use by name."""
    return {
        row["name"]: KeyService(
            name=row["name"],
            purpose=row["for"],
            principal=row["principal"],
            regional=row["regional"],
            guard=row["guard"],
            note=row.get("note", ""),
            source=row["source"],
            source_arn=row.get("source_arn", ""),
            usage=row.get("usage", "encrypt"),
            region=row.get("region", ""),
            caller=row.get("caller", ""),
            for_others=row.get("for_others", False),
            statements=tuple(row["statements"]),
        )
        for row in _table()["services"]
    }


def as_of() -> str:
    """The date of the table."""
    return str(_table()["as_of"])


def _table() -> dict[str, Any]:
    table: dict[str, Any] = resources.data("kms-services.json")
    return table
