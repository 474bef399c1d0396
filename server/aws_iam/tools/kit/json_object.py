"""Arguments that are an object, given as a value or as JSON text."""

from __future__ import annotations

import json
from typing import Any

from aws_iam.errors import InputError
from aws_iam.escape import quoted

_LARGEST = 10**18


def json_object(name: str, value: Any, *, example: str, hint: str = "") -> dict[str, Any]:
    """The object that the argument holds, empty when the argument is absent; `example` shows its form in errors."""
    value = json_value(name, value, example=example)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(
            f"`{name}` must be an object, not {value_words(value)}",
            hint="; ".join(filter(None, (f"such as {example}", hint))),
        )
    return {str(key): member for key, member in value.items()}


def json_value(name: str, value: Any, *, example: str) -> Any:
    """The value of an argument, parsed where it is JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, object_pairs_hook=lambda pairs: _without_repeats(name, pairs))
    except json.JSONDecodeError as error:
        raise InputError(
            f"`{name}` is not JSON: {error.msg.lower()} (line {error.lineno}:{error.colno})",
            hint=f"pass an object such as {example}",
        ) from None
    except (ValueError, RecursionError):
        # Python raises these for integers of thousands of digits and for very deep nesting.
        raise InputError(
            f"`{name}` holds a number or a nesting that is too large to read",
            hint=f"pass an object such as {example}",
        ) from None


def _without_repeats(name: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, member in pairs:
        if key in members:
            raise InputError(f"`{name}` names {quoted(key)} twice", hint="keep one of them")
        members[key] = member
    return members


def value_words(value: Any) -> str:
    """A JSON value in the words of an error: small ones themselves, others by their type."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int):
        return f"`{value}`" if abs(value) < _LARGEST else "a number of more than 18 digits"
    if isinstance(value, float):
        return f"`{value}`"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "null"
