"""YAML text to the same nodes as JSON, with places. No Python object is constructed, so tags can do no harm.

The tree is built from PyYAML's events without recursion into the text: depth, aliases and size are bounded.
A tag of CloudFormation's short form becomes its long form: `!Sub x` is `{"Fn::Sub": "x"}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Where
from aws_iam.engine.parsing.json_nodes import (
    Form,
    Lines,
    Member,
    Node,
    Place,
    refuse_depth,
    refuse_key,
    string,
)
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EXPANDED = 300_000
"""The most values of one text, each alias counted as a copy: ten lines of aliases can expand to billions."""

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TRUE = frozenset({"yes", "true", "on"})
_CORE = "tag:yaml.org,2002:"
_MERGE = "<<"


@dataclass(slots=True)
class _Raw:
    """A value as PyYAML's events describe it; the children of a mapping alternate between key and value."""

    form: Form
    offset: int
    text: str = ""
    tag: str = ""
    plain: bool = False
    children: list[_Raw] = field(default_factory=list)


def scan_yaml(text: str) -> tuple[Node, ...] | Syntax:
    """The documents of a YAML text, or where the text stops being YAML."""
    import yaml

    try:
        return tuple(_documents(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Where(line=mark.line + 1, column=mark.column + 1) if mark else Where()
        problem = escaped(error.problem or "the text is not YAML", 200)
    except (yaml.YAMLError, UnicodeEncodeError):
        where, problem = Where(), "the text contains characters that YAML forbids"
    message, hint = f"not YAML: {problem}", "check indentation and quotes"
    return Syntax(message=message, hint=hint, where=where, text=text)


def _documents(text: str) -> Iterator[Node]:
    lines = Lines(text)
    budget = _Budget()
    for raw in _raws(text, lines):
        yield _Builder(lines, budget).node(raw, Place(None, "", raw.offset, lines), 0)


def _raws(text: str, lines: Lines) -> Iterator[_Raw]:
    """The root value of each document."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    tree = _Tree(lines)
    for event in yaml.parse(text, Loader=loader):
        root = tree.take(event)
        if root:
            yield root


class _Tree:
    """Builds the values of one document after the other from events."""

    def __init__(self, lines: Lines) -> None:
        import yaml

        self._lines = lines
        self._resolver = yaml.SafeLoader("")
        self._anchors: dict[str, _Raw] = {}
        self._open: list[_Raw] = []

    def take(self, event: Any) -> _Raw | None:
        """The root value of a document, when the event completes it."""
        import yaml

        match event:
            case yaml.DocumentStartEvent():
                self._anchors = {}
            case yaml.AliasEvent():
                return self._added(self._alias_target(event))
            case yaml.ScalarEvent():
                return self._added(self._new_value(event))
            case yaml.CollectionStartEvent():
                raw = self._new_value(event)
                self._added(raw)
                refuse_depth(len(self._open), Place(Place(), "", raw.offset, self._lines))
                self._open.append(raw)
            case yaml.CollectionEndEvent():
                closed = self._open.pop()
                return None if self._open else closed
            case _:
                pass
        return None

    def _added(self, raw: _Raw) -> _Raw | None:
        if self._open:
            self._open[-1].children.append(raw)
            return None
        return raw

    def _new_value(self, event: Any) -> _Raw:
        raw = _raw(event, self._resolver)
        if event.anchor:
            self._anchors[event.anchor] = raw
        return raw

    def _alias_target(self, event: Any) -> _Raw:
        found = self._anchors.get(event.anchor)
        if found is None:
            line, column = self._lines.at(event.start_mark.index)
            raise InputError(
                f"line {line}:{column}: the alias {quoted(event.anchor, 60)} has no anchor"
            )
        return found


def _raw(event: Any, resolver: Any) -> _Raw:
    import yaml

    offset = event.start_mark.index
    tag = event.tag or ""
    if isinstance(event, yaml.MappingStartEvent):
        return _Raw(Form.OBJECT, offset, tag=tag)
    if isinstance(event, yaml.SequenceStartEvent):
        return _Raw(Form.ARRAY, offset, tag=tag)
    plain = not event.style
    if not tag and event.implicit[0]:
        tag = resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
    form, text = _scalar(tag, event.value)
    return _Raw(form, offset, text=text, tag=tag, plain=plain)


def _scalar(tag: str, text: str) -> tuple[Form, str]:
    """Numbers and dates stay as written: `2012-10-17` is a date in YAML but a string for IAM."""
    match tag.removeprefix(_CORE):
        case "null":
            return Form.NULL, "null"
        case "bool":
            return Form.BOOLEAN, "true" if text.lower() in _TRUE else "false"
        case "int" | "float" if _JSON_NUMBER.fullmatch(text):
            return Form.NUMBER, text
        case _:
            return Form.STRING, text


@dataclass(slots=True)
class _Budget:
    left: int = MAX_EXPANDED

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise InputError(
                f"the YAML expands to more than {MAX_EXPANDED:,} values",
                hint="each alias counts as a copy of its anchor: write the file without chains of aliases",
            )


@positional
class _Builder:
    """Turns raw values into nodes; an alias becomes a copy with a place of its own."""

    lines: Lines
    budget: _Budget

    def node(self, raw: _Raw, at: Place, depth: int) -> Node:
        self.budget.spend()
        short = _short_form(raw.tag)
        if short:
            refuse_key(short, at)
            place = Place(at, short, raw.offset, self.lines)
            inner = self._plain_node(raw, place, depth + 1)
            value = _attribute(inner) if short == "Fn::GetAtt" else inner
            name = string(short, place)
            return Node(form=Form.OBJECT, stand=at, members=(Member.named(name, value),))
        return self._plain_node(raw, at, depth)

    def _plain_node(self, raw: _Raw, at: Place, depth: int) -> Node:
        if raw.form is Form.OBJECT:
            refuse_depth(depth, at)
            return Node(form=Form.OBJECT, stand=at, members=tuple(self._members(raw, at, depth)))
        if raw.form is Form.ARRAY:
            refuse_depth(depth, at)
            items = tuple(
                self.node(child, Place(at, number, child.offset, self.lines), depth + 1)
                for number, child in enumerate(raw.children)
            )
            return Node(form=Form.ARRAY, stand=at, items=items)
        return Node(raw.form, at, raw.text)

    def _members(self, raw: _Raw, at: Place, depth: int) -> Iterator[Member]:
        pairs = list(zip(raw.children[::2], raw.children[1::2], strict=True))
        own = [(key, value) for key, value in pairs if not _is_merge(key)]
        names = {key.text for key, _ in own}
        if len(names) < len(own):
            self.lines.repeats_key = True
        for key, value in own:
            yield self._member(key, value, at, depth)
        for key, value in pairs:
            if not _is_merge(key):
                continue
            for merged in value.children if value.form is Form.ARRAY else [value]:
                for inner, its in zip(merged.children[::2], merged.children[1::2], strict=False):
                    if inner.text not in names:
                        names.add(inner.text)
                        yield self._member(inner, its, at, depth)

    def _member(self, key: _Raw, value: _Raw, at: Place, depth: int) -> Member:
        if key.form in {Form.OBJECT, Form.ARRAY}:
            line, column = self.lines.at(key.offset)
            raise InputError(f"line {line}:{column}: a key is {key.form}, not text")
        self.budget.spend()
        refuse_key(key.text, at)
        name = string(key.text, Place(at, key.text, key.offset, self.lines))
        place = Place(at, key.text, value.offset, self.lines)
        return Member.named(name, self.node(value, place, depth + 1))


def _is_merge(key: _Raw) -> bool:
    return key.plain and key.text == _MERGE


def _short_form(tag: str) -> str:
    """The long name of a tag with one `!`; empty for other tags, which do not matter here."""
    if not tag.startswith("!") or tag == "!":
        return ""
    name = tag[1:]
    return name if name in {"Ref", "Condition"} else f"Fn::{name}"


def _attribute(node: Node) -> Node:
    """`!GetAtt A.B` split at the first dot into the list that the long form has."""
    if node.form is not Form.STRING:
        return node
    resource, _, attribute = node.text.partition(".")
    items = tuple(
        string(text, Place(node.at, number, node.at.spot, node.at.lines))
        for number, text in enumerate((resource, attribute))
    )
    return Node(form=Form.ARRAY, stand=node.at, items=items)
