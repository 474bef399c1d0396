"""Frozen values ↔ JSON data, by their type hints; a `Miss` travels as `{"missing": {…}}`.

Every field is written, and every field is required when loading: filling in a default would invent a fact.
"""

from __future__ import annotations

import json
import types
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from aws_iam.account.collect.fact import Miss
from aws_iam.account.names import id_formats
from aws_iam.errors import InputError
from aws_iam.escape import quoted

_MISSING = "missing"
# The numbers of AWS have 64 bits; none of those that are kept comes near it.
_BEYOND_AWS = 2**63


def dump(value: Any) -> Any:
    """The value as JSON data."""
    if isinstance(value, Miss):
        return {_MISSING: _fields_of(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return _fields_of(value)
    if isinstance(value, tuple):
        return [dump(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


def load(of: Any, data: Any, pointer: str) -> Any:
    """The JSON data as a value of the type; InputError names the place that does not fit."""
    if get_origin(of) in (Union, types.UnionType):
        return _load_union(get_args(of), data, pointer)
    if get_origin(of) is tuple:
        return _load_tuple(get_args(of), data, pointer)
    if of is Miss:
        return _load_miss(data, pointer)
    if is_dataclass(of):
        return _load_fields(of, data, pointer)
    return _load_scalar(of, data, pointer)


def _load_scalar(of: Any, data: Any, pointer: str) -> Any:
    if of is datetime:
        return _load_time(data, pointer)
    if get_origin(of) is Literal:
        return checked(data, isinstance(data, str) and data in get_args(of), of, pointer)
    if issubclass(of, StrEnum):
        return of(checked(data, isinstance(data, str) and data in set(of), of, pointer))
    # `isinstance` would accept true as a whole number.
    fits = type(data) is of and (of is not int or abs(data) < _BEYOND_AWS)
    return checked(data, fits, of, pointer)


def _fields_of(value: Any) -> dict[str, Any]:
    return {field.name: dump(getattr(value, field.name)) for field in fields(value)}


def _load_union(options: tuple[Any, ...], data: Any, pointer: str) -> Any:
    if data is None and type(None) in options:
        return None
    if Miss in options and isinstance(data, dict) and set(data) == {_MISSING}:
        return _load_miss(data, pointer)
    # A fact's union has None, Miss and at most one more type: the one that remains.
    others = [option for option in options if option not in (type(None), Miss)]
    return load(others[0] if others else Miss, data, pointer)


def _load_miss(data: Any, pointer: str) -> Any:
    fits = isinstance(data, dict) and set(data) == {_MISSING}
    inner = checked(data, fits, f'an object with "{_MISSING}"', pointer)[_MISSING]
    return _load_fields(Miss, inner, f"{pointer}/{_MISSING}")


def _load_tuple(of: tuple[Any, ...], data: Any, pointer: str) -> tuple[Any, ...]:
    items = checked(data, isinstance(data, list), "a list", pointer)
    if of[-1] is ...:
        return tuple(load(of[0], item, f"{pointer}/{i}") for i, item in enumerate(items))
    checked(data, len(items) == len(of), f"a list of {len(of)}", pointer)
    pairs = zip(of, items, strict=True)
    return tuple(load(option, item, f"{pointer}/{i}") for i, (option, item) in enumerate(pairs))


def _load_time(data: Any, pointer: str) -> datetime:
    text = checked(data, isinstance(data, str), "a time", pointer)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise _misfit(text, "a time", pointer) from None
    return checked(time, time.tzinfo is not None, "a time with an offset", pointer)  # type: ignore[no-any-return]


def _load_fields(of: Any, data: Any, pointer: str) -> Any:
    hints = _hints(of)
    values = checked(data, isinstance(data, dict), "an object", pointer)
    if differing := set(values) ^ set(hints):
        name = min(differing)
        word = "lacks" if name in hints else "has the unknown field"
        raise InputError(f"snapshot: {pointer or '/'} {word} {quoted(str(name))}", hint=_HINT)
    loaded = {name: load(hint, values[name], f"{pointer}/{name}") for name, hint in hints.items()}
    for name, value in loaded.items():
        expected = id_formats.violated_format(of, name, value)
        checked(value, not expected, expected, f"{pointer}/{name}")
    return of(**loaded)


# 80 µs for each type; loading the demonstration account asks 2,170 times for 86 types.
@cache
def _hints(of: Any) -> dict[str, Any]:
    hints = get_type_hints(of)
    return {field.name: hints[field.name] for field in fields(of)}


def checked(data: Any, fits: bool, wanted: Any, pointer: str) -> Any:  # noqa: FBT001 - the outcome of a test
    """The data; InputError when it does not fit at that place."""
    if not fits:
        raise _misfit(data, wanted, pointer)
    return data


_HINT = "take it again with `audit run` with `save: FILE`"
_NAMES = {str: "text", bool: "true or false", int: "a whole number"}


def _misfit(data: Any, wanted: Any, pointer: str) -> InputError:
    name = wanted if isinstance(wanted, str) else _NAMES.get(wanted, "one of the known words")
    return InputError(f"snapshot: {pointer or '/'} must be {name}, not {shown(data)}", hint=_HINT)


def shown(data: Any) -> str:
    """JSON data for a message; nested data is only named, because it may be deep."""
    if isinstance(data, (dict, list)):
        return "an object" if isinstance(data, dict) else "a list"
    return quoted(data if isinstance(data, str) else json.dumps(data, default=str))
