"""A new role or user with any permission: whoever may create one and give it a policy has them all."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.engine.effective.escalation import NEW_PRINCIPALS, escalation_paths
from aws_iam.tools.audit.paths.actor import BOUNDARY_KEY, POLICY_KEY
from aws_iam.tools.audit.paths.assuming import LETS_IN_ANOTHER, let_in_by_trust, trust_naming
from aws_iam.tools.audit.paths.changes import FULL_ACCESS
from aws_iam.tools.audit.paths.entities import NEW_ROLE, NEW_USER
from aws_iam.tools.audit.paths.powers import Call, Power, decided_by
from aws_iam.tools.audit.paths.trusts import ASSUME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.effective.escalation import EscalationPath
    from aws_iam.tools.audit.access.verdicts import Access
    from aws_iam.tools.audit.paths.actor import Actor

_MOST_NAMES = 10
_NEW = {"role": NEW_ROLE, "user": NEW_USER}


def new_identities(actor: Actor) -> Iterator[Power]:
    """The administrator that a principal may create, by each path of the catalogue."""
    for path in escalation_paths():
        if path.required[0].on in NEW_PRINCIPALS and actor.takes(*path.actions):
            power = _created(actor, path)
            if power:
                yield power


def _created(actor: Actor, path: EscalationPath) -> Power | None:
    kind = path.required[0].on.rpartition(" ")[2]
    partition = actor.partition
    policy = FULL_ACCESS.replace("arn:aws:", f"arn:{partition}:")
    start = f"arn:{partition}:iam::{actor.account}:{kind}/"
    fallback: Power | None = None
    # A boundary of full access limits nothing, and a policy may ask for one.
    for boundary in ({}, {BOUNDARY_KEY: policy}):
        for name in islice(_names(actor, path, kind), _MOST_NAMES):
            resource = start + name
            calls = tuple(
                Call(
                    action=need.action,
                    on=resource,
                    context=boundary | _attaching(need.action, policy),
                )
                for need in path.required
            )
            found = [actor.proof(call.action, resource, call.context) for call in calls]
            if not all(access.is_possible for access in found):
                continue
            created = start + _NEW[kind].partition("/")[2]
            if kind == "user":
                return _power(actor, path, created, calls, found)
            own = actor.proof(ASSUME, resource, trust=trust_naming(actor.principal.arn))
            if own.is_possible:
                return _power(actor, path, created, calls, [*found, own])
            other = let_in_by_trust(actor.decider, resource)
            if fallback is None and other.is_possible:
                assuming = (LETS_IN_ANOTHER,)
                fallback = _power(actor, path, created, calls, [*found, other], assuming)
    return fallback


def _attaching(action: str, policy: str) -> dict[str, str]:
    return {POLICY_KEY: policy} if action.startswith("iam:Attach") else {}


def _names(actor: Actor, path: EscalationPath, kind: str) -> Iterator[str]:
    """Names of a new identity, as the policies allow them; `new` is for those that only exclude names."""
    patterns = (text for need in path.required for text in actor.patterns(need.action))
    names = (
        text.rpartition(f":{kind}/")[2] if f":{kind}/" in text else "new" for text in patterns
    )
    filled = (name.replace("*", "x").replace("?", "x") for name in names)
    yield from dict.fromkeys(("new", *filled))


def _power(
    actor: Actor,
    path: EscalationPath,
    created: str,
    calls: tuple[Call, ...],
    found: list[Access],
    assuming: tuple[str, ...] = (),
) -> Power:
    power = Power(
        gain="principal",
        targets=1 << actor.entities.number[created],
        calls=calls,
        technique=path.id,
        assuming=(*path.prerequisites, *assuming),
    )
    return decided_by(power, *found)
