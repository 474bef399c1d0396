"""Secrets Manager and Parameter Store: which needs exclude a store, and what each store costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.tools.kit import needs
from aws_iam.tools.kit.prices import prices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Store(StrEnum):
    """Where a secret can be stored, the cheapest first: at equal cost the earlier one is chosen."""

    STANDARD = "parameter_store_standard"
    ADVANCED = "parameter_store_advanced"
    SECRETS_MANAGER = "secrets_manager"

    @property
    def words(self) -> str:
        """Its display name."""
        return {
            Store.STANDARD: "Parameter Store, standard tier",
            Store.ADVANCED: "Parameter Store, advanced tier",
            Store.SECRETS_MANAGER: "Secrets Manager",
        }[self]


PARAMETER_STORE = frozenset({Store.STANDARD, Store.ADVANCED})
# Services that cannot read a parameter shared from another account:
# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html
UNSHARED = frozenset({"ecs", "cloudformation", "codebuild", "app_runner", "run_command"})
# Requests per second; 40 is the default throughput of Parameter Store. Limits of both stores:
# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-throughput.html
# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
FREE_READS = 40
READ_LIMIT = 10_000
_WRITES, PARAMETER_WRITES, SECRET_WRITES = 3, 10, 50
# Secrets Manager keeps every version for a day: faster sustained writes reach the quota of versions.
SECRET_VERSIONS_PER_HOUR = 6
_SECONDS_PER_HOUR, _HOURS_PER_MONTH = 3_600, 730
SIZE_LIMITS = {Store.STANDARD: 4_096, Store.ADVANCED: 8_192, Store.SECRETS_MANAGER: 65_536}
MOST_SECRETS = 500_000
_COUNT_LIMITS = {
    Store.STANDARD: 10_000,
    Store.ADVANCED: 100_000,
    Store.SECRETS_MANAGER: MOST_SECRETS,
}

NEEDS = (
    needs.flag("rotation", "AWS replaces the value on a schedule", "rotate", "rotates"),
    needs.flag("cross_account", "another AWS account reads it", "shared_with_other_accounts"),
    needs.number(
        "size_bytes",
        "size of the largest value",
        *("size", "max_size", "value_size"),
        least=1,
        most=10**12,
        units={"size_kb": 1024, "size_kib": 1024, "max_size_kb": 1024, "size_mb": 1024**2},
    ),
    needs.flag("binary", "the value is bytes, not text"),
    needs.number(
        "count",
        "how many values, in one Region (default 1)",
        *(
            "secrets",
            "values",
            "parameters",
            "number_of_secrets",
            "number",
            "how_many",
            "secret_count",
            "parameter_count",
            "number_of_parameters",
        ),
        least=1,
        most=10**6,
    ),
    needs.number(
        "reads_per_month",
        "values read in a month, in total",
        *("reads", "requests_per_month", "api_calls_per_month", "monthly_reads"),
        most=10**12,
    ),
    needs.number(
        "reads_per_second",
        "values read in a second, in total",
        *("requests_per_second", "rps", "tps"),
        most=10**7,
    ),
    needs.flag("high_throughput", f"more than {FREE_READS} reads in the busiest second"),
    needs.number("writes_per_second", "values written in a second, in total", most=10**6),
    needs.number("writes_per_hour", "new versions of each value in an hour", most=10**6),
    needs.flag("versions", "earlier values stay readable by a label"),
    needs.number(
        "replicas",
        "other Regions that hold a copy",
        *("replica_regions", "replica_count"),
        most=50,
        when_true={"multi_region": 1, "replication": 1, "cross_region": 1},
    ),
    needs.flag(
        "sensitive",
        "must be encrypted (default true)",
        *("secret", "confidential", "encrypted", "encryption"),
    ),
    needs.flag("customer_key", "encrypted with your own KMS key", "cmk", "customer_managed_key"),
    needs.flag("last_used", "the store shows when it was last read"),
    needs.flag("recovery", "a deleted value can be restored"),
    needs.flag("random_password", "the store generates the password"),
    needs.flag("expiry", "the store deletes it on a date", "expires", "expiration"),
    needs.flag("created_by_cloudformation", "a CloudFormation template creates it"),
    needs.word(
        "used_by",
        "what reads it",
        *("lambda", "ecs", "eks", "ec2", "cloudformation", "codebuild"),
        *("app_runner", "run_command", "other"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreNeeds:
    """The needs with their defaults, and which of them the caller stated."""

    stated: frozenset[str]
    rotation: bool = False
    cross_account: bool = False
    size_bytes: int = 1
    binary: bool = False
    count: int = 1
    reads_per_month: int = 0
    reads_per_second: int = 0
    high_throughput: bool = False
    writes_per_second: int = 0
    writes_per_hour: int = 0
    versions: bool = False
    replicas: int = 0
    sensitive: bool = True
    customer_key: bool = False
    last_used: bool = False
    recovery: bool = False
    random_password: bool = False
    expiry: bool = False
    created_by_cloudformation: bool = False
    used_by: str = ""

    @property
    def busy(self) -> bool:
        """Whether Parameter Store's default throughput is too low."""
        return (
            self.high_throughput
            or self.reads_in_second > FREE_READS
            or self.writes_in_second > _WRITES
        )

    @property
    def mean_reads(self) -> int:
        """The reads of a second, if those of a month spread evenly."""
        return -(-self.reads_per_month // (_SECONDS_PER_HOUR * _HOURS_PER_MONTH))

    @property
    def reads_in_second(self) -> int:
        """The reads of the busiest second, as far as it is known."""
        return max(self.reads_per_second, self.mean_reads)

    @property
    def writes_in_second(self) -> Decimal:
        """The writes of all values in a second."""
        hourly = Decimal(self.writes_per_hour * self.count) / _SECONDS_PER_HOUR
        return max(Decimal(self.writes_per_second), hourly)

    @property
    def versions_in_hour(self) -> Decimal:
        """The new versions of one value in an hour."""
        each_second = Decimal(self.writes_per_second * _SECONDS_PER_HOUR) / self.count
        return max(each_second, Decimal(self.writes_per_hour))

    @property
    def monthly_reads(self) -> int:
        """The reads of a month; a rate alone is counted as if it lasted all month."""
        if "reads_per_month" in self.stated:
            return self.reads_per_month
        return self.reads_per_second * _SECONDS_PER_HOUR * _HOURS_PER_MONTH

    @property
    def monthly_writes(self) -> int:
        """The writes of a month, at the stated rate."""
        hourly = max(self.writes_per_second * _SECONDS_PER_HOUR, self.writes_per_hour * self.count)
        return hourly * _HOURS_PER_MONTH

    @property
    def advanced_count(self) -> int:
        """How many of the values must be advanced parameters, if Parameter Store holds them."""
        any_advanced = (
            self.size_bytes > SIZE_LIMITS[Store.STANDARD] or self.cross_account or self.expiry
        )
        above = self.count - _COUNT_LIMITS[Store.STANDARD]
        return self.count if any_advanced or above <= 0 else above

    @property
    def needs_own_key(self) -> bool:
        """Whether a customer managed key is needed: AWS managed keys cannot be used from other accounts."""
        return self.customer_key or self.cross_account


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one need decides: the stores that cannot serve it, and the one that serves it better."""

    excludes: frozenset[Store] = frozenset()
    prefers: Store | None = None
    note: str = ""

    @property
    def decides(self) -> str:
        """The verdict in a word or two, for the table."""
        if len(self.excludes) == len(Store):
            return "neither"
        if self.excludes == PARAMETER_STORE:
            return "secrets_manager"
        if self.prefers:
            return f"{self.prefers.value} preferred"
        if self.excludes:
            left = [store.value for store in Store if store not in self.excludes]
            return " or ".join(reversed(left))
        return "either"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The monthly cost of one store."""

    store: Store
    storage: Decimal
    requests: Decimal
    encryption: Decimal
    used: tuple[str, ...] = field(default=())

    @property
    def total(self) -> Decimal:
        """The sum."""
        return self.storage + self.requests + self.encryption


def table() -> Mapping[str, Any]:
    """The shipped comparison: rows, the pages they come from, their date."""
    data: Mapping[str, Any] = resources.data("secret-stores.json")
    return data


def verdicts(needed: StoreNeeds) -> dict[str, Verdict]:
    """The verdict of each stated need, in the order of the table."""
    rows = (row["need"] for row in table()["rows"])
    return {name: _RULES[name](needed) for name in rows if _asked(name, needed)}


def choice(needed: StoreNeeds, verdicts_by_need: Mapping[str, Verdict]) -> Store | None:
    """The store to use; None when the needs exclude all of them."""
    excluded = frozenset[Store]().union(
        *(verdict.excludes for verdict in verdicts_by_need.values())
    )
    left = [store for store in Store if store not in excluded]
    preferred = [
        verdict.prefers for verdict in verdicts_by_need.values() if verdict.prefers in left
    ]
    if Store.SECRETS_MANAGER in preferred:
        return Store.SECRETS_MANAGER
    return min(left, key=lambda store: cost(store, needed).total, default=None)


def cost(store: Store, needed: StoreNeeds) -> Cost:
    """The monthly cost for the needs, even if the store cannot serve them."""
    of = prices().times
    copies = 1 + needed.replicas if store is Store.SECRETS_MANAGER else 1
    used = {
        Store.STANDARD: ("parameter_request",) if needed.busy else (),
        Store.ADVANCED: ("advanced_parameter", "parameter_request"),
        Store.SECRETS_MANAGER: ("secret", "secret_request"),
    }[store]
    storage, requests = Decimal(0), Decimal(0)
    stored = needed.advanced_count if store is Store.ADVANCED else needed.count * copies
    for name in used:
        if name.endswith("_request"):
            requests = of(name, _billed_requests(store, needed))
        else:
            storage = of(name, stored)
    encryption, keys = _encryption(store, needed, copies)
    return Cost(
        store=store,
        storage=storage,
        requests=requests,
        encryption=encryption,
        used=(*used, *keys),
    )


def _billed_requests(store: Store, needed: StoreNeeds) -> int:
    """The reads and writes of a month that the store charges."""
    requests = needed.monthly_reads + needed.monthly_writes
    if store is Store.ADVANCED and not needed.busy:
        # At the default throughput only interactions with advanced parameters are charged.
        return requests * needed.advanced_count // needed.count
    return requests


def _encryption(store: Store, needed: StoreNeeds, copies: int) -> tuple[Decimal, tuple[str, ...]]:
    """What KMS charges: each read and each write is one request, with the default key or your own."""
    of = prices().times
    uses = needed.monthly_reads + needed.monthly_writes
    if store is not Store.SECRETS_MANAGER and not needed.sensitive:
        return Decimal(0), ()
    if needed.needs_own_key:
        requests = of("key_request", uses)
        return of("key", copies) + requests, ("key", "key_request")
    default = "default_secret_key_request" if store is Store.SECRETS_MANAGER else "key_request"
    return of(default, uses), (default,)


# The same need, stated in another way.
_ALSO = {"reads_per_second": "high_throughput", "writes_per_second": "writes_per_hour"}


def _asked(name: str, needed: StoreNeeds) -> bool:
    if name == "reads_per_second" and needed.mean_reads > FREE_READS:
        return True
    return as_stated(name, needed) in needed.stated


def as_stated(name: str, needed: StoreNeeds) -> str:
    """The name by which the need was stated."""
    also = _ALSO.get(name, name)
    return also if name not in needed.stated and also in needed.stated else name


def _only_secrets_manager(name: str) -> Callable[[StoreNeeds], Verdict]:
    def rule(needed: StoreNeeds) -> Verdict:
        return Verdict(excludes=PARAMETER_STORE if getattr(needed, name) else frozenset())

    return rule


def _above(limits: Mapping[Store, int], needed: int) -> frozenset[Store]:
    return frozenset(store for store, limit in limits.items() if needed > limit)


def _size(needed: StoreNeeds) -> Verdict:
    excludes = _above(SIZE_LIMITS, needed.size_bytes)
    note = ""
    if len(excludes) == len(Store):
        note = "store the object in S3, encrypted with a KMS key, and keep only its location here"
    return Verdict(excludes=excludes, note=note)


def _count(needed: StoreNeeds) -> Verdict:
    limits = dict(_COUNT_LIMITS)
    mixed = needed.advanced_count < needed.count
    if mixed:
        limits[Store.ADVANCED] += limits[Store.STANDARD]
    excludes = _above(limits, needed.count)
    if mixed and Store.ADVANCED not in excludes:
        note = (
            f"in Parameter Store {needed.count - needed.advanced_count:,} of them are standard and free, "
            f"{needed.advanced_count:,} advanced: Intelligent-Tiering chooses so by itself"
        )
    else:
        note = (
            f"an account and Region hold {limits[Store.SECRETS_MANAGER]:,} secrets, and {limits[Store.ADVANCED]:,} parameters "
            "of this kind; above that use several accounts"
        )
    return Verdict(excludes=excludes, note=note)


def _cross_account(needed: StoreNeeds) -> Verdict:
    if not needed.cross_account:
        return Verdict()
    if needed.used_by in UNSHARED:
        return Verdict(
            excludes=PARAMETER_STORE, note=f"a shared parameter does not work in {needed.used_by}"
        )
    if not needed.sensitive:
        return Verdict(
            excludes=frozenset({Store.STANDARD}),
            note="an advanced parameter, shared by a resource policy or RAM",
        )
    return Verdict(
        excludes=frozenset({Store.STANDARD}),
        prefers=Store.SECRETS_MANAGER,
        note="with a customer managed key whose policy lets the other account decrypt",
    )


def _used_by(needed: StoreNeeds) -> Verdict:
    if needed.used_by == "cloudformation" and needed.sensitive:
        return Verdict(
            prefers=Store.SECRETS_MANAGER,
            note="ssm-secure references work for few properties, in the same account",
        )
    return Verdict()


def _created_by_cloudformation(needed: StoreNeeds) -> Verdict:
    blocked = needed.created_by_cloudformation and needed.sensitive
    return Verdict(excludes=PARAMETER_STORE if blocked else frozenset())


def _expiry(needed: StoreNeeds) -> Verdict:
    if not needed.expiry:
        return Verdict()
    return Verdict(excludes=frozenset({Store.STANDARD, Store.SECRETS_MANAGER}))


def _throughput(needed: StoreNeeds) -> Verdict:
    if needed.reads_in_second > READ_LIMIT:
        return Verdict(
            excludes=frozenset(Store),
            note=f"above both quotas of {READ_LIMIT:,} reads a second: cache the value in the client or an agent",
        )
    note = f"Parameter Store needs its paid higher throughput above {FREE_READS} reads a second"
    paid = needed.high_throughput or needed.reads_in_second > FREE_READS
    return Verdict(note=note if paid else "")


def _writes(needed: StoreNeeds) -> Verdict:
    notes = []
    excludes = frozenset[Store]()
    if needed.writes_in_second > PARAMETER_WRITES:
        excludes |= PARAMETER_STORE
        notes.append(f"Parameter Store takes {PARAMETER_WRITES} writes a second at most")
    elif needed.writes_in_second > _WRITES:
        notes.append(
            f"Parameter Store needs its paid higher throughput above {_WRITES} writes a second"
        )
    if needed.versions_in_hour > SECRET_VERSIONS_PER_HOUR:
        excludes |= {Store.SECRETS_MANAGER}
        notes.append(
            "Secrets Manager takes a new version of a secret every ten minutes at a sustained rate; faster, "
            "the quota of versions is reached"
        )
    elif needed.writes_in_second > SECRET_WRITES:
        excludes |= {Store.SECRETS_MANAGER}
        notes.append(f"Secrets Manager takes {SECRET_WRITES} writes a second at most")
    return Verdict(excludes=excludes, note="; ".join(notes))


def _versions(needed: StoreNeeds) -> Verdict:
    kept = (
        "Secrets Manager keeps AWSPREVIOUS and labelled versions; it removes others at the limit"
    )
    return Verdict(note=kept if needed.versions else "")


def _sensitive(needed: StoreNeeds) -> Verdict:
    return Verdict(
        note="as a SecureString" if needed.sensitive else "a String costs no decryption"
    )


def _customer_key(needed: StoreNeeds) -> Verdict:
    return Verdict(note="one key per Region" if needed.replicas else "")


_RULES: dict[str, Callable[[StoreNeeds], Verdict]] = {
    "rotation": _only_secrets_manager("rotation"),
    "size_bytes": _size,
    "binary": _only_secrets_manager("binary"),
    "count": _count,
    "cross_account": _cross_account,
    "used_by": _used_by,
    "created_by_cloudformation": _created_by_cloudformation,
    "replicas": _only_secrets_manager("replicas"),
    "reads_per_second": _throughput,
    "writes_per_second": _writes,
    "versions": _versions,
    "last_used": _only_secrets_manager("last_used"),
    "recovery": _only_secrets_manager("recovery"),
    "random_password": _only_secrets_manager("random_password"),
    "expiry": _expiry,
    "customer_key": _customer_key,
    "sensitive": _sensitive,
}


def store_needs(stated: Mapping[str, Any]) -> StoreNeeds:
    """The stated needs with defaults for the others."""
    return StoreNeeds(stated=frozenset(stated), **stated)
