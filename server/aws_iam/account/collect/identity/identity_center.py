"""IAM Identity Center: its instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class IdentityCenter:
    """An IAM Identity Center instance."""

    arn: str
    owner: str | None = None
    status: str | None = None


IDENTITY_CENTER = many_in("sso.instances", IdentityCenter)


@collector_in(IDENTITY_CENTER, "sso-admin:ListInstances")
def instances(aws: Aws, region: str) -> tuple[IdentityCenter, ...]:
    """The instances in a Region; an organization has one instance, in a single Region."""
    read = (
        IdentityCenter(
            arn=instance.get("InstanceArn", ""),
            owner=instance.get("OwnerAccountId"),
            status=instance.get("Status"),
        )
        for instance in aws.items("sso-admin:ListInstances", "Instances", region=region)
    )
    return tuple(sorted(read, key=lambda instance: instance.arn))
