"""Who has the AWS managed policies that the benchmark names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import RefusedError, many
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class PolicyEntities:
    """Who has one AWS managed policy attached (names); `name` as `AWSSupportAccess`."""

    name: str
    arn: str
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


POLICY_ENTITIES = many("iam.policy_entities", PolicyEntities)
"""For `AWSSupportAccess` and `AWSCloudShellFullAccess`."""
_WATCHED_POLICIES = ("AWSCloudShellFullAccess", "AWSSupportAccess")


@collector(POLICY_ENTITIES, "iam:ListEntitiesForPolicy")
def policy_entities(aws: Aws) -> tuple[PolicyEntities, ...]:
    """Who has the AWS managed policies that the benchmark names."""
    return tuple(_entities(aws, name) for name in _WATCHED_POLICIES)


def _entities(aws: Aws, name: str) -> PolicyEntities:
    arn = f"arn:{aws.partition}:iam::aws:policy/{name}"
    try:
        # Without the filter AWS also lists identities with the policy as permissions boundary, which grants nothing.
        pages = aws.pages(
            "iam:ListEntitiesForPolicy", PolicyArn=arn, PolicyUsageFilter="PermissionsPolicy"
        )
    except RefusedError as refused:
        # A policy that does not exist in the partition is attached to nobody.
        if refused.miss.code != "NoSuchEntity":
            raise
        pages = []

    def names(key: str, field: str) -> tuple[str, ...]:
        return tuple(sorted(entity[field] for page in pages for entity in page.get(key, ())))

    return PolicyEntities(
        name=name,
        arn=arn,
        users=names("PolicyUsers", "UserName"),
        groups=names("PolicyGroups", "GroupName"),
        roles=names("PolicyRoles", "RoleName"),
    )
