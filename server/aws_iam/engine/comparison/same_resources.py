"""The statements that a difference would meet wherever an uncovered statement applies, as far as its resources say.

    likeliest(piece, wanted, unwanted, live)   →   ids of the clauses to count with, whatever the resource is

A clause for the same resources as the uncovered one, or for more, applies wherever that one does. Of each other clause it is
taken that it applies where that helps a difference. So where even then conditions leave no difference, none of the resources
has one, and none needs to be looked at: a narrowed Deny of many actions mostly has the resources of the given one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from aws_iam.engine.comparison.clauses import Clause, Side


def likeliest(
    piece: Clause, wanted: Sequence[Side], unwanted: Sequence[Side], live: Container[int]
) -> frozenset[int] | None:
    """The live clauses that apply at best for a difference; None where no clause is sure to be in its way."""
    in_the_way = [
        id(clause)
        for clause in _hindering(wanted, unwanted)
        if id(clause) in live and _applies_with(piece, clause)
    ]
    if not in_the_way:
        return None
    helping = [id(clause) for clause in _helping(wanted, unwanted) if id(clause) in live]
    return frozenset((*in_the_way, *helping))


def _hindering(wanted: Iterable[Side], unwanted: Iterable[Side]) -> Iterator[Clause]:
    for side in wanted:
        yield from side.denies
    for side in unwanted:
        yield from side.allows


def _helping(wanted: Iterable[Side], unwanted: Iterable[Side]) -> Iterator[Clause]:
    for side in wanted:
        yield from side.allows
    for side in unwanted:
        yield from side.denies


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
