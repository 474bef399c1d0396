"""CIS controls on volumes, file systems, databases and keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.kms.keys import KMS_KEYS
from aws_iam.account.collect.network.security_groups import SECURITY_GROUPS
from aws_iam.account.collect.network.vpcs import ROUTE_TABLES
from aws_iam.account.collect.storage.databases import DB_CLUSTERS, DB_INSTANCES
from aws_iam.account.collect.storage.volumes import EBS_DEFAULT, FILE_SYSTEMS
from aws_iam.answer import Severity
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.on_account import in_regions
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.audit.controls.control import ControlTerms, control
from aws_iam.tools.audit.evidence.networks import (
    IPV4,
    IPV6,
    TCP,
    covers_network,
    includes_port,
    includes_protocol,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aws_iam.account.collect.kms.keys import KmsKey
    from aws_iam.account.collect.network.security_groups import SecurityGroup
    from aws_iam.account.collect.storage.databases import DbCluster, DbInstance
    from aws_iam.account.collect.storage.volumes import EbsDefault, FileSystem
    from aws_iam.account.reading.snapshot import Account

# DescribeDBInstances also lists the instances of these two services, which are not RDS.
_OTHER_ENGINES = frozenset({"docdb", "neptune"})
_YEAR = 365
# With a key that AWS owns (`sse-rds`) the data is encrypted though StorageEncrypted is false:
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html
_ENCRYPTED = {"none": False, "sse-rds": True, "sse-kms": True}


@control("ebs_default_encryption", needs=(EBS_DEFAULT,))
def ebs_default(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """The control checks the Region's default, whether the Region has volumes or not.

    False alarm when nobody can create volumes in the Region.
    """

    def test(region: str, default: EbsDefault) -> Iterator[Outcome]:
        if default.encrypted:
            yield Pass(region, f"new EBS volumes in {region} are encrypted by default", region)
        else:
            yield Fail(region, f"new EBS volumes in {region} are not encrypted by default", region)

    return in_regions(account, EBS_DEFAULT, test)


@control("efs_encryption", needs=(FILE_SYSTEMS,))
def file_systems(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Encryption cannot be switched on later: the fix is a new file system and a copy of the data.

    False alarm when the data does not need encryption.
    """

    def test(region: str, systems: tuple[FileSystem, ...]) -> Iterator[Outcome]:
        for system in systems:
            message = f"file system {quoted(system.id)}"
            if system.encrypted:
                yield Pass(system.arn, f"{message} is encrypted", region)
            else:
                yield Fail(system.arn, f"{message} is not encrypted", region)
        if not systems:
            yield NotApplicable(None, "there is no file system", region)

    return in_regions(account, FILE_SYSTEMS, test)


