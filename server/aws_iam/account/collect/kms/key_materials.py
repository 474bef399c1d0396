"""Imported material of KMS keys."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.kms.keys import KMS_KEYS, customer_keys
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.kms.keys import KmsKey


@slotted
class Material:
    """One piece of imported key material; `expires` None: never."""

    id: str
    imported: bool
    expires: datetime | None
    state: str


@slotted
class KeyMaterials:
    """The imported material of a key."""

    arn: str
    materials: tuple[Material, ...] | Miss


KEY_MATERIALS = many_in("kms.materials", KeyMaterials)
_LIST_KEY_ROTATIONS = "kms:ListKeyRotations"
_EXTERNAL = "EXTERNAL"


@collector_in(KEY_MATERIALS, _LIST_KEY_ROTATIONS, after=(KMS_KEYS,))
def materials(aws: Aws, region: str) -> tuple[KeyMaterials, ...]:
    """The material of keys with imported material; a key that cannot be described may be one, and is a miss."""
    keys = [
        key
        for key in customer_keys(aws, region)
        if isinstance(key.details, Miss) or key.details.origin == _EXTERNAL
    ]

    def read(key: KmsKey) -> tuple[Material, ...] | Miss:
        if isinstance(key.details, Miss):
            return key.details
        listed = aws.items(
            _LIST_KEY_ROTATIONS,
            "Rotations",
            region=region,
            KeyId=key.arn,
            IncludeKeyMaterial="ALL_KEY_MATERIAL",
        )
        return tuple(map(_material, listed))

    materials_of_each = aws.read_each(read, keys, _LIST_KEY_ROTATIONS)
    return tuple(
        KeyMaterials(arn=key.arn, materials=key_materials)
        for key, key_materials in zip(keys, materials_of_each, strict=True)
    )


def _material(data: dict[str, Any]) -> Material:
    return Material(
        id=data.get("KeyMaterialId", ""),
        imported=data.get("ImportState") != "PENDING_IMPORT",
        expires=data.get("ValidTo"),
        state=data.get("KeyMaterialState", ""),
    )
