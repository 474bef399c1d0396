"""Kinds of KMS keys: the needs that exclude a kind, the key spec for a purpose, the monthly cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.errors import InputError
from aws_iam.tools.kit import needs
from aws_iam.tools.kit.prices import prices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class KeyType(StrEnum):
    """Who manages a key and where its material is from; the first that fits is recommended."""

    AWS_OWNED = "aws_owned"
    CUSTOMER_MANAGED = "customer_managed"
    IMPORTED = "imported"
    CLOUDHSM_STORE = "cloudhsm_store"
    EXTERNAL_STORE = "external_store"
    # Last: a legacy kind, which newer services do not offer.
    AWS_MANAGED = "aws_managed"

    @property
    def text(self) -> str:
        """Its display name."""
        name: str = _row(self)["name"]
        return name

    @property
    def origin(self) -> str | None:
        """Where the key material is from, in the API's words; None if AWS chooses."""
        return _row(self).get("origin")


def table() -> Mapping[str, Any]:
    """The shipped table of key types, the pages it comes from, its date."""
    data: Mapping[str, Any] = resources.data("key-types.json")
    return data


def _row(kind: KeyType) -> Mapping[str, Any]:
    return next(row for row in table()["rows"] if row["key_type"] == kind)


_SERVICE_KEYS = frozenset({KeyType.AWS_OWNED, KeyType.AWS_MANAGED})
_STORES = frozenset({KeyType.CLOUDHSM_STORE, KeyType.EXTERNAL_STORE})
_SOURCES = {
    "aws": frozenset({KeyType.AWS_OWNED, KeyType.AWS_MANAGED, KeyType.CUSTOMER_MANAGED}),
    "imported": frozenset({KeyType.IMPORTED}),
    "cloudhsm": frozenset({KeyType.CLOUDHSM_STORE}),
    "external": frozenset({KeyType.EXTERNAL_STORE}),
}

NEEDS = (
    needs.flag("cross_account", "another AWS account uses it", "shared_with_other_accounts"),
    needs.flag("own_policy", "you write its key policy", "key_policy", "custom_policy"),
    needs.flag("audit", "its use appears in your CloudTrail", "audit_trail", "cloudtrail"),
    needs.flag("revocation", "you can disable or delete it"),
    needs.flag("direct_use", "your code calls KMS with it"),
    needs.number("rotation_days", "days between automatic rotations", least=90, most=2_560),
    needs.word(
        "key_source",
        "where its material is generated",
        *_SOURCES,
        when_true={
            "byok": "imported",
            "bring_your_own_key": "imported",
            "imported_material": "imported",
            "import": "imported",
            "cloudhsm": "cloudhsm",
            "external_store": "external",
            "external_key_store": "external",
            "xks": "external",
            "cloudhsm_key_store": "cloudhsm",
        },
    ),
    needs.flag("expires", "its material expires on a date", "expiry", "expiration"),
    needs.number(
        "regions",
        "Regions that decrypt with it (default 1)",
        least=1,
        most=50,
        when_true={"multi_region": 2, "multi_region_key": 2, "replication": 2},
    ),
    needs.number(
        "keys",
        "how many such keys (default 1)",
        *("count", "number_of_keys", "key_count", "number"),
        least=1,
        most=10**6,
    ),
    needs.number(
        "requests_per_month",
        "KMS requests in a month, in total",
        *("requests", "api_calls_per_month", "monthly_requests"),
        most=10**12,
    ),
    needs.flag("signing", "signs and verifies", "sign", "signatures", "asymmetric_signing"),
    needs.flag("mac", "generates message authentication codes", "hmac"),
    needs.flag("key_agreement", "agrees on or transports a shared secret"),
    needs.flag("public_key_encryption", "others encrypt with its public key, outside AWS"),
    needs.flag("post_quantum", "with `signing` or `key_agreement`: resists quantum computers"),
)


