"""Texts in the words of the command line: an argument as its option, a call as a command.

Everything below this layer names calls and arguments as an assistant sends them over MCP, and here they become

    pass `role_arn`                                `--role-arn`
    `demo: true`, `save: FILE`                     `--demo`, `--save FILE`
    `policy lookup`                                `aws-iam policy lookup`
    `secrets snippet` with `runtime: lambda`       `aws-iam secrets snippet --runtime lambda`
    where aws-iam runs, on the command line        nothing: the reader is there

An answer has names from accounts in backticks too, so there an argument is one only after `pass`, `give` or `leave out`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.tools.registry import NAMES, tool_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.kit.tool import Action

_SPAN = r"`\w+(?:: [^`]+)?`"
_LIST = rf"{_SPAN}(?:(?:, | and | or |, or |, and ){_SPAN})*"
_CALL = re.compile(
    rf"`(?P<tool>{'|'.join(NAMES)}) (?P<action>\w+)`(?: with (?P<arguments>{_LIST}))?"
)
_NAMED = re.compile(r"`(?P<name>\w+)(?:: (?P<value>[^`]+))?`")
_AFTER_A_VERB = re.compile(rf"(?<=\b)(?:[Pp]ass|[Gg]ive|[Aa]rgument|[Ll]eave out) {_LIST}")
_SWITCH = re.compile(r"`\w+: true`")
_COMMON = {"detail": False}
# Over MCP texts say so of what only the command line has.
_HERE = re.compile(r" on the command line\b")
_WHERE_IT_RUNS = "refresh the service data where aws-iam runs"
_REFRESH = "refresh the service data (`aws-iam catalog refresh`)"


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one command; `values` are words that the caller wrote, which are never taken for arguments."""

    action: Action | None = None
    values: frozenset[str] = field(default=frozenset())

    def of_answer(self, text: str) -> str:
        """A text of an answer."""
        text = text.replace(_WHERE_IT_RUNS, _REFRESH)
        if "`" not in text:
            return text
        text = _HERE.sub("", _CALL.sub(_command, text))
        text = _SWITCH.sub(self._options, text)
        return _AFTER_A_VERB.sub(self._options, text)

    def of_error(self, text: str) -> str:
        """A message or a hint: all it has in backticks are arguments, or what the caller wrote."""
        return self._options(_HERE.sub("", _CALL.sub(_command, text))) if "`" in text else text

    def _options(self, text: str | re.Match[str]) -> str:
        flags = _flags(self.action) if self.action else {}
        known = {name: flag for name, flag in flags.items() if name not in self.values}
        named = text if isinstance(text, str) else text[0]
        return _NAMED.sub(lambda span: _option(span, known), named)


def _flags(action: Action) -> Mapping[str, bool]:
    """The arguments of an action, and whether each is a flag."""
    return {a.name: a.is_flag for a in action.arguments} | _COMMON


def _option(span: re.Match[str], known: Mapping[str, bool]) -> str:
    if span["name"] not in known:
        return span[0]
    option = f"--{span['name'].replace('_', '-')}"
    has_value = span["value"] and not known[span["name"]]
    return f"`{option} {span['value']}`" if has_value else f"`{option}`"


def _command(call: re.Match[str]) -> str:
    action = tool_named(call["tool"]).actions.get(call["action"])
    if action is None:
        return call[0]
    arguments = _NAMED.finditer(call["arguments"] or "")
    options = (_option(span, _flags(action)).strip("`") for span in arguments)
    return f"`{' '.join(('aws-iam', call['tool'], call['action'], *options))}`"
