"""What is around KMS keys: grants, shares, imported material, key stores, last use. The keys themselves are in `storage`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints

from aws_iam.account.facts.fact import Miss, many_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Grants of one key that say the same; `id` is one of them, `count` how many there are.

    `grantee` is an ARN, or the name of a service; `constraints` are the kinds of limits, `()` none.
    """

    id: str
    grantee: str
    issuer: str
    operations: tuple[str, ...]
    constraints: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGrants:
    """The grants of a key."""

    arn: str
    grants: tuple[Grant, ...] | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPolicies:
    """The JSON texts of a key's policies beside the default one, each with its name: `AWS_RAM` is that of shares."""

    arn: str
    names: tuple[str, ...] | Miss
    documents: tuple[str | Miss, ...]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStore:
    """A custom key store; `error` is AWS's code of why it is not connected."""

    id: str
    name: str
    type: str
    state: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastUse:
    """When a key was last used, as far as AWS tracks it; `used` None: not since `tracked_since`."""

    used: datetime | None
    operation: str
    tracked_since: datetime
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """The last use of a key; None: it was not asked for, because AWS answers few such calls a second."""

    arn: str
    use: LastUse | Miss | None


KEY_GRANTS = many_in("kms.grants", KeyGrants)
OTHER_POLICIES = many_in("kms.other_policies", OtherPolicies)
KEY_MATERIALS = many_in("kms.materials", KeyMaterials)
KEY_STORES = many_in("kms.stores", KeyStore)
KEY_USES = many_in("kms.uses", KeyUse)
