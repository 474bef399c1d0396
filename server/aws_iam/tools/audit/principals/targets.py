"""The users, groups, roles and policies of an account on which an escalation path can be tried.

A path says on what its actions must be allowed (`the caller's user`, `another user`, …); each of these is a function here.
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

_REMOVES_LIMIT = "remove a limit"
_YIELDS_TARGETS_PERMISSIONS = "the permissions of the"
_MOST_NAMES = 20
# AWS does not let accounts change these: IAM User Guide, id_roles; Identity Center User Guide, referencingpermissionsets.
_AWS_OWN = ("/aws-service-role/", "/aws-reserved/")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIdentities:
    """The identities of an account, and what each may do: its actions (a bit for each), its policy documents.

    `administrators` are the ARNs of those that are or can become administrators.
    """

    authorization: Authorization
    actions: Mapping[str, int]
    documents: Mapping[str, frozenset[str]]
    administrators: frozenset[str]
    admin_policies: Callable[[], tuple[str, ...]]
    """The account's own policies that make their holder an administrator, or able to become one."""

    def has_more(self, identity: str, other: str) -> bool:
        """Whether `other` may do something that `identity` may not, if only the same actions on other resources."""
        theirs, nothing = self.actions.get(other, 0), frozenset[str]()
        more = theirs & ~self.actions.get(identity, 0)
        elsewhere = self.documents.get(other, nothing) - self.documents.get(identity, nothing)
        return bool(more or (theirs and elsewhere))


@dataclass(frozen=True, slots=True)
class PathTarget:
    """Something to try a path on: its name, the resource of each action, and whose permissions it leads to."""

    name: str
    resources: tuple[str, ...]
    boundary: str | None = None
    trust: str | None = None
    leads_to: str = ""


@dataclass(frozen=True, slots=True)
class _Query:
    identity: User | Role
    path: EscalationPath
    access: Access
    account: AccountIdentities

    def for_every_action(self, arn: str) -> tuple[str, ...]:
        """The resource, once for each action of the path."""
        return (arn,) * len(self.path.required)


def path_targets(
    identity: User | Role, path: EscalationPath, access: Access, account: AccountIdentities
) -> Iterator[PathTarget]:
    """The account's targets for a path, administrators first."""
    yield from TARGET_FINDERS[path.required[0].on](_Query(identity, path, access, account))


def _own_user(query: _Query) -> Iterator[PathTarget]:
    identity = query.identity
    if isinstance(identity, User) and (query.path.family != _REMOVES_LIMIT or identity.boundary):
        yield PathTarget(identity.name, query.for_every_action(identity.arn), identity.boundary)


def _own_role(query: _Query) -> Iterator[PathTarget]:
    identity = query.identity
    if isinstance(identity, Role) and (query.path.family != _REMOVES_LIMIT or identity.boundary):
        yield PathTarget(identity.name, query.for_every_action(identity.arn), identity.boundary)


def _own_group(query: _Query) -> Iterator[PathTarget]:
    return (
        PathTarget(group.name, query.for_every_action(group.arn))
        for group in _groups_of(query.identity, query.account.authorization)
    )


def _own_policy(query: _Query) -> Iterator[PathTarget]:
    holders = (query.identity, *_groups_of(query.identity, query.account.authorization))
    for policy in _customer_managed(policy for holder in holders for policy in holder.attached):
        yield PathTarget(policy.name, query.for_every_action(policy.arn))


def _other_group(query: _Query) -> Iterator[PathTarget]:
    if isinstance(query.identity, User):
        own = query.identity.groups
        yield from _by_strength(
            query, (group for group in query.account.authorization.groups if group.name not in own)
        )


def _policy_of_a_group(query: _Query) -> Iterator[PathTarget]:
    if isinstance(query.identity, User):
        for group in query.account.authorization.groups:
            for attached in _customer_managed(group.attached):
                yield PathTarget(group.name, (attached.arn, group.arn))


def _other_user(query: _Query) -> Iterator[PathTarget]:
    return _by_strength(query, query.account.authorization.users)


def _other_role(query: _Query) -> Iterator[PathTarget]:
    removes_limit = query.path.family == _REMOVES_LIMIT
    return _by_strength(
        query,
        (
            identity
            for identity in _changeable_roles(query)
            if identity.boundary or not removes_limit
        ),
    )


def _policy_of_a_role(query: _Query) -> Iterator[PathTarget]:
    for role in _changeable_roles(query):
        if role.arn != query.identity.arn:
            for attached in _customer_managed(role.attached):
                yield PathTarget(role.name, (attached.arn, role.arn), role.boundary, role.trust)


def _new(query: _Query) -> Iterator[PathTarget]:
    """Names for a new identity that match the statements that allow creating it and granting it more."""
    _, partition, _, _, account = query.identity.arn.split(":")[:5]
    kind = query.path.required[0].on.rpartition(" ")[2]
    reaches = (query.access.reach(need.action) for need in query.path.required)
    statements = (statement for reach in reaches if reach for statement in reach.allowed_by)
    written = (resource.value for statement in statements for resource in statement.resources)
    names = dict.fromkeys(
        pattern.rpartition(f":{kind}/")[2] if f":{kind}/" in pattern else "new"
        for pattern in written
    )
    # `new` is for statements that exclude names (NotResource).
    for name in islice(dict.fromkeys(["new", *names]), _MOST_NAMES):
        new_name = without_variables(name, "x").replace("*", "x").replace("?", "x")
        yield PathTarget(
            f"{kind}/{new_name}",
            query.for_every_action(f"arn:{partition}:iam::{account}:{kind}/{new_name}"),
        )


TARGET_FINDERS: Mapping[str, Callable[[_Query], Iterator[PathTarget]]] = {
    "the caller's user": _own_user,
    "the caller's role": _own_role,
    "a group of the caller": _own_group,
    "the attached policy ARN": _own_policy,
    "the target group": _other_group,
    "the same group": _other_group,
    "a policy of that group": _policy_of_a_group,
    "another user": _other_user,
    "the same user": _other_user,
    "the target role": _other_role,
    "a stronger role": _other_role,
    "the same role": _other_role,
    "that policy": _policy_of_a_role,
    "a new user": _new,
    "a new role": _new,
}
"""Keyed by what the first action of a path must be allowed on."""


def _groups_of(identity: User | Role, authorization: Authorization) -> list[Group]:
    names = identity.groups if isinstance(identity, User) else ()
    return [group for group in authorization.groups if group.name in names]


def _customer_managed(attached: Iterable[Attached]) -> Iterator[Attached]:
    """The customer managed policies: nobody can change AWS managed ones."""
    return (policy for policy in attached if policy.arn.split(":")[4:5] != ["aws"])


def _changeable_roles(query: _Query) -> Iterator[Role]:
    return (
        role for role in query.account.authorization.roles if not role.path.startswith(_AWS_OWN)
    )


def _by_strength(query: _Query, others: Iterable[User | Role | Group]) -> Iterator[PathTarget]:
    """The others, administrators first; if the path yields the target's permissions, only those that have more."""
    yields_target = query.path.yields.startswith(_YIELDS_TARGETS_PERMISSIONS)
    listed = [
        identity
        for identity in others
        if identity.arn != query.identity.arn
        and (not yields_target or query.account.has_more(query.identity.arn, identity.arn))
    ]
    for target in sorted(
        listed, key=lambda target: target.arn not in query.account.administrators
    ):
        yield PathTarget(
            target.name,
            query.for_every_action(target.arn),
            getattr(target, "boundary", None),
            getattr(target, "trust", None),
            target.arn if yields_target else "",
        )
