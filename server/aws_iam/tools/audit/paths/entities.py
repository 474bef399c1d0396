"""Users, groups, roles and customer managed policies of the estate, each with a number: a set of them is one integer.

    entities.matching("arn:aws:iam::111122223333:role/app-*") & entities.roles   →   the roles that a pattern matches, as bits

Thousands of principals then share one set, where a set of pairs would not fit into memory.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import Group, ManagedPolicy, Role, User
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.tools.audit.access.session_limits import limits_of_pods

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.tools.audit.access.estate import Estate, Member, Principal
    from aws_iam.tools.audit.access.held_policies import SessionLimit

_LAST = chr(0x10FFFF)
_OF_IAM = ("arn:aws:iam:", "arn:aws-cn:iam:", "arn:aws-us-gov:iam:")
NEW_ROLE, NEW_USER = "role/a-new-role", "user/a-new-user"
"""What a principal creates to give it more than it has itself."""


def bits(mask: int) -> Iterator[int]:
    """The numbers in a set."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def mask_of(numbers: Iterable[int]) -> int:
    """The set of some numbers."""
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


@dataclass(slots=True)
class Entities:
    """Everything in the estate's IAM, in the order of the ARNs; sets are integers with a bit for each number."""

    arns: list[str]
    number: dict[str, int]
    users: int = 0
    groups: int = 0
    roles: int = 0
    policies: int = 0
    created: int = 0
    """The users and roles that could be created, one of each for an account."""
    in_account: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    principals: dict[int, Principal] = field(default_factory=dict)
    """The users and roles by number, and the sessions in `role_of`."""
    group: dict[int, Group] = field(default_factory=dict)
    policy: dict[int, ManagedPolicy] = field(default_factory=dict)
    member_of: dict[int, Member] = field(default_factory=dict)
    """The account of each."""
    members: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """The users in each group."""
    groups_of: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    holders: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """The users, groups and roles that have a policy attached."""
    attached: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """The policies attached to each."""
    bounded: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """The users and roles that have a policy as their boundary."""
    with_boundary: int = 0
    """The users and roles that have a boundary."""
    with_profile: int = 0
    """The roles that have an instance profile."""
    sessions: int = 0
    """The sessions that pods have under a session policy; the ARN of one is that of the association."""
    role_of: dict[int, int] = field(default_factory=dict)
    """The role of each such session."""
    sessions_of: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """The sessions of each role that has any."""
    with_sessions: int = 0
    """The roles that have any."""
    associated: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """The sessions by the account that has their association, which may be another one than the role's."""
    _named: dict[tuple[str, str], int] = field(default_factory=dict)
    """The groups by account and name."""
    _matching: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, estate: Estate) -> Entities:
        """Those of an estate."""
        found: dict[str, tuple[Member, Principal | Group | ManagedPolicy]] = {
            own.arn: (own.member, own) for own in estate.principals
        }
        for member in estate.members.values():
            if member.authorization is not None:
                own_account = f"::{member.account.id}:"
                found |= {own.arn: (member, own) for own in member.authorization.groups}
                found |= {
                    own.arn: (member, own)
                    for own in member.authorization.policies
                    if own_account in own.arn
                }
        arns = sorted(found)
        entities = cls(arns, {arn: number for number, arn in enumerate(arns)})
        for number, arn in enumerate(arns):
            entities._add(number, *found[arn])
        # Users name their groups, which may come after them.
        for number in (*entities.principals, *entities.group):
            entities._link(number)
        for member in estate.members.values():
            for name in (NEW_ROLE, NEW_USER):
                entities._add_created(member, name)
        for member in estate.members.values():
            for role, limit in limits_of_pods(member):
                entities._add_session(role, limit)
        return entities

    def _add(self, number: int, member: Member, own: Principal | Group | ManagedPolicy) -> None:
        bit = 1 << number
        self.member_of[number] = member
        self.in_account[member.account.id] |= bit
        if isinstance(own, ManagedPolicy):
            self.policies |= bit
            self.policy[number] = own
        elif isinstance(own, Group):
            self.groups |= bit
            self.group[number] = own
            self._named[member.account.id, own.name] = number
        else:
            self.principals[number] = own
            if isinstance(own.identity, User):
                self.users |= bit
            else:
                self.roles |= bit

    def _link(self, number: int) -> None:
        bit, account = 1 << number, self.account_of(number)
        identity = (
            self.principals[number].identity if number in self.principals else self.group[number]
        )
        for attached in identity.attached:
            policy = self.number.get(attached.arn)
            if policy is not None:
                self.holders[policy] |= bit
                self.attached[number] |= 1 << policy
        if isinstance(identity, Role) and identity.profiles:
            self.with_profile |= bit
        boundary: str | None = getattr(identity, "boundary", None)
        if boundary is not None:
            self.with_boundary |= bit
            if boundary in self.number:
                self.bounded[self.number[boundary]] |= bit
        for name in identity.groups if isinstance(identity, User) else ():
            at = self._named.get((account, name))
            if at is not None:
                self.members[at] |= bit
                self.groups_of[number] |= 1 << at

    def _add_created(self, member: Member, name: str) -> None:
        arn = f"arn:{member.account.partition}:iam::{member.account.id}:{name}"
        number = len(self.arns)
        if arn in self.number:
            return
        self.arns.append(arn)
        self.number[arn] = number
        self.created |= 1 << number
        self.member_of[number] = member

    def _add_session(self, role: str, limit: SessionLimit) -> None:
        at, number = self.number.get(role), len(self.arns)
        if at is None or not self.roles >> at & 1 or limit.arn in self.number:
            return
        self.arns.append(limit.arn)
        self.number[limit.arn] = number
        self.member_of[number] = self.member_of[at]
        self.principals[number] = replace(self.principals[at], session=limit)
        self.sessions |= 1 << number
        self.role_of[number] = at
        self.sessions_of[at] |= 1 << number
        self.with_sessions |= 1 << at
        self.associated[limit.arn.split(":")[4]] |= 1 << number

    def identity_of(self, number: int) -> int:
        """The user or role that has the policies: of a session its role."""
        return self.role_of.get(number, number)

    def matching(self, pattern: str) -> int:
        """Those whose ARN a pattern matches, without what could be created."""
        if pattern not in self._matching:
            self._matching[pattern] = self._matched(pattern) & ~self.created
            if self.sessions and not pattern.startswith(_OF_IAM):
                # They are not in the order of the others.
                self._matching[pattern] |= mask_of(
                    number for number in self.role_of if matches(pattern, self.arns[number])
                )
        return self._matching[pattern]

    def _matched(self, pattern: str) -> int:
        if is_literal(pattern):
            number = self.number.get(pattern)
            return 0 if number is None else 1 << number
        head = pattern.partition("*")[0].partition("?")[0]
        end = len(self.arns) - self.created.bit_count() - len(self.role_of)
        first = bisect_left(self.arns, head, 0, end)
        last = bisect_left(self.arns, head + _LAST, first, end)
        if pattern == f"{head}*":
            return (1 << last) - (1 << first)
        return mask_of(n for n in range(first, last) if matches(pattern, self.arns[n]))

    def members_of(self, groups: int) -> int:
        """The users in any of the groups."""
        found = 0
        for group in bits(groups & self.groups):
            found |= self.members[group]
        return found

    def account_of(self, number: int) -> str:
        """The id of its account."""
        return self.member_of[number].account.id
