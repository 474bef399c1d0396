"""Policy documents inside larger files: how to tell one, how to read one from text, and where it stands in the file."""

from __future__ import annotations

import re
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, string
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterator

_PERCENT_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
# How much white space may precede a document.
_BLANK_START = 200
_UPDATE = re.compile(r"Update:(?:Modify|Replace|Delete|\*)", re.IGNORECASE)
_ACTIONS = ("Action", "NotAction")
_UNICODE_ESCAPE = len(r"\u0041")
# One of these in a statement tells an IAM policy from anything else with a `Statement`.
_STATEMENT_ELEMENTS = ("Effect", "Action", "NotAction", "Principal", "NotPrincipal")


def is_policy(node: Node) -> bool:
    """Whether the object looks like an IAM policy: it has a statement with an effect, actions or principals."""
    body = node.member("Statement") if node.form is Form.OBJECT else None
    if body is None:
        return False
    return any(
        statement.form is Form.OBJECT and any(map(statement.member, _STATEMENT_ELEMENTS))
        for statement in body.listed()
    )


STACK_POLICY: Final = "a stack policy of CloudFormation, whose language is not IAM's"


def is_stack_policy(node: Node) -> bool:
    """Whether each statement of a document is about updates of a stack, which are no actions of IAM.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
    """
    body = node.member("Statement") if node.form is Form.OBJECT else None
    statements = body.listed() if body else ()
    return bool(statements) and all(map(_is_of_updates, statements))


def _is_of_updates(statement: Node) -> bool:
    words: list[str] = []
    for member in statement.members:
        if member.key in _ACTIONS:
            # Most are not, as their first word shows.
            if not all(map(_UPDATE.fullmatch, member.value.words)):
                return False
            words += [word.text for word in member.value.listed()]
    return bool(words) and all(map(_UPDATE.fullmatch, words))


def looks_encoded(text: str) -> bool:
    """Whether the text may be JSON or URL-encoded JSON, judged by its first characters."""
    start = text[:_BLANK_START].lstrip()
    return start.startswith(("{", "%7B", "%7b", "%0A", "%20"))


def decoded(text: str) -> str:
    """The JSON of a document in any spelling that AWS's interfaces use: plain, URL-encoded, or with escaped quotes."""
    start = text[:_BLANK_START].lstrip()
    if start.startswith("%"):
        return _PERCENT_ENCODED.sub(_percent_decoded, text)
    if start.startswith('{\\"'):
        inner = scan(f'"{text.strip()}"')
        return text if isinstance(inner, Syntax) else inner.text
    return text


def _percent_decoded(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", errors="replace")


def embedded(node: Node, offsets: array[int] | None = None) -> Node | Syntax | None:
    """The document at a place that should hold one: an object, or text that is JSON or URL-encoded JSON.

    `offsets` has the file offset of each character of the text, where the caller knows them.
    """
    if node.form is Form.OBJECT:
        return node
    if node.form is not Form.STRING or not node.text.strip():
        return None
    plain = decoded(node.text)
    inner = scan(plain)
    place = Place(spot=node.at.spot, lines=node.at.lines)
    if isinstance(inner, Syntax):
        # Lines inside the text are not the file's lines, so the error points at the start of the text.
        return replace(inner, where=place.where)
    if plain != node.text:
        offsets = None
    elif offsets is None:
        offsets = file_offsets(node)
    return relocated(inner, node, offsets)


def relocated(inner: Node, text: Node, offsets: array[int] | None) -> Node:
    """What was read from a text of a file, at its place in the file; `offsets` are those of the text's characters."""
    place = Place(spot=text.at.spot, lines=text.at.lines)
    return _Relocated(place, offsets).node(inner, place)


def bare_policy(node: Node) -> Node | Syntax | None:
    """The policy that a service builds from one statement or a list of statements."""
    if node.form is Form.STRING:
        inner = embedded(node)
        if inner is None or isinstance(inner, Syntax):
            return inner
        node = inner
    at = Place(spot=node.at.spot, lines=node.at.lines)
    version = Place(at, "Version", at.spot, at.lines)
    body = Place(at, "Statement", at.spot, at.lines)
    return Node(
        form=Form.OBJECT,
        stand=at,
        members=(
            Member.named(string("Version", version), string("2012-10-17", version)),
            Member.named(string("Statement", body), node.but(stand=body)),
        ),
    )


@positional
class _Relocated:
    """Copies a document that was read from text: its pointers start at the document, its lines are the file's.

    `offsets` has the file offset of each character of the text; without it every value stands at the text's start.
    """

    start: Place
    offsets: array[int] | None

    def node(self, node: Node, at: Place) -> Node:
        return Node(
            form=node.form,
            stand=at,
            value=node.value,
            items=tuple(
                self.node(item, self.place(at, item.at, number))
                for number, item in enumerate(node.items)
            ),
            members=tuple(
                Member.named(
                    string(member.key, self.place(at, member.name.at, member.key)),
                    self.node(member.value, self.place(at, member.value.at, member.key)),
                )
                for member in node.members
            ),
        )

    def place(self, parent: Place, in_text: Place, token: str | int) -> Place:
        offset = self.offsets[in_text.offset] if self.offsets else self.start.offset
        return Place(parent, token, offset, self.start.lines)


def file_offsets(node: Node) -> array[int] | None:
    """The file offset of each character of a text node, through JSON escapes and YAML indentation.

    None where only the start of the text is known.
    """
    if node.at.lines is None:
        return None
    raw, start = node.at.lines.text, node.at.offset
    first = raw[start : start + 1]
    if first == '"':
        found = array("l", _json_offsets(raw, start + 1))
        return found if len(found) == len(node.text) + 1 else None
    if first == "|":
        return _block_offsets(raw, start, node.text)
    begin = start + (first == "'")
    if raw.startswith(node.text, begin):
        return array("l", range(begin, begin + len(node.text) + 1))
    return None


def _json_offsets(raw: str, at: int) -> Iterator[int]:
    """The offsets of a JSON string's characters and of its closing quote."""
    while at < len(raw):
        yield at
        if raw[at] == '"':
            return
        at += _escape_length(raw, at) if raw[at] == "\\" else 1


def _escape_length(raw: str, at: int) -> int:
    """The length of the escape that stands for one character."""
    if raw[at + 1 : at + 2] != "u":
        return 2
    high = raw[at + 2 : at + 4].lower() in {"d8", "d9", "da", "db"}
    after = at + _UNICODE_ESCAPE
    low = raw[after : after + 4].lower() in {"\\udc", "\\udd", "\\ude", "\\udf"}
    return 2 * _UNICODE_ESCAPE if high and low else _UNICODE_ESCAPE


def _block_offsets(raw: str, start: int, text: str) -> array[int] | None:
    """The offsets in a literal block of YAML, where each line of the text ends a line of the file."""
    found = array("l")
    line_start = raw.find("\n", start) + 1
    for line in text.splitlines(keepends=True):
        end = raw.find("\n", line_start)
        end = len(raw) if end < 0 else end
        begin = end - len(line.rstrip("\n"))
        if not line_start or begin < line_start or raw[begin:end] != line.rstrip("\n"):
            return None
        found.extend(range(begin, begin + len(line)))
        line_start = end + 1
    found.append(line_start - 1)
    return found
