"""`secrets decide`: the store for some needs, why not the others, and what a month costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, NextCall, next_call
from aws_iam.errors import InputError
from aws_iam.tools.kit import needs as kit_needs
from aws_iam.tools.kit import prices
from aws_iam.tools.secrets import stores
from aws_iam.tools.secrets.stores import Store, StoreNeeds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.kit.tool import Json

_PAGE = "references/secrets-patterns.md#decision-table"
_NOT_COUNTED = (
    "the Lambda time of a rotation function",
    "calls that neither read nor write a value",
    "other parameters of the account, which use up the 10,000 standard ones",
    "data transfer",
    "prices of other Regions",
)


def decide(needs: Json) -> Answer:
    """The store that serves the needs at the lowest cost; without needs the whole comparison."""
    stated = kit_needs.read_needs(needs, stores.NEEDS)
    if not stated:
        return _comparison()
    needed = _consistent(stores.store_needs(stated))
    by_need = stores.verdicts(needed)
    chosen = stores.choice(needed, by_need)
    costs = {store: stores.cost(store, needed) for store in Store}
    used = [name for cost in costs.values() for name in cost.used]
    rows = [_row(row, by_need[row["need"]]) for row in _rows() if row["need"] in by_need]
    return Answer(
        summary=_summary(chosen, needed, by_need, costs),
        facts=kit_needs.understood_names(needs, stores.NEEDS)
        | {
            "recommendation": _recommendation(chosen, needed),
            "reasons": _reasons(chosen, needed, by_need),
            "rows": rows,
            "cost": [_cost(cost, by_need) for cost in costs.values()],
            "prices": prices.price_table(used),
            "not_counted": list(_NOT_COUNTED),
            "unconfirmed": _unconfirmed(rows, used),
        },
        sources=(*_sources(rows), _PAGE),
        next=_next(chosen, needed),
        as_of=prices.prices().as_of,
    )


def _consistent(needed: StoreNeeds) -> StoreNeeds:
    denied = "high_throughput" in needed.stated and not needed.high_throughput
    name = "reads_per_second" if needed.reads_per_second else "reads_per_month"
    if denied and needed.reads_in_second > stores.FREE_READS:
        raise InputError(
            f"`needs`: `high_throughput` is false, but `{name}` is {getattr(needed, name)}",
            hint=f"leave `high_throughput` out: more than {stores.FREE_READS} reads a second need it",
        )
    if "reads_per_second" in needed.stated and needed.mean_reads > max(1, needed.reads_per_second):
        raise InputError(
            f"`needs`: `reads_per_month` is {needed.reads_per_month}, on average {needed.mean_reads} a second, but "
            f"`reads_per_second` is {needed.reads_per_second}",
            hint="give the busiest second, or leave `reads_per_second` out",
        )
    if not needed.sensitive and (needed.rotation or needed.customer_key):
        name = "rotation" if needed.rotation else "customer_key"
        raise InputError(
            f"`needs`: `sensitive` is false, but `{name}` is true",
            hint="leave `sensitive` out: a value that is rotated or encrypted is a secret",
        )
    return needed


def _comparison() -> Answer:
    rows = [{key: row[key] for key in _COLUMNS} for row in _rows()]
    return Answer(
        summary=(
            "Use Secrets Manager if the value rotates, is read from other accounts or Regions, or must show when it was "
            "last used; otherwise use a SecureString in Parameter Store. Give `needs` for a decision with its monthly cost."
        ),
        facts={
            "rows": rows,
            "needs": kit_needs.needs_table(stores.NEEDS),
            "unconfirmed": _unconfirmed(rows, ()),
        },
        sources=(*_sources(rows), _PAGE),
        next=(
            next_call(
                "secrets",
                "decide",
                "an example",
                needs={"rotation": True, "reads_per_month": 100_000},
            ),
        ),
        as_of=stores.table()["as_of"],
    )


_COLUMNS = ("need", "secrets_manager", "parameter_store", "source")


def _rows() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = stores.table()["rows"]
    return rows


def _row(row: Mapping[str, str], verdict: stores.Verdict) -> dict[str, str]:
    shown = {key: row[key] for key in _COLUMNS}
    return shown | {"decides": verdict.decides, "note": verdict.note}


def _sources(rows: list[dict[str, str]]) -> tuple[str, ...]:
    pages_by_name = stores.table()["sources"]
    return tuple(dict.fromkeys(pages_by_name[row["source"]] for row in rows))


def _unconfirmed(rows: list[dict[str, str]], used: list[str] | tuple[()]) -> list[dict[str, str]]:
    shown = {row["need"] for row in rows}
    rows_in_doubt = [
        prices.unconfirmed_row(row["unconfirmed"])
        for row in _rows()
        if row["need"] in shown and "unconfirmed" in row
    ]
    return [*rows_in_doubt, *prices.unconfirmed_prices(used)]


def _reasons(
    chosen: Store | None, needed: StoreNeeds, by_need: Mapping[str, stores.Verdict]
) -> list[dict[str, str]]:
    """The needs that decide: first those that exclude a store, then those that favor the chosen one."""
    excluding = [
        {
            "need": stores.as_stated(name, needed),
            "says": f"rules out {_store_names(verdict.excludes)}",
            "why": _why(name, verdict),
        }
        for name, verdict in by_need.items()
        if verdict.excludes
    ]
    favoring = [
        {
            "need": stores.as_stated(name, needed),
            "says": f"favors {verdict.prefers.words}",
            "why": verdict.note,
        }
        for name, verdict in by_need.items()
        if verdict.prefers and verdict.prefers is chosen
    ]
    cheaper = {
        "need": "cost",
        "says": "decides: both stores fit",
        "why": "the cheaper one is recommended",
    }
    return [*excluding, *favoring] or [cheaper]


def _why(need: str, verdict: stores.Verdict) -> str:
    """The note of this case, else what the table says of the excluded store."""
    row = next(row for row in _rows() if row["need"] == need)
    secret = Store.SECRETS_MANAGER in verdict.excludes
    return verdict.note or row["secrets_manager" if secret else "parameter_store"]


def _store_names(excludes: frozenset[Store]) -> str:
    if len(excludes) == len(Store):
        return "both stores"
    if excludes == stores.PARAMETER_STORE:
        return "Parameter Store"
    return " and ".join(store.words for store in reversed(Store) if store in excludes)


def _recommendation(chosen: Store | None, needed: StoreNeeds) -> dict[str, Any]:
    if chosen is None:
        return {"store": "neither"}
    kind: dict[str, Any]
    if chosen is Store.SECRETS_MANAGER:
        kind = {"store": "secrets_manager"}
    else:
        tier = "standard" if chosen is Store.STANDARD else "advanced"
        kind = {
            "store": "parameter_store",
            "tier": tier,
            "type": "SecureString" if needed.sensitive else "String",
        }
        if chosen is Store.ADVANCED and needed.advanced_count < needed.count:
            kind |= {
                "standard_parameters": needed.count - needed.advanced_count,
                "advanced_parameters": needed.advanced_count,
            }
    own_key = needed.needs_own_key and (needed.sensitive or chosen is Store.SECRETS_MANAGER)
    return kind | {"customer_managed_key": own_key}


def _cost(cost: stores.Cost, by_need: Mapping[str, stores.Verdict]) -> dict[str, Any]:
    excluded_by = [name for name, verdict in by_need.items() if cost.store in verdict.excludes]
    return {
        "store": cost.store.value,
        "fits": not excluded_by,
        "storage": prices.usd(cost.storage),
        "requests": prices.usd(cost.requests),
        "encryption": prices.usd(cost.encryption),
        "total": prices.usd(cost.total),
    }


def _summary(
    chosen: Store | None,
    needed: StoreNeeds,
    by_need: Mapping[str, stores.Verdict],
    costs: Mapping[Store, stores.Cost],
) -> str:
    if chosen is None:
        return _neither(needed, by_need)
    total = prices.usd_text(costs[chosen].total)
    others = [
        f"{cost.store.words} {prices.usd_text(cost.total)}"
        for cost in costs.values()
        if cost.store is not chosen and not any(cost.store in v.excludes for v in by_need.values())
    ]
    alternatives = f" ({', '.join(others)})" if others else ", the only store that fits"
    return (
        f"{_chosen_words(chosen, needed)}: about {total} a month{alternatives}{_counted(needed)}."
    )


def _chosen_words(chosen: Store, needed: StoreNeeds) -> str:
    advanced = needed.advanced_count
    if chosen is Store.ADVANCED and advanced < needed.count:
        return f"Parameter Store, {needed.count - advanced:,} standard and {advanced:,} advanced parameters"
    return chosen.words


def _counted(needed: StoreNeeds) -> str:
    """Which requests the cost counts, where that is not stated outright."""
    if "reads_per_month" in needed.stated:
        return ""
    if needed.reads_per_second:
        return (
            f", assuming {needed.reads_per_second:,} reads a second all month ({needed.monthly_reads:,} reads); give "
            "`reads_per_month` for the real number"
        )
    requests = "reads" if needed.monthly_writes else "requests"
    return f", {requests} not counted: `reads_per_month` is not given"


# The default of the caching libraries and of the Lambda extension is 300 seconds or more:
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
_CACHED_SECONDS = 300


def _neither(needed: StoreNeeds, by_need: Mapping[str, stores.Verdict]) -> str:
    largest = max(stores.SIZE_LIMITS.values())
    if needed.size_bytes > largest:
        return (
            f"Neither store takes {needed.size_bytes:,} bytes (the limit of Secrets Manager is {largest:,}): store the "
            "object in S3, encrypted with a KMS key, and keep only its location here."
        )
    reads = needed.reads_in_second
    if reads > stores.READ_LIMIT:
        mean = "" if needed.reads_per_second == reads else ", the mean of the month,"
        return (
            f"Neither store as it stands: {reads:,} reads a second{mean} are above both quotas "
            f"({stores.READ_LIMIT:,}). Cache the value in the client or an agent: if {reads:,} clients read it once a second "
            f"now, then with a cache of {_CACHED_SECONDS} seconds they read {-(-reads // _CACHED_SECONDS):,} times a "
            "second in all. Decide again with the rate of your clients."
        )
    if len(by_need.get("writes_per_second", stores.Verdict()).excludes) == len(Store):
        return (
            f"Neither store: {by_need['writes_per_second'].note}. Write such values to a DynamoDB table encrypted "
            "with a KMS key, or use IAM authentication, which needs no stored credential."
        )
    conflict = [name for name, verdict in by_need.items() if verdict.excludes]
    for name in conflict:
        if len(by_need[name].excludes) == len(Store):
            return f"Neither store: {by_need[name].note}."
    names = ", ".join(f"`{stores.as_stated(name, needed)}`" for name in conflict)
    return f"No store meets all of {names}: drop one of them, or split the values."


def _next(chosen: Store | None, needed: StoreNeeds) -> tuple[NextCall, ...]:
    if chosen is None and needed.reads_in_second > stores.READ_LIMIT:
        cached = -(-needed.reads_in_second // _CACHED_SECONDS)
        return (
            next_call(
                "secrets",
                "decide",
                "with a cache, if each client reads once a second now",
                needs={"reads_per_second": cached},
            ),
            next_call("secrets", "snippet", "code that caches", runtime="lambda"),
        )
    if chosen is None and needed.count > stores.MOST_SECRETS:
        return (next_call("secrets", "decide", "what each store takes"),)
    if chosen is None:
        why = "a key that your code uses itself"
        return (next_call("kms", "decide", why, needs={"direct_use": True}),)
    why = "how a function reads the value"
    return (next_call("secrets", "snippet", why, runtime="lambda"),)
