"""Statements that both sides of a comparison contain: two versions of a policy share most of theirs.

Where they are at the same place they are parsed once, and the search only looks at the statements that changed.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.clauses import has_variables

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Condition, Node, Policy, Statement


_WITHOUT_REFERENCES = 2
"""The version of marshal's format in which equal values have equal bytes."""


def reusable_nodes(document: object, read: Sequence[Policy], other: object) -> Mapping[int, Node]:
    """The parsed nodes of the first document, by the identity of equal statements in the other."""
    if len(read) != 1:
        return {}
    mine, theirs = _statements(document), _statements(other)
    body = read[0].node.member("Statement")
    # One Python object may occur at two places, which have different pointers.
    if body is None or len(set(map(id, theirs))) < len(theirs):
        return {}
    rows = zip(body.items, mine, theirs, strict=False)
    return {id(their): node for node, my, their in rows if _is_same(my, their)}


def share_derived(read: Sequence[Policy], again: Sequence[Policy]) -> None:
    """Let statements that were parsed from the same node share what is derived from it."""
    known = {id(statement.node): statement for policy in read for statement in policy.statements}
    for policy in again:
        for statement in policy.statements:
            same = known.get(id(statement.node))
            if same is not None:
                statement.derived = same.derived


def _statements(document: object) -> list[object]:
    body = document.get("Statement") if isinstance(document, dict) else None
    return body if isinstance(body, list) else []


def _is_same(one: object, other: object) -> bool:
    if not (isinstance(one, dict) and isinstance(other, dict) and one == other):
        return False
    # In Python true equals 1, in IAM it does not.
    try:
        return _bytes(one) == _bytes(other)
    except ValueError:
        return False


def _bytes(value: dict[Any, Any]) -> bytes:
    return marshal.dumps(value, _WITHOUT_REFERENCES)


def changed_statements(ours: Sequence[Policy], theirs: Sequence[Policy]) -> frozenset[int]:
    """The statements of both sides, by identity, that the other side does not contain.

    Every difference meets one of them.
    """
    # Statements parsed once for both sides need not be compared.
    nodes = _nodes(ours) & _nodes(theirs)
    own, other = list(_contents(ours, nodes)), list(_contents(theirs, nodes))
    shared = {content for content, _ in own}.intersection([content for content, _ in other])
    return frozenset(
        [id(statement) for content, statement in (*own, *other) if content not in shared]
    )


def _nodes(policies: Sequence[Policy]) -> set[tuple[bool, int]]:
    return {
        (variables, id(statement.node))
        for policy in policies
        for variables in [has_variables(policy)]
        for statement in policy.statements
    }


def _contents(
    policies: Sequence[Policy], known: Container[tuple[bool, int]]
) -> Iterator[tuple[object, Statement]]:
    """The statements that are not known, each with its content apart from the Sid."""
    for policy in policies:
        variables = has_variables(policy)
        for statement in policy.statements:
            if (variables, id(statement.node)) not in known:
                yield (variables, _elements(statement)), statement


def _elements(statement: Statement) -> tuple[object, ...]:
    named, unnamed = statement.principals, statement.not_principals
    conditions = statement.conditions
    return (
        # An element may be present without anything in it that was parsed.
        tuple([m.key for m in statement.node.members if m.key != "Sid"]),
        statement.allows,
        tuple(statement.action_words or statement.not_action_words),
        tuple(statement.resource_words or statement.not_resource_words),
        named and tuple([(principal.type, principal.value) for principal in named]),
        unnamed and tuple([(principal.type, principal.value) for principal in unnamed]),
        conditions and tuple([(c.operator.value, c.key.value, *_values(c)) for c in conditions]),
    )


def _values(condition: Condition) -> list[str]:
    return [value.value for value in condition.values]
