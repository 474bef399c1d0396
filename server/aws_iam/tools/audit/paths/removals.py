"""Policies that deny something, taken away: detached, deleted, or left behind with a group.

What else such a policy allows is gone with it, so each removal is looked at by itself and with the other changes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.tools.audit.paths.actor import POLICY_KEY
from aws_iam.tools.audit.paths.changes import DENYING_INLINE, PURE_INLINE, has_deny, only_denies
from aws_iam.tools.audit.paths.powers import Call, Power, decided_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.audit.paths.actor import Actor
    from aws_iam.tools.audit.paths.changes import Changes, Gain
    from aws_iam.tools.audit.paths.entities import Entities

LEAVE = "iam:RemoveUserFromGroup"
DELETES = {
    "iam:DeleteUserPolicy": "users",
    "iam:DeleteRolePolicy": "roles",
    "iam:DeleteGroupPolicy": "groups",
}
DETACHES = {
    "iam:DetachUserPolicy": "users",
    "iam:DetachRolePolicy": "roles",
    "iam:DetachGroupPolicy": "groups",
}


@dataclass(slots=True)
class Denying:
    """Who has policies that deny something: inline ones, by what is deleted of them, and attached ones, by their ARN."""

    inline: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    attached: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    groups: int = 0
    """The groups with any such policy."""

    @classmethod
    def of(cls, entities: Entities, changes: Changes) -> Denying:
        """Those of an estate."""
        found = cls()
        texts: dict[tuple[str, str], bool] = {}
        identities = [
            (n, own.identity)
            for n, own in entities.principals.items()
            if n not in entities.role_of
        ]
        for number, identity in (*identities, *entities.group.items()):
            bit, account = 1 << number, entities.account_of(number)
            denying = [own.document for own in identity.inline if has_deny(own.document)]
            if denying:
                found.inline[DENYING_INLINE] |= bit
            if any(map(only_denies, denying)) and not all(map(only_denies, denying)):
                found.inline[PURE_INLINE] |= bit
            is_denied = bool(denying)
            for own in identity.attached:
                key = (own.arn, account)
                if key not in texts:
                    texts[key] = has_deny(changes.text_of(own.arn, account) or "")
                if texts[key]:
                    found.attached[own.arn] |= bit
                    is_denied = True
            found.groups |= bit if is_denied and number in entities.group else 0
        return found


def removals(actor: Actor, denying: Denying) -> Iterator[Power]:
    """The policies with a Deny that a principal may take away from somebody in its account."""
    own = actor.own_account
    for action, kind in DELETES.items():
        if actor.takes(action):
            for what, holders in denying.inline.items():
                of_kind: int = getattr(actor.entities, kind)
                yield from _powers(actor, "removed", action, holders & of_kind & own, what)
    for action, kind in DETACHES.items():
        if actor.takes(action):
            of_kind = getattr(actor.entities, kind) & own
            for arn, holders in denying.attached.items():
                context = {POLICY_KEY: arn}
                yield from _powers(actor, "removed", action, holders & of_kind, arn, context)
    if actor.takes(LEAVE):
        yield from _powers(actor, "left", LEAVE, denying.groups & own)


def _powers(
    actor: Actor,
    gain: Gain,
    action: str,
    candidates: int,
    what: str = "",
    context: dict[str, str] | None = None,
) -> Iterator[Power]:
    for targets, access in actor.allowed(action, candidates & actor.granted(action), context):
        call = Call(action=action, context=context or {})
        power = Power(gain=gain, targets=targets, what=what, calls=(call,))
        yield decided_by(power, access)
