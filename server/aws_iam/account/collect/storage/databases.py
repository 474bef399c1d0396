"""Databases: RDS (the same calls list DocumentDB and Neptune, told apart by engine) and Redshift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class DbInstance:
    """A database instance; `engine` tells apart DocumentDB and Neptune, which the same call lists."""

    id: str
    arn: str
    engine: str
    encrypted: bool
    minor_upgrade: bool
    public: bool | None = None
    multi_az: bool = False
    cluster: str | None = None
    port: int | None = None
    groups: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    master_secret: str | None = None
    """The secret in which RDS keeps the master password, if it does."""
    replica_of: str | None = None
    encryption: str | None = None
    """`none`, `sse-rds` or `sse-kms`; None where AWS does not say. Under `sse-rds`, `encrypted` is False all the same."""


@slotted
class DbCluster:
    """A database cluster."""

    id: str
    arn: str
    engine: str
    multi_az: bool = False
    encrypted: bool | None = None
    master_secret: str | None = None
    replica_of: str | None = None
    mode: str | None = None
    global_cluster: str | None = None
    encryption: str | None = None
    """As for an instance."""


@slotted
class Warehouse:
    """A Redshift cluster; `master_secret` None: the admin password is not in Secrets Manager."""

    id: str
    arn: str
    master_secret: str | None = None


DB_INSTANCES = many_in("rds.instances", DbInstance)
DB_CLUSTERS = many_in("rds.clusters", DbCluster)
WAREHOUSES = many_in("redshift.clusters", Warehouse)


@collector_in(DB_INSTANCES, "rds:DescribeDBInstances")
def db_instances(aws: Aws, region: str) -> tuple[DbInstance, ...]:
    """The database instances."""
    listed = aws.items("rds:DescribeDBInstances", "DBInstances", region=region)
    return tuple(sorted(map(_instance, listed), key=lambda instance: instance.arn))


@collector_in(DB_CLUSTERS, "rds:DescribeDBClusters")
def db_clusters(aws: Aws, region: str) -> tuple[DbCluster, ...]:
    """The database clusters."""
    clusters = (
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
        for cluster in aws.items("rds:DescribeDBClusters", "DBClusters", region=region)
    )
    return tuple(sorted(clusters, key=lambda db_cluster: db_cluster.arn))


def _instance(data: dict[str, Any]) -> DbInstance:
    subnets = data.get("DBSubnetGroup", {}).get("Subnets", ())
    groups = data.get("VpcSecurityGroups", ())
    return DbInstance(
        id=data["DBInstanceIdentifier"],
        arn=data.get("DBInstanceArn", ""),
        engine=data.get("Engine", ""),
        encrypted=data.get("StorageEncrypted", False),
        minor_upgrade=data.get("AutoMinorVersionUpgrade", False),
        # AWS always sends the flag: if it is absent, it is unknown, not false.
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


@collector_in(WAREHOUSES, "redshift:DescribeClusters")
def clusters(aws: Aws, region: str) -> tuple[Warehouse, ...]:
    """The provisioned clusters."""
    prefix = f"arn:{aws.partition}:redshift:{region}:{aws.account}:cluster"
    warehouses = (
        Warehouse(
            id=cluster["ClusterIdentifier"],
            arn=f"{prefix}:{cluster['ClusterIdentifier']}",
            master_secret=cluster.get("MasterPasswordSecretArn"),
        )
        for cluster in aws.items("redshift:DescribeClusters", "Clusters", region=region)
    )
    return tuple(sorted(warehouses, key=lambda warehouse: warehouse.arn))
