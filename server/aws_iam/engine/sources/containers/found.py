"""What a container gives: a document, its place's name, and what its place says of it.

Spot("Policies[].PolicyDocument", "identity", name="PolicyName")     where documents stand, declared in tables
spots_in(node, spot)                                                 the places of a node that it names
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import positional, slotted
from aws_iam.engine.language.json_nodes import Form, Member, Node, Place, string
from aws_iam.engine.sources.containers.offsets import offsets
from aws_iam.engine.sources.json_scan import Syntax, scan

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator

    from aws_iam.engine.language.kinds import Kind

_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_BLANK_START = 200


@slotted
class Found:
    """A policy document in something larger; `content` is a `Syntax` where broken text stands for a policy.

    `variants` are the same document with other values for what only the deployment knows; `unresolved` are the
    pointers of those values. `other_side_of` names the place of which this is the other side of conditions.
    """

    name: str
    content: Node | Syntax
    kind: Kind | None = None
    resource_type: str | None = None
    text: str | None = None
    variants: tuple[Node, ...] = ()
    unresolved: frozenset[str] = frozenset()
    other_side_of: str = ""


@slotted
class Note:
    """A place where a document should stand, and why none was judged there."""

    name: str
    why: str


@slotted
class Spot:
    """Where documents stand: `Policies[].PolicyDocument`; `name` is the member beside one that names it.

    `skip` says why what stands there is no IAM policy. `bare` is for services that take one statement, or a list of
    them, and make the policy themselves; `listed` for lists in which documents stand beside names of policies.
    """

    path: str
    kind: Kind | None = None
    resource_type: str | None = None
    name: str = ""
    skip: str = ""
    bare: bool = False
    listed: bool = False


def spots_in(node: Node, path: str) -> Iterator[tuple[str, Node, Node]]:
    """Each node at the path, with the path's spelling there and the object that holds it."""
    head, _, rest = path.partition(".")
    key = head.rstrip("[]")
    value = node.member(key)
    if value is None:
        return
    if not head.endswith("[]"):
        if not rest:
            yield key, value, node
            return
        for inner, found, holder in spots_in(value, rest):
            yield f"{key}.{inner}", found, holder
        return
    for number, item in enumerate(value.items if value.form is Form.ARRAY else (value,)):
        place = f"{key}[{number}]" if value.form is Form.ARRAY else key
        if not rest:
            yield place, item, value
            continue
        for inner, found, holder in spots_in(item, rest):
            yield f"{place}.{inner}", found, holder


def is_policy(node: Node) -> bool:
    """Whether the object says of itself that it is an IAM policy: statements with an effect or actions."""
    body = node.member("Statement") if node.form is Form.OBJECT else None
    if body is None:
        return False
    return any(
        each.form is Form.OBJECT and any(each.member(name) for name in _TELLING)
        for each in body.listed()
    )


_TELLING = ("Effect", "Action", "NotAction", "Principal", "NotPrincipal")


def embedded(node: Node) -> Node | Syntax | None:
    """The document of a place where one should stand: an object, or text that is JSON or URL-encoded JSON."""
    if node.form is Form.OBJECT:
        return node
    if node.form is not Form.STRING or not node.text.strip():
        return None
    plain = decoded(node.text)
    inner = scan(plain)
    place = Place(spot=node.at.spot, lines=node.at.lines)
    if isinstance(inner, Syntax):
        # The text's own lines are not the file's: the string's start is the place that can be found.
        return Syntax(message=inner.message, hint=inner.hint, where=place.where)
    return placed_at(inner, place, offsets(node) if plain == node.text else None)


def bare_policy(node: Node) -> Node | Syntax | None:
    """The policy that a service makes of a statement or a list of them."""
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


def looks_encoded(text: str) -> bool:
    """Whether the text may be a document as JSON, cheaply."""
    start = text[:_BLANK_START].lstrip()
    return start.startswith(("{", "%7B", "%7b", "%0A", "%20"))


def decoded(text: str) -> str:
    """The JSON text of a document as AWS's interfaces write it: plain, URL-encoded, or with each quote escaped."""
    start = text[:_BLANK_START].lstrip()
    if start.startswith("%"):
        return _ENCODED.sub(_unquoted, text)
    if start.startswith('{\\"'):
        inner = scan(f'"{text.strip()}"')
        return text if isinstance(inner, Syntax) else inner.text
    return text


def _unquoted(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", errors="replace")


def placed_at(node: Node, at: Place, spread: array[int] | None) -> Node:
    """The node as a document in a larger file, its pointers its own; without `spread` it stands at one place of it."""
    return _Placing(at, spread).node(node, at)


@positional
class _Placing:
    """The place of a text in its file, and where in the file each of its characters stands."""

    at: Place
    spread: array[int] | None

    def node(self, node: Node, at: Place) -> Node:
        return Node(
            form=node.form,
            stand=at,
            value=node.value,
            items=tuple(
                self.node(each, self.place(at, each.at, number))
                for number, each in enumerate(node.items)
            ),
            members=tuple(
                Member.named(
                    string(member.key, self.place(at, member.name.at, member.key)),
                    self.node(member.value, self.place(at, member.value.at, member.key)),
                )
                for member in node.members
            ),
        )

    def place(self, parent: Place, own: Place, token: str | int) -> Place:
        offset = self.spread[own.offset] if self.spread else self.at.offset
        return Place(parent, token, offset, self.at.lines)
