"""Statements that stand at one place in both documents and say the same: two versions of a policy share most of theirs.

What is read of the one document need not be read again of the other.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.language.document import Node, Policy

_WITHOUT_REFERENCES = 2
"""The version of marshal's format in which equal values are equal bytes."""


def shared(document: object, read: Sequence[Policy], other: object) -> Mapping[int, Node]:
    """By the identity of a statement in the other document, the node that was read of the first."""
    if len(read) != 1:
        return {}
    mine, theirs = _statements(document), _statements(other)
    body = read[0].node.member("Statement")
    # One object may stand at two places, each of which has a pointer of its own.
    if body is None or len(set(map(id, theirs))) < len(theirs):
        return {}
    rows = zip(body.items, mine, theirs, strict=False)
    return {id(their): node for node, my, their in rows if _is_same(my, their)}


def adopt(read: Sequence[Policy], again: Sequence[Policy]) -> None:
    """Let statements that were read of the same node keep together what is derived from them: it follows from the node."""
    known = {id(each.node): each for policy in read for each in policy.statements}
    for policy in again:
        for statement in policy.statements:
            twin = known.get(id(statement.node))
            if twin is not None:
                statement.derived = twin.derived


def _statements(document: object) -> list[object]:
    body = document.get("Statement") if isinstance(document, dict) else None
    return body if isinstance(body, list) else []


def _is_same(one: object, other: object) -> bool:
    if not (isinstance(one, dict) and isinstance(other, dict) and one == other):
        return False
    # To Python true is 1, and to IAM it is not.
    try:
        return _bytes(one) == _bytes(other)
    except ValueError:
        return False


def _bytes(value: dict[Any, Any]) -> bytes:
    return marshal.dumps(value, _WITHOUT_REFERENCES)
