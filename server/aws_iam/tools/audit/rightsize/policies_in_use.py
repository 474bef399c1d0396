"""The policies of an account with everyone whom each serves: a change of one is a change for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aws_iam.account.collect.identity.authorization import Group, Role, User
from aws_iam.escape import quoted
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.account.collect.identity.authorization import Authorization

EntityKind = Literal["role", "user", "group"]


@positional
class Entity:
    """What a policy is in or attached to."""

    kind: EntityKind
    name: str
    arn: str


@slotted
class PolicyInUse:
    """A policy; an inline one has no ARN and one entity."""

    name: str
    arn: str
    text: str
    entities: tuple[Entity, ...]
    members: Mapping[Entity, tuple[str, ...]] = field(compare=False)
    """The users and roles, by their ARNs, that each entity gives it to."""
    is_boundary: bool = False

    @property
    def serves(self) -> tuple[str, ...]:
        """The users and roles that it serves, by their ARNs."""
        return tuple(
            dict.fromkeys(arn for entity in self.entities for arn in self.members[entity])
        )

    @property
    def is_inline(self) -> bool:
        """Whether it is a part of one user, role or group."""
        return not self.arn

    @property
    def is_of_aws(self) -> bool:
        """Whether it is managed by AWS, and nobody else can change it."""
        return self.arn.split(":")[4:5] == ["aws"]


@dataclass(slots=True)
class PrincipalPolicies:
    """What a user or role has: each policy with the entity that gives it, and what AWS left out."""

    held: list[tuple[PolicyInUse, Entity]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def texts(self) -> tuple[str, ...]:
        """The documents, each once."""
        return tuple(dict.fromkeys(policy.text for policy, _ in self.held))


def policies_of(
    authorization: Authorization,
) -> tuple[tuple[PolicyInUse, ...], dict[str, PrincipalPolicies]]:
    """All policies that are in use, and those of each user and role by its ARN."""
    users = authorization.users
    roles = [role for role in authorization.roles if not role.is_service_linked]
    identities: list[User | Role] = [*users, *roles]
    principals = {identity.arn: PrincipalPolicies() for identity in identities}
    members = _members(authorization, principals)
    holders: list[tuple[Entity, User | Role | Group]] = [
        *((Entity("user", user.name, user.arn), user) for user in users),
        *((Entity("role", role.name, role.arn), role) for role in authorization.roles),
        *((Entity("group", group.name, group.arn), group) for group in authorization.groups),
    ]
    found = [
        PolicyInUse(
            name=inline.name,
            arn="",
            text=inline.document,
            entities=(entity,),
            members={entity: members[entity.arn]},
        )
        for entity, holder in holders
        for inline in holder.inline
    ]
    found += _managed(authorization, holders, members, principals)
    for policy in found:
        for entity in policy.entities:
            for arn in policy.members[entity]:
                if arn in principals:
                    principals[arn].held.append((policy, entity))
    return tuple(found), principals


def _managed(
    authorization: Authorization,
    holders: Sequence[tuple[Entity, User | Role | Group]],
    members: Mapping[str, tuple[str, ...]],
    principals: Mapping[str, PrincipalPolicies],
) -> list[PolicyInUse]:
    attached: dict[str, list[Entity]] = {}
    names: dict[str, str] = {}
    for entity, holder in holders:
        for own in holder.attached:
            attached.setdefault(own.arn, []).append(entity)
            names[own.arn] = own.name
    identities: list[User | Role] = [*authorization.users, *authorization.roles]
    boundaries = {identity.boundary for identity in identities}
    documents = {policy.arn: policy for policy in authorization.policies}
    found: list[PolicyInUse] = []
    for arn, entities in sorted(attached.items()):
        policy = documents.get(arn)
        if policy is None or policy.document is None:
            for member in (own for entity in entities for own in members[entity.arn]):
                if member in principals:
                    principals[member].unread.append(f"policy {quoted(names[arn])}")
            continue
        found.append(
            PolicyInUse(
                name=policy.name,
                arn=arn,
                text=policy.document,
                entities=tuple(entities),
                members={entity: members[entity.arn] for entity in entities},
                is_boundary=arn in boundaries or policy.boundary_uses > 0,
            )
        )
    return found


def _members(
    authorization: Authorization, principals: Mapping[str, PrincipalPolicies]
) -> dict[str, tuple[str, ...]]:
    """The users and roles behind each user, role and group, by ARNs; a role is itself."""
    known = {group.name: group.arn for group in authorization.groups}
    members: dict[str, list[str]] = {arn: [] for arn in known.values()}
    for user in authorization.users:
        for name in user.groups:
            if name in known:
                members[known[name]].append(user.arn)
            else:
                principals[user.arn].unread.append(f"group {quoted(name)}")
    identities: list[User | Role] = [*authorization.users, *authorization.roles]
    return {
        **{arn: tuple(listed) for arn, listed in members.items()},
        **{identity.arn: (identity.arn,) for identity in identities},
    }
