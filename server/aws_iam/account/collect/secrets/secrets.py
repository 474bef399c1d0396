"""Secrets of Secrets Manager: metadata, copies and pending versions, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a secret rotates: days or an expression, and the window."""

    days: int | None = None
    expression: str | None = None
    window: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version that has labels; `created` only where a pending one was looked at."""

    id: str
    labels: tuple[str, ...]
    created: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A copy of a secret: in a Region, or in another account (`arn`)."""

    status: str
    region: str = ""
    secret: str = ""
    role: Literal["regional", "replica", "primary"] = "regional"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretCopies:
    """`DescribeSecret`: where a secret is copied to, and from which other account it is a copy."""

    arn: str
    copies: tuple[Replica, ...] | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingVersions:
    """The versions of a secret that wait for the end of a rotation, with the time of their making."""

    arn: str
    versions: tuple[Version, ...] | Miss


SECRETS = many_in("secretsmanager.secrets", Secret)
SECRET_COPIES = many_in("secretsmanager.copies", SecretCopies)
PENDING_VERSIONS = many_in("secretsmanager.pending_versions", PendingVersions)
LIST = "secretsmanager:ListSecrets"
DESCRIBE = "secretsmanager:DescribeSecret"
VERSIONS = "secretsmanager:ListSecretVersionIds"
_PENDING, _CURRENT = "AWSPENDING", "AWSCURRENT"


@collector_in(SECRETS, LIST)
def secrets(aws: Aws, region: str) -> tuple[Secret, ...]:
    """Every secret, those that wait for their deletion too."""
    listed = aws.pages(LIST, "SecretList", region=region, IncludePlannedDeletion=True)
    return tuple(sorted(map(_secret, listed), key=lambda each: each.arn))


@collector_in(SECRET_COPIES, DESCRIBE, after=(SECRETS,))
def copies(aws: Aws, region: str) -> tuple[SecretCopies, ...]:
    """How the copies of each secret stand; the listing does not say whether there are any."""
    arns = [each.arn for each in aws.fact_in(region, SECRETS) if each.deleted is None]
    read = aws.each(
        lambda arn: tuple(_copies(aws.need(DESCRIBE, region=region, SecretId=arn))), arns, DESCRIBE
    )
    return tuple(
        SecretCopies(arn=arn, copies=found) for arn, found in zip(arns, read, strict=True)
    )


@collector_in(PENDING_VERSIONS, VERSIONS, after=(SECRETS,))
def pending_versions(aws: Aws, region: str) -> tuple[PendingVersions, ...]:
    """The age of versions that wait; asked only of secrets that have one."""
    arns = [each.arn for each in aws.fact_in(region, SECRETS) if any(map(waits, each.versions))]
    read = aws.each(lambda arn: _pending(aws, region, arn), arns, VERSIONS)
    return tuple(
        PendingVersions(arn=arn, versions=found) for arn, found in zip(arns, read, strict=True)
    )


def waits(version: Version) -> bool:
    """Whether a version is neither current nor done with."""
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
    for each in data.get("ReplicationStatus", ()):
        yield Replica(status=each.get("Status", ""), region=each.get("Region", ""))
    for each in data.get("CrossAccountReplicas", ()):
        yield Replica(
            status=each.get("ReplicationStatus", ""),
            secret=each.get("ReplicaSecretARN", ""),
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
    listed: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    # The SDK has no paginator for them.
    while True:
        answer = aws.need(VERSIONS, region=region, SecretId=arn, **more)
        listed += answer.get("Versions", ())
        token = answer.get("NextToken")
        if not token or token == more.get("NextToken"):
            break
        more = {"NextToken": token}
    found = (
        Version(
            id=each["VersionId"],
            labels=tuple(sorted(each.get("VersionStages", ()))),
            created=each.get("CreatedDate"),
        )
        for each in listed
    )
    return tuple(each for each in found if waits(each))
