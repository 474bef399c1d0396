"""How long a session of each role may last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import many
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class RoleLimit:
    """How long a session of a role may last, which the authorization details leave out."""

    arn: str
    max_session_seconds: int


ROLE_LIMITS = many("iam.role_limits", RoleLimit)


@collector(ROLE_LIMITS, "iam:ListRoles")
def role_limits(aws: Aws) -> tuple[RoleLimit, ...]:
    """The longest session of each role; AWS's default is an hour."""
    limits = (
        RoleLimit(arn=role["Arn"], max_session_seconds=role.get("MaxSessionDuration", 3600))
        for role in aws.items("iam:ListRoles", "Roles")
    )
    return tuple(sorted(limits, key=lambda limit: limit.arn))
