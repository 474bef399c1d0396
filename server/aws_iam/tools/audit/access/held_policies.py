"""The policies that a user or role has, each with a name that a proof can point to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import Group, Role, User
from aws_iam.escape import quoted
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.identity.authorization import Authorization


@positional
class NamedPolicy:
    """The JSON text of a policy, and where it stands: an ARN, or the holder and the name of an inline policy."""

    name: str
    text: str


@slotted
class HeldPolicies:
    """The identity policies of a principal with those of its groups, and its boundary; `unread` names those that AWS left out."""

    policies: tuple[NamedPolicy, ...] = ()
    boundary: NamedPolicy | None = None
    has_boundary: bool = False
    unread: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[NamedPolicy, ...]:
        """All of them, the boundary included."""
        return (*self.policies, *((self.boundary,) if self.boundary else ()))


@slotted
class Handover:
    """How a setting of an account hands out a role: its service assumes `role`, and with that `target`, if there is one.

    `actions` are what it asks for, `tags` the request tags that it sends, and `unsent` those that it could send and does not.
    """

    service: str
    account: str
    role: str
    target: str = ""
    external_id: str = ""
    actions: tuple[str, ...] = ("sts:AssumeRole",)
    tags: tuple[tuple[str, str], ...] = ()
    unsent: frozenset[str] = frozenset()


@slotted
class SessionLimit:
    """The session policies that limit a role whenever a setting of the account hands it out; `unread` names those not known.

    `arn` is that setting's: an EKS Pod Identity association, a profile of IAM Roles Anywhere, a user of a Transfer Family
    server, an EMR Studio.
    `whose` says who has such sessions; with `services`, by their prefixes, they only ever call these.
    """

    arn: str
    whose: str
    handover: Handover
    policies: tuple[NamedPolicy, ...] = ()
    unread: tuple[str, ...] = ()
    services: frozenset[str] = frozenset()

    def row(self) -> dict[str, str]:
        """The sessions as the start of a row of an answer."""
        return {"session": self.arn, "whose": self.whose}


class PolicyHolders:
    """Looks up what the principals of an account have; the account's policies are found by their ARN once."""

    def __init__(self, authorization: Authorization) -> None:
        self._managed = {policy.arn: policy.document for policy in authorization.policies}
        self._groups = {group.name: group for group in authorization.groups}

    def held_by(self, identity: User | Role) -> HeldPolicies:
        """The policies of a user or role."""
        unread: list[str] = []
        found = tuple(
            policy
            for holder in self._holders(identity, unread)
            for policy in self._of(holder, unread)
        )
        boundary = identity.boundary and self._managed.get(identity.boundary)
        if identity.boundary and boundary is None:
            unread.append(f"boundary {quoted(identity.boundary.rpartition('/')[2])}")
        return HeldPolicies(
            policies=found,
            boundary=NamedPolicy(identity.boundary or "", boundary) if boundary else None,
            has_boundary=identity.boundary is not None,
            unread=tuple(unread),
        )

    def of_group(self, group: Group) -> HeldPolicies:
        """The policies that a group gives its members."""
        unread: list[str] = []
        found = tuple(self._of(group, unread))
        return HeldPolicies(policies=found, unread=tuple(unread))

    def _holders(self, identity: User | Role, unread: list[str]) -> Iterator[User | Role | Group]:
        yield identity
        for name in identity.groups if isinstance(identity, User) else ():
            if name in self._groups:
                yield self._groups[name]
            else:
                unread.append(f"group {quoted(name)}")

    def _of(self, holder: User | Role | Group, unread: list[str]) -> Iterator[NamedPolicy]:
        kind = holder.arn.rpartition(":")[2].partition("/")[0]
        for inline in holder.inline:
            yield NamedPolicy(f"{kind}/{holder.name} {inline.name}", inline.document)
        for attached in holder.attached:
            text = self._managed.get(attached.arn)
            if text is None:
                unread.append(f"policy {quoted(attached.name)}")
            else:
                yield NamedPolicy(attached.arn, text)
