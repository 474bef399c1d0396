"""Secrets Manager: the secrets, their copies, pending versions, resource policies and keys. No value is ever asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.fact import Miss
from aws_iam.account.facts.secrets import (
    NAMED_POLICIES,
    PARAMETERS,
    PENDING_VERSIONS,
    SECRET_COPIES,
    SECRET_KEYS,
    SECRETS,
    NamedPolicy,
    PendingVersions,
    Replica,
    Schedule,
    Secret,
    SecretCopies,
    SecretKey,
    SecretPolicies,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.calls.aws import Aws

LIST = "secretsmanager:ListSecrets"
DESCRIBE = "secretsmanager:DescribeSecret"
VERSIONS = "secretsmanager:ListSecretVersionIds"
POLICIES = "secretsmanager:ListResourcePolicies"
POLICY = "secretsmanager:GetResourcePolicy"
KEY = "kms:DescribeKey"
KEY_POLICY = "kms:GetKeyPolicy"
DEFAULT_KEYS = ("alias/aws/secretsmanager", "alias/aws/ssm")
_DEFAULT = "default"
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


@collector_in(NAMED_POLICIES, POLICIES, POLICY, after=(SECRETS,))
def policies(aws: Aws, region: str) -> tuple[SecretPolicies, ...]:
    """The resource policies of each secret: several may be attached, each is read by its name."""
    arns = [each.arn for each in aws.fact_in(region, SECRETS)]
    read = aws.each(lambda arn: _policies(aws, region, arn), arns, POLICY)
    return tuple(
        SecretPolicies(arn=arn, policies=(), listed=found) if isinstance(found, Miss) else found
        for arn, found in zip(arns, read, strict=True)
    )


@collector_in(SECRET_KEYS, KEY, KEY_POLICY, after=(SECRETS, PARAMETERS))
def keys(aws: Aws, region: str) -> tuple[SecretKey, ...]:
    """The keys that secrets and SecureStrings name, each once; AWS's own two are not asked for."""
    secrets, parameters = (
        aws.tried(lambda: aws.fact_in(region, SECRETS)),
        aws.tried(lambda: aws.fact_in(region, PARAMETERS)),
    )
    # The keys of either store are known without the other's.
    named = set() if isinstance(secrets, Miss) else {secret.kms_key for secret in secrets}
    named |= set() if isinstance(parameters, Miss) else {parameter.key for parameter in parameters}
    asked = sorted(each for each in named if each and not each.endswith(DEFAULT_KEYS))
    found = aws.each(lambda key: _key(aws, region, key), asked, KEY)
    return tuple(each for each in found if isinstance(each, SecretKey))


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


def _policies(aws: Aws, region: str, arn: str) -> SecretPolicies:
    names = aws.tried(
        lambda: [
            policy["PolicyName"]
            for policy in aws.pages(POLICIES, "ResourcePolicies", region=region, SecretId=arn)
        ]
    )
    if not isinstance(names, Miss):
        return SecretPolicies(
            arn=arn,
            policies=tuple(_policy(aws, region, arn, name) for name in sorted(names)),
        )
    # The default policy has always been readable without its name; what else there may be stays unknown.
    default = _policy(aws, region, arn, "")
    return SecretPolicies(
        arn=arn, policies=() if default.document is None else (default,), listed=names
    )


def _policy(aws: Aws, region: str, arn: str, name: str) -> NamedPolicy:
    more = {"PolicyName": name} if name not in ("", _DEFAULT) else {}
    document = aws.tried(
        lambda: aws.need(POLICY, region=region, SecretId=arn, **more).get("ResourcePolicy")
    )
    return NamedPolicy(name=name or _DEFAULT, document=document)


def _key(aws: Aws, region: str, named: str) -> SecretKey:
    owner = named.split(":")[4] if named.startswith("arn:") and named.count(":") > 4 else ""  # noqa: PLR2004 - fields of an ARN
    foreign = owner if owner != aws.account else ""
    found = aws.tried(
        lambda: aws.need(KEY, region=region, owner=foreign, KeyId=named)["KeyMetadata"]
    )
    if isinstance(found, Miss):
        return SecretKey(named=named, arn=found, state=found, manager=found, policy=found)
    manager, arn = found.get("KeyManager", ""), found.get("Arn", named)
    policy = None
    if manager == "CUSTOMER":
        policy = aws.tried(lambda: _key_policy(aws, region, arn, foreign))
    return SecretKey(
        named=named,
        arn=arn,
        state=found.get("KeyState", ""),
        manager=manager,
        policy=policy,
    )


def _key_policy(aws: Aws, region: str, arn: str, owner: str) -> str:
    answer = aws.need(KEY_POLICY, region=region, owner=owner, KeyId=arn, PolicyName=_DEFAULT)
    return str(answer["Policy"])
