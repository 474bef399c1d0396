"""Imported material of KMS keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.kms.keys import KMS_KEYS, _owned

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.kms.keys import KmsKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One piece of imported key material; `expires` None: never."""

    id: str
    imported: bool
    expires: datetime | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMaterials:
    """The material of a key whose owner imports it."""

    arn: str
    materials: tuple[Material, ...] | Miss


KEY_MATERIALS = many_in("kms.materials", KeyMaterials)
MATERIALS = "kms:ListKeyRotations"
_EXTERNAL = "EXTERNAL"


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
