"""The actions that CloudTrail events show, by user and role."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.trail.activity import activity_of
from aws_iam.engine.trail.cloudtrail import read_events
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.account.collect.identity.authorization import Role, User

_Key = tuple[str, str, str]


@slotted
class EventsByPrincipal:
    """The actions by account, kind and name of the caller; sessions omit the path of their role."""

    actions: Mapping[_Key, frozenset[str]] = field(default_factory=dict)
    events: int = 0
    """How many events show a use."""
    left_out: int = 0
    """How many events and entries show none, or could not be mapped to an action."""
    unread: tuple[tuple[str, str], ...] = ()
    """Files that could not be read, and why."""

    @classmethod
    def of(cls, given: Any) -> EventsByPrincipal:
        """The actions in CloudTrail records, or in files of them."""
        log = read_events(given)
        activity = activity_of(log)
        actions: dict[_Key, frozenset[str]] = {}
        for caller in activity.accounts:
            key = _key(caller.caller)
            used = frozenset(use.action for use in caller.uses)
            actions[key] = actions.get(key, frozenset()) | used
        return cls(
            actions=actions,
            events=sum(caller.events for caller in activity.accounts),
            left_out=activity.unmapped.total() + sum(log.skipped.values()),
            unread=log.unread,
        )

    def actions_of(self, identity: User | Role) -> frozenset[str]:
        """The actions that a user or role used."""
        return self.actions.get(_key(identity.arn), frozenset())


def _key(arn: str) -> _Key:
    account, _, resource = arn.rpartition(":")
    kind, _, path = resource.partition("/")
    return account.rpartition(":")[2], kind, path.rpartition("/")[2]
