"""`iam:PassRole` with the service that gets the role: without a condition on it the role can be passed to any service.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.generation.condition_limits import ConditionLimit, ConditionLimits
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.generation.action_grants import ActionGrant, WantedAction
    from aws_iam.engine.generation.condition_fit import FittedGrants

PASS_ROLE = "iam:PassRole"  # noqa: S105 - an action
KEY = "iam:PassedToService"


@slotted
class PassedRoles:
    """The grants with the condition on `iam:PassRole`: its services, or the roles that may go to any service."""

    grants: tuple[ActionGrant, ...]
    limits: ConditionLimits
    services: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()


def limit_passing(fitted: FittedGrants, limits: ConditionLimits) -> PassedRoles:
    """The grants, with the condition where the other granted actions show which services get the role."""
    keyed = {
        number for number, limit in enumerate(limits.listed) if limit.key.lower() == KEY.lower()
    }
    open_ = [
        grant
        for grant in fitted.grants
        if grant.action == PASS_ROLE and not keyed & set(grant.limits)
    ]
    services = _services(fitted.granted) if open_ else ()
    if not services:
        roles = tuple(dict.fromkeys(grant.resource for grant in open_))
        return PassedRoles(grants=fitted.grants, limits=limits, anywhere=roles)
    number = len(limits.listed)
    return PassedRoles(
        grants=tuple(
            replace(grant, limits=(*grant.limits, number)) if grant in open_ else grant
            for grant in fitted.grants
        ),
        limits=ConditionLimits(listed=(*limits.listed, _limit(services))),
        services=services,
    )


def _services(granted: Sequence[WantedAction]) -> tuple[str, ...]:
    """The services that the granted actions pass a role to; empty if one of them is not known."""
    names = dict.fromkeys(
        wanted.action.full_name
        for wanted in granted
        if PASS_ROLE in wanted.action.dependents or wanted.action.full_name in passed_to()
    )
    known = [passed_to().get(name, "") for name in names]
    return tuple(sorted(set(known))) if all(known) else ()


def passed_to() -> Mapping[str, str]:
    """By action, the service that gets the role which a call of it names."""
    services: Mapping[str, str] = resources.data("cloudtrail-events.json")["passed_to"]
    return services


def _limit(services: Sequence[str]) -> ConditionLimit:
    return ConditionLimit(
        operator="StringEquals",
        key=KEY,
        pointer="",
        values=services[0] if len(services) == 1 else list(services),
        passes_without=False,
        everywhere=False,
    )
