"""Roles that a principal passes to a service, which then runs what the principal wants with the role's permissions.

What runs is new, or exists and is given the role: a function, a project, a stack.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.effective.escalation import NEW_COMPUTE, escalation_paths
from aws_iam.engine.language.pattern import matches
from aws_iam.tools.audit.paths.example_resources import allowed_together
from aws_iam.tools.audit.paths.powers import Call, Power, decided_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.effective.escalation import EscalationPath
    from aws_iam.tools.audit.access.verdicts import Access
    from aws_iam.tools.audit.paths.actor import Actor
    from aws_iam.tools.audit.paths.compute import Compute
    from aws_iam.tools.audit.paths.trusts import Trusts

    _Allowed = tuple[tuple[str, str, Access], ...]

PASS = "iam:PassRole"  # noqa: S105 - an action
_SERVICE_KEY = "iam:PassedToService"
NEW_PROFILE = ("iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile")
"""What gives a role an instance profile, which the console does on its own where a role for EC2 is created."""
_PROFILE = "the role has an instance profile"
_EXISTS = " exists"


def passed_roles(actor: Actor, trusts: Trusts, compute: Compute) -> Iterator[Power]:
    """The roles that a principal may pass to a service that trusts them, by the first path of the catalogue that works."""
    if not actor.takes(PASS):
        return
    own = actor.own_account & actor.granted(PASS) & actor.entities.roles
    reached = 0
    # What needs nothing else of the account comes first.
    for path in sorted(_of_passing(), key=lambda path: len(_unsettled(path))):
        actions = tuple(need.action for need in path.required if need.action != PASS)
        if not actor.takes(*actions):
            continue
        for service in path.may_pass_to:
            candidates = (
                own
                & ~reached
                & trusts.letting_in(service, actor.account, actor.decider, actor.entities)
            )
            for part, more in _by_profile(actor, path, candidates):
                found = _calls(actor, path, (*more, *actions), compute) if part else None
                for power in _passed(actor, path, service, part, *found) if found else ():
                    yield replace(power, technique="") if more else power
                    if power.is_certain and not power.assuming:
                        reached |= power.targets


def _calls(
    actor: Actor, path: EscalationPath, actions: tuple[str, ...], compute: Compute
) -> tuple[_Allowed, str] | None:
    """The calls beside passing the role: on what they create, or on the first resource that exists on which all are allowed.

    With the ARN of that resource, which is empty where none is needed or nobody knows which exist.
    """
    key = (path.held_by, actor.account)
    if not path.held_by or key in compute.unread:
        together = allowed_together(actor, actions)
        return (together, "") if together else None
    patterns = [tuple(actor.patterns(action)) for action in actions]
    for place in compute.places.get(key, ()):
        if all(any(matches(pattern, place) for pattern in own) for own in patterns):
            found = tuple((action, place, actor.proof(action, place)) for action in actions)
            if all(access.is_possible for _, _, access in found):
                return found, place
    return None


def _by_profile(
    actor: Actor, path: EscalationPath, candidates: int
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The candidates, and what it takes besides to pass them: an instance takes a profile, which has one role."""
    if _PROFILE not in path.prerequisites:
        yield candidates, ()
        return
    with_profile = actor.entities.with_profile
    yield candidates & with_profile, ()
    if actor.takes(*NEW_PROFILE):
        yield candidates & ~with_profile, NEW_PROFILE


def _of_passing() -> list[EscalationPath]:
    return [path for path in escalation_paths() if path.family == NEW_COMPUTE]


def _passed(
    actor: Actor,
    path: EscalationPath,
    service: str,
    candidates: int,
    calls: _Allowed,
    place: str,
) -> Iterator[Power]:
    context = {_SERVICE_KEY: service}
    for targets, access in actor.allowed(PASS, candidates, context):
        power = Power(
            gain="principal",
            targets=targets,
            calls=(
                Call(action=PASS, context=context),
                *(Call(action=action, on=resource) for action, resource, _ in calls),
            ),
            technique=path.id,
            through=place or service,
            assuming=_unsettled(path, place),
        )
        yield decided_by(power, access, *(own for _, _, own in calls))


def _unsettled(path: EscalationPath, place: str = "") -> tuple[str, ...]:
    """The prerequisites that the account's roles do not settle, nor the resource that was found."""
    return tuple(
        own
        for own in path.prerequisites
        if not own.startswith("a stronger role")
        and own != _PROFILE
        and not (place and own.endswith(_EXISTS))
    )
