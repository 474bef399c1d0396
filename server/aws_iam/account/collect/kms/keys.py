"""KMS keys that are not AWS managed, with state and rotation."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class KeyDetails:
    """`DescribeKey`, in AWS's words."""

    manager: str
    spec: str
    usage: str
    origin: str
    state: str
    multi_region: bool = False
    primary_region: str | None = None
    created: datetime | None = None
    deletion_date: datetime | None = None


@slotted
class KeyRotation:
    """Automatic rotation; the period is known only where AWS sends it."""

    enabled: bool
    period_days: int | None = None


@slotted
class KmsKey:
    """A key that no `alias/aws/…` points at; `rotation` None: KMS cannot rotate this kind of key."""

    id: str
    arn: str
    aliases: tuple[str, ...] = ()
    details: KeyDetails | Miss
    rotation: KeyRotation | Miss | None = None

    @property
    def rotates(self) -> bool:
        """Whether KMS can rotate it: symmetric, with material from KMS, enabled, customer managed."""
        return isinstance(self.details, KeyDetails) and (
            self.details.manager,
            self.details.spec,
            self.details.origin,
            self.details.state,
        ) == ("CUSTOMER", "SYMMETRIC_DEFAULT", "AWS_KMS", "Enabled")


KMS_KEYS = many_in("kms.keys", KmsKey)
_DESCRIBE_KEY = "kms:DescribeKey"
_GET_KEY_ROTATION_STATUS = "kms:GetKeyRotationStatus"


@collector_in(KMS_KEYS, "kms:ListAliases", "kms:ListKeys", _DESCRIBE_KEY, _GET_KEY_ROTATION_STATUS)
def keys(aws: Aws, region: str) -> tuple[KmsKey, ...]:
    """The keys. Aliases come first: a key that `alias/aws/…` points at is AWS managed and takes no further call."""
    aliases: dict[str, list[str]] = defaultdict(list)
    for alias in aws.items("kms:ListAliases", "Aliases", region=region):
        aliases[alias.get("TargetKeyId", "")].append(alias["AliasName"])
    listed = sorted(aws.items("kms:ListKeys", "Keys", region=region), key=lambda key: key["KeyId"])
    own = [key for key in listed if not _is_managed_by_aws(aliases[key["KeyId"]])]
    kms_keys = aws.read_each(
        lambda key: _key(aws, region, key, aliases[key["KeyId"]]), own, _DESCRIBE_KEY
    )
    return tuple(key for key in kms_keys if isinstance(key, KmsKey))


def customer_keys(aws: Aws, region: str) -> list[KmsKey]:
    """The keys that are not AWS managed, as far as that is known."""
    return [
        key
        for key in aws.fact_in(region, KMS_KEYS)
        if not (isinstance(key.details, KeyDetails) and key.details.manager == "AWS")
    ]


def _is_managed_by_aws(aliases: list[str]) -> bool:
    return any(alias.startswith("alias/aws/") for alias in aliases)


def _key(aws: Aws, region: str, data: dict[str, Any], aliases: list[str]) -> KmsKey:
    identity = data["KeyId"]
    details = aws.value_or_miss(
        lambda: _details(aws.need(_DESCRIBE_KEY, region=region, KeyId=identity)["KeyMetadata"])
    )
    key = KmsKey(id=identity, arn=data["KeyArn"], aliases=tuple(sorted(aliases)), details=details)
    if not key.rotates:
        return key
    rotation = aws.value_or_miss(
        lambda: _rotation(aws.need(_GET_KEY_ROTATION_STATUS, region=region, KeyId=identity))
    )
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
