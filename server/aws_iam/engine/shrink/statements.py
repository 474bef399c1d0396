"""Statements, and entries of statements, that other statements of the policy cover.

without_covered_statements(statements, head, kind)   →   the statements, and what was taken out
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.clauses import Atoms, side_of
from aws_iam.engine.comparison.uncovered_statements import Coverage
from aws_iam.engine.language.document import policy_of
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.shrink.statement_lists import ACTION, RESOURCE, element
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.clauses import Clause
    from aws_iam.engine.language.document import Kind, Policy
    from aws_iam.engine.shrink.statement_lists import StatementLists

# More statements than a policy of any kind holds, white space apart; each is compared with each.
_MOST_STATEMENTS = 1_000


def written(statements: Sequence[StatementLists], head: Mapping[str, Any], kind: Kind) -> Policy:
    """The statements as a policy with these other elements."""
    document = {**head, "Statement": [element(statement) for statement in statements]}
    return policy_of(from_value(document), kind, None)


def without_covered_statements(
    statements: Sequence[StatementLists], head: Mapping[str, Any], kind: Kind
) -> tuple[tuple[StatementLists, ...], tuple[str, ...]]:
    """The statements without what others cover, the last ones first, and in words what was taken out."""
    if len(statements) > _MOST_STATEMENTS:
        return tuple(statements), ()
    policy = written(statements, head, kind)
    clauses: list[Clause | None] = list(side_of((policy,), Atoms(), None).clauses)
    before = tuple(clauses)
    coverage = Coverage()
    for number in reversed(range(len(clauses))):
        clause = clauses[number]
        if clause is None:
            continue
        others = [
            other
            for at, other in enumerate(clauses)
            if other and at != number and other.allows == clause.allows
        ]
        clauses[number] = next(iter(coverage.without_covered(clause, others)), None)
    kept: list[StatementLists] = []
    gone: list[str] = []
    for statement, old, new in zip(statements, before, clauses, strict=True):
        if new is old:
            kept.append(statement)
        elif new is None:
            gone.append(f"{statement.title} (other statements cover it)")
        elif old is not None:
            less = _less(statement, old, new)
            gone += _taken(statement, less)
            kept.append(less)
    return tuple(kept), tuple(gone)


def _less(statement: StatementLists, old: Clause, new: Clause) -> StatementLists:
    """The statement with the entries that its clause has left."""
    left = new.ready.names.union(new.ready.patterns)
    actions = [own for own in statement.entries(ACTION) if own.lower() in left]
    # The resources of a clause are those of the statement in their order, written out.
    resources = frozenset(new.resources or ())
    rows = zip(statement.entries(RESOURCE), old.resources or (), strict=False)
    found = statement.but(ACTION, actions)
    return found.but(RESOURCE, [own for own, text in rows if text in resources])


def _taken(statement: StatementLists, less: StatementLists) -> Iterator[str]:
    for place in (ACTION, RESOURCE):
        kept = frozenset(less.entries(place))
        if lost := [own for own in statement.entries(place) if own not in kept]:
            yield f"{joined(lost)} of {statement.title} (other statements cover it)"
