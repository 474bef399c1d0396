"""Parsed JSON (dict, list, str, …) to nodes, within the same limits as JSON text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.parsing.json_nodes import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_KEY,
    Form,
    Member,
    Node,
    Place,
    place_of,
    refuse_depth,
    refuse_key,
)
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_NODES = 1_000_000
# Python refuses to convert much longer integers to text.
_MAX_BITS = 10_000
_STRING, _ARRAY, _OBJECT = Form.STRING, Form.ARRAY, Form.OBJECT
_TEXTS = {str}


def from_value(value: object, known: Mapping[int, Node] | None = None) -> Node:
    """The node of a JSON value that is a dict, list, str, number, bool or None; without lines.

    `known` has the nodes of objects that were read before at the same places, by `id` of the object.
    """
    return _Reader(known).document(value)


class _Reader:
    """Turns Python values into nodes and counts them."""

    __slots__ = ("_characters", "_known", "_nodes")

    def __init__(self, known: Mapping[int, Node] | None = None) -> None:
        self._known = known or {}
        self._nodes = 1
        self._characters = 0

    def document(self, value: object) -> Node:
        found = self._node(value, Place(), 0)
        self._refuse_beyond_limits()
        return found

    def _node(self, value: object, at: Place, depth: int) -> Node:
        if isinstance(value, dict):
            if self._known and id(value) in self._known:
                return self._known[id(value)]
            self._enter(len(value), at, depth)
            return Node(_OBJECT, at, "", (), self._members(value, at, depth + 1))
        if isinstance(value, str):
            self._characters += len(value)
            return Node(_STRING, at, str(value))
        if isinstance(value, (list, tuple)):
            self._enter(len(value), at, depth)
            if texts := self._words(value):
                return Node(_ARRAY, at, words=texts)
            return Node(_ARRAY, at, "", self._items(value, at, depth + 1))
        form, text = _scalar(value, at)
        return Node(form, at, text)

    def _words(self, values: Sequence[object]) -> Sequence[str]:
        """The texts of a list that holds nothing else, as most lists of a policy; empty for any other."""
        if set(map(type, values)) != _TEXTS:
            return ()
        texts: list[Any] = list(values)
        self._characters += sum(map(len, texts))
        return texts

    def _items(self, values: Sequence[object], at: Place, depth: int) -> tuple[Node, ...]:
        numbered = enumerate(values)
        return tuple([self._node(value, Place(at, token), depth) for token, value in numbered])

    def _members(self, values: dict[object, Any], at: Place, depth: int) -> tuple[Member, ...]:
        found = []
        characters = 0
        for name, value in values.items():
            if not isinstance(name, str):
                raise InputError(f"{place_of(at)}: the key {quoted(str(name))} is not text")
            size = len(name)
            if size > MAX_KEY:
                refuse_key(name, at)
            characters += size
            kind = type(value)
            if kind is str:
                characters += len(value)
                node = Node(_STRING, at, value, (), (), name)
            elif kind is list and depth < MAX_DEPTH and set(map(type, value)) == _TEXTS:
                self._nodes += len(value)
                characters += sum(map(len, value))
                node = Node(_ARRAY, at, "", (), (), name, -1, value.copy())
            else:
                node = self._node(value, Place(at, name), depth)
            found.append(Member(name, node))
        self._characters += characters
        return tuple(found)

    def _enter(self, size: int, at: Place, depth: int) -> None:
        if depth >= MAX_DEPTH:
            refuse_depth(depth, at)
        self._nodes += size
        if self._nodes > MAX_NODES or self._characters > MAX_CHARACTERS:
            self._refuse_beyond_limits()

    def _refuse_beyond_limits(self) -> None:
        if self._nodes > MAX_NODES or self._characters > MAX_CHARACTERS:
            raise InputError(
                f"the document has more than {MAX_NODES:,} values or {MAX_CHARACTERS:,} characters",
                hint="check the policies in smaller batches",
            )


def _scalar(value: object, at: Place) -> tuple[Form, str]:
    if value is None:
        return Form.NULL, "null"
    if isinstance(value, bool):
        return Form.BOOLEAN, "true" if value else "false"
    if isinstance(value, int) and value.bit_length() <= _MAX_BITS:
        return Form.NUMBER, str(int(value))
    if isinstance(value, float) and value - value == 0:  # neither infinite nor NaN
        return Form.NUMBER, repr(float(value))
    raise InputError(
        f"{place_of(at)}: the value has no JSON form",
        hint="a document consists of objects, lists, texts, numbers, true, false and null",
    )
