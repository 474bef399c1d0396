"""The actions that risks are about, by service, and whether a policy may allow all of a service.

A risk is about some actions of a service: those of escalation paths, those that give out or open something, those that change
resources. Only a risk of all of a service, or of everything, is about the others too.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aws_iam.engine.effective.action_expansion import Named, actions_of_service
from aws_iam.engine.effective.escalation import known_paths
from aws_iam.engine.explain.action_risks import changing_actions, listed_actions
from aws_iam.engine.language.memo import memo_of_reference

if TYPE_CHECKING:
    from aws_iam.engine.effective.access import Access
    from aws_iam.engine.reference.catalog import Action

_MANY = 2_000
"""Actions: a policy that allows nearly everything allows far more of those that risks are about."""


@memo_of_reference(1024)
def risky_service(prefix: str) -> Named:
    """The actions of a service that risks are about; empty if none could be named in a risk of the whole service."""
    changing, listed = changing_actions(prefix), _listed()
    return {
        name: action
        for name, action in actions_of_service(prefix).items()
        if name in listed or name in changing or _changes_named(action)
    }


@memo_of_reference(1024)
def changes_named(prefix: str) -> bool:
    """Whether some action of a service does more than read resources that a policy could name."""
    return any(map(_changes_named, actions_of_service(prefix).values()))


def _changes_named(action: Action) -> bool:
    return bool(action.resource_types) and action.level not in ("Read", "List")


@cache
def _listed() -> frozenset[str]:
    """The actions of paths and of the lists of risky ones, in lower case."""
    needed = (need.action.lower() for path in known_paths() for need in path.required)
    return frozenset(needed) | listed_actions()


def may_be_broad(access: Access) -> bool:
    """Whether the policies may allow all of a service, or nearly everything; certainly not where they limit the risky actions."""
    everywhere = {name for reach, names in access.by_reach if reach.everywhere for name in names}
    services = {access.facts[name].service for name in everywhere}
    risky = filter(None, map(risky_service, services))
    return len(everywhere) > _MANY or any(named.keys() <= everywhere for named in risky)
