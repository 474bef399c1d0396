"""JSON schemas over MCP: a tool's arguments, the top level of an answer, the complete answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.report.page import CONCISE_BYTES, FULL_BYTES
from aws_iam.tools.kit.argument_values import ArgumentKind, folded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.kit.argument_values import Argument
    from aws_iam.tools.kit.tool import Tool

_LIMITS = {"concise": CONCISE_BYTES, "full": FULL_BYTES}

# Five copies of the complete schema would exceed the 16 KB of `tools/list`: it is a resource, and this is its top level.
ANSWER_TOP_LEVEL: dict[str, Any] = {
    "type": "object",
    "properties": {"summary": {"type": "string"}, "findings": {"type": "array"}},
    "required": ["summary"],
}


def page_limit(detail: object) -> int:
    """The page size in bytes over MCP."""
    if isinstance(detail, str) and folded(detail) in _LIMITS:
        return _LIMITS[folded(detail)]
    given = detail if isinstance(detail, str) else ""
    near = closest(given, _LIMITS)
    hint = f"did you mean `{near}`?" if near else ""
    raise InputError(
        "`detail` must be `concise` or `full`" + (f", not {quoted(given)}" if given else ""),
        hint=hint,
    )


def input_schema(tool: Tool) -> dict[str, Any]:
    """The tool's arguments as one flat, closed object; all are optional."""
    actions = {"type": "string", "enum": list(tool.actions)}
    taken = _taken_by(tool)
    properties = {
        argument.name: {**_type(argument), "description": _description(argument, taken)}
        for argument in tool.arguments(cli=False).values()
        if not argument.unlisted
    }
    return {
        "type": "object",
        "properties": {
            "action": actions,
            **properties,
            # The instructions say what they are for, and what a tool does without an action.
            "detail": {"type": "string", "enum": list(_LIMITS)},
            "cursor": {"type": "string"},
        },
        "additionalProperties": False,
    }


_TYPES: dict[ArgumentKind, dict[str, Any]] = {
    ArgumentKind.TEXT: {"type": "string"},
    ArgumentKind.FLAG: {"type": "boolean"},
    ArgumentKind.LIST: {"type": "array", "items": {"type": "string"}},
}


def _taken_by(tool: Tool) -> dict[str, str]:
    """For each argument the actions that take it, as a list, as those that do not, or as an earlier argument: what is shortest."""
    words: dict[str, str] = {}
    first: dict[str, str] = {}
    for name in tool.arguments(cli=False):
        taking = [
            a.name
            for a in tool.actions.values()
            if any(b.name == name and not b.unlisted for b in a.arguments)
        ]
        others = [action for action in tool.actions if action not in taking]
        listed, without = ", ".join(taking), f"all but {', '.join(others)}"
        same = f"as {first.setdefault(listed, name)}"
        forms = (listed, without) if first[listed] == name else (listed, without, same)
        words[name] = min(forms, key=len)
    return words


def _description(argument: Argument, taken: Mapping[str, str]) -> str:
    """`validate, explain: absent: guessed`: the actions that take the argument, and what it is."""
    actions = taken[argument.name]
    return f"{actions}: {argument.brief}" if argument.brief else actions


def _type(argument: Argument) -> dict[str, Any]:
    if argument.kind is ArgumentKind.CHOICE:
        return {"type": "string", "enum": list(argument.choices)}
    if argument.kind is ArgumentKind.DOCUMENT:
        # Clients take one type; the server reads a JSON value and JSON text alike.
        return {"type": "string" if argument.listed or argument.as_text else "object"}
    return _TYPES[argument.kind]


def answer_schema() -> dict[str, Any]:
    """The complete JSON schema of an answer, derived from its type."""
    from pydantic import TypeAdapter

    from aws_iam.answer import Answer

    schema = TypeAdapter(Answer).json_schema()
    # A field of our own: see `Artifact.excerpt`.
    del schema["$defs"]["Artifact"]["properties"]["excerpt"]
    return schema
