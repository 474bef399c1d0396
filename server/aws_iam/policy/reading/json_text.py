"""JSON values that know their place: what ordinary parsers lose (positions, repeated keys) is kept.

`json_scan.scan` reads them from text, `from_value` from Python's dict and list.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from aws_iam.answer import Where
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

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


class Lines:
    """Where the lines of a text begin, found out when first asked."""

    __slots__ = ("_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] | None = None

    @property
    def text(self) -> str:
        """The text itself."""
        return self._text

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1, the column in characters."""
        if self._starts is None:
            self._starts = [0, *(match.end() for match in re.finditer("\n", self._text))]
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


# Places, texts and nodes are written once, here and by the scanners. They are not declared frozen: making a frozen value
# takes three times as long, and a policy is made of hundreds.
@dataclass(slots=True, eq=False)
class Place:
    """A node's place as a link to its parent's: cheap for each node, spelled out only for a finding."""

    parent: Place | None = field(default=None, repr=False)
    token: str | int = ""
    offset: int = -1
    lines: Lines | None = field(default=None, repr=False)

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


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Text:
    """A scalar as text, with its place; equal to any other of the same value and form."""

    value: str
    at: Place = field(default=Place(), compare=False, repr=False)
    form: Form = Form.STRING

    @property
    def where(self) -> Where:
        """Where it stands."""
        return self.at.where

    def __str__(self) -> str:
        return self.value


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Member:
    """A key of an object and its value; the key's own place is in `name`."""

    name: Text
    value: Node


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Node:
    """A JSON value: `text` of a scalar as written (numbers keep their digits), `items` or `members` of the others."""

    form: Form
    at: Place = field(compare=False, repr=False)
    text: str = ""
    items: tuple[Node, ...] = ()
    members: tuple[Member, ...] = ()

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
        """The node as text, None for objects, lists and null."""
        if self.form in _SCALARS:
            return Text(value=self.text, at=self.at, form=self.form)
        return None

    def string(self) -> Text | None:
        """The node as text, None unless it is written as a string."""
        return self.scalar() if self.form is Form.STRING else None

    def listed(self) -> tuple[Node, ...]:
        """The items of a list; any other node is a list of itself."""
        return self.items if self.form is Form.ARRAY else (self,)


_SCALARS = frozenset({Form.STRING, Form.NUMBER, Form.BOOLEAN})


def from_value(value: object) -> Node:
    """The node of a JSON value given as Python's dict, list, str, number, bool or None; it has no lines."""
    return _Reader().document(value)


def dump(node: Node) -> str:
    """The node as JSON text on one line; repeated keys and the digits of numbers stay as they were."""
    return "".join(_written(node))


def rooted(node: Node, at: Place | None = None) -> Node:
    """The same node as the root of a document of its own: pointers start here, lines and columns stay."""
    here = at or Place(offset=node.at.offset, lines=node.at.lines)
    return Node(
        form=node.form,
        at=here,
        text=node.text,
        items=tuple(rooted(each, _moved(each, here)) for each in node.items),
        members=tuple(
            Member(
                name=Text(value=each.name.value, at=_under(here, each.name.at)),
                value=rooted(each.value, _moved(each.value, here)),
            )
            for each in node.members
        ),
    )


def _moved(node: Node, parent: Place) -> Place:
    return _under(parent, node.at)


def _under(parent: Place, place: Place) -> Place:
    return Place(parent, place.token, place.offset, place.lines)


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

    def __init__(self) -> None:
        self._nodes = 1
        self._characters = 0

    def document(self, value: object) -> Node:
        found = self.node(value, Place(), 0)
        self._refuse_beyond_limits()
        return found

    def node(self, value: object, at: Place, depth: int) -> Node:
        if isinstance(value, str):
            self._characters += len(value)
            return Node(form=Form.STRING, at=at, text=str(value))
        if isinstance(value, dict):
            self._enter(len(value), at, depth)
            members = tuple(
                [self._member(name, each, at, depth + 1) for name, each in value.items()]
            )
            return Node(form=Form.OBJECT, at=at, members=members)
        if isinstance(value, (list, tuple)):
            self._enter(len(value), at, depth)
            items = tuple(
                [self.node(each, Place(at, n), depth + 1) for n, each in enumerate(value)]
            )
            return Node(form=Form.ARRAY, at=at, items=items)
        form, text = _scalar(value, at)
        return Node(form=form, at=at, text=text)

    def _member(self, name: object, value: object, at: Place, depth: int) -> Member:
        if not isinstance(name, str):
            raise InputError(f"{_place(at)}: the key {quoted(str(name))} is no text")
        self._characters += len(name)
        refuse_key(name, at)
        place = Place(at, name)
        return Member(name=Text(value=name, at=place), value=self.node(value, place, depth))

    def _enter(self, size: int, at: Place, depth: int) -> None:
        refuse_depth(depth, at)
        self._nodes += size
        self._refuse_beyond_limits()

    def _refuse_beyond_limits(self) -> None:
        if self._nodes > MAX_NODES or self._characters > MAX_CHARACTERS:
            raise InputError(
                f"the document has more than {MAX_NODES:,} values or {MAX_CHARACTERS:,} characters",
                hint="give the policies in smaller parts",
            )


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
