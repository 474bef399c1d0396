"""What a JSON value costs to hold, so that what grows it can stop within bounds: a few lines may stand for gigabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aws_iam.engine.parsing.json_nodes import Node

NODE_COST: Final = 10
"""What a node costs beside the characters of its text, in characters."""


def size(node: Node) -> int:
    """What the node's values and their characters cost together, in characters."""
    total, todo = 0, [node]
    while todo:
        current = todo.pop()
        total += NODE_COST + len(current.text)
        todo += current.items
        todo += (member.value for member in current.members)
    return total
