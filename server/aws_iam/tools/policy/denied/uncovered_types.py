"""Which resource types of a call the given policies leave out, where the message tells no resource: each must be allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.denied.message import Denial
    from aws_iam.engine.denied.policy_documents import PolicyDocuments
    from aws_iam.engine.language.document import Statement
    from aws_iam.engine.reference.catalog import Action

_MOST_RESOURCES = 1_000


def uncovered_types(denial: Denial, documents: PolicyDocuments) -> str:
    """What the given identity policies lack for the call, in words; empty where that cannot be told."""
    action = catalog().action(denial.action) if denial.action else None
    may_be_identity = denial.explicit is not True and denial.layer in {"", "identity"}
    (identity,) = documents.layers.levels.get("identity", ((),))
    if action is None or not action.resource_types or not may_be_identity or not identity:
        return ""
    name = action.full_name
    allowing = [
        indexed.statement
        for policy in identity
        for indexed in policy.statements
        if indexed.statement.allows and indexed.takes(name.lower())
    ]
    if not allowing:
        return f"No Allow in the given identity policies names {quoted(name)}."
    reached = _reached(allowing)
    return "" if reached is None else _left_out(action, reached)


def _left_out(action: Action, reached: frozenset[str]) -> str:
    """What the call needs beside the resource types that the policies reach, in words; empty if nothing."""
    name = quoted(action.full_name)
    on = [quoted(own) for own in action.resource_types if own in reached]
    if not on:
        types = joined([quoted(own) for own in action.required or action.resource_types], "or")
        return f"The given identity policies allow {name} on nothing that it works on: allow it on {types}."
    missing = [quoted(own) for own in action.required if own not in reached]
    if not missing:
        return ""
    return (
        f"The given identity policies allow {name} on {joined(on)} only, and AWS authorizes the call on"
        f" {joined(missing)} too: allow it there."
    )


def _reached(allowing: Sequence[Statement]) -> frozenset[str] | None:
    """The resource types that the statements reach together; None where they may reach every one."""
    if sum(len(statement.resources) for statement in allowing) > _MOST_RESOURCES:
        return None
    found: set[str] = set()
    for statement in allowing:
        types = _types(statement)
        if types is None:
            return None
        found |= types
    return frozenset(found)


def _types(statement: Statement) -> frozenset[str] | None:
    """The resource types that an Allow reaches; None where it may reach every one."""
    arns = [Arn.of(entry.value) for entry in statement.resources]
    if statement.not_resources or not arns:
        return None
    found: set[str] = set()
    for arn in arns:
        if arn is None or not is_literal(arn.service):
            return None
        found.update(type_.name for type_ in catalog().types_of_arn(arn))
    return frozenset(found)
