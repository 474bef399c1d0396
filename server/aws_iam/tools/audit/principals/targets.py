"""What an account has for a path to more permissions: its users, groups, roles and policies, as requests to be asked for.

A path says on what its actions have to be allowed (`the caller's user`, `another user`, …); each of these is a function here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import Role, User
from aws_iam.engine.language.variables import without_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.account.collect.identity.authorization import Attached, Authorization, Group
    from aws_iam.engine.effective.access import Access
    from aws_iam.engine.effective.escalation import EscalationPath

_LIMITS = "remove a limit"
_LEADS_TO_THE_TARGETS_OWN = "the permissions of the"
_MOST_NAMES = 20
# AWS lets nobody change these: IAM User Guide, id_roles; Identity Center User Guide, referencingpermissionsets.
_AWS_OWN = ("/aws-service-role/", "/aws-reserved/")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The identities of an account, and what each may do: its actions as bits, its documents, and who is an administrator.

    Who can become one counts as one.
    """

    found: Authorization
    actions: Mapping[str, int]
    documents: Mapping[str, frozenset[str]]
    strong: frozenset[str]
    worth_attaching: Callable[[], tuple[str, ...]]
    """The account's own policies that make an administrator, or whoever becomes one."""

    def gains(self, one: str, other: str) -> bool:
        """Whether the other may do anything that the first may not, be it the same actions on other resources."""
        theirs, nothing = self.actions.get(other, 0), frozenset[str]()
        more = theirs & ~self.actions.get(one, 0)
        elsewhere = self.documents.get(other, nothing) - self.documents.get(one, nothing)
        return bool(more or (theirs and elsewhere))


@dataclass(frozen=True, slots=True)
class Target:
    """What a path is asked for: the resource of each of its actions, its name, and whose permissions it leads to."""

    name: str
    resources: tuple[str, ...]
    boundary: str | None = None
    trust: str | None = None
    leads_to: str = ""


@dataclass(frozen=True, slots=True)
class _Seeking:
    one: User | Role
    path: EscalationPath
    access: Access
    world: World

    def on(self, arn: str) -> tuple[str, ...]:
        """The same resource for every action."""
        return (arn,) * len(self.path.required)


def targets(
    one: User | Role, path: EscalationPath, access: Access, world: World
) -> Iterator[Target]:
    """What the account has for a path, whatever leads furthest first."""
    yield from TARGETS[path.required[0].on](_Seeking(one, path, access, world))


def _own_user(at: _Seeking) -> Iterator[Target]:
    one = at.one
    if isinstance(one, User) and (at.path.family != _LIMITS or one.boundary):
        yield Target(one.name, at.on(one.arn), one.boundary)


def _own_role(at: _Seeking) -> Iterator[Target]:
    one = at.one
    if isinstance(one, Role) and (at.path.family != _LIMITS or one.boundary):
        yield Target(one.name, at.on(one.arn), one.boundary)


def _own_group(at: _Seeking) -> Iterator[Target]:
    return (Target(group.name, at.on(group.arn)) for group in _groups_of(at.one, at.world.found))


def _own_policy(at: _Seeking) -> Iterator[Target]:
    holders = (at.one, *_groups_of(at.one, at.world.found))
    for policy in _written_here(policy for holder in holders for policy in holder.attached):
        yield Target(policy.name, at.on(policy.arn))


def _other_group(at: _Seeking) -> Iterator[Target]:
    if isinstance(at.one, User):
        own = at.one.groups
        yield from _ordered(
            at, (group for group in at.world.found.groups if group.name not in own)
        )


def _other_user(at: _Seeking) -> Iterator[Target]:
    return _ordered(at, at.world.found.users)


def _other_role(at: _Seeking) -> Iterator[Target]:
    is_limit = at.path.family == _LIMITS
    return _ordered(
        at, (identity for identity in _changeable(at) if identity.boundary or not is_limit)
    )


def _policy_of_a_role(at: _Seeking) -> Iterator[Target]:
    for role in _changeable(at):
        if role.arn != at.one.arn:
            for attached in _written_here(role.attached):
                yield Target(role.name, (attached.arn, role.arn), role.boundary, role.trust)


def _new(at: _Seeking) -> Iterator[Target]:
    """Names for something new, as the statements that allow its making and its strengthening write them."""
    _, partition, _, _, account = at.one.arn.split(":")[:5]
    kind = at.path.required[0].on.rpartition(" ")[2]
    reaches = (at.access.reach(need.action) for need in at.path.required)
    statements = (statement for reach in reaches if reach for statement in reach.allowed_by)
    written = (resource.value for statement in statements for resource in statement.resources)
    names = dict.fromkeys(
        pattern.rpartition(f":{kind}/")[2] if f":{kind}/" in pattern else "new"
        for pattern in written
    )
    # Where a statement names what it leaves out, any other name will do.
    for name in islice(dict.fromkeys(["new", *names]), _MOST_NAMES):
        made = without_variables(name, "x").replace("*", "x").replace("?", "x")
        yield Target(f"{kind}/{made}", at.on(f"arn:{partition}:iam::{account}:{kind}/{made}"))


TARGETS: Mapping[str, Callable[[_Seeking], Iterator[Target]]] = {
    "the caller's user": _own_user,
    "the caller's role": _own_role,
    "a group of the caller": _own_group,
    "the attached policy ARN": _own_policy,
    "the target group": _other_group,
    "another user": _other_user,
    "the same user": _other_user,
    "the target role": _other_role,
    "a stronger role": _other_role,
    "the same role": _other_role,
    "that policy": _policy_of_a_role,
    "a new user": _new,
    "a new role": _new,
}
"""By what the first action of a path has to be allowed on."""


def _groups_of(one: User | Role, found: Authorization) -> list[Group]:
    names = one.groups if isinstance(one, User) else ()
    return [group for group in found.groups if group.name in names]


def _written_here(attached: Iterable[Attached]) -> Iterator[Attached]:
    """The policies that the account wrote; AWS's own nobody changes."""
    return (policy for policy in attached if policy.arn.split(":")[4:5] != ["aws"])


def _changeable(at: _Seeking) -> Iterator[Role]:
    return (role for role in at.world.found.roles if not role.path.startswith(_AWS_OWN))


def _ordered(at: _Seeking, others: Iterable[User | Role | Group]) -> Iterator[Target]:
    """The others, administrators first; where a path yields what the target has, only who has more."""
    is_theirs = at.path.yields.startswith(_LEADS_TO_THE_TARGETS_OWN)
    listed = [
        identity
        for identity in others
        if identity.arn != at.one.arn
        and (not is_theirs or at.world.gains(at.one.arn, identity.arn))
    ]
    for target in sorted(listed, key=lambda target: target.arn not in at.world.strong):
        yield Target(
            target.name,
            at.on(target.arn),
            getattr(target, "boundary", None),
            getattr(target, "trust", None),
            target.arn if is_theirs else "",
        )
