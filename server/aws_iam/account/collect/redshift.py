"""Redshift: which clusters let Secrets Manager keep the admin's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.secrets import WAREHOUSES, Warehouse

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@collector_in(WAREHOUSES, "redshift:DescribeClusters")
def clusters(aws: Aws, region: str) -> tuple[Warehouse, ...]:
    """The provisioned clusters."""
    prefix = f"arn:{aws.partition}:redshift:{region}:{aws.account}:cluster"
    found = (
        Warehouse(
            id=cluster["ClusterIdentifier"],
            arn=f"{prefix}:{cluster['ClusterIdentifier']}",
            master_secret=cluster.get("MasterPasswordSecretArn"),
        )
        for cluster in aws.pages("redshift:DescribeClusters", "Clusters", region=region)
    )
    return tuple(sorted(found, key=lambda each: each.arn))
