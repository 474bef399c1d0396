"""The statements of one side that no statement of the other says word for word: every difference meets one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.policy.comparison.clauses import has_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.policy.document import Condition, Policy, Statement


def without_twins(ours: Sequence[Policy], theirs: Sequence[Policy]) -> frozenset[int]:
    """The statements of both sides, by identity, that have no twin on the other one."""
    own, other = list(_said(ours)), list(_said(theirs))
    shared = {each for each, _ in own}.intersection([each for each, _ in other])
    return frozenset([id(statement) for each, statement in (*own, *other) if each not in shared])


def _said(policies: Sequence[Policy]) -> Iterator[tuple[object, Statement]]:
    """Each statement with all that it says, its Sid aside."""
    for policy in policies:
        variables = has_variables(policy)
        for statement in policy.statements:
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
    return [each.value for each in condition.values]