Exclusion = tuple[frozenset[KeyType], str]
"""The kinds of key that cannot serve a need, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """KeySpec and KeyUsage of a key, its row in the table of kinds, and the price of its requests."""

    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    row: str = ""
    request: str = "key_request"


_SYMMETRIC = Spec()
_PURPOSES = ("signing", "mac", "key_agreement", "public_key_encryption")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNeeds:
    """The needs with their defaults, and which of them the caller stated."""

    stated: frozenset[str]
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
        """The purposes besides symmetric encryption."""
        return tuple(name for name in _PURPOSES if getattr(self, name))

    @property
    def spec(self) -> Spec:
        """The key spec that serves the purpose."""
        if not self.purposes:
            return _SYMMETRIC
        specs = table()["post_quantum_purposes" if self.post_quantum else "purposes"]
        return Spec(**specs[self.purposes[0]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The monthly cost of a kind of key: before any rotation, and what each of the first two rotations adds."""

    key_type: KeyType
    keys: Decimal
    requests: Decimal
    rotation: Decimal
    cluster: Decimal
    used: tuple[str, ...]

    def total(self, rotations: int = 0) -> Decimal:
        """The sum after that many rotations."""
        return self.keys + self.requests + self.cluster + self.rotation * rotations


def other_specs(needed: KeyNeeds) -> tuple[str, ...]:
    """The other specs with the same usage; with post-quantum needs only those that meet them."""
    specs = table()["key_specs"][needed.spec.usage]
    others = (
        spec
        for spec in specs
        if spec not in {needed.spec.spec, "SYMMETRIC_DEFAULT"}
        and (not needed.post_quantum or spec.startswith("ML_"))
    )
    return tuple(f"{spec} (China Regions)" if spec == "SM2" else spec for spec in others)


def key_needs(stated: Mapping[str, Any]) -> KeyNeeds:
    """The stated needs with defaults for the others; InputError for purposes that one key cannot serve."""
    needed = KeyNeeds(stated=frozenset(stated), **stated)
    if len(needed.purposes) > 1:
        both = " and ".join(f"`{name}`" for name in needed.purposes)
        raise InputError(
            f"`needs`: one key cannot serve {both}: a key has one usage",
            hint="ask for each separately",
        )
    if needed.post_quantum and not set(needed.purposes) & table()["post_quantum_purposes"].keys():
        raise InputError(
            "`needs`: `post_quantum` needs `signing` (ML-DSA) or `key_agreement` (ML-KEM)",
            hint="add one of them, or leave `post_quantum` out",
        )
    return needed


def exclusions(needed: KeyNeeds) -> dict[str, Exclusion]:
    """For each need the kinds of key that cannot serve it, and why."""
    by_need = {
        name: rule(needed)
        for name, rule in _RULES.items()
        if name in needed.stated and getattr(needed, name)
    }
    return {name: (kinds, why) for name, (kinds, why) in by_need.items() if kinds}


def conflicts(by_need: Mapping[str, Exclusion]) -> list[tuple[str, ...]]:
    """The needs that no kind meets together, each group without any need that the others do not need for that."""
    found: list[tuple[str, ...]] = []
    for size in range(1, len(by_need) + 1):
        for names in combinations(by_need, size):
            excluded = frozenset[KeyType]().union(*(by_need[name][0] for name in names))
            if excluded == set(KeyType) and not any(set(less) <= set(names) for less in found):
                found.append(names)
    return found


def choice(by_need: Mapping[str, Exclusion]) -> KeyType | None:
    """The kind to use; None when the needs exclude all of them."""
    excluded = frozenset[KeyType]().union(*(kinds for kinds, _ in by_need.values()))
    return next((kind for kind in KeyType if kind not in excluded), None)


