"""KMS: the keys that the account's owner made, with state and rotation."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.storage import KMS_KEYS, KeyDetails, KeyRotation, KmsKey

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

DESCRIBE = "kms:DescribeKey"
ROTATION = "kms:GetKeyRotationStatus"


@collector_in(KMS_KEYS, "kms:ListAliases", "kms:ListKeys", DESCRIBE, ROTATION)
def keys(aws: Aws, region: str) -> tuple[KmsKey, ...]:
    """The aliases come first: what `alias/aws/…` points at is AWS's and costs no further call."""
    aliases: dict[str, list[str]] = defaultdict(list)
    for alias in aws.pages("kms:ListAliases", "Aliases", region=region):
        aliases[alias.get("TargetKeyId", "")].append(alias["AliasName"])
    listed = sorted(aws.pages("kms:ListKeys", "Keys", region=region), key=lambda key: key["KeyId"])
    own = [key for key in listed if not _is_managed_by_aws(aliases[key["KeyId"]])]
    found = aws.each(lambda key: _key(aws, region, key, aliases[key["KeyId"]]), own, DESCRIBE)
    return tuple(key for key in found if isinstance(key, KmsKey))


def _is_managed_by_aws(aliases: list[str]) -> bool:
    return any(alias.startswith("alias/aws/") for alias in aliases)


def _key(aws: Aws, region: str, data: dict[str, Any], aliases: list[str]) -> KmsKey:
    identity = data["KeyId"]
    details = aws.tried(
        lambda: _details(aws.need(DESCRIBE, region=region, KeyId=identity)["KeyMetadata"])
    )
    key = KmsKey(id=identity, arn=data["KeyArn"], aliases=tuple(sorted(aliases)), details=details)
    if not key.rotates:
        return key
    rotation = aws.tried(lambda: _rotation(aws.need(ROTATION, region=region, KeyId=identity)))
    return KmsKey(id=key.id, arn=key.arn, aliases=key.aliases, details=details, rotation=rotation)


def _details(data: dict[str, Any]) -> KeyDetails:
    primary = data.get("MultiRegionConfiguration", {}).get("PrimaryKey", {})
    return KeyDetails(
        manager=data.get("KeyManager", ""),
        spec=data.get("KeySpec") or data.get("CustomerMasterKeySpec", ""),
        usage=data.get("KeyUsage", ""),
        origin=data.get("Origin", ""),
        state=data.get("KeyState", ""),
        multi_region=data.get("MultiRegion", False),
        primary_region=primary.get("Region"),
        created=data.get("CreationDate"),
        deletion_date=data.get("DeletionDate"),
    )


def _rotation(data: dict[str, Any]) -> KeyRotation:
    return KeyRotation(
        enabled=data.get("KeyRotationEnabled", False), period_days=data.get("RotationPeriodInDays")
    )
