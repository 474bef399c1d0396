"""The statements that rule out a difference wherever an uncovered statement applies, as far as its resources say.

    hindrances(piece, wanted, unwanted)   →   ids of the clauses that apply to all of the piece's resources

A clause for the same resources as the uncovered one, or for more, applies wherever that one does. Of each other clause it is
taken that it applies where that helps a difference. So where even then conditions leave no difference, none of the resources
has one, and none needs to be looked at: a narrowed Deny of many actions mostly has the resources of the given one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.comparison.clauses import Clause, Side


def hindrances(piece: Clause, wanted: Sequence[Side], unwanted: Sequence[Side]) -> tuple[int, ...]:
    """The clauses, by identity, that stand in the way of a difference on each resource to which the piece applies."""
    return tuple(id(c) for c in hindering(wanted, unwanted) if _applies_with(piece, c))


def hindering(wanted: Iterable[Side], unwanted: Iterable[Side]) -> Iterator[Clause]:
    """The clauses that stand in the way of a difference where they apply."""
    for side in wanted:
        yield from side.denies
    for side in unwanted:
        yield from side.allows


def _applies_with(piece: Clause, clause: Clause) -> bool:
    """Whether a clause applies to each resource to which the piece applies."""
    if clause.is_anywhere:
        return True
    if piece.resources is None or clause.resources is None or piece.is_anywhere:
        return False
    if clause.not_resources is not piece.not_resources:
        return False
    fewer, more = (clause, piece) if clause.not_resources else (piece, clause)
    return set(fewer.resources or ()) <= set(more.resources or ())
