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
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from aws_iam.account.collect.fact import Miss
from aws_iam.account.names import id_formats
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

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
    return _reader(of)(data, pointer)


Reader: TypeAlias = "Callable[[Any, str], Any]"
"""Makes a value of JSON data at a place."""


# A type is looked at once: the demonstration account has 20,000 values of 86 types.
@cache
def _reader(of: Any) -> Reader:
    origin = get_origin(of)
    if origin in (Union, types.UnionType):
        return _union_reader(get_args(of))
    if origin is tuple:
        return _tuple_reader(get_args(of))
    if origin is Literal:
        return _word_reader(of, frozenset(get_args(of)))
    return _class_reader(of)


def _class_reader(of: Any) -> Reader:
    if of is Miss:
        return _miss_reader()
    if is_dataclass(of):
        return _fields_reader(of)
    if of is datetime:
        return _load_time
    if issubclass(of, StrEnum):
        return _word_reader(of, frozenset(of), of)
    return _scalar_reader(of)


def _word_reader(of: Any, words: frozenset[str], made: Callable[[str], Any] = str) -> Reader:
    def read(data: Any, pointer: str) -> Any:
        return made(checked(data, isinstance(data, str) and data in words, of, pointer))

    return read


def _scalar_reader(of: Any) -> Reader:
    def read(data: Any, pointer: str) -> Any:
        # `isinstance` would accept true as a whole number.
        fits = type(data) is of and (of is not int or abs(data) < _BEYOND_AWS)
        return checked(data, fits, of, pointer)

    return read


def _fields_of(value: Any) -> dict[str, Any]:
    return {field.name: dump(getattr(value, field.name)) for field in fields(value)}


def _union_reader(options: tuple[Any, ...]) -> Reader:
    # A fact's union has None, Miss and at most one more type: the one that remains.
    others = [option for option in options if option not in (type(None), Miss)]
    miss = _reader(Miss)
    other = _reader(others[0]) if others else miss

    def read(data: Any, pointer: str) -> Any:
        if data is None and type(None) in options:
            return None
        if Miss in options and isinstance(data, dict) and set(data) == {_MISSING}:
            return miss(data, pointer)
        return other(data, pointer)

    return read


def _miss_reader() -> Reader:
    read_fields = _fields_reader(Miss)

    def read(data: Any, pointer: str) -> Any:
        fits = isinstance(data, dict) and set(data) == {_MISSING}
        inner = checked(data, fits, f'an object with "{_MISSING}"', pointer)[_MISSING]
        return read_fields(inner, f"{pointer}/{_MISSING}")

    return read


def _tuple_reader(of: tuple[Any, ...]) -> Reader:
    parts = [_reader(part) for part in of if part is not ...]
    is_list = of[-1] is ...

    def read(data: Any, pointer: str) -> tuple[Any, ...]:
        items = checked(data, isinstance(data, list), "a list", pointer)
        if is_list:
            return tuple(parts[0](item, f"{pointer}/{i}") for i, item in enumerate(items))
        checked(data, len(items) == len(parts), f"a list of {len(parts)}", pointer)
        pairs = enumerate(zip(parts, items, strict=True))
        return tuple(part(item, f"{pointer}/{i}") for i, (part, item) in pairs)

    return read


def _load_time(data: Any, pointer: str) -> datetime:
    text = checked(data, isinstance(data, str), "a time", pointer)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise _misfit(text, "a time", pointer) from None
    return checked(time, time.tzinfo is not None, "a time with an offset", pointer)  # type: ignore[no-any-return]


def _fields_reader(of: Any) -> Reader:
    hints = get_type_hints(of)
    parts = {field.name: _reader(hints[field.name]) for field in fields(of)}

    def read(data: Any, pointer: str) -> Any:
        values = checked(data, isinstance(data, dict), "an object", pointer)
        if differing := values.keys() ^ parts.keys():
            name = min(differing)
            word = "lacks" if name in parts else "has the unknown field"
            raise InputError(f"snapshot: {pointer or '/'} {word} {quoted(str(name))}", hint=_HINT)
        loaded = {name: part(values[name], f"{pointer}/{name}") for name, part in parts.items()}
        for name, value in loaded.items():
            expected = id_formats.violated_format(of, name, value)
            checked(value, not expected, expected, f"{pointer}/{name}")
        return of(**loaded)

    return read


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
