"""JSON values with their places: positions and repeated keys, which ordinary parsers lose, are kept.

`json_scan.scan` reads them from text, `json_value.from_value` from Python's dict and list.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.answer import Where
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_CHARACTERS = 2_000_000
"""The longest text that is read. The largest policy of AWS has 32,768 bytes; lists of policies are longer."""
MAX_DEPTH = 64
MAX_KEY = 1_024
"""The longest object key. Every place below a key repeats it, so a huge key would cost memory for each node."""


class Form(StrEnum):
    """The JSON type of a node; the value is the word for people."""

    OBJECT = "an object"
    ARRAY = "a list"
    STRING = "a string"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    NULL = "null"


# Matches up to the beginning of the next key or value of a JSON text.
_BEGINNING = re.compile(r'[\s,:\]}]*("[^"\\]*(?:\\.[^"\\]*)*"|[{\[]|[-+.\w]+)')
# The same in a text without escapes, in two thirds of the time.
_PLAIN_BEGINNING = re.compile(r'[\s,:\]}]*("[^"]*"|[{\[]|[-+.\w]+)')


# So many places are located one by one; after that all line starts are collected.
_FEW = 8


class Lines:
    """Where the lines, keys and values of a text begin; computed on demand, since most places are never shown."""

    __slots__ = (
        "_beginnings",
        "_lookups",
        "_offsets",
        "_starts",
        "_text",
        "above",
        "file",
        "repeats_key",
    )

    def __init__(self, text: str, file: str | None = None) -> None:
        # Named where the values of one document may stand in several files.
        self.file = file
        # How many lines of the file stand above the text, where it is a part of one.
        self.above = 0
        # Whether an object in the text names a key twice; the parser says so.
        self.repeats_key = False
        self._text = text
        self._lookups = 0
        self._starts: list[int] | None = None
        self._offsets: list[int] = []
        self._beginnings: Iterator[re.Match[str]] | None = None

    @property
    def text(self) -> str:
        """The text itself."""
        return self._text

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1, the column in characters."""
        if self._lookups < _FEW:
            self._lookups += 1
            begin = self._text.rfind("\n", 0, offset) + 1
            return self._text.count("\n", 0, begin) + 1 + self.above, offset - begin + 1
        if self._starts is None:
            self._starts = [0, *(match.end() for match in re.finditer("\n", self._text))]
        line = bisect.bisect_right(self._starts, offset)
        return line + self.above, offset - self._starts[line - 1] + 1

    def offset(self, number: int) -> int:
        """The offset of the n-th key or value of a JSON text."""
        if self._beginnings is None:
            pattern = _BEGINNING if "\\" in self._text else _PLAIN_BEGINNING
            self._beginnings = pattern.finditer(self._text)
        further = islice(self._beginnings, max(0, number + 1 - len(self._offsets)))
        self._offsets += [match.start(1) for match in further]
        return self._offsets[number]


# Nobody changes places, texts and nodes after the parsers made them. They are not frozen because creating a frozen value
# takes three times as long and a policy consists of hundreds.
@dataclass(slots=True, eq=False)
class Place:
    """The place of a node, linked to its parent's: cheap to create, spelled out only for a finding.

    `spot` is an offset in the text, or `-2 - n` for the n-th key or value of a JSON text, which is located on demand.
    """

    parent: Place | None = field(default=None, repr=False)
    token: str | int = ""
    spot: int = -1
    lines: Lines | None = field(default=None, repr=False)

    @property
    def offset(self) -> int:
        """The offset in the text, from 0; -1 without a text."""
        if self.spot < -1 and self.lines is not None:
            return self.lines.offset(-2 - self.spot)
        return self.spot

    @property
    def where(self) -> Where:
        """The JSON pointer, with line and column when the document was text."""
        if self.lines is None:
            return Where(pointer=self.pointer)
        line, column = self.lines.at(self.offset)
        return Where(pointer=self.pointer, file=self.lines.file, line=line, column=column)

    @property
    def pointer(self) -> str:
        """The JSON pointer (RFC 6901), with invisible characters of keys escaped."""
        pointer, place = "", self
        while place.parent is not None:
            pointer = f"/{pointer_token(place.token)}{pointer}"
            place = place.parent
        return pointer


