"""The least grants for what a caller needed: conditions where every use had them, more general ARNs on request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.generation.action_grants import ActionGrant
from aws_iam.engine.generation.condition_limits import ConditionLimit, ConditionLimits
from aws_iam.engine.language.pattern import covers, is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail.activity import request_for
from aws_iam.engine.trail.event_resource import NOT_NAMED
from aws_iam.engine.trail.generalize import generalized
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from aws_iam.engine.trail.activity import CallerActivity
    from aws_iam.engine.trail.event_needs import UsedAction


@slotted
class LeastGrants:
    """The grants for one caller; `general` counts the resources behind each pattern that was made more general."""

    grants: tuple[ActionGrant, ...]
    limits: ConditionLimits
    general: Mapping[str, int]
    # The resource of each use as the policy has it.
    placed: Mapping[UsedAction, str]


def least_grants(uses: Iterable[UsedAction], *, generalize: bool) -> LeastGrants:
    """The least grants that allow all uses."""
    uses = tuple(uses)
    wider = generalized((use.action, use.resource) for use in uses) if generalize else {}
    wanted = [
        replace(use, resource=wider.get((use.action, use.resource), use.resource)) for use in uses
    ]
    unconditional = {(use.action, use.resource) for use in wanted if not use.context}
    wild: dict[str, list[str]] = {}
    for action, resource in unconditional:
        if not is_literal(resource):
            wild.setdefault(action, []).append(resource)
    conditional: dict[tuple[str, str, tuple[str, ...]], dict[str, set[str]]] = {}
    for use in wanted:
        if use.context and not _is_covered(use, unconditional, wild):
            names = tuple(key for key, _ in use.context)
            keys = conditional.setdefault((use.action, use.resource, names), {})
            for key, value in use.context:
                keys.setdefault(key, set()).add(value)
    blocks = sorted({_block(keys) for keys in conditional.values()})
    distinct = dict.fromkeys(limit for block in blocks for limit in block)
    limits = {limit: number for number, limit in enumerate(distinct)}
    grants = [
        ActionGrant(action=action, resource=resource) for action, resource in sorted(unconditional)
    ]
    grants += (
        ActionGrant(
            action=action,
            resource=resource,
            limits=tuple(sorted(limits[limit] for limit in _block(keys))),
        )
        for (action, resource, _), keys in sorted(conditional.items(), key=lambda row: row[0])
    )
    general: dict[str, int] = {}
    for pattern in wider.values():
        general[pattern] = general.get(pattern, 0) + 1
    return LeastGrants(
        grants=tuple(grants),
        limits=ConditionLimits(listed=tuple(_limit(*limit) for limit in limits)),
        general=general,
        placed=dict(zip(uses, (use.resource for use in wanted), strict=True)),
    )


_Block = tuple[tuple[str, tuple[str, ...]], ...]


def _block(keys: Mapping[str, set[str]]) -> _Block:
    return tuple((key, tuple(sorted(values))) for key, values in sorted(keys.items()))


def _is_covered(
    use: UsedAction, unconditional: set[tuple[str, str]], wild: Mapping[str, Sequence[str]]
) -> bool:
    """Whether a grant without conditions already allows it."""
    if (use.action, use.resource) in unconditional:
        return True
    return any(covers(pattern, use.resource) for pattern in wild.get(use.action, ()))


def _limit(key: str, values: tuple[str, ...]) -> ConditionLimit:
    return ConditionLimit(
        operator="StringEquals",
        key=key,
        pointer="",
        values=values[0] if len(values) == 1 else list(values),
        passes_without=False,
        everywhere=False,
    )


@slotted
class Replay:
    """How many events the policies allow, and how many they may allow: the record does not show each resource that the call needs."""

    allowed: int = 0
    not_proved: int = 0


def replayed(account: CallerActivity, documents: Sequence[Mapping[str, Any]]) -> Replay:
    """The caller's events evaluated against the policies, when everything else allows them as it did."""
    number, partition = account.caller.split(":")[4], account.caller.split(":")[1]
    # Key policies and trust policies must allow too. They did, because the call succeeded.
    owner = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{partition}:iam::{number}:root"},
            "Action": "*",
            "Resource": "*",
        },
    }
    layers = layers_of({"identity": list(documents), "resource": owner})
    allowed = {
        use: evaluate_request(request_for(account.caller, use), layers).decision.outcome
        == "Allowed"
        for use in account.uses
    }
    proved = not_proved = 0
    for uses, count in account.needs.items():
        if all(map(allowed.get, uses)):
            is_shown = all(use.resource == "*" or use.why != NOT_NAMED for use in uses)
            open_ = account.incomplete[uses] if is_shown else count
            proved += count - open_
            not_proved += open_
    return Replay(allowed=proved, not_proved=not_proved)


def actions_without_types(uses: Iterable[UsedAction]) -> tuple[str, ...]:
    """The actions without resource types, which only `*` allows."""
    names = dict.fromkeys(use.action for use in uses if use.resource == "*")
    known = ((name, catalog().action(name)) for name in names)
    return tuple(name for name, action in known if action and not action.resource_types)
