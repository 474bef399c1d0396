"""The identity policies of an account: inline in its users, groups and roles, and managed where somebody has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import slotted
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.identity.authorization import Authorization, Group, Role, User

_SERVICE_ROLES = "/aws-service-role/"


@slotted
class IdentityPolicy:
    """One policy: `arn` of its holder or its own, `place` in words, `document` as JSON text, None where AWS did not send it."""

    arn: str
    place: str
    document: str | None

    @property
    def is_of_aws(self) -> bool:
        """Whether AWS manages it, so that nobody here can change it."""
        return ":iam::aws:" in self.arn


def identity_policies(found: Authorization) -> Iterator[IdentityPolicy]:
    """The policies in force, without those of roles that AWS's services made for themselves."""
    own = (role for role in found.roles if not role.path.startswith(_SERVICE_ROLES))
    holders: tuple[User | Group | Role, ...] = (*found.users, *found.groups, *own)
    for holder in holders:
        for inline in holder.inline:
            place = f"inline policy {quoted(inline.name)}"
            yield IdentityPolicy(arn=holder.arn, place=place, document=inline.document)
    for managed in found.policies:
        if managed.attachments:
            place = f"policy {quoted(managed.name)}"
            yield IdentityPolicy(arn=managed.arn, place=place, document=managed.document)
