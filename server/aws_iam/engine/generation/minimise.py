"""Turns grants into few, short statements, and statements into managed policies within IAM's quotas.

No action is written as a wildcard, which would include actions that AWS adds later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.generation import statement_ids
from aws_iam.engine.reference.policy_quotas import MANAGED, MOST_ATTACHED, size
from aws_iam.engine.shrink.entries import Work, covering
from aws_iam.engine.shrink.splitting import packed
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.generation.action_grants import ActionGrant
    from aws_iam.engine.generation.condition_limits import ConditionLimits
from aws_iam.engine.generation.action_grants import AllowStatement

ROOMY = 5_500
"""How full a policy gets while there are enough of them, to leave room for changes."""
# Characters of a policy around its statements, and of the longest Sid.
_AROUND = 40
_SID = 70


# The conditions of statements, and the resources or actions that they share.
_Key = tuple[tuple[int, ...], tuple[str, ...]]


def statements(grants: Sequence[ActionGrant]) -> tuple[AllowStatement, ...]:
    """The grants as statements, grouped by action or by resource, whichever is shorter; without repetitions."""
    wider = covering({grant.resource for grant in grants}, Work())
    by_action: dict[tuple[tuple[int, ...], str], set[str]] = {}
    for grant in grants:
        by_action.setdefault((grant.limits, grant.action), set()).add(grant.resource)
    by_resource: dict[tuple[tuple[int, ...], str], set[str]] = {}
    for (limits, action), resources in by_action.items():
        kept = {text for text in resources if not (wider.get(text, frozenset()) & resources)}
        by_action[limits, action] = kept
        for resource in kept:
            by_resource.setdefault((limits, resource), set()).add(action)
    of_actions = [
        AllowStatement(actions=(action,), resources=tuple(sorted(resources)), limits=limits)
        for (limits, action), resources in by_action.items()
    ]
    of_resources = [
        AllowStatement(actions=tuple(sorted(actions)), resources=(resource,), limits=limits)
        for (limits, resource), actions in by_resource.items()
    ]
    return min(
        (_merged(of_actions), _merged(of_resources)), key=lambda found: sum(map(_length, found))
    )


def _merged(found: Iterable[AllowStatement]) -> tuple[AllowStatement, ...]:
    """Statements with equal resources merged, then those with equal actions; in a stable order."""
    by_resources: dict[_Key, set[str]] = {}
    for statement in found:
        by_resources.setdefault((statement.limits, statement.resources), set()).update(
            statement.actions
        )
    by_actions: dict[_Key, set[str]] = {}
    rows = [
        (limits, resources, tuple(sorted(actions)))
        for (limits, resources), actions in by_resources.items()
    ]
    for limits, resources, actions in rows:
        by_actions.setdefault((limits, actions), set()).update(resources)
    merged = (
        AllowStatement(actions=actions, resources=tuple(sorted(resources)), limits=limits)
        for (limits, actions), resources in by_actions.items()
    )
    return tuple(sorted(merged, key=_place))


def _place(statement: AllowStatement) -> tuple[object, ...]:
    return statement.resources == ("*",), statement.resources, statement.actions, statement.limits


def _length(statement: AllowStatement) -> int:
    """The approximate length of the statement with quotes, commas and element names."""
    texts = (*statement.actions, *statement.resources)
    return sum(map(len, texts)) + 3 * len(texts) + 80


def policies(
    found: Sequence[AllowStatement], limits: ConditionLimits
) -> tuple[tuple[AllowStatement, ...], ...]:
    """The statements in as few managed policies as the quota allows; InputError beyond ten."""
    parts = statement_ids.with_sids(
        part for statement in found for part in _parts(statement, limits)
    )
    lengths = [size(element(statement, limits)) + 1 for statement in parts]
    numbered = packed(lengths, ROOMY - _AROUND)
    if len(numbered) > MOST_ATTACHED:
        numbered = packed(lengths, MANAGED - _AROUND)
    if len(numbered) > MOST_ATTACHED:
        raise InputError(
            f"the policy would have {sum(lengths):,} characters: {len(numbered)} managed policies of {MANAGED:,}, "
            f"but only {MOST_ATTACHED} can be attached",
            hint="use ARN patterns such as arn:aws:s3:::reports-*, fewer access levels, or several calls",
        )
    return tuple(tuple(map(parts.__getitem__, numbers)) for numbers in numbered)


def _parts(statement: AllowStatement, limits: ConditionLimits) -> Iterator[AllowStatement]:
    """The statement, or parts of it that each fit into a policy."""
    length = size(element(statement, limits)) + _AROUND + _SID
    actions, resources = statement.actions, statement.resources
    if length <= ROOMY or (length <= MANAGED and len(actions) == len(resources) == 1):
        yield statement
        return
    if len(actions) == len(resources) == 1:
        raise InputError(
            f"`{actions[0]}` on one resource alone needs more than the {MANAGED:,} characters of a managed policy",
            hint="shorten `conditions`, or the ARN",
        )
    number = -(-length // ROOMY)
    longer = sum(map(len, actions)) >= sum(map(len, resources))
    if len(actions) > 1 and (longer or len(resources) == 1):
        pieces = [replace(statement, actions=part) for part in _cut(actions, number)]
    else:
        pieces = [replace(statement, resources=part) for part in _cut(resources, number)]
    for piece in pieces:
        yield from _parts(piece, limits)


def _cut(texts: tuple[str, ...], number: int) -> Iterator[tuple[str, ...]]:
    """The list in about equal parts."""
    step = max(1, -(-len(texts) // number))
    return (texts[at : at + step] for at in range(0, len(texts), step))


def element(statement: AllowStatement, limits: ConditionLimits) -> dict[str, Any]:
    """The statement as JSON."""
    found: dict[str, Any] = {"Sid": statement.sid} if statement.sid else {}
    found |= {
        "Effect": "Allow",
        "Action": _bare(statement.actions),
        "Resource": _bare(statement.resources),
    }
    if statement.limits:
        found["Condition"] = limits.block(statement.limits)
    return found


def document(found: Iterable[AllowStatement], limits: ConditionLimits) -> dict[str, Any]:
    """The policy document with these statements."""
    return {
        "Version": "2012-10-17",
        "Statement": [element(statement, limits) for statement in found],
    }


def _bare(texts: tuple[str, ...]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)
