"""The clauses of a side as they apply to the requests that a limit allows: entries that no such request matches are left out.

A difference within a limit is on a resource, and for an action, of one of its Allows. A NotResource of fifty patterns of which one
can match there is one of that pattern, and a statement whose NotAction takes all of the limit's actions does not apply at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.applying_clauses import is_plain
from aws_iam.engine.comparison.clauses import Side
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.arn import ANY_API
from aws_iam.engine.language.pattern import covers, intersects_again

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.comparison.automaton import Budget
    from aws_iam.engine.comparison.clauses import Clause

_EVERYTHING = "*"
# Of a limit with more entries of one kind than this, these are not looked at.
_MOST = 20
# Pairs of entries that are compared in one step of the budget.
_COMPARED = 64


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of the entries of an element; with `is_everything` it takes all, without entries nothing."""

    entries: Sequence[str] = ()
    is_everything: bool = False


def narrowed_to(limit: Side, side: Side, budget: Budget) -> Side:
    """A side without what none of the requests that the limit allows can match; variables are settled in both."""
    actions, resources = _actions(limit.allows), _resources(limit.allows)
    if not actions and not resources:
        return side
    left = tuple(_narrowed(side.clauses, actions, resources, budget))
    # Beside a Deny of all that the limit allows nothing else decides.
    return Side(clauses=tuple(filter(_denies_everything, left))[:1] or left)


def _actions(allows: Sequence[Clause]) -> Sequence[str]:
    """The actions of the limit, in lower case; none where it has too many, or NotAction."""
    if any(own.ready.negated for own in allows):
        return ()
    found = {text: None for own in allows for text in (*own.ready.names, *own.ready.patterns)}
    return tuple(found) if len(found) <= _MOST else ()


def _resources(allows: Sequence[Clause]) -> Sequence[str]:
    """The resources of the limit; none where it has too many, or does not list them."""
    if any(own.resources is None or own.not_resources or own.is_anywhere for own in allows):
        return ()
    found = {text: None for own in allows for text in own.resources or ()}
    return tuple(found) if len(found) <= _MOST else ()


def _narrowed(
    clauses: Sequence[Clause], actions: Sequence[str], resources: Sequence[str], budget: Budget
) -> Iterator[Clause]:
    compared = 0
    for clause in clauses:
        named = (*clause.ready.names, *clause.ready.patterns)
        compared += len(named) * len(actions) + len(clause.resources or ()) * len(resources)
        left = _within_resources(clause, resources) if resources else clause
        if left is not None and actions:
            left = _within_actions(left, named, actions)
        if left is not None:
            yield left
    budget.spend(compared // _COMPARED)


def _within_resources(clause: Clause, resources: Sequence[str]) -> Clause | None:
    """The clause as it applies to the resources; None where it applies to none of them."""
    if clause.resources is None or clause.is_anywhere:
        return clause
    left = _left(clause.resources, resources)
    if clause.not_resources:
        if left.is_everything:
            return None
        if not left.entries:
            return replace(clause, resources=(_EVERYTHING,), not_resources=False, is_anywhere=True)
    elif left.is_everything:
        return replace(clause, resources=(_EVERYTHING,), is_anywhere=True)
    elif not left.entries:
        return None
    return replace(clause, resources=tuple(left.entries))


def _within_actions(clause: Clause, named: Sequence[str], actions: Sequence[str]) -> Clause | None:
    """The clause as it applies to the actions; None where it applies to none of them."""
    negated, statement = clause.ready.negated, clause.ready.statement
    if not negated and _EVERYTHING in named:
        return clause
    left = _left(named, actions)
    if left.is_everything == negated and (left.is_everything or not left.entries):
        return None
    if left.is_everything or not left.entries:
        entries, negated = [_EVERYTHING], False
    else:
        entries = list(left.entries)
    return replace(
        clause, ready=IndexedStatement.with_entries(statement, entries, negated=negated)
    )


def _denies_everything(clause: Clause) -> bool:
    return (
        is_plain(clause)
        and not (clause.allows or clause.has_principals or clause.resources is None)
        and clause.is_anywhere
        and _EVERYTHING in clause.ready.patterns
        and not clause.ready.negated
    )


def _left(entries: Sequence[str], of_limit: Sequence[str]) -> _Left:
    found = [own for own in entries if any(intersects_again(own, other) for other in of_limit)]
    whole = any(all(_takes_all(own, other) for other in of_limit) for own in found)
    return _Left(entries=found, is_everything=whole)


def _takes_all(entry: str, other: str) -> bool:
    """Whether an entry takes all that another one does; in the short form of API Gateway `?*` is one API's id, not any text."""
    return entry == other or (not entry.startswith(ANY_API) and covers(entry, other))
