"""JSON values that are made, not read: lists and objects at a place of the file that they follow from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, string

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.engine.parsing.json_nodes import Place


def listed(items: Iterable[Node], at: Place) -> Node:
    """A list."""
    return Node(Form.ARRAY, at, "", tuple(items))


def mapped(members: Iterable[tuple[str, Node]], at: Place) -> Node:
    """An object; the last of repeated keys counts."""
    found = {key: (string(key, value.at), value) for key, value in members}
    return Node(Form.OBJECT, at, "", (), tuple(Member.named(*pair) for pair in found.values()))


def moved(node: Node, at: Place) -> Node:
    """The value with everything in it at one place."""
    return Node(
        form=node.form,
        stand=at,
        value=node.value,
        items=tuple(moved(item, at) for item in node.items),
        members=tuple(
            Member.named(string(member.key, at), moved(member.value, at))
            for member in node.members
        ),
    )
