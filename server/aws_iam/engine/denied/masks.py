"""Masked parts of a message: `***`, `<account-id>`, `{role}`, `XXX` for what its author did not want to show.

masks = Masks()
masks.principal("arn:aws:sts::***:assumed-role/app/i-1")  →  the ARN with a stand-in, which `evaluate` can read
masks.placeholders                                        →  the stand-ins, and the placeholders to show for them
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCOUNT = re.compile(r"\d{12}")
# `aws` owns the managed policies; some services have no account in their ARNs.
_UNMASKED = frozenset({"", "aws"})
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
# Lambda writes the version of a function, such as `[$LATEST]` or `[12]`, into the names of its log streams.
_HIDDEN = re.compile(
    r"<{1,2}[^<>]{1,80}>{1,2}|\$?\{{1,2}[^{}]{1,80}\}{1,2}|\[(?!\$LATEST\]|\d+\])[^\[\]]{1,80}\]|\*{2,}[^*:/]{0,80}\*{2,}|\*{2,}"
)
_FIELDS = 6


class Masks:
    """The masked parts of one message; equal masks get one stand-in."""

    __slots__ = ("_accounts", "_names")

    def __init__(self) -> None:
        self._accounts: dict[str, str] = {}
        self._names: dict[str, str] = {}

    @property
    def placeholders(self) -> Mapping[str, str]:
        """Each stand-in, and the placeholder that answers show in its place."""
        shown = {}
        for stand_ins, word in ((self._accounts, "account-id"), (self._names, "name")):
            for number, stand_in in enumerate(stand_ins.values(), start=1):
                shown[stand_in] = f"<{word}>" if number == 1 else f"<{word}-{number}>"
        return shown

    def principal(self, arn: str) -> str:
        """The ARN of a caller with stand-ins for what is masked."""
        fields = self._with_account(arn)
        if len(fields) < _FIELDS or not arn.startswith("arn:"):
            return arn
        kind, *names = fields[5].split("/")
        shown = [name if _NAME.fullmatch(name) else self._name(name) for name in names]
        if kind == "assumed-role" and len(shown) == 1:
            shown.append(self._name("the session"))
        return ":".join((*fields[:5], "/".join((kind, *shown))))

    def resource(self, arn: str) -> str:
        """The ARN of a resource with stand-ins for what is masked."""
        fields = self._with_account(arn)
        if len(fields) < _FIELDS or not arn.startswith("arn:"):
            return arn
        name = _HIDDEN.sub(lambda hidden: self._name(hidden[0]), fields[5])
        return ":".join((*fields[:5], name))

    def _with_account(self, arn: str) -> list[str]:
        fields = arn.split(":", _FIELDS - 1)
        if len(fields) == _FIELDS and not (
            _ACCOUNT.fullmatch(fields[4]) or fields[4] in _UNMASKED
        ):
            fields[4] = self._accounts.setdefault(fields[4], f"{len(self._accounts) + 1:012d}")
        return fields

    def _name(self, hidden: str) -> str:
        return self._names.setdefault(hidden, f"masked-name-{len(self._names) + 1}")


def with_placeholders(value: Any, placeholders: Mapping[str, str]) -> Any:
    """The value with the placeholders in all its texts."""
    if isinstance(value, str):
        for stand_in, shown in placeholders.items():
            value = value.replace(stand_in, shown)
        return value
    if isinstance(value, dict):
        return {name: with_placeholders(inner, placeholders) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(with_placeholders(inner, placeholders) for inner in value)
    if isinstance(value, Artifact):
        return replace(value, content=with_placeholders(value.content, placeholders))
    if isinstance(value, Finding):
        return replace(value, message=with_placeholders(value.message, placeholders))
    return value
