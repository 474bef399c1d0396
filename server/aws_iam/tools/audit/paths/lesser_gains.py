"""What a principal gains in one step that does not lead to administrator access: it acts as somebody who has more, or gives itself more.

    LesserGains(book).of(number)   →   (Gained(actions=("iam:CreateAccessKey",), targets=("arn:…:user/pay",)), …)

A permission on named principals is meant, as a help desk's; one on all of them is told if anybody has more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from aws_iam.frozen import slotted
from aws_iam.tools.audit.paths.changes import ANYTHING, Change
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.powers import PLACE, catalogued
from aws_iam.tools.audit.paths.trusts import ASSUME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.audit.access.estate import Principal
    from aws_iam.tools.audit.paths.actor import Actor
    from aws_iam.tools.audit.paths.book import PowerBook
    from aws_iam.tools.audit.paths.powers import Power

MOST_NAMED = 3
_ANOTHER = "one-that-nobody-named"
_OVER_OTHERS = frozenset({"principal", "trust"})


@slotted
class Gained:
    """One step: over others, whose ARNs are the `targets` (the first few that have more), or over itself, which has none."""

    actions: tuple[str, ...]
    technique: str
    targets: tuple[str, ...] = ()
    assuming: tuple[str, ...] = ()
    sheds_boundary: bool = False
    """Whether its permissions boundary limits it less afterwards."""


@dataclass(slots=True)
class LesserGains:
    """Looks at the powers of principals; those of principals with the same policies once."""

    book: PowerBook
    _targets: dict[tuple[int, frozenset[str]], tuple[str, ...]] = field(default_factory=dict)

    def of(self, number: int) -> tuple[Gained, ...]:
        """What one principal gains."""
        return tuple(self._found(number))

    def _found(self, number: int) -> Iterator[Gained]:
        principal = self.book.entities.principals[number]
        actor = self.book.actor(number)
        for power in self.book.powers(number):
            actions = tuple(call.action for call in power.calls)
            if not power.is_certain or actions == (ASSUME,):
                continue
            over_others = power.gain in _OVER_OTHERS
            targets = self._over_others(actor, power) if over_others else ()
            if targets or (not over_others and self._over_itself(number, principal, power)):
                yield Gained(
                    actions=actions,
                    technique=power.technique or _technique(actions),
                    targets=targets,
                    assuming=power.assuming,
                    sheds_boundary=power.gain == "boundary",
                )

    def _over_others(self, actor: Actor, power: Power) -> tuple[str, ...]:
        """The first targets that have more, where the power is one over everybody."""
        texts = frozenset(own.text for own in actor.principal.held.policies)
        # The book keeps its powers, so no other one gets the same number.
        key = (id(power), texts)
        if key not in self._targets:
            self._targets[key] = (
                tuple(self._with_more(actor, power)) if _is_over_all(actor, power) else ()
            )
        return self._targets[key]

    def _with_more(self, actor: Actor, power: Power) -> Iterator[str]:
        entities = self.book.entities
        targets = power.targets & ~entities.created & ~(1 << actor.number)
        if power.gain == "trust":
            targets &= self.book.assumable(actor.number, frozenset())[0]
        found = 0
        for number in bits(targets):
            if self._has_more(entities.principals[number], actor.principal):
                yield entities.arns[number]
                found += 1
                if found == MOST_NAMED:
                    return

    def _over_itself(self, number: int, principal: Principal, power: Power) -> bool:
        """Whether the change gives the principal itself more."""
        if power.gain == "attached" and self._text_of(power, principal) != ANYTHING:
            return False
        if power.gain == "group" and not _is_over_all(self.book.actor(number), power):
            return False
        changes = (
            Change(gain=power.gain, target=own, what=power.what)
            for own in bits(power.targets & self._own_targets(number, power))
        )
        changed = (self.book.changes.of_principal(number, frozenset((own,))) for own in changes)
        # Another version of a policy says nothing but what the policy says, on other resources or not.
        by_actions = power.gain == "default"
        return any(self._has_more(own, principal, by_actions=by_actions) for own in changed)

    def _own_targets(self, number: int, power: Power) -> int:
        """What a change concerns the principal by: itself, its groups, their policies, or the groups that it may join."""
        entities = self.book.entities
        groups = entities.groups_of.get(number, 0)
        if power.gain == "group":
            joinable = entities.in_account[entities.account_of(number)] & ~groups
            return joinable if entities.users >> number & 1 else 0
        if power.gain in {"version", "default"}:
            held = (entities.attached.get(own, 0) for own in (number, *bits(groups)))
            return reduce(or_, held)
        return 1 << number | (groups if power.gain in {"inline", "attached"} else 0)

    def _text_of(self, power: Power, principal: Principal) -> str | None:
        return self.book.changes.text_of(power.what, principal.member.account.id)

    def _has_more(self, other: Principal, own: Principal, *, by_actions: bool = False) -> bool:
        """Whether somebody may do what another one may not, if only the same on other resources."""
        texts = {policy.text for policy in own.held.policies}
        added = tuple(policy for policy in other.held.policies if policy.text not in texts)
        if other.held.unread or not (added or own.held.has_boundary):
            return False
        level_of = self.book.administrators.level_of
        if not by_actions and any(policy.text != ANYTHING for policy in added):
            beside = replace(other, held=replace(other.held, policies=added))
            if level_of(beside).actions:
                return True
        return bool(level_of(other).actions & ~level_of(own).actions)


def _is_over_all(actor: Actor, power: Power) -> bool:
    """Whether it covers targets that nobody named: the calls on the target are allowed on one that does not exist, too."""
    target = actor.entities.arns[next(bits(power.targets))]
    place = next(iter(power.places.values()), "")
    for call in power.calls:
        if call.on not in {"", PLACE}:
            continue
        resource = _another(place if call.on == PLACE else target)
        access = actor.proof(call.action, resource, call.context)
        if access.verdict != "can" or any("Tag/" in own for own in access.conditions):
            return False
    return True


def _another(arn: str) -> str:
    """A resource of the same kind with a name of its own."""
    *head, resource = arn.split(":", 5)
    kind = re.match(r"[^/:]+[/:]", resource)
    return ":".join((*head, f"{kind[0] if kind else ''}{_ANOTHER}"))


def _technique(actions: tuple[str, ...]) -> str:
    wanted = frozenset(actions)
    return next((own.id for own in catalogued().values() if own.actions == wanted), "")