def pointer_token(token: str | int) -> str:
    """A key or index in the spelling of a JSON pointer."""
    text = str(token)
    if text.isascii() and text.isalnum():
        return text
    if not (text.isascii() and text.isprintable()):
        text = escaped(text, limit=MAX_KEY * 10)
    return text.replace("~", "~0").replace("/", "~1")


class Node:
    """A JSON value: `value` is a scalar as written (numbers keep their digits), lists have `items`, objects `members`.

    Nodes are equal when form and value are, wherever they stand.
    """

    __slots__ = ("_items", "_words", "form", "members", "spot", "stand", "token", "value")

    def __init__(  # noqa: PLR0913, PLR0917 - created by the hundred, in one call each
        self,
        form: Form,
        stand: Place,
        value: str = "",
        items: tuple[Node, ...] = (),
        members: tuple[Member, ...] = (),
        token: str | int | None = None,
        spot: int = -1,
        words: Sequence[str] | None = None,
    ) -> None:
        """`stand` is the node's place; with a `token` it is the container's, and the node's own is created on demand.

        `words` are the strings of a list that holds nothing else; they become items on demand.
        """
        self.form = form
        self.stand = stand
        self.value = value
        self.members = members
        self.token = token
        self.spot = spot
        self._items = items
        self._words = words

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of a list."""
        words = self._words
        if words and not self._items:
            at = self.at
            # In JSON text, the items are numbered after their list.
            step = -1 if at.spot < -1 else 0
            self._items = tuple(
                [
                    Node(_STRING, at, word, (), (), token, at.spot + step * (token + 1))
                    for token, word in enumerate(words)
                ]
            )
        return self._items

    @property
    def containers(self) -> list[Node]:
        """The node and the objects and lists in it, without empty ones and lists of texts of which no item was asked for."""
        found = [self]
        for node in found:
            for member in node.members:
                inner = member.value
                if inner.members or inner._items:  # noqa: SLF001 - of its own class
                    found.append(inner)
            if node._items:  # noqa: SLF001
                found += [own for own in node._items if own.members or own._items]  # noqa: SLF001
        return found

    @property
    def words(self) -> Sequence[str]:
        """The string, or the strings of the list, without their places."""
        if self._words is not None:
            return self._words
        if self.form is _STRING:
            return (self.value,)
        return [item.value for item in self._items if item.form is _STRING]

    @property
    def count(self) -> int:
        """The number of items of a list."""
        return len(self._items if self._words is None else self._words)

    @property
    def is_of_texts(self) -> bool:
        """Whether it is a string, or a list of strings and nothing else."""
        if self.form is _STRING:
            return True
        return bool(self._words) or 0 < len(self._items) == len(self.words)

    @property
    def at(self) -> Place:
        """The node's place."""
        if self.token is not None:
            self.stand = Place(self.stand, self.token, self.spot, self.stand.lines)
            self.token = None
        return self.stand

    @property
    def text(self) -> str:
        """The value of a scalar; empty for other nodes."""
        return self.value

    @property
    def where(self) -> Where:
        """The node's place as pointer, line and column."""
        return self.at.where

    def member(self, name: str) -> Node | None:
        """The value under a key; the last one when the key is repeated, as in other parsers."""
        for member in reversed(self.members):
            if member.key == name:
                return member.value
        return None

    def scalar(self) -> Text | None:
        """The node itself; None for objects, lists and null."""
        return self if self.form in _SCALARS else None

    def string(self) -> Text | None:
        """The node itself; None unless it is a string."""
        return self if self.form is _STRING else None

    def listed(self) -> tuple[Node, ...]:
        """The items of a list; for any other node, just the node."""
        return self.items if self.form is _ARRAY else (self,)

    def but(
        self,
        *,
        stand: Place | None = None,
        value: str | None = None,
        items: tuple[Node, ...] | None = None,
        members: tuple[Member, ...] | None = None,
    ) -> Node:
        """A copy of the node with some fields replaced."""
        return Node(
            self.form,
            self.at if stand is None else stand,
            self.value if value is None else value,
            self.items if items is None else items,
            self.members if members is None else members,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[object, ...]:
        return self.form, self.value, self.items, self.members

    def __repr__(self) -> str:
        return f"Node({dump(self)})"

    def __str__(self) -> str:
        return self.value


Text = Node
"""A node that is a scalar, or the key of a member."""


class Member:
    """A key of an object and its value; `name` is the key with its place."""

    __slots__ = ("_name", "key", "value")

    def __init__(self, key: str, value: Node, name: Text | None = None) -> None:
        """`name` is needed where the key's place does not follow from the value's."""
        self.key = key
        self.value = value
        self._name = name

    @classmethod
    def named(cls, name: Text, value: Node) -> Member:
        """A member whose key has a place of its own."""
        return cls(name.value, value, name)

    @property
    def name(self) -> Text:
        """The key, with its place."""
        if self._name is None:
            at = self.value.at
            # In JSON text, a key is numbered just before its value.
            spot = at.spot + 1 if at.spot < -1 else at.spot
            self._name = Node(_STRING, Place(at.parent, self.key, spot, at.lines), self.key)
        return self._name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Member) and self.key == other.key and self.value == other.value

    def __hash__(self) -> int:
        return hash((self.key, self.value))


