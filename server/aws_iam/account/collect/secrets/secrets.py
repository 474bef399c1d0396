"""Secrets of Secrets Manager: metadata, copies and pending versions, never a value."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.calls.aws import Aws


@slotted
class Schedule:
    """When a secret rotates: days or an expression, and the window."""

    days: int | None = None
    expression: str | None = None
    window: str | None = None


@slotted
class Version:
    """A version that has labels; `created` is read for pending ones only."""

    id: str
    labels: tuple[str, ...]
    created: datetime | None = None


@slotted
class Secret:
    """`ListSecrets`: a secret without its description and its tags."""

    arn: str
    name: str
    created: datetime | None = None
    kms_key: str | None = None
    """None: the AWS managed key `aws/secretsmanager`."""
    rotation: bool = False
    function: str | None = None
    schedule: Schedule = Schedule()
    external_role: str | None = None
    type: str | None = None
    owning_service: str | None = None
    primary_region: str | None = None
    last_rotated: datetime | None = None
    last_changed: datetime | None = None
    last_accessed: datetime | None = None
    next_rotation: datetime | None = None
    deleted: datetime | None = None
    versions: tuple[Version, ...] = ()

    def is_replica(self, region: str) -> bool:
        """Whether it copies a secret of another Region."""
        return self.primary_region not in (None, region)


@slotted
class Replica:
    """A copy of a secret: in a Region, or in another account (`arn`)."""

    status: str
    region: str = ""
    secret: str = ""
    role: Literal["regional", "replica", "primary"] = "regional"


@slotted
class SecretCopies:
    """`DescribeSecret`: where a secret is copied to, and from which other account it is a copy."""

    arn: str
    copies: tuple[Replica, ...] | Miss


@slotted
class PendingVersions:
    """The versions of a secret that are pending in a rotation, with their creation times."""

    arn: str
    versions: tuple[Version, ...] | Miss


SECRETS = many_in("secretsmanager.secrets", Secret)
SECRET_COPIES = many_in("secretsmanager.copies", SecretCopies)
PENDING_VERSIONS = many_in("secretsmanager.pending_versions", PendingVersions)
_LIST_SECRETS = "secretsmanager:ListSecrets"
_DESCRIBE_SECRET = "secretsmanager:DescribeSecret"  # noqa: S105 - an operation
_LIST_SECRET_VERSION_IDS = "secretsmanager:ListSecretVersionIds"  # noqa: S105 - an operation
_PENDING, _CURRENT = "AWSPENDING", "AWSCURRENT"


@collector_in(SECRETS, _LIST_SECRETS)
def secrets(aws: Aws, region: str) -> tuple[Secret, ...]:
    """Every secret, also those scheduled for deletion."""
    listed = aws.items(_LIST_SECRETS, "SecretList", region=region, IncludePlannedDeletion=True)
    return tuple(sorted(map(_secret, listed), key=lambda secret: secret.arn))


@collector_in(SECRET_COPIES, _DESCRIBE_SECRET, after=(SECRETS,))
def copies(aws: Aws, region: str) -> tuple[SecretCopies, ...]:
    """The copies of each secret and their status; the listing does not say whether there are any."""
    arns = [secret.arn for secret in aws.fact_in(region, SECRETS) if secret.deleted is None]
    copies_of_each = aws.read_each(
        lambda arn: tuple(_copies(aws.need(_DESCRIBE_SECRET, region=region, SecretId=arn))),
        arns,
        _DESCRIBE_SECRET,
    )
    return tuple(
        SecretCopies(arn=arn, copies=secret_copies)
        for arn, secret_copies in zip(arns, copies_of_each, strict=True)
    )


@collector_in(PENDING_VERSIONS, _LIST_SECRET_VERSION_IDS, after=(SECRETS,))
def pending_versions(aws: Aws, region: str) -> tuple[PendingVersions, ...]:
    """The creation times of pending versions, read only for secrets that have one."""
    arns = [
        secret.arn
        for secret in aws.fact_in(region, SECRETS)
        if any(map(is_pending, secret.versions))
    ]
    versions_of_each = aws.read_each(
        lambda arn: _pending(aws, region, arn), arns, _LIST_SECRET_VERSION_IDS
    )
    return tuple(
        PendingVersions(arn=arn, versions=versions)
        for arn, versions in zip(arns, versions_of_each, strict=True)
    )


def is_pending(version: Version) -> bool:
    """Whether the version waits for a rotation to finish."""
    return _PENDING in version.labels and _CURRENT not in version.labels


def _secret(data: dict[str, Any]) -> Secret:
    rules = data.get("RotationRules") or {}
    labels = data.get("SecretVersionsToStages") or {}
    return Secret(
        arn=data["ARN"],
        name=data["Name"],
        created=data.get("CreatedDate"),
        kms_key=data.get("KmsKeyId"),
        rotation=data.get("RotationEnabled", False),
        function=data.get("RotationLambdaARN") or None,
        schedule=Schedule(
            days=rules.get("AutomaticallyAfterDays"),
            expression=rules.get("ScheduleExpression"),
            window=rules.get("Duration"),
        ),
        external_role=data.get("ExternalSecretRotationRoleArn"),
        type=data.get("Type"),
        owning_service=data.get("OwningService"),
        primary_region=data.get("PrimaryRegion"),
        last_rotated=data.get("LastRotatedDate"),
        last_changed=data.get("LastChangedDate"),
        last_accessed=data.get("LastAccessedDate"),
        next_rotation=data.get("NextRotationDate"),
        deleted=data.get("DeletedDate"),
        versions=tuple(
            Version(id=version, labels=tuple(sorted(labels[version])))
            for version in sorted(labels)
        ),
    )


def _copies(data: dict[str, Any]) -> Iterator[Replica]:
    for replica in data.get("ReplicationStatus", ()):
        yield Replica(status=replica.get("Status", ""), region=replica.get("Region", ""))
    for replica in data.get("CrossAccountReplicas", ()):
        yield Replica(
            status=replica.get("ReplicationStatus", ""),
            secret=replica.get("ReplicaSecretARN", ""),
            role="replica",
        )
    primary = data.get("CrossAccountPrimary")
    if primary:
        yield Replica(
            status=primary.get("ReplicationStatus", ""),
            secret=primary.get("PrimarySecretARN", ""),
            role="primary",
        )


def _pending(aws: Aws, region: str, arn: str) -> tuple[Version, ...]:
    listed = aws.items(_LIST_SECRET_VERSION_IDS, "Versions", region=region, SecretId=arn)
    versions = (
        Version(
            id=data["VersionId"],
            labels=tuple(sorted(data.get("VersionStages", ()))),
            created=data.get("CreatedDate"),
        )
        for data in listed
    )
    return tuple(version for version in versions if is_pending(version))
