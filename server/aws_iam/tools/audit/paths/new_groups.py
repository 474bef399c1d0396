"""A new group with any permission: whoever may create one, give it a policy and add users has them all as any of the users."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.tools.audit.paths.actor import POLICY_KEY
from aws_iam.tools.audit.paths.changes import FULL_ACCESS
from aws_iam.tools.audit.paths.powers import Call, Power, decided_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.audit.paths.actor import Actor

CREATE_GROUP, JOIN = "iam:CreateGroup", "iam:AddUserToGroup"
_GIVES = ("iam:PutGroupPolicy", "iam:AttachGroupPolicy")
_MOST_NAMES = 10


def new_groups(actor: Actor) -> Iterator[Power]:
    """The group that a principal may create, for any user of its account."""
    for giving in _GIVES:
        if actor.takes(CREATE_GROUP, giving, JOIN):
            power = _created(actor, (CREATE_GROUP, giving, JOIN))
            if power:
                yield power


def _created(actor: Actor, actions: tuple[str, ...]) -> Power | None:
    policy = FULL_ACCESS.replace("arn:aws:", f"arn:{actor.partition}:")
    for group in islice(_names(actor, actions), _MOST_NAMES):
        if group in actor.entities.number:
            continue
        calls = tuple(
            Call(
                action=action,
                on=group,
                context={POLICY_KEY: policy} if action.startswith("iam:Attach") else {},
            )
            for action in actions
        )
        found = [actor.proof(call.action, group, call.context) for call in calls]
        if all(access.is_possible for access in found):
            power = Power(
                gain="attached",
                targets=actor.entities.users & actor.own_account,
                what=group,
                calls=calls,
            )
            return decided_by(power, *found)
    return None


def _names(actor: Actor, actions: tuple[str, ...]) -> Iterator[str]:
    """Groups as the policies allow them, and one for those that only exclude names."""
    start = f"arn:{actor.partition}:iam::{actor.account}:group/"
    filled = (
        text.replace("*", "a-new-group").replace("?", "x")
        for action in actions
        for text in actor.patterns(action)
    )
    yield from dict.fromkeys(
        (f"{start}a-new-group", *(own for own in filled if own.startswith(start)))
    )
