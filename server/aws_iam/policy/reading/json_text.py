"""JSON values that know their place: what ordinary parsers lose (positions, repeated keys) is kept.

`json_scan.scan` reads them from text, `from_value` from Python's dict and list.
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
    from collections.abc import Iterator, Mapping, Sequence

MAX_CHARACTERS = 2_000_000
"""The longest text that is read. AWS's largest policy has 32,768 bytes; lists of policies are longer."""
MAX_DEPTH = 64
MAX_KEY = 1_024
"""The longest object key: every place below a key repeats it, so an endless key would cost memory for each node."""
MAX_NODES = 1_000_000
# Python refuses to write out integers much longer than this.
_MAX_BITS = 10_000


class Form(StrEnum):
    """What a node is written as; the value is the word for people."""

    OBJECT = "an object"
    ARRAY = "a list"
    STRING = "text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    NULL = "null"


# Where the keys and values of a JSON text begin, in their order.
_BEGINNING = re.compile(r'[\s,:\]}]*("[^"\\]*(?:\\.[^"\\]*)*"|[{\[]|[-+.\w]+)')


# So many places are looked for by themselves before all lines are.
_FEW = 8


class Lines:
    """Where the lines, keys and values of a text begin, found out when first asked: most places are never told."""

    __slots__ = ("_asked", "_beginnings", "_spots", "_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._asked = 0
        self._starts: list[int] | None = None
        self._spots: list[int] = []
        self._beginnings: Iterator[re.Match[str]] | None = None

    @property
    def text(self) -> str:
        """The text itself."""
        return self._text

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1, the column in characters."""
        if self._asked < _FEW:
            self._asked += 1
            begin = self._text.rfind("\n", 0, offset) + 1
            return self._text.count("\n", 0, begin) + 1, offset - begin + 1
        if self._starts is None:
            self._starts = [0, *(match.end() for match in re.finditer("\n", self._text))]
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, number: int) -> int:
        """The offset of the key or value of that number in a text that is JSON."""
        if self._beginnings is None:
            self._beginnings = _BEGINNING.finditer(self._text)
        further = islice(self._beginnings, max(0, number + 1 - len(self._spots)))
        self._spots += [match.start(1) for match in further]
        return self._spots[number]


# Places, texts and nodes are written once, here and by the scanners. They are not declared frozen: making a frozen value
# takes three times as long, and a policy is made of hundreds.
@dataclass(slots=True, eq=False)
class Place:
    """A node's place as a link to its parent's: cheap for each node, spelled out only for a finding.

    `spot` is an offset in the text, or `-2 - n` for the n-th key or value of a JSON text, which is looked for when asked.
    """

    parent: Place | None = field(default=None, repr=False)
    token: str | int = ""
    spot: int = -1
    lines: Lines | None = field(default=None, repr=False)

    @property
    def offset(self) -> int:
        """Where it stands in the text, from 0; -1 without a text."""
        if self.spot < -1 and self.lines is not None:
            self.spot = self.lines.offset(-2 - self.spot)
        return self.spot

    @property
    def where(self) -> Where:
        """The place as JSON pointer, with line and column when the document was text."""
        if self.lines is None:
            return Where(pointer=self.pointer)
        line, column = self.lines.at(self.offset)
        return Where(pointer=self.pointer, line=line, column=column)

    @property
    def pointer(self) -> str:
        """The JSON pointer (RFC 6901); invisible characters of keys stand as escapes in it."""
        tokens: list[str] = []
        place = self
        while place.parent is not None:
            tokens.append(pointer_token(place.token))
            place = place.parent
        return "".join(f"/{token}" for token in reversed(tokens))


def pointer_token(token: str | int) -> str:
    """A key or index as it stands in a JSON pointer."""
    text = str(token)
    if not (text.isascii() and text.isprintable()):
        text = escaped(text, limit=MAX_KEY * 10)
    return text.replace("~", "~0").replace("/", "~1")


@dataclass(slots=True, unsafe_hash=True)
class Node:
    """A JSON value: the `value` of a scalar as written (numbers keep their digits), `items` or `members` of the others.

    Equal to any other of the same form and value, wherever they stand.
    """

    form: Form
    # Its place; with a token, the place of what holds it: next to no place is asked for, and it is made when it is.
    stand: Place = field(compare=False, repr=False)
    value: str = ""
    items: tuple[Node, ...] = ()
    members: tuple[Member, ...] = ()
    token: str | int | None = field(default=None, compare=False, repr=False)
    spot: int = field(default=-1, compare=False, repr=False)

    @property
    def at(self) -> Place:
        """Where it stands, and in what."""
        if self.token is not None:
            self.stand = Place(self.stand, self.token, self.spot, self.stand.lines)
            self.token = None
        return self.stand

    @property
    def text(self) -> str:
        """The value of a scalar, nothing of the others."""
        return self.value

    @property
    def where(self) -> Where:
        """Where it stands."""
        return self.at.where

    def member(self, name: str) -> Node | None:
        """The value under a key; of a repeated key the last one, as parsers read it."""
        for member in reversed(self.members):
            if member.name.value == name:
                return member.value
        return None

    def scalar(self) -> Text | None:
        """The node itself, None for objects, lists and null."""
        return self if self.form in _SCALARS else None

    def string(self) -> Text | None:
        """The node itself, None unless it is written as a string."""
        return self if self.form is Form.STRING else None

    def listed(self) -> tuple[Node, ...]:
        """The items of a list; any other node is a list of itself."""
        return self.items if self.form is Form.ARRAY else (self,)

    def __str__(self) -> str:
        return self.value


Text = Node
"""A node that is a scalar, or the key of a member."""


@dataclass(slots=True, unsafe_hash=True)
class Member:
    """A key of an object and its value; the key's own place is in `name`."""

    name: Text
    value: Node


def string(value: str, at: Place | None = None) -> Text:
    """A text at a place, or at none."""
    return Node(Form.STRING, at or Place(), value)


_SCALARS = frozenset({Form.STRING, Form.NUMBER, Form.BOOLEAN})


def from_value(value: object, known: Mapping[int, Node] | None = None) -> Node:
    """The node of a JSON value given as Python's dict, list, str, number, bool or None; it has no lines.

    `known` are the nodes of objects in it that were read before, at the same places, by the identity of the object.
    """
    return _Reader(known).document(value)


def dump(node: Node) -> str:
    """The node as JSON text on one line; repeated keys and the digits of numbers stay as they were."""
    return "".join(_written(node))


def rooted(node: Node, at: Place | None = None) -> Node:
    """The same node as the root of a document of its own: pointers start here, lines and columns stay."""
    here = at or Place(spot=node.at.spot, lines=node.at.lines)
    return Node(
        form=node.form,
        stand=here,
        value=node.value,
        items=tuple(rooted(each, _moved(each, here)) for each in node.items),
        members=tuple(
            Member(
                name=string(each.name.value, _under(here, each.name.at)),
                value=rooted(each.value, _moved(each.value, here)),
            )
            for each in node.members
        ),
    )


def _moved(node: Node, parent: Place) -> Place:
    return _under(parent, node.at)


def _under(parent: Place, place: Place) -> Place:
    return Place(parent, place.token, place.spot, place.lines)


def _written(node: Node) -> Iterator[str]:
    if node.form is Form.OBJECT:
        yield "{"
        for number, member in enumerate(node.members):
            yield f"{', ' if number else ''}{_quoted_json(member.name.value)}: "
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


class _Reader:
    """Python values to nodes, within the limits of texts."""

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
        if isinstance(value, str):
            self._characters += len(value)
            return Node(_STRING, at, str(value))
        if isinstance(value, dict):
            if id(value) in self._known:
                return self._known[id(value)]
            self._enter(len(value), at, depth)
            return Node(Form.OBJECT, at, "", (), self._members(value, at, depth + 1))
        if isinstance(value, (list, tuple)):
            self._enter(len(value), at, depth)
            return Node(Form.ARRAY, at, "", self._items(value, at, depth + 1))
        form, text = _scalar(value, at)
        return Node(form, at, text)

    def _items(self, values: Sequence[object], at: Place, depth: int) -> tuple[Node, ...]:
        texts = [each for each in values if type(each) is str]
        if len(texts) < len(values):
            numbered = enumerate(values)
            return tuple([self._node(each, Place(at, token), depth) for token, each in numbered])
        # Most of a policy is lists of texts.
        self._characters += sum(map(len, texts))
        return tuple([Node(_STRING, at, text, (), (), token) for token, text in enumerate(texts)])

    def _members(self, values: dict[object, object], at: Place, depth: int) -> tuple[Member, ...]:
        found = []
        for name, value in values.items():
            if not isinstance(name, str):
                raise InputError(f"{_place(at)}: the key {quoted(str(name))} is no text")
            self._characters += len(name)
            if len(name) > MAX_KEY:
                refuse_key(name, at)
            key = Node(_STRING, at, name, (), (), name)
            if type(value) is str:
                self._characters += len(value)
                found.append(Member(key, Node(_STRING, at, value, (), (), name)))
            else:
                found.append(Member(key, self._node(value, Place(at, name), depth)))
        return tuple(found)

    def _enter(self, size: int, at: Place, depth: int) -> None:
        if depth >= MAX_DEPTH:
            refuse_depth(depth, at)
        self._nodes += size
        self._refuse_beyond_limits()

    def _refuse_beyond_limits(self) -> None:
        if self._nodes > MAX_NODES or self._characters > MAX_CHARACTERS:
            raise InputError(
                f"the document has more than {MAX_NODES:,} values or {MAX_CHARACTERS:,} characters",
                hint="give the policies in smaller parts",
            )


_STRING = Form.STRING


def _scalar(value: object, at: Place) -> tuple[Form, str]:
    if value is None:
        return Form.NULL, "null"
    if isinstance(value, bool):
        return Form.BOOLEAN, "true" if value else "false"
    if isinstance(value, int) and value.bit_length() <= _MAX_BITS:
        return Form.NUMBER, str(int(value))
    if isinstance(value, float) and value - value == 0:  # neither infinite nor not a number
        return Form.NUMBER, repr(float(value))
    raise InputError(
        f"{_place(at)}: a value that JSON cannot write",
        hint="a document is made of objects, lists, texts, numbers, true, false and null",
    )


def _place(at: Place) -> str:
    return f"at `{at.where}`"


def refuse_depth(depth: int, at: Place) -> None:
    """Raise InputError when a container would open too deep inside others."""
    if depth >= MAX_DEPTH:
        raise InputError(
            f"{_deep_place(at)}: the document is nested deeper than {MAX_DEPTH} levels",
            hint="a policy needs seven: check for a list or object wrapped in itself",
        )


def _deep_place(at: Place) -> str:
    where = at.where
    return f"line {where.line}:{where.column}" if where.line else f"at `{where.pointer[:60]}…`"


def refuse_key(name: str, at: Place) -> None:
    """Raise InputError for an endless key of the object at that place."""
    if len(name) > MAX_KEY:
        raise InputError(
            f"{_place(at)}: the key {quoted(name, 40)} has {len(name):,} characters",
            hint=f"keys of policies have at most {MAX_KEY:,}",
        )
