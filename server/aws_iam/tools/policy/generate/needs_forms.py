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
    if not isinstance(value, dict):
        return given, ()
    names = {folded(str(name)): member for name, member in value.items()}
    actions = [names[name] for name in _ACTIONS if name in names]
    resources = [names[name] for name in _RESOURCES if name in names]
    if len(names) == 2 and len(actions) == len(resources) == 1:  # noqa: PLR2004 - actions and resources
        listed = actions[0] if isinstance(actions[0], list) else [actions[0]]
        if all(isinstance(action, str) for action in listed):
            return dict.fromkeys(listed, resources[0]), (
                "`needs`: every action on every resource",
            )
        return given, ()
    other = {
        str(name): _LEVELS[folded(str(name))] for name in value if folded(str(name)) in _LEVELS
    }
    levels = {level for meant in other.values() for level in meant}
    if not other or levels & value.keys() or len(levels) < sum(map(len, other.values())):
        return given, ()
    needs = {
        level: targets
        for name, targets in value.items()
        for level in other.get(str(name), (name,))
    }
    return needs, tuple(
        f"{quoted(name)} as {' and '.join(f'`{level}`' for level in meant)}"
        for name, meant in other.items()
    )


def _parsed(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return python_value(given)
    except (InputError, ValueError, RecursionError):
        return given
