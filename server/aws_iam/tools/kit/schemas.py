"""The tools' JSON schemas: arguments as one flat closed object, the answer's top level, the answer whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.report.page import CONCISE_BYTES, FULL_BYTES
from aws_iam.tools.kit.tool import ArgumentKind

if TYPE_CHECKING:
    from aws_iam.tools.kit.tool import Argument, Tool

_LIMITS = {"concise": CONCISE_BYTES, "full": FULL_BYTES}

# Five copies of the whole answer would not fit in a tools/list of 12 KB: the top level here, the rest in a resource.
ANSWER_TOP: dict[str, Any] = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "findings": {"type": "array"},
        "decision": {"type": "object"},
        "comparison": {"type": "object"},
        "artifacts": {"type": "array"},
        "facts": {"type": "object"},
        "next_cursor": {"type": "string"},
    },
    "required": ["summary"],
}


def page_limit(detail: object) -> int:
    """How many bytes a page of this detail holds over MCP."""
    if isinstance(detail, str) and detail in _LIMITS:
        return _LIMITS[detail]
    given = detail if isinstance(detail, str) else ""
    near = closest(given, _LIMITS)
    hint = f"did you mean `{near}`?" if near else ""
    raise InputError(
        "`detail` must be `concise` or `full`" + (f", not {quoted(given)}" if given else ""),
        hint=hint,
    )


def arguments(tool: Tool) -> dict[str, Any]:
    """The tool's arguments over MCP: flat, closed, all optional."""
    actions = {"type": "string", "enum": list(tool.actions), "default": tool.default}
    properties = {
        argument.name: _argument(argument) for argument in tool.arguments(cli=False).values()
    }
    return {
        "type": "object",
        "properties": {
            "action": actions,
            **properties,
            "detail": {"type": "string", "enum": list(_LIMITS)},
            "cursor": {"type": "string", "description": "next_cursor"},
        },
        "additionalProperties": False,
    }


_TYPES: dict[ArgumentKind, dict[str, Any]] = {
    ArgumentKind.TEXT: {"type": "string"},
    ArgumentKind.FLAG: {"type": "boolean"},
    ArgumentKind.LIST: {"type": "array", "items": {"type": "string"}},
    ArgumentKind.DOCUMENT: {"type": ["object", "string"]},
}
_LISTED = {"type": ["object", "array", "string"]}


def _argument(argument: Argument) -> dict[str, Any]:
    # Choices, or a name such as `branch`, say it where there is nothing to add.
    told = argument.brief and _plain(argument.brief) != _plain(argument.name)
    return {**_type(argument), **({"description": argument.brief} if told else {})}


def _type(argument: Argument) -> dict[str, Any]:
    if argument.kind is ArgumentKind.CHOICE:
        return {"type": "string", "enum": list(argument.choices)}
    return _LISTED if argument.listed else _TYPES[argument.kind]


def _plain(words: str) -> str:
    return words.replace("_", "").replace(" ", "").lower()


def answer() -> dict[str, Any]:
    """The whole answer's JSON schema, from the type itself."""
    from pydantic import TypeAdapter

    from aws_iam.answer import Answer

    return TypeAdapter(Answer).json_schema()
