"""Snapshots made by hand, small enough to read: what the examples of the checks of keys are made of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.kms.grants import KEY_GRANTS, Grant, KeyGrants
from aws_iam.account.collect.kms.key_materials import KEY_MATERIALS, KeyMaterials, Material
from aws_iam.account.collect.kms.key_uses import KEY_USES, KeyUse, LastUse
from aws_iam.account.collect.kms.keys import KMS_KEYS, KeyDetails, KeyRotation, KmsKey
from aws_iam.account.reading.snapshot import account_of
from aws_iam.rules.examples import policy_with

if TYPE_CHECKING:
    from aws_iam.account.collect.fact import Held, RegionFact
    from aws_iam.account.reading.snapshot import Account

REGION = "us-east-1"
ELSEWHERE = "eu-west-1"
OWN = "111122223333"
OTHER = "444455556666"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ID = "11111111-2222-3333-4444-555555555555"
MULTI = "mrk-0123456789abcdef0123456789abcdef"
ARN = f"arn:aws:kms:{REGION}:{OWN}:key/{ID}"


def ago(days: float) -> datetime:
    """So many days before the snapshots were taken; negative: after."""
    return NOW - timedelta(days=days)


def details(**more: Any) -> KeyDetails:
    """A symmetric key of the customer, made 400 days ago."""
    usual: dict[str, Any] = {
        "manager": "CUSTOMER",
        "spec": "SYMMETRIC_DEFAULT",
        "usage": "ENCRYPT_DECRYPT",
        "origin": "AWS_KMS",
        "state": "Enabled",
        "created": ago(400),
    }
    return KeyDetails(**{**usual, **more})


def key(*, rotation: KeyRotation | None = None, alias: str = "", **more: Any) -> KmsKey:
    """A key that rotates every year."""
    found = details(**more)
    turned = rotation or KeyRotation(enabled=True, period_days=365)
    shown = turned if found.state == "Enabled" and found.origin == "AWS_KMS" else None
    return KmsKey(id=ID, arn=ARN, aliases=(alias,) if alias else (), details=found, rotation=shown)


def used(days_ago: float | None, *, tracked: float = 1000, created: float = 400) -> KeyUse:
    """A key used so many days ago, or never since tracking began."""
    return KeyUse(
        arn=ARN,
        use=LastUse(
            used=None if days_ago is None else ago(days_ago),
            operation="" if days_ago is None else "Decrypt",
            tracked_since=ago(tracked),
            created=ago(created),
        ),
    )


def grant(grantee: str = f"arn:aws:iam::{OWN}:role/App", *operations: str, **more: Any) -> Grant:
    """A grant of decryption under an encryption context."""
    usual: dict[str, Any] = {
        "id": "grant-1",
        "issuer": f"arn:aws:iam::{OWN}:root",
        "operations": operations or ("Decrypt",),
        "constraints": ("EncryptionContextSubset",),
        "count": 1,
    }
    return Grant(grantee=grantee, **{**usual, **more})


def holding(*held: Held, regions: tuple[str, ...] = (REGION,), **more: Any) -> Account:
    """An account with these facts."""
    return account_of(*held, regions=regions, collected_at=NOW, **more)


def of(fact: RegionFact[Any], *values: Any, region: str = REGION) -> Held:
    """A fact of one Region."""
    return fact.held_in(region, values)


def with_key(found: KmsKey, *rest: Held) -> Account:
    """An account with one key, which has no grants and was used yesterday, unless the rest says otherwise."""
    given = {held.fact.name for held in rest}
    usual = (
        of(KMS_KEYS, found),
        of(KEY_GRANTS, KeyGrants(arn=found.arn, grants=())),
        of(KEY_USES, used(1)),
    )
    return holding(*(held for held in usual if held.fact.name not in given), *rest)


def imported(*materials: Material, state: str = "Enabled") -> Account:
    """An account with one key of imported material."""
    return holding(
        of(KMS_KEYS, key(origin="EXTERNAL", state=state)),
        of(KEY_MATERIALS, KeyMaterials(arn=ARN, materials=materials)),
    )


def policy(*statements: dict[str, Any]) -> str:
    """A policy as AWS sends it."""
    return json.dumps(policy_with(*statements))
