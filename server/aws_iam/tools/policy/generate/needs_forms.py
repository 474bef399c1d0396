"""The argument `needs` of `generate` as people give it: actions and resources apart, levels by other words."""

from __future__ import annotations

from typing import Any

from aws_iam.engine.parsing.json_text import python_value
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import folded

_ACTIONS = ("action", "actions", "permissions")
_RESOURCES = ("resource", "resources", "arn", "arns")
_LEVELS = {
    "readonly": ("read",),
    "readaccess": ("read",),
    "writeaccess": ("write",),
    "readwrite": ("read", "write"),
    "read/write": ("read", "write"),
    "readandwrite": ("read", "write"),
}


def needs_of(given: Any) -> tuple[Any, tuple[str, ...]]:
    """The needs by access level or action, and how they were understood; what has no one meaning stays as it is."""
    value = _parsed(given)
    parts = value if isinstance(value, list) else [value]
    if not parts:
        return given, ()
    needs: dict[str, Any] = {}
    understood: dict[str, None] = {}
    for part in parts:
        read = _read(part, understood) if isinstance(part, dict) else None
        if read is None or needs.keys() & read.keys():
            return given, ()
        needs |= read
    return (needs, tuple(understood)) if understood or value is not parts[0] else (given, ())


def _read(part: dict[Any, Any], understood: dict[str, None]) -> dict[str, Any] | None:
    """One object of needs by access level or action; None where it could mean two things."""
    names = {folded(str(name)): member for name, member in part.items()}
    actions = [names[name] for name in _ACTIONS if name in names]
    resources = [names[name] for name in _RESOURCES if name in names]
    if len(names) == 2 and len(actions) == len(resources) == 1:  # noqa: PLR2004 - actions and resources
        listed = actions[0] if isinstance(actions[0], list) else [actions[0]]
        understood["`needs`: every action on every resource"] = None
        return (
            dict.fromkeys(listed, resources[0])
            if all(isinstance(action, str) for action in listed)
            else None
        )
    needs: dict[str, Any] = {}
    for name, targets in part.items():
        levels = _LEVELS.get(folded(str(name)))
        for level in levels or (str(name),):
            if level in needs:
                return None
            needs[level] = targets
        if levels:
            meant = " and ".join(f"`{level}`" for level in levels)
            understood[f"{quoted(str(name))} as {meant}"] = None
    return needs


def _parsed(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return python_value(given)
    except (InputError, ValueError, RecursionError):
        return given
