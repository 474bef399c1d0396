"""Kinds of KMS keys: which needs exclude a kind, which spec serves a purpose, what a month costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.errors import InputError
from aws_iam.tools.kit import needs
from aws_iam.tools.kit.prices import prices

if TYPE_CHECKING:
    from collections.abc import Mapping


class KeyType(StrEnum):
    """Who manages a key and where its material is from, in the order of recommendation."""

    AWS_OWNED = "aws_owned"
    CUSTOMER_MANAGED = "customer_managed"
    IMPORTED = "imported"
    CLOUDHSM_STORE = "cloudhsm_store"
    EXTERNAL_STORE = "external_store"
    # Last: a legacy kind, which newer services do not offer.
    AWS_MANAGED = "aws_managed"

    @property
    def words(self) -> str:
        """Its name for people."""
        return _WORDS[self]

    @property
    def origin(self) -> str | None:
        """The API's name of where the key material is from; None where AWS chooses."""
        return _ORIGINS.get(self)


_WORDS = {
    KeyType.AWS_OWNED: "AWS owned key",
    KeyType.CUSTOMER_MANAGED: "customer managed key",
    KeyType.IMPORTED: "customer managed key with imported material",
    KeyType.CLOUDHSM_STORE: "key in a CloudHSM key store",
    KeyType.EXTERNAL_STORE: "key in an external key store",
    KeyType.AWS_MANAGED: "AWS managed key",
}
_ORIGINS = {
    KeyType.CUSTOMER_MANAGED: "AWS_KMS",
    KeyType.IMPORTED: "EXTERNAL",
    KeyType.CLOUDHSM_STORE: "AWS_CLOUDHSM",
    KeyType.EXTERNAL_STORE: "EXTERNAL_KEY_STORE",
}
_SERVICE_KEYS = frozenset({KeyType.AWS_OWNED, KeyType.AWS_MANAGED})
_STORES = frozenset({KeyType.CLOUDHSM_STORE, KeyType.EXTERNAL_STORE})
_SOURCES = {
    "aws": frozenset({KeyType.AWS_OWNED, KeyType.AWS_MANAGED, KeyType.CUSTOMER_MANAGED}),
    "imported": frozenset({KeyType.IMPORTED}),
    "cloudhsm": frozenset({KeyType.CLOUDHSM_STORE}),
    "external": frozenset({KeyType.EXTERNAL_STORE}),
}