def string(value: str, at: Place | None = None) -> Text:
    """A string node, with or without a place."""
    return Node(Form.STRING, at or Place(), value)


_STRING, _ARRAY = Form.STRING, Form.ARRAY
_SCALARS = frozenset({Form.STRING, Form.NUMBER, Form.BOOLEAN})


def walk(root: Node) -> Iterator[Node]:
    """The node and all nodes in it, as they are written."""
    todo = [root]
    while todo:
        node = todo.pop()
        yield node
        todo += reversed((*node.items, *(member.value for member in node.members)))


def dump(node: Node) -> str:
    """The node as JSON text on one line, with repeated keys and the original digits of numbers."""
    return "".join(_written(node))


def rooted(node: Node, at: Place | None = None) -> Node:
    """The node as the root of its own document: pointers start here, lines and columns stay."""
    here = at or Place(spot=node.at.spot, lines=node.at.lines)
    return Node(
        form=node.form,
        stand=here,
        value=node.value,
        items=tuple(rooted(item, _under(here, item.at)) for item in node.items),
        members=tuple(
            Member.named(
                string(member.key, _under(here, member.name.at)),
                rooted(member.value, _under(here, member.value.at)),
            )
            for member in node.members
        ),
    )


def _under(parent: Place, place: Place) -> Place:
    return Place(parent, place.token, place.spot, place.lines)


def _written(node: Node) -> Iterator[str]:
    if node.form is Form.OBJECT:
        yield "{"
        for number, member in enumerate(node.members):
            yield f"{', ' if number else ''}{_quoted_json(member.key)}: "
            yield from _written(member.value)
        yield "}"
    elif node.form is Form.ARRAY:
        yield "["
        for number, item in enumerate(node.items):
            yield ", " if number else ""
            yield from _written(item)
        yield "]"
    else:
        yield _quoted_json(node.text) if node.form is Form.STRING else node.text


_NEEDS_ESCAPE = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _quoted_json(text: str) -> str:
    return f'"{_NEEDS_ESCAPE.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return _SHORT.get(character, f"\\u{ord(character):04x}")


def place_of(at: Place) -> str:
    """The place as error messages write it."""
    return f"at `{at.where}`"


def refuse_depth(depth: int, at: Place) -> None:
    """Raise InputError when containers are nested too deeply."""
    if depth >= MAX_DEPTH:
        raise InputError(
            f"{_deep_place(at)}: the document is nested deeper than {MAX_DEPTH} levels",
            hint="a policy needs seven levels: look for a list or object that wraps itself",
        )


def _deep_place(at: Place) -> str:
    where = at.where
    return f"line {where.line}:{where.column}" if where.line else f"at `{where.pointer[:60]}…`"


def refuse_key(name: str, at: Place) -> None:
    """Raise InputError for a huge key of the object at that place."""
    if len(name) > MAX_KEY:
        raise InputError(
            f"{place_of(at)}: the key {quoted(name, 40)} has {len(name):,} characters",
            hint=f"a key has at most {MAX_KEY:,} characters",
        )
