"""The statements of one side that no statement of the other says word for word: every difference meets one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.clauses import has_variables

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from aws_iam.engine.language.document import Condition, Policy, Statement


def without_twins(ours: Sequence[Policy], theirs: Sequence[Policy]) -> frozenset[int]:
    """The statements of both sides, by identity, that have no twin on the other one."""
    # What was read once for both needs no look at what it says.
    nodes = _nodes(ours) & _nodes(theirs)
    own, other = list(_said(ours, nodes)), list(_said(theirs, nodes))
    shared = {each for each, _ in own}.intersection([each for each, _ in other])
    return frozenset([id(statement) for each, statement in (*own, *other) if each not in shared])


def _nodes(policies: Sequence[Policy]) -> set[tuple[bool, int]]:
    return {
        (variables, id(statement.node))
        for policy in policies
        for variables in [has_variables(policy)]
        for statement in policy.statements
    }


def _said(
    policies: Sequence[Policy], known: Container[tuple[bool, int]]
) -> Iterator[tuple[object, Statement]]:
    """Each statement but those known, with all that it says, its Sid aside."""
    for policy in policies:
        variables = has_variables(policy)
        for statement in policy.statements:
            if (variables, id(statement.node)) not in known:
                yield (variables, _elements(statement)), statement


def _elements(statement: Statement) -> tuple[object, ...]:
    named, unnamed = statement.principals, statement.not_principals
    conditions = statement.conditions
    return (
        # An element may be written and yet hold nothing that was read.
        tuple([m.key for m in statement.node.members if m.key != "Sid"]),
        statement.allows,
        tuple(statement.action_words or statement.not_action_words),
        tuple(statement.resource_words or statement.not_resource_words),
        named and tuple([(each.type, each.value) for each in named]),
        unnamed and tuple([(each.type, each.value) for each in unnamed]),
        conditions and tuple([(c.operator.value, c.key.value, *_values(c)) for c in conditions]),
    )


def _values(condition: Condition) -> list[str]:
    return [value.value for value in condition.values]
