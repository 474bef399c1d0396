"""KMS: grants, shares, imported material, key stores and the last use of keys. No call of it uses a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.fact import Miss
from aws_iam.account.facts.keys import (
    KEY_GRANTS,
    KEY_MATERIALS,
    KEY_STORES,
    KEY_USES,
    OTHER_POLICIES,
    Grant,
    KeyGrants,
    KeyMaterials,
    KeyStore,
    KeyUse,
    LastUse,
    Material,
    OtherPolicies,
)
from aws_iam.account.facts.storage import KMS_KEYS, KeyDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.facts.storage import KmsKey

GRANTS, NAMES = "kms:ListGrants", "kms:ListKeyPolicies"
POLICY, MATERIALS = "kms:GetKeyPolicy", "kms:ListKeyRotations"
STORES, LAST = "kms:DescribeCustomKeyStores", "kms:GetKeyLastUsage"

MOST_ASKED = 100
"""Keys of a Region whose last use is asked for: AWS takes 5 such calls a second."""

_EXTERNAL = "EXTERNAL"
_ENDING = ("PendingDeletion", "PendingReplicaDeletion")
_DEFAULT = "default"


def _owned(aws: Aws, region: str) -> list[KmsKey]:
    """The keys that are not AWS's own."""
    return [
        key
        for key in aws.fact_in(region, KMS_KEYS)
        if not (isinstance(key.details, KeyDetails) and key.details.manager == "AWS")
    ]


@collector_in(KEY_GRANTS, GRANTS, after=(KMS_KEYS,))
def grants(aws: Aws, region: str) -> tuple[KeyGrants, ...]:
    """A key may have 50,000; those that say the same become one."""
    keys = _owned(aws, region)

    def read(key: KmsKey) -> tuple[Grant, ...]:
        return _collapsed(aws.pages(GRANTS, "Grants", region=region, KeyId=key.arn))

    found = aws.each(read, keys, GRANTS)
    return tuple(
        KeyGrants(arn=key.arn, grants=each) for key, each in zip(keys, found, strict=True)
    )


def _collapsed(listed: Iterable[dict[str, Any]]) -> tuple[Grant, ...]:
    found: dict[tuple[Any, ...], Grant] = {}
    for each in listed:
        said = (
            each.get("GranteePrincipal") or each.get("GranteeServicePrincipal") or "",
            each.get("IssuingAccount", ""),
            tuple(sorted(each.get("Operations", ()))),
            tuple(sorted(each.get("Constraints", ()) or ())),
        )
        before = found.get(said)
        found[said] = Grant(
            id=before.id if before else each["GrantId"],
            grantee=said[0],
            issuer=said[1],
            operations=said[2],
            constraints=said[3],
            count=before.count + 1 if before else 1,
        )
    return tuple(found[said] for said in sorted(found))


@collector_in(OTHER_POLICIES, NAMES, POLICY, after=(KMS_KEYS,))
def other_policies(aws: Aws, region: str) -> tuple[OtherPolicies, ...]:
    """Nearly every key has the default policy alone, which is a fact of its own."""
    keys = _owned(aws, region)

    def read(key: KmsKey) -> OtherPolicies:
        listed = aws.tried(lambda: aws.pages(NAMES, "PolicyNames", region=region, KeyId=key.arn))
        if isinstance(listed, Miss):
            return OtherPolicies(arn=key.arn, names=listed, documents=())
        names = tuple(sorted(each for each in listed if each != _DEFAULT))
        documents = tuple(aws.tried(_policy(aws, region, key.arn, name)) for name in names)
        return OtherPolicies(arn=key.arn, names=names, documents=documents)

    found = aws.each(read, keys, NAMES)
    return tuple(each for each in found if isinstance(each, OtherPolicies))


def _policy(aws: Aws, region: str, arn: str, name: str) -> Callable[[], str]:
    def read() -> str:
        answer = aws.need(POLICY, region=region, KeyId=arn, PolicyName=name)
        return str(answer["Policy"])

    return read


@collector_in(KEY_MATERIALS, MATERIALS, after=(KMS_KEYS,))
def materials(aws: Aws, region: str) -> tuple[KeyMaterials, ...]:
    """Of keys whose owner imports the material; one that cannot be described may be such a key."""
    keys = [
        key
        for key in _owned(aws, region)
        if isinstance(key.details, Miss) or key.details.origin == _EXTERNAL
    ]

    def read(key: KmsKey) -> tuple[Material, ...] | Miss:
        if isinstance(key.details, Miss):
            return key.details
        listed = aws.pages(
            MATERIALS,
            "Rotations",
            region=region,
            KeyId=key.arn,
            IncludeKeyMaterial="ALL_KEY_MATERIAL",
        )
        return tuple(map(_material, listed))

    found = aws.each(read, keys, MATERIALS)
    return tuple(
        KeyMaterials(arn=key.arn, materials=each) for key, each in zip(keys, found, strict=True)
    )


def _material(data: dict[str, Any]) -> Material:
    return Material(
        id=data.get("KeyMaterialId", ""),
        imported=data.get("ImportState") != "PENDING_IMPORT",
        expires=data.get("ValidTo"),
        state=data.get("KeyMaterialState", ""),
    )


@collector_in(KEY_STORES, STORES)
def stores(aws: Aws, region: str) -> tuple[KeyStore, ...]:
    """Few accounts have one."""
    listed = aws.pages(STORES, "CustomKeyStores", region=region)
    found = (
        KeyStore(
            id=each["CustomKeyStoreId"],
            name=each.get("CustomKeyStoreName", ""),
            type=each.get("CustomKeyStoreType", ""),
            state=each.get("ConnectionState", ""),
            error=each.get("ConnectionErrorCode", ""),
        )
        for each in listed
    )
    return tuple(sorted(found, key=lambda each: each.id))


@collector_in(KEY_USES, LAST, after=(KMS_KEYS,))
def uses(aws: Aws, region: str) -> tuple[KeyUse, ...]:
    """First of the keys that are being deleted, then of the oldest; beyond the limit nobody asks."""
    keys = sorted(_owned(aws, region), key=_urgency)
    asked = keys[:MOST_ASKED]

    def read(key: KmsKey) -> LastUse | Miss:
        if isinstance(key.details, Miss):
            return key.details
        return _last(aws.need(LAST, region=region, KeyId=key.arn))

    found = aws.each(read, asked, LAST)
    told = [KeyUse(arn=key.arn, use=each) for key, each in zip(asked, found, strict=True)]
    rest = [KeyUse(arn=key.arn, use=None) for key in keys[MOST_ASKED:]]
    return tuple(sorted((*told, *rest), key=lambda each: each.arn))


def _urgency(key: KmsKey) -> tuple[bool, str, str]:
    details = key.details
    if isinstance(details, Miss):
        return (True, "9", key.arn)
    created: datetime | None = details.created
    return (details.state not in _ENDING, created.isoformat() if created else "8", key.arn)


def _last(data: dict[str, Any]) -> LastUse:
    usage = data.get("KeyLastUsage") or {}
    return LastUse(
        used=usage.get("Timestamp"),
        operation=usage.get("Operation", ""),
        tracked_since=data["TrackingStartDate"],
        created=data["KeyCreationDate"],
    )