NEEDS = (
    needs.flag("cross_account", "another AWS account uses it"),
    needs.flag("own_policy", "you write its key policy"),
    needs.flag("audit", "its use shows in your CloudTrail"),
    needs.flag("revocation", "you can disable or delete it"),
    needs.flag("direct_use", "your code calls KMS with it"),
    needs.number("rotation_days", "rotates by itself, every so many days", least=90, most=2_560),
    needs.word("key_source", "where its material is made", *_SOURCES),
    needs.flag("expires", "its material expires on a date"),
    needs.number("regions", "Regions that decrypt with it (default 1)", least=1, most=50),
    needs.number("keys", "how many such keys (default 1)", least=1, most=10**6),
    needs.number("requests_per_month", "KMS requests in a month, in all", most=10**12),
    needs.flag("signing", "signs and verifies"),
    needs.flag("mac", "makes message authentication codes"),
    needs.flag("key_agreement", "agrees on or transports a shared secret"),
    needs.flag("public_key_encryption", "others encrypt with its public key, outside AWS"),
    needs.flag("post_quantum", "with `signing` or `key_agreement`: resists quantum computers"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a key is made for: the API's KeySpec and KeyUsage, and what its requests cost."""

    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    row: str = ""
    request: str = "key_request"


_SYMMETRIC = Spec()
_PURPOSES = {
    "signing": Spec(
        spec="ECC_NIST_P256", usage="SIGN_VERIFY", row="asymmetric", request="asymmetric_request"
    ),
    "mac": Spec(spec="HMAC_256", usage="GENERATE_VERIFY_MAC", row="hmac"),
    "key_agreement": Spec(
        spec="ECC_NIST_P256", usage="KEY_AGREEMENT", row="asymmetric", request="asymmetric_request"
    ),
    "public_key_encryption": Spec(
        spec="RSA_3072", usage="ENCRYPT_DECRYPT", row="asymmetric", request="asymmetric_request"
    ),
}
_POST_QUANTUM = {
    "signing": Spec(
        spec="ML_DSA_65", usage="SIGN_VERIFY", row="asymmetric", request="asymmetric_request"
    ),
    "key_agreement": Spec(
        spec="ML_KEM_768",
        usage="ENCAPSULATE_DECAPSULATE",
        row="asymmetric",
        request="asymmetric_request",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The needs with their defaults, and which of them were given."""

    given: frozenset[str]
    cross_account: bool = False
    own_policy: bool = False
    audit: bool = False
    revocation: bool = False
    direct_use: bool = False
    rotation_days: int = 0
    key_source: str = ""
    expires: bool = False
    regions: int = 1
    keys: int = 1
    requests_per_month: int = 0
    signing: bool = False
    mac: bool = False
    key_agreement: bool = False
    public_key_encryption: bool = False
    post_quantum: bool = False

    @property
    def purposes(self) -> tuple[str, ...]:
        """What the key is for, besides symmetric encryption."""
        return tuple(name for name in _PURPOSES if getattr(self, name))

    @property
    def spec(self) -> Spec:
        """The key spec that serves the purpose."""
        table = _POST_QUANTUM if self.post_quantum else _PURPOSES
        return table[self.purposes[0]] if self.purposes else _SYMMETRIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A month of a kind of key: before any rotation, and what each of the first two rotations adds."""

    key_type: KeyType
    keys: Decimal
    requests: Decimal
    rotation: Decimal
    used: tuple[str, ...]

    def total(self, rotations: int = 0) -> Decimal:
        """All of it after so many rotations."""
        return self.keys + self.requests + self.rotation * rotations


@cache
def table() -> Mapping[str, Any]:
    """The shipped table of key types, the pages it comes from, its date."""
    data: Mapping[str, Any] = json.loads(resources.text("assets/data/key-types.json"))
    return data


def other_specs(wanted: Wanted) -> tuple[str, ...]:
    """The further specs of keys with the same usage; with post-quantum needs those that meet them."""
    listed = table()["key_specs"][wanted.spec.usage]
    fits = (
        row
        for row in listed
        if row not in {wanted.spec.spec, "SYMMETRIC_DEFAULT"}
        and (not wanted.post_quantum or row.startswith("ML_"))
    )
    return tuple(f"{fit} (China Regions)" if fit == "SM2" else fit for fit in fits)


def wanted_of(given: Mapping[str, Any]) -> Wanted:
    """The read needs as a value; purposes that no one key serves are refused."""
    wanted = Wanted(given=frozenset(given), **given)
    if len(wanted.purposes) > 1:
        both = " and ".join(f"`{name}`" for name in wanted.purposes)
        raise InputError(
            f"`needs`: {both} are not served by one key: a key has one usage",
            hint="ask for each on its own",
        )
    if wanted.post_quantum and not set(wanted.purposes) & set(_POST_QUANTUM):
        raise InputError(
            "`needs`: `post_quantum` goes with `signing` (ML-DSA) or `key_agreement` (ML-KEM)",
            hint="give one of them too, or leave `post_quantum` out",
        )
    return wanted


def exclusions(wanted: Wanted) -> dict[str, tuple[frozenset[KeyType], str]]:
    """By need: the kinds of key that cannot serve it, and why."""
    said = {name: rule(wanted) for name, rule in _RULES.items() if getattr(wanted, name)}
    return {name: (kinds, why) for name, (kinds, why) in said.items() if kinds}


def choice(said: Mapping[str, tuple[frozenset[KeyType], str]]) -> KeyType | None:
    """The kind to use; None when the needs exclude all of them."""
    excluded = frozenset[KeyType]().union(*(kinds for kinds, _ in said.values()))
    return next((kind for kind in KeyType if kind not in excluded), None)


def cost(kind: KeyType, wanted: Wanted) -> Cost:
    """A month's bill for the needs, whether or not the kind can serve them."""
    of = prices().times
    count = wanted.keys * wanted.regions
    if kind is KeyType.AWS_OWNED:
        return _bill(kind)
    request = wanted.spec.request
    requests = of(request, wanted.requests_per_month)
    if kind is KeyType.AWS_MANAGED:
        return _bill(kind, requests=requests, used=(request,))
    used: tuple[str, ...] = ("key", request)
    if not _rotates(kind, wanted):
        return _bill(kind, keys=of("key", count), requests=requests, used=used)
    return _bill(
        kind,
        keys=of("key", count),
        requests=requests,
        rotation=of("key_rotation", count),
        used=(*used, "key_rotation"),
    )


def _bill(
    kind: KeyType,
    *,
    keys: Decimal = Decimal(0),
    requests: Decimal = Decimal(0),
    rotation: Decimal = Decimal(0),
    used: tuple[str, ...] = (),
) -> Cost:
    return Cost(key_type=kind, keys=keys, requests=requests, rotation=rotation, used=used)


def _rotates(kind: KeyType, wanted: Wanted) -> bool:
    """Whether the key keeps its id when it gets new material; a manual rotation is a new key."""
    return kind in {KeyType.CUSTOMER_MANAGED, KeyType.IMPORTED} and not wanted.purposes


_Rule = Callable[[Wanted], tuple[frozenset[KeyType], str]]


def _service_keys(why: str) -> _Rule:
    return lambda _wanted: (_SERVICE_KEYS, why)


def _rotation(wanted: Wanted) -> tuple[frozenset[KeyType], str]:
    if wanted.purposes:
        return frozenset(KeyType), "asymmetric and HMAC keys are rotated by hand: a new key"
    return (
        frozenset(KeyType) - {KeyType.CUSTOMER_MANAGED},
        "a period of your own is for symmetric keys whose material KMS made",
    )


def _source(wanted: Wanted) -> tuple[frozenset[KeyType], str]:
    return frozenset(KeyType) - _SOURCES[wanted.key_source], "the material is made elsewhere"


def _expires(_wanted: Wanted) -> tuple[frozenset[KeyType], str]:
    return frozenset(KeyType) - {KeyType.IMPORTED}, "imported material alone can expire"


def _regions(wanted: Wanted) -> tuple[frozenset[KeyType], str]:
    if wanted.regions == 1:
        return frozenset(), ""
    return _SERVICE_KEYS | _STORES, "no multi-Region keys of this kind"


def _purpose(_wanted: Wanted) -> tuple[frozenset[KeyType], str]:
    return _SERVICE_KEYS | _STORES, "symmetric encryption only"


_RULES: dict[str, _Rule] = {
    "cross_account": _service_keys("you cannot let another account use it"),
    "own_policy": _service_keys("its policy is not yours to write"),
    "audit": lambda _wanted: (frozenset({KeyType.AWS_OWNED}), "its use is not in your CloudTrail"),
    "revocation": _service_keys("you cannot disable or delete it"),
    "direct_use": _service_keys("it works through its AWS service only"),
    "rotation_days": _rotation,
    "key_source": _source,
    "expires": _expires,
    "regions": _regions,
    **dict.fromkeys(_PURPOSES, _purpose),
}