@control("rds_encryption", needs=(DB_INSTANCES, DB_CLUSTERS))
def database_encryption(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """The control checks encryption at rest, not in transit; a cluster member uses the storage of its cluster.

    False alarm when the data does not need encryption.
    """

    def test(region: str, database: DbInstance) -> Iterator[Outcome]:
        message = f"database {quoted(database.id)}"
        if _is_encrypted(account, region, database):
            yield Pass(database.arn, f"{message} is encrypted", region)
        else:
            yield Fail(database.arn, f"{message} is not encrypted", region)

    return _databases(account, test)


@control("rds_minor_upgrade", needs=(DB_INSTANCES,))
def minor_upgrades(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Minor versions contain the engine's security patches.

    False alarm when somebody installs them by another process.
    """

    def test(region: str, database: DbInstance) -> Iterator[Outcome]:
        message = f"database {quoted(database.id)}"
        if database.minor_upgrade:
            yield Pass(
                database.arn, f"{message} installs minor version upgrades automatically", region
            )
        else:
            yield Fail(
                database.arn,
                f"{message} does not install minor version upgrades automatically",
                region,
            )

    return _databases(account, test)


@control("rds_multi_az", needs=(DB_INSTANCES, DB_CLUSTERS))
def several_zones(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """A member of a cluster never reports several zones itself, so its cluster decides.

    False alarm when the database may be unavailable for a while, as in a test environment.
    """

    def test(region: str, database: DbInstance) -> Iterator[Outcome]:
        message = f"database {quoted(database.id)}"
        if database.multi_az or (database.cluster and _cluster_spans(account, region, database)):
            yield Pass(database.arn, f"{message} runs in more than one Availability Zone", region)
        else:
            yield Fail(database.arn, f"{message} runs in a single Availability Zone", region)

    return _databases(account, test)


@control("rds_not_public", needs=(DB_INSTANCES, ROUTE_TABLES, SECURITY_GROUPS))
def public_database(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """The flag alone fails; with a route to the internet and an open security group the finding is critical.

    False alarm when no security group or route lets the internet reach the database.
    """

    def test(region: str, database: DbInstance) -> Iterator[Outcome]:
        message = f"database {quoted(database.id)}"
        if database.public is None:
            raise NotCollected(
                f"AWS did not return whether {message} is publicly accessible",
                call="rds:DescribeDBInstances",
                code="no value",
                region=region,
            )
        if not database.public:
            yield Pass(database.arn, f"{message} is not publicly accessible", region)
        elif _exposed(account, region, database):
            reach = "the internet reaches it through its route and security group"
            yield Fail(
                database.arn,
                f"{message} is publicly accessible, and {reach}",
                region,
                severity=Severity.CRITICAL,
            )
        else:
            yield Fail(database.arn, f"{message} is publicly accessible", region)

    return _databases(account, test)


@control("kms_rotation", needs=(KMS_KEYS,))
def key_rotation(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Imported, asymmetric and HMAC keys and keys in custom key stores cannot rotate automatically, so they are skipped.

    False alarm when the key is rotated by hand.
    """

    def test(region: str, keys: tuple[KmsKey, ...]) -> Iterator[Outcome]:
        def judge(key: KmsKey) -> Iterator[Outcome]:
            return _rotation(region, key)

        yield from for_each(keys, judge, name=lambda key: key.arn, region=region)
        if not keys:
            yield NotApplicable(None, "there is no customer managed key", region)

    return in_regions(account, KMS_KEYS, test)


def _rotation(region: str, key: KmsKey) -> Iterator[Outcome]:
    details = known(key.details)
    replica = details.primary_region not in {None, region}
    if not key.rotates or replica:
        yield NotApplicable(key.arn, "no key here can rotate automatically", region)
        return
    rotation = known(key.rotation)
    name = quoted(key.aliases[0] if key.aliases else key.id)
    if rotation is None:
        yield NotApplicable(key.arn, "no key here can rotate automatically", region)
    elif rotation.enabled:
        days = rotation.period_days
        slow = f" every {days} days, which is more than a year" if days and days > _YEAR else ""
        yield Pass(key.arn, f"key {name} rotates automatically{slow}", region)
    else:
        yield Fail(key.arn, f"key {name} does not rotate automatically", region)


def _databases(
    account: Account, test: Callable[[str, DbInstance], Iterable[Outcome]]
) -> Iterator[Outcome]:
    def in_one(region: str, databases: tuple[DbInstance, ...]) -> Iterator[Outcome]:
        rds = [database for database in databases if database.engine not in _OTHER_ENGINES]
        if not rds:
            others = f" ({len(databases)} of DocumentDB or Neptune)" if databases else ""
            yield NotApplicable(None, f"there is no RDS instance{others}", region)
        yield from for_each(
            rds, partial(test, region), name=lambda database: database.arn, region=region
        )

    return in_regions(account, DB_INSTANCES, in_one)


def _is_encrypted(account: Account, region: str, database: DbInstance) -> bool:
    own = _reported_encrypted(database)
    if own or not database.cluster or database.encryption in _ENCRYPTED:
        return own
    return _reported_encrypted(_cluster_of(account, region, database))


def _reported_encrypted(database: DbInstance | DbCluster) -> bool:
    """The encryption type is more exact than the flag, which decides only if AWS does not return the type."""
    return _ENCRYPTED.get(database.encryption or "", bool(database.encrypted))


def _cluster_spans(account: Account, region: str, database: DbInstance) -> bool:
    return _cluster_of(account, region, database).multi_az


def _cluster_of(account: Account, region: str, database: DbInstance) -> DbCluster:
    clusters = account.require_in(region, DB_CLUSTERS)
    own = [cluster for cluster in clusters if cluster.id == database.cluster]
    if not own:
        raise NotCollected(
            f"cluster {quoted(database.cluster or '')} is not part of this snapshot",
            call="rds:DescribeDBClusters",
            code="not collected",
            region=region,
        )
    return own[0]


def _exposed(account: Account, region: str, database: DbInstance) -> bool:
    """Whether the internet provably reaches the database; what could not be read does not raise the severity."""
    groups = account.get_in(region, SECURITY_GROUPS)
    tables = account.get_in(region, ROUTE_TABLES)
    if isinstance(groups, Miss) or isinstance(tables, Miss):
        return False
    own = [group for group in groups if group.id in database.groups]
    vpcs = {group.vpc for group in own}
    associated = {subnet for table in tables for subnet in table.subnets}
    on_main_table = set(database.subnets) - associated
    used = [
        table
        for table in tables
        if set(table.subnets) & set(database.subnets)
        or (on_main_table and table.main and table.vpc in vpcs)
    ]
    routed = any(
        route.destination in {IPV4, IPV6} and route.target.startswith("igw-")
        for table in used
        for route in table.routes
    )
    return routed and any(_admits(group, database.port) for group in own)


def _admits(group: SecurityGroup, port: int | None) -> bool:
    if port is None:
        return False
    rules = [
        rule
        for rule in group.inbound
        if rule.protocol == "-1"
        or (
            includes_protocol(rule.protocol, TCP)
            and includes_port(rule.from_port, rule.to_port, port)
        )
    ]
    four = [source for rule in rules for source in rule.ipv4]
    six = [source for rule in rules for source in rule.ipv6]
    return covers_network(four, IPV4) or covers_network(six, IPV6)
