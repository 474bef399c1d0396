"""JSON values that are made, not read: lists and objects at a place of the file that they follow from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


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


def placed(node: Node, spend: Callable[[], None] = lambda: None, at: Place | None = None) -> Node:
    """The document as its own root: the pointers follow its structure, the lines stay."""
    spend()
    here = at or Place(spot=node.at.offset, lines=node.at.lines)

    def under(token: str | int, own: Place) -> Place:
        return Place(here, token, own.offset, own.lines)

    return Node(
        form=node.form,
        stand=here,
        value=node.value,
        items=tuple(
            placed(item, spend, under(token, item.at)) for token, item in enumerate(node.items)
        ),
        members=tuple(
            Member.named(
                string(member.key, under(member.key, member.name.at)),
                placed(member.value, spend, under(member.key, member.value.at)),
            )
            for member in node.members
        ),
    )
