"""JSON text to nodes with places, in time linear in the text.

Python's own parser reads the text. The nodes only store a number until somebody asks for their line and column. Two
kinds of failure: a `Syntax` value says where the text stops being JSON and how to mend it, an `InputError` says which
limit the text exceeds.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from aws_iam.engine.parsing.json_faults import Syntax, first_fault
from aws_iam.engine.parsing.json_nodes import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_KEY,
    Form,
    Lines,
    Member,
    Node,
    Place,
    refuse_depth,
    refuse_key,
)
from aws_iam.errors import InputError
from aws_iam.escape import quoted


def scan(text: str, at_most: int = MAX_CHARACTERS) -> Node | Syntax:
    """The JSON value of a text, or where the text stops being JSON."""
    if len(text) > at_most:
        raise InputError(
            f"the document has {len(text):,} characters, more than the limit of {at_most:,}",
            hint="check the policies in smaller batches",
        )
    try:
        value = _decode(text)
    except (ValueError, RecursionError):
        return first_fault(text)
    return _Nodes(text).document(value)


def python_value(text: str) -> Any:
    """The JSON value as Python's own types; InputError where an object names a key twice, ValueError for other text."""
    return json.loads(text, object_pairs_hook=_with_each_key_once)


def _with_each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    (repeated, _), *_ = Counter(name for name, _ in pairs).most_common(1)
    raise InputError(
        f"the key {quoted(repeated)} stands twice in one object",
        hint="parsers differ in which of the two they keep: keep one",
    )


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def _refuse(word: str) -> NoReturn:
    # NaN and Infinity, which Python's parser accepts and JSON lacks.
    raise ValueError(word)


# An object becomes a tuple of pairs, so that repeated keys survive; a list stays a list.
_decode = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=_Number, parse_float=_Number, parse_constant=_refuse
).decode


class _Nodes:
    """Turns parsed values into nodes that are numbered in the order of the text."""

    __slots__ = ("_lines", "_number")

    def __init__(self, text: str) -> None:
        self._lines = Lines(text)
        # The number of the last key or value, as `Place.spot` encodes it.
        self._number = -1

    def document(self, value: Any) -> Node:
        self._number -= 1
        return self._node(value, Place(None, "", self._number, self._lines), 0)

    def _node(self, value: Any, at: Place, depth: int) -> Node:
        kind = type(value)
        if kind is str:
            return Node(_STRING, at, value)
        if depth >= MAX_DEPTH and kind in {list, tuple}:
            refuse_depth(depth, at)
        if kind is list:
            return self._list(value, at, depth + 1)
        if kind is tuple:
            return Node(_OBJECT, at, "", (), self._members(value, at, depth + 1))
        if kind is _Number:
            return Node(Form.NUMBER, at, str(value))
        if value is None:
            return Node(Form.NULL, at, "null")
        return Node(Form.BOOLEAN, at, "true" if value else "false")

    def _members(
        self, pairs: tuple[tuple[str, Any], ...], at: Place, depth: int
    ) -> tuple[Member, ...]:
        lines = self._lines
        found = []
        for name, value in pairs:
            if len(name) > MAX_KEY:
                refuse_key(name, at)
            # A key gets the number before its value's.
            self._number -= 2
            number = self._number
            kind = type(value)
            if kind is str:
                node = Node(_STRING, at, value, (), (), name, number)
            elif kind is list and _is_of_texts(value) and depth < MAX_DEPTH:
                self._number -= len(value)
                node = Node(_ARRAY, at, "", (), (), name, number, value)
            else:
                node = self._node(value, Place(at, name, number, lines), depth)
            found.append(Member(name, node))
        count = len(pairs)
        if count > 1 and len(dict(pairs)) != count:
            lines.repeats_key = True
        return tuple(found)

    def _list(self, values: list[Any], at: Place, depth: int) -> Node:
        if _is_of_texts(values):
            self._number -= len(values)
            return Node(_ARRAY, at, words=values)
        items = []
        for token, value in enumerate(values):
            self._number -= 1
            items.append(self._node(value, Place(at, token, self._number, self._lines), depth))
        return Node(_ARRAY, at, "", tuple(items))


_STRING, _ARRAY, _OBJECT = Form.STRING, Form.ARRAY, Form.OBJECT
_TEXTS = {str}


def _is_of_texts(values: list[Any]) -> bool:
    # Most of a policy is lists of texts, and most of their places are never needed.
    return set(map(type, values)) == _TEXTS


__all__ = ["Syntax", "python_value", "scan"]