def cost(kind: KeyType, needed: KeyNeeds) -> Cost:
    """The monthly cost for the needs, even if the kind cannot serve them."""
    price = prices().times
    count = needed.keys * needed.regions
    if kind is KeyType.AWS_OWNED:
        return _bill(kind)
    request = needed.spec.request
    requests = price(request, needed.requests_per_month)
    if kind is KeyType.AWS_MANAGED:
        return _bill(kind, requests=requests, used=(request,))
    used: tuple[str, ...] = ("key", request)
    if not _rotates(kind, needed):
        return _bill(kind, keys=price("key", count), requests=requests, used=used)
    return _bill(
        kind,
        keys=price("key", count),
        requests=requests,
        rotation=price("key_rotation", count),
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
    cluster, hours = _cluster(kind)
    return Cost(
        key_type=kind,
        keys=keys,
        requests=requests,
        rotation=rotation,
        cluster=cluster,
        used=(*used, *hours),
    )


def _rotates(kind: KeyType, needed: KeyNeeds) -> bool:
    """Whether the key keeps its id when it gets new material; manual rotation creates a new key."""
    return kind in {KeyType.CUSTOMER_MANAGED, KeyType.IMPORTED} and not needed.purposes


def _service_keys(why: str) -> Callable[[KeyNeeds], Exclusion]:
    return lambda _needed: (_SERVICE_KEYS, why)


def _rotation(needed: KeyNeeds) -> Exclusion:
    if needed.purposes:
        # Such keys rotate manually only, whatever their kind: the period excludes none.
        return frozenset(), ""
    return (
        frozenset(KeyType) - {KeyType.CUSTOMER_MANAGED},
        "only symmetric keys whose material KMS generated rotate on a period that you choose",
    )


def _source(needed: KeyNeeds) -> Exclusion:
    return frozenset(KeyType) - _SOURCES[needed.key_source], "its material is generated elsewhere"


def _expires(_needed: KeyNeeds) -> Exclusion:
    return frozenset(KeyType) - {KeyType.IMPORTED}, "only imported material can expire"


def _regions(needed: KeyNeeds) -> Exclusion:
    if needed.regions == 1:
        return frozenset(), ""
    return _SERVICE_KEYS | _STORES, "this kind has no multi-Region keys"


def _purpose(_needed: KeyNeeds) -> Exclusion:
    return _SERVICE_KEYS | _STORES, "this kind supports symmetric encryption only"


_SECONDS_PER_MONTH = 30 * 24 * 60 * 60
# MACs count towards the symmetric quota; that of key agreement is not in the table.
_ASYMMETRIC = frozenset({"signing", "public_key_encryption"})


def beyond_quotas(needed: KeyNeeds) -> Iterator[str]:
    """What AWS's quotas refuse of these needs, and what to do instead."""
    quotas = table()["quotas"]
    if needed.keys > quotas["keys_in_a_region"]:
        yield (
            f"{needed.keys:,} keys are more than the quota of {quotas['keys_in_a_region']:,} in a Region: use one KMS key with a "
            "data key or an encryption context for each tenant, or spread the keys over accounts"
        )
    rate = needed.requests_per_month // _SECONDS_PER_MONTH
    least, most = quotas["symmetric_requests_per_second"]
    words = f"{least:,} to {most:,} of a Region"
    if _ASYMMETRIC & set(needed.purposes):
        least = quotas["asymmetric_requests_per_second"]
        words = f"{least:,}"
    elif "key_agreement" in needed.purposes:
        return
    if rate > least:
        instead = (
            "spread them over accounts or Regions"
            if needed.purposes
            else "cache data keys (kms envelope with the library hierarchical)"
        )
        yield f"on average {rate:,} requests a second, and the quota is {words}: {instead}"


_HSMS, _HOURS_PER_MONTH = 2, 730


def _cluster(kind: KeyType) -> tuple[Decimal, tuple[str, ...]]:
    """What the HSMs of a CloudHSM key store cost; a store needs two active ones.

    https://docs.aws.amazon.com/kms/latest/developerguide/create-keystore.html
    """
    if kind is not KeyType.CLOUDHSM_STORE:
        return Decimal(0), ()
    return prices().times("hsm_hour", _HSMS * _HOURS_PER_MONTH), ("hsm_hour",)


def _requests(_needed: KeyNeeds) -> Exclusion:
    return frozenset({KeyType.AWS_OWNED}), "you neither make nor pay for its requests"


_RULES: dict[str, Callable[[KeyNeeds], Exclusion]] = {
    "keys": _service_keys("AWS creates it: you cannot have a number of your own"),
    "requests_per_month": _requests,
    "cross_account": _service_keys("you cannot let another account use it"),
    "own_policy": _service_keys("you cannot change its policy"),
    "audit": lambda _needed: (
        frozenset({KeyType.AWS_OWNED}),
        "its use does not appear in your CloudTrail",
    ),
    "revocation": _service_keys("you cannot disable or delete it"),
    "direct_use": _service_keys("only its AWS service can use it"),
    "rotation_days": _rotation,
    "key_source": _source,
    "expires": _expires,
    "regions": _regions,
    **dict.fromkeys(_PURPOSES, _purpose),
}
