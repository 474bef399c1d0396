"""Next calls in the words of whoever reads them: a call of a tool over MCP, a command on the command line."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aws_iam.answer import NextCall

    InWords = Callable[[NextCall], str]


def as_call(call: NextCall) -> str:
    """The call as an assistant sends it."""
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
    same = f" and the same {', '.join(f'`{name}`' for name in call.same)}" if call.same else ""
    return f"`{call.tool}` with `{arguments}`{same}"


def as_command(call: NextCall, typed: Mapping[str, Sequence[str]] | None = None) -> str:
    """The call as a command; `typed` has the words that the caller wrote for each argument."""
    arguments = dict(call.arguments)
    words = ["aws-iam", call.tool, str(arguments.pop("action"))]
    for name, value in arguments.items():
        words += _option(name, value)
    for name in call.same:
        words += (typed or {}).get(name, ())
    return shlex.join(words)


def _option(name: str, value: Any) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    match value:
        case True:
            return [option]
        case dict():
            return [option, json.dumps(value, ensure_ascii=False)]
        case list() | tuple() if all(isinstance(item, str) for item in value):
            return [option, ",".join(value)]
        case list() | tuple():
            return [option, json.dumps(value, ensure_ascii=False)]
        case _:
            return [option, str(value)]
