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
from itertools import repeat
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
    try:
        return _reader(of)(data)
    except _Misfit as misfit:
        place = "".join([pointer, *(f"/{step}" for step in reversed(misfit.steps))])
        raise _error(misfit.problem, place) from None


class _Misfit(Exception):  # noqa: N818 - internal: `load` makes the error of it
    """Data that does not fit, and the steps to its place, the innermost first: those that fit need no place."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.steps: list[str | int] = []


Reader: TypeAlias = "Callable[[Any], Any]"
"""Makes a value of JSON data."""


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
    def read(data: Any) -> Any:
        _demand(data, isinstance(data, str) and data in words, of)
        return made(data)

    return read


def _scalar_reader(of: Any) -> Reader:
    def read(data: Any) -> Any:
        # `isinstance` would accept true as a whole number.
        if type(data) is not of or (of is int and abs(data) >= _BEYOND_AWS):
            raise _Misfit(_problem(data, of))
        return data

    return read


def _fields_of(value: Any) -> dict[str, Any]:
    return {field.name: dump(getattr(value, field.name)) for field in fields(value)}


def _union_reader(options: tuple[Any, ...]) -> Reader:
    # A fact's union has None, Miss and at most one more type: the one that remains.
    others = [option for option in options if option not in (type(None), Miss)]
    miss = _reader(Miss)
    other = _reader(others[0]) if others else miss
    takes_none, takes_miss = type(None) in options, Miss in options

    def read(data: Any) -> Any:
        if data is None and takes_none:
            return None
        if takes_miss and _is_miss(data):
            return miss(data)
        return other(data)

    return read


def _is_miss(data: Any) -> bool:
    return isinstance(data, dict) and len(data) == 1 and _MISSING in data


def _miss_reader() -> Reader:
    read_fields = _fields_reader(Miss)

    def read(data: Any) -> Any:
        _demand(data, _is_miss(data), f'an object with "{_MISSING}"')
        try:
            return read_fields(data[_MISSING])
        except _Misfit as misfit:
            misfit.steps.append(_MISSING)
            raise

    return read


def _tuple_reader(of: tuple[Any, ...]) -> Reader:
    parts = [_reader(part) for part in of if part is not ...]
    is_list = of[-1] is ...

    def read(data: Any) -> tuple[Any, ...]:
        _demand(data, isinstance(data, list), "a list")
        if not is_list:
            _demand(data, len(data) == len(parts), f"a list of {len(parts)}")
        found: list[Any] = []
        try:
            for part, item in zip(repeat(parts[0]) if is_list else parts, data, strict=False):
                found.append(part(item))
        except _Misfit as misfit:
            misfit.steps.append(len(found))
            raise
        return tuple(found)

    return read


def _load_time(data: Any) -> datetime:
    _demand(data, isinstance(data, str), "a time")
    try:
        time = datetime.fromisoformat(data)
    except ValueError:
        raise _Misfit(_problem(data, "a time")) from None
    _demand(time, time.tzinfo is not None, "a time with an offset")
    return time


def _fields_reader(of: Any) -> Reader:
    hints = get_type_hints(of)
    parts = {field.name: _reader(hints[field.name]) for field in fields(of)}
    formatted = [name for name in parts if id_formats.may_violate_format(of, name)]

    def read(data: Any) -> Any:
        _demand(data, isinstance(data, dict), "an object")
        if data.keys() != parts.keys():
            name = min(data.keys() ^ parts.keys())
            word = "lacks" if name in parts else "has the unknown field"
            raise _Misfit(f"{word} {quoted(str(name))}")
        name, loaded = "", {}
        try:
            for name, part in parts.items():
                loaded[name] = part(data[name])
            for name in formatted:
                expected = id_formats.violated_format(of, name, loaded[name])
                _demand(loaded[name], not expected, expected)
        except _Misfit as misfit:
            misfit.steps.append(name)
            raise
        return of(**loaded)

    return read


def _demand(data: Any, fits: bool, wanted: Any) -> None:  # noqa: FBT001 - the outcome of a test
    if not fits:
        raise _Misfit(_problem(data, wanted))


def checked(data: Any, fits: bool, wanted: Any, pointer: str) -> Any:  # noqa: FBT001 - the outcome of a test
    """The data; InputError when it does not fit at that place."""
    if not fits:
        raise _error(_problem(data, wanted), pointer)
    return data


_HINT = "take it again with `audit run` with `save: FILE`"
_NAMES = {str: "text", bool: "true or false", int: "a whole number"}


def _error(problem: str, pointer: str) -> InputError:
    return InputError(f"snapshot: {pointer or '/'} {problem}", hint=_HINT)


def _problem(data: Any, wanted: Any) -> str:
    name = wanted if isinstance(wanted, str) else _NAMES.get(wanted, "one of the known words")
    return f"must be {name}, not {shown(data)}"


def shown(data: Any) -> str:
    """JSON data for a message; nested data is only named, because it may be deep."""
    if isinstance(data, (dict, list)):
        return "an object" if isinstance(data, dict) else "a list"
    return quoted(data if isinstance(data, str) else json.dumps(data, default=str))
