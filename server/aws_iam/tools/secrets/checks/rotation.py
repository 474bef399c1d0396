"""Whether secrets rotate, and as often as they should."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.secrets.secrets import (
    PENDING_VERSIONS,
    SECRET_COPIES,
    SECRETS,
    PendingVersions,
    Replica,
    Schedule,
    SecretCopies,
    Version,
)
from aws_iam.account.collect.storage.databases import (
    DB_CLUSTERS,
    DB_INSTANCES,
    WAREHOUSES,
    DbCluster,
    DbInstance,
    Warehouse,
)
from aws_iam.account.reading.snapshot import Account
from aws_iam.answer import Severity
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.on_account import age_days, day, in_regions
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, Unknown, for_each
from aws_iam.tools.secrets.checks import samples as sample
from aws_iam.tools.secrets.checks.rotation_interval import interval_days
from aws_iam.tools.secrets.terms import SecretTerms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.account.collect.secrets.secrets import Secret

_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html"
_API = "https://docs.aws.amazon.com/secretsmanager/latest/apireference"
_GUIDE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide"


def live(account: Account, test: Callable[[str, Secret], Iterator[Outcome]]) -> Iterator[Outcome]:
    """The outcomes of every secret that is not scheduled for deletion, Region by Region."""

    def of_region(region: str, secrets: tuple[Secret, ...]) -> Iterator[Outcome]:
        remaining = (secret for secret in secrets if secret.deleted is None)
        return for_each(
            remaining,
            partial(test, region),
            name=lambda secret: secret.arn,
            region=region,
        )

    return in_regions(account, SECRETS, of_region)


_REPLICA = SecretCopies(
    arn=sample.ARN,
    copies=(
        Replica(
            status="InSync",
            secret=f"arn:aws:secretsmanager:x:{sample.OTHER}:secret:db-a1B2c3",
            role="primary",
        ),
    ),
)
_ALONE = SecretCopies(arn=sample.ARN, copies=())


@check(
    "SEC-ROT-OFF",
    on=Account,
    severity=Severity.MEDIUM,
    title="A secret does not rotate",
    fix="Set up rotation: `secrets rotation`. Use managed rotation if the service offers it, else a Lambda function.",
    source=_HUB,
    needs=(SECRETS, SECRET_COPIES),
    bad=[sample.holding((SECRETS, (sample.secret(),)), (SECRET_COPIES, (_ALONE,)))],
    good=[sample.holding((SECRETS, (sample.rotating(),)), (SECRET_COPIES, (_ALONE,)))],
    trap=[
        sample.holding(
            (
                SECRETS,
                (
                    sample.secret(owning_service="rds"),
                    sample.secret(primary_region="eu-west-1"),
                    sample.secret(deleted=sample.ago(3)),
                ),
            ),
            (SECRET_COPIES, (_ALONE,)),
        ),
        sample.holding((SECRETS, (sample.secret(),)), (SECRET_COPIES, (_REPLICA,))),
    ],
)
def not_rotated(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """A credential that never changes works forever for anyone who once copied it.

    Secrets that a service owns and replicas are left out: they are rotated elsewhere. False alarm
    when the secret holds no credential, such as a configuration value, or where a pipeline
    rotates it from outside.
    """

    def test(region: str, secrets: tuple[Secret, ...]) -> Iterator[Outcome]:
        copies = {
            copies_of.arn: copies_of for copies_of in account.require_in(region, SECRET_COPIES)
        }
        remaining = (secret for secret in secrets if secret.deleted is None)
        judge = partial(_rotates, region, copies)
        return for_each(remaining, judge, name=lambda secret: secret.arn, region=region)

    return in_regions(account, SECRETS, test)


def _rotates(region: str, copies: Mapping[str, SecretCopies], secret: Secret) -> Iterator[Outcome]:
    if secret.owning_service or secret.is_replica(region):
        yield NotApplicable(secret.arn, "a service, or its primary secret, rotates it", region)
    elif secret.rotation:
        yield Pass(secret.arn, "", region)
    elif any(copy.role == "primary" for copy in known(copies[secret.arn].copies)):
        yield NotApplicable(secret.arn, "a copy of another account's secret", region)
    else:
        yield Fail(secret.arn, f"{quoted(secret.name)} has no automatic rotation", region)


@check(
    "SEC-ROT-OVERDUE",
    on=Account,
    severity=Severity.HIGH,
    title="A rotation did not happen when it was due",
    fix="Read the log of the rotation function, fix the cause, then aws secretsmanager rotate-secret --region REGION --secret-id SECRET",
    source=f"{_API}/API_DescribeSecret.html",
    needs=(SECRETS,),
    bad=[sample.with_secrets(sample.rotating(next_rotation=sample.ago(3)))],
    good=[sample.with_secrets(sample.rotating())],
    trap=[
        sample.with_secrets(
            sample.secret(next_rotation=sample.ago(3)), sample.rotating(next_rotation=None)
        )
    ],
)
def rotation_overdue(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """A next rotation date in the past means that the last attempt failed, and AWS does not notify anyone.

    False alarm when the rotation was running when the snapshot was taken.
    """

    def test(region: str, secret: Secret) -> Iterator[Outcome]:
        due = secret.next_rotation
        if not secret.rotation or due is None:
            yield NotApplicable(secret.arn, "no rotation is due", region)
        elif due < account.collected_at:
            message = f"{quoted(secret.name)} was due on {day(due)} and has not rotated"
            yield Fail(secret.arn, message, region, names=(("SECRET", secret.arn),))
        else:
            yield Pass(secret.arn, "", region)

    return live(account, test)


@check(
    "SEC-ROT-STUCK",
    on=Account,
    severity=Severity.HIGH,
    title="A rotation started and did not finish",
    fix="Fix the function and rotate again, or aws secretsmanager cancel-rotate-secret --region REGION --secret-id SECRET",
    source=f"{_API}/API_RotateSecret.html",
    needs=(SECRETS, PENDING_VERSIONS),
    bad=[
        sample.holding(
            (SECRETS, (sample.rotating(),)),
            (
                PENDING_VERSIONS,
                (
                    PendingVersions(
                        arn=sample.ARN,
                        versions=(
                            Version(id="v2", labels=("AWSPENDING",), created=sample.ago(2)),
                        ),
                    ),
                ),
            ),
        )
    ],
    good=[sample.holding((SECRETS, (sample.rotating(),)), (PENDING_VERSIONS, ()))],
    trap=[
        sample.holding(
            (SECRETS, (sample.rotating(),)),
            (
                PENDING_VERSIONS,
                (
                    PendingVersions(
                        arn=sample.ARN,
                        versions=(
                            Version(id="v2", labels=("AWSPENDING",), created=sample.ago(0.1)),
                        ),
                    ),
                ),
            ),
        )
    ],
)
def rotation_stuck(account: Account, terms: SecretTerms) -> Iterator[Outcome]:
    """While a version has the label AWSPENDING, Secrets Manager refuses the next rotation because one is in progress.

    False alarm when a rotation legitimately waits longer than `stuck_hours`, for example for an
    approval.
    """
    longest = timedelta(hours=terms.stuck_hours)

    def test(region: str, secrets: tuple[Secret, ...]) -> Iterator[Outcome]:
        pending = {
            versions.arn: versions for versions in account.require_in(region, PENDING_VERSIONS)
        }
        for secret in secrets:
            waiting = pending.get(secret.arn)
            yield from for_each(
                () if waiting is None else (waiting,),
                partial(of_waiting, region, secret),
                name=lambda versions: versions.arn,
                region=region,
            )
            if waiting is None:
                yield Pass(secret.arn, "", region)

    def of_waiting(region: str, secret: Secret, waiting: PendingVersions) -> Iterator[Outcome]:
        late = [
            version
            for version in known(waiting.versions)
            if version.created and account.collected_at - version.created > longest
        ]
        for version in late:
            since = f"{version.created:%Y-%m-%d %H:%M} UTC" if version.created else ""
            message = f"version {quoted(version.id)} of {quoted(secret.name)} has been AWSPENDING since {since}"
            yield Fail(secret.arn, message, region, names=(("SECRET", secret.arn),))
        if not late:
            yield Pass(secret.arn, "", region)

    return in_regions(account, SECRETS, test)


@check(
    "SEC-ROT-SLOW",
    on=Account,
    severity=Severity.MEDIUM,
    title="A secret rotates too rarely",
    fix="Shorten the schedule: aws secretsmanager rotate-secret --region REGION --secret-id SECRET --no-rotate-immediately --rotation-rules AutomaticallyAfterDays=30",
    source=_HUB,
    needs=(SECRETS,),
    bad=[
        sample.with_secrets(sample.rotating(schedule=Schedule(days=365))),
        sample.with_secrets(sample.rotating(schedule=Schedule(expression="rate(120 days)"))),
        sample.with_secrets(sample.rotating(schedule=Schedule(expression="cron(0 4 1 1 ? *)"))),
    ],
    good=[sample.with_secrets(sample.rotating())],
    trap=[
        # Hours are not days.
        sample.with_secrets(
            sample.rotating(schedule=Schedule(expression="cron(0 16 1,15 * ? *)")),
            sample.rotating(schedule=Schedule(expression="rate(200 hours)")),
        )
    ],
)
def rotation_slow(account: Account, terms: SecretTerms) -> Iterator[Outcome]:
    """The longer the interval, the longer a copied credential works.

    Of a cron schedule the longest time between two of its days counts. False alarm when your own
    policy allows a longer interval: set `rotation_days`.
    """

    def test(region: str, secret: Secret) -> Iterator[Outcome]:
        days = interval_days(secret.schedule) if secret.rotation else None
        expression = secret.schedule.expression if secret.rotation else None
        if days is None and expression:
            message = (
                f"the schedule {quoted(expression)} of {quoted(secret.name)} is not understood"
            )
            yield Unknown(secret.arn, message, region, reason="read the schedule yourself")
        elif days is None:
            yield NotApplicable(secret.arn, "no interval in days", region)
        elif days > terms.rotation_days:
            message = f"{quoted(secret.name)} rotates every {days:g} days, more than {terms.rotation_days}"
            yield Fail(secret.arn, message, region, names=(("SECRET", secret.arn),))
        else:
            yield Pass(secret.arn, "", region)

    return live(account, test)


@check(
    "SEC-ROT-STALE",
    on=Account,
    severity=Severity.MEDIUM,
    title="A secret was last rotated long ago",
    fix="aws secretsmanager rotate-secret --region REGION --secret-id SECRET",
    source=_HUB,
    needs=(SECRETS,),
    bad=[sample.with_secrets(sample.rotating(last_rotated=sample.ago(120)))],
    good=[sample.with_secrets(sample.rotating())],
    trap=[
        sample.with_secrets(
            sample.rotating(last_rotated=None, created=sample.ago(5)),
            sample.secret(last_rotated=sample.ago(400)),
        )
    ],
)
def rotation_stale(account: Account, terms: SecretTerms) -> Iterator[Outcome]:
    """A schedule says when the secret should rotate; only the date of the last rotation shows that it did.

    False alarm when the value is changed by `put-secret-value` outside of rotation, which does
    not count as one.
    """

    def test(region: str, secret: Secret) -> Iterator[Outcome]:
        last = secret.last_rotated or secret.created
        if not secret.rotation or secret.is_replica(region) or last is None:
            yield NotApplicable(secret.arn, "no rotation of its own", region)
        elif (age := age_days(account, last)) > terms.rotation_days:
            word = (
                "last rotated" if secret.last_rotated else "has not rotated since it was created"
            )
            message = f"{quoted(secret.name)} {word} {age} days ago ({day(last)}), more than {terms.rotation_days}"
            yield Fail(secret.arn, message, region, names=(("SECRET", secret.arn),))
        else:
            yield Pass(secret.arn, "", region)

    return live(account, test)


_WITHOUT_PASSWORD = frozenset({"neptune"})
_DATABASE = f"arn:aws:rds:{sample.REGION}:{sample.OWN}:db:app"
_CLUSTER = f"arn:aws:rds:{sample.REGION}:{sample.OWN}:cluster:app"


def _databases(*instances: DbInstance, clusters: tuple[DbCluster, ...] = ()) -> Account:
    return sample.holding((DB_INSTANCES, instances), (DB_CLUSTERS, clusters), (WAREHOUSES, ()))


def _instance(**more: object) -> DbInstance:
    usual: dict[str, object] = {
        "id": "app",
        "arn": _DATABASE,
        "engine": "postgres",
        "encrypted": True,
        "minor_upgrade": True,
    }
    return DbInstance(**{**usual, **more})  # type: ignore[arg-type]


@check(
    "SEC-RDS-MASTER",
    on=Account,
    severity=Severity.MEDIUM,
    title="RDS or Redshift does not manage the master password of a database",
    fix="aws rds modify-db-instance --region REGION --db-instance-identifier ID --manage-master-user-password --apply-immediately",
    source=f"{_GUIDE}/rotate-secrets_managed.html",
    needs=(DB_INSTANCES, DB_CLUSTERS, WAREHOUSES),
    bad=[
        _databases(_instance()),
        _databases(clusters=(DbCluster(id="app", arn=_CLUSTER, engine="aurora-mysql"),)),
    ],
    good=[_databases(_instance(master_secret=sample.ARN))],
    trap=[
        # Members of clusters, replicas, RDS Custom, Neptune and global databases do not support managed passwords.
        _databases(
            _instance(cluster="app"),
            _instance(replica_of="main"),
            _instance(engine="custom-oracle-ee"),
            clusters=(
                DbCluster(id="graph", arn=_CLUSTER, engine="neptune"),
                DbCluster(id="app", arn=_CLUSTER, engine="aurora-mysql", mode="serverless"),
                DbCluster(id="app", arn=_CLUSTER, engine="aurora-mysql", global_cluster="world"),
            ),
        )
    ],
)
def master_password(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """RDS rotates a managed master password without a function, and nobody ever sees it.

    Engines and roles that do not support it are left out. False alarm when another system already
    manages the password, or where a client cannot read it from Secrets Manager.
    """
    yield from in_regions(account, DB_INSTANCES, _judge_instances)
    yield from in_regions(account, DB_CLUSTERS, _judge_clusters)
    yield from in_regions(account, WAREHOUSES, _judge_warehouses)


def _judge_instances(region: str, instances: tuple[DbInstance, ...]) -> Iterator[Outcome]:
    for database in instances:
        custom = database.engine.startswith("custom-")
        if (
            database.cluster
            or database.replica_of
            or custom
            or database.engine in _WITHOUT_PASSWORD
        ):
            yield NotApplicable(
                database.arn, "it has no master password that RDS could manage", region
            )
        elif database.master_secret:
            yield Pass(database.arn, "", region)
        else:
            message = f"RDS does not manage the master password of database {quoted(database.id)}"
            yield Fail(database.arn, message, region, names=(("ID", database.id),))


def _judge_clusters(region: str, clusters: tuple[DbCluster, ...]) -> Iterator[Outcome]:
    for database in clusters:
        is_unsupported = (
            database.engine in _WITHOUT_PASSWORD
            or database.mode == "serverless"
            or database.replica_of
            or database.global_cluster
        )
        if is_unsupported:
            yield NotApplicable(database.arn, "it does not support managed passwords", region)
        elif database.master_secret:
            yield Pass(database.arn, "", region)
        else:
            service = "docdb" if database.engine == "docdb" else "rds"
            message = (
                f"the service does not manage the master password of cluster {quoted(database.id)}"
            )
            fix = f"aws {service} modify-db-cluster --region REGION --db-cluster-identifier ID --manage-master-user-password --apply-immediately"
            yield Fail(database.arn, message, region, fix=fix, names=(("ID", database.id),))


def _judge_warehouses(region: str, clusters: tuple[Warehouse, ...]) -> Iterator[Outcome]:
    for database in clusters:
        if database.master_secret:
            yield Pass(database.arn, "", region)
        else:
            message = (
                f"Redshift does not manage the admin password of cluster {quoted(database.id)}"
            )
            fix = "aws redshift modify-cluster --region REGION --cluster-identifier ID --manage-master-password"
            yield Fail(database.arn, message, region, fix=fix, names=(("ID", database.id),))
