"""RDS: database instances and clusters; the same calls list DocumentDB and Neptune, told apart by engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.storage import DB_CLUSTERS, DB_INSTANCES, DbCluster, DbInstance

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@collector_in(DB_INSTANCES, "rds:DescribeDBInstances")
def db_instances(aws: Aws, region: str) -> tuple[DbInstance, ...]:
    """The database instances."""
    listed = aws.pages("rds:DescribeDBInstances", "DBInstances", region=region)
    return tuple(sorted(map(_instance, listed), key=lambda each: each.arn))


@collector_in(DB_CLUSTERS, "rds:DescribeDBClusters")
def db_clusters(aws: Aws, region: str) -> tuple[DbCluster, ...]:
    """The database clusters."""
    found = (
        DbCluster(
            id=cluster["DBClusterIdentifier"],
            arn=cluster.get("DBClusterArn", ""),
            engine=cluster.get("Engine", ""),
            multi_az=cluster.get("MultiAZ", False),
            encrypted=cluster.get("StorageEncrypted"),
            master_secret=cluster.get("MasterUserSecret", {}).get("SecretArn"),
            replica_of=cluster.get("ReplicationSourceIdentifier") or None,
            mode=cluster.get("EngineMode"),
            global_cluster=cluster.get("GlobalClusterIdentifier"),
            encryption=cluster.get("StorageEncryptionType"),
        )
        for cluster in aws.pages("rds:DescribeDBClusters", "DBClusters", region=region)
    )
    return tuple(sorted(found, key=lambda each: each.arn))


def _instance(data: dict[str, Any]) -> DbInstance:
    subnets = data.get("DBSubnetGroup", {}).get("Subnets", ())
    groups = data.get("VpcSecurityGroups", ())
    return DbInstance(
        id=data["DBInstanceIdentifier"],
        arn=data.get("DBInstanceArn", ""),
        engine=data.get("Engine", ""),
        encrypted=data.get("StorageEncrypted", False),
        minor_upgrade=data.get("AutoMinorVersionUpgrade", False),
        # AWS always sends the flag; absent it is unknown, not false.
        public=data.get("PubliclyAccessible"),
        multi_az=data.get("MultiAZ", False),
        cluster=data.get("DBClusterIdentifier"),
        port=data.get("Endpoint", {}).get("Port"),
        groups=tuple(sorted(group["VpcSecurityGroupId"] for group in groups)),
        subnets=tuple(sorted(subnet["SubnetIdentifier"] for subnet in subnets)),
        master_secret=data.get("MasterUserSecret", {}).get("SecretArn"),
        replica_of=data.get("ReadReplicaSourceDBInstanceIdentifier")
        or data.get("ReadReplicaSourceDBClusterIdentifier"),
        encryption=data.get("StorageEncryptionType"),
    )
