"""Which of the changes that can be made somebody is worth looking at with: each one, what goes together, and all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice, product
from typing import TYPE_CHECKING

from aws_iam.tools.audit.paths.changes import Change, State
from aws_iam.tools.audit.paths.entities import bits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.tools.audit.paths.changes import Gain
    from aws_iam.tools.audit.paths.entities import Entities

_MOST_STATES = 200
_MOST_CHOICES = 8


@dataclass(slots=True)
class Applicable:
    """The changes that concern one principal: of itself, and by the groups that it may join."""

    own: list[Change] = field(default_factory=list)
    of_limit: list[Change] = field(default_factory=list)
    """Those of its boundary and of its session policy."""
    removed: list[Change] = field(default_factory=list)
    """The policies that deny something, which it can be rid of."""
    joined: dict[Change, list[Change]] = field(default_factory=dict)
    """For each group that it may join, what then concerns it too."""

    @property
    def every(self) -> list[Change]:
        """All of them."""
        joined = [change for join, more in self.joined.items() for change in (join, *more)]
        return [*self.own, *self.of_limit, *joined]


def touched(
    entities: Entities, gain: Gain, targets: int, have: Mapping[tuple[Gain, str], int]
) -> int:
    """The users and roles that changes of the targets concern, with the changes that can be made."""
    joined = have.get(("group", ""), 0)
    if gain == "left":
        return entities.members_of(targets)
    if gain == "group":
        return _users_beside(entities, targets)
    if gain in {"version", "default"}:
        holders = bounded = 0
        for policy in bits(targets):
            holders |= entities.holders.get(policy, 0)
            bounded |= entities.bounded.get(policy, 0)
            # Those to which it can be attached.
            holders |= have.get(("attached", entities.arns[policy]), 0)
        targets = holders | bounded
    people = entities.users | entities.roles | entities.sessions
    found = (targets & people) | entities.members_of(targets)
    for role in bits(targets & entities.with_sessions):
        found |= entities.sessions_of[role]
    return found | _users_beside(entities, targets & joined)


def _users_beside(entities: Entities, groups: int) -> int:
    """The users of the accounts that have the groups."""
    found = 0
    for account in {entities.account_of(number) for number in bits(groups)}:
        found |= entities.in_account[account]
    return found & entities.users


def applicable(
    entities: Entities, number: int, have: Mapping[tuple[Gain, str], int]
) -> Applicable:
    """The changes that concern a principal, among those that can be made."""
    session, number = number, entities.identity_of(number)
    groups = entities.groups_of.get(number, 0)
    found = Applicable(own=list(_of_holders(entities, (number, *bits(groups)), have)))
    if have.get(("session", ""), 0) >> session & 1:
        found.of_limit.append(Change(gain="session", target=session))
    principal = entities.principals[number]
    boundary = entities.number.get(principal.identity.boundary or "")
    for (gain, what), targets in have.items():
        if gain == "boundary" and targets >> number & 1:
            found.of_limit.append(Change(gain=gain, target=number, what=what))
        if gain in {"version", "default"} and boundary is not None and targets >> boundary & 1:
            found.of_limit.append(Change(gain=gain, target=boundary, what=what))
        for holder in (number, *bits(groups)):
            if gain == "removed" and targets >> holder & 1:
                found.removed.append(Change(gain=gain, target=holder, what=what))
            elif gain == "left" and targets >> holder & 1:
                found.removed.append(Change(gain=gain, target=holder))
    found.own = [own for own in found.own if own not in found.of_limit]
    if entities.users >> number & 1:
        here = entities.in_account[entities.account_of(number)]
        for group in bits(have.get(("group", ""), 0) & here & ~groups):
            join = Change(gain="group", target=group)
            found.joined[join] = list(_of_holders(entities, (group,), have))
    return found


def _of_holders(
    entities: Entities, holders: Iterable[int], have: Mapping[tuple[Gain, str], int]
) -> Iterator[Change]:
    """The changes of the policies that some users, roles or groups have."""
    for holder in holders:
        policies = entities.attached.get(holder, 0)
        for (gain, what), targets in have.items():
            if gain == "attached" and targets >> holder & 1 and what in entities.number:
                policies |= 1 << entities.number[what]
        for (gain, what), targets in have.items():
            if gain in {"inline", "attached", "resource"} and targets >> holder & 1:
                yield Change(gain=gain, target=holder, what=what)
            elif gain in {"version", "default"}:
                for policy in bits(targets & policies):
                    yield Change(gain=gain, target=policy, what=what)


def states_of(found: Applicable) -> Iterator[State]:
    """The combinations worth looking at, small ones first."""
    yield from dict.fromkeys(islice(_combinations(found), _MOST_STATES))


def _combinations(found: Applicable) -> Iterator[State]:
    yield from _of_additions(found)
    every = frozenset(found.removed)
    rid = [frozenset((own,)) for own in found.removed]
    rid += [every] if len(every) > 1 else []
    yield from rid
    for added in _of_additions(found):
        yield from (added | own for own in reversed(rid))


def _of_additions(found: Applicable) -> Iterator[State]:
    yield from _one_by_one(found)
    yield from _all_together(found.every)


def _one_by_one(found: Applicable) -> Iterator[State]:
    for change in (*found.own, *found.of_limit):
        yield frozenset((change,))
    for join, more in found.joined.items():
        yield frozenset((join,))
        yield from (frozenset((join, change)) for change in more)
    for limit in found.of_limit:
        yield from (frozenset((limit, change)) for change in found.own)
        for join, more in found.joined.items():
            yield frozenset((limit, join))
            yield from (frozenset((limit, join, change)) for change in more)


def _all_together(every: list[Change]) -> Iterator[State]:
    """All changes, with each choice where only one of several can be in force."""
    choices: dict[tuple[str, int], list[Change]] = {}
    for change in dict.fromkeys(every):
        # A policy has one default version, whose text somebody may write; a principal has one boundary.
        kind = "text" if change.gain in {"version", "default"} else change.gain
        alone = kind in {"text", "boundary"}
        key = (kind, change.target) if alone else (f"{kind} {change.what}", change.target)
        choices.setdefault(key, []).append(change)
    for chosen in islice(product(*choices.values()), _MOST_CHOICES):
        if len(chosen) > 1:
            yield frozenset(chosen)
