"""The tool `secrets`: where a secret belongs, how it is rotated and consumed, what is wrong with yours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from aws_iam.answer import Answer
from aws_iam.errors import InputError
from aws_iam.tools.kit import guide as pages
from aws_iam.tools.kit import needs as wishes
from aws_iam.tools.kit import prices
from aws_iam.tools.kit.parameters import Source, Topic
from aws_iam.tools.kit.tool import Json, Parameter, Progress, Tool
from aws_iam.tools.secrets import decide as stores
from aws_iam.tools.secrets import rotation as secret_rotation
from aws_iam.tools.secrets import snippet as secret_snippets
from aws_iam.tools.secrets.decide import Store
from aws_iam.tools.secrets.terms import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Mapping

tool = Tool(
    "secrets",
    title="Secrets",
    description="Secrets Manager and Parameter Store: choose, read, rotate, check an account. Never reads a value.",
    default="guide",
)

Needs = Annotated[Json, wishes.parameter(stores.NEEDS)]
Limits = Annotated[
    Json,
    Parameter(
        ", ".join(limit.name for limit in THRESHOLDS), brief="thresholds by name", document=True
    ),
]

_PAGE = "references/secrets-patterns.md#decision-table"
_NOT_COUNTED = (
    "a rotation function's Lambda time",
    "writes and other calls that are no reads",
    "data transfer",
    "prices of other Regions",
)


@tool.action
def guide(topic: Topic = None) -> Answer:
    """Quote a section of the secrets reference, or its contents."""
    from aws_iam.tools.secrets import checks_page

    return pages.guide("secrets-patterns", topic, checks_page.explained)


@tool.action
def decide(needs: Needs = None) -> Answer:
    """Secrets Manager or Parameter Store for these needs, row by row, with monthly cost."""
    given = wishes.read(needs, stores.NEEDS)
    if not given:
        return _comparison()
    wanted = _consistent(stores.wanted_of(given))
    said = stores.verdicts(wanted)
    chosen = stores.choice(wanted, said)
    costs = {store: stores.cost(store, wanted) for store in Store}
    used = [name for cost in costs.values() for name in cost.used]
    rows = [_row(row, said[row["need"]]) for row in _rows() if row["need"] in said]
    return Answer(
        summary=_summary(chosen, wanted, said, costs),
        facts={
            "recommendation": _recommendation(chosen, wanted),
            "reasons": _reasons(chosen, said),
            "rows": rows,
            "cost": [_cost(cost, said) for cost in costs.values()],
            "prices": prices.listed(used),
            "not_counted": list(_NOT_COUNTED),
            "unconfirmed": _unconfirmed(rows, used),
        },
        sources=(*_sources(rows), _PAGE),
        next=_next(chosen),
        as_of=prices.prices().as_of,
    )


@tool.artifact_action
def snippet(
    runtime: Annotated[secret_snippets.Runtime, Parameter("where the code runs")],
    store: Annotated[secret_snippets.StoreName | None, Parameter("")] = None,
    style: Annotated[secret_snippets.Style | None, Parameter("")] = None,
    secret: Annotated[str | None, Parameter("name or ARN")] = None,
) -> Answer:
    """Code or manifests that read a secret, keep it for minutes and fetch it anew when refused."""
    return secret_snippets.snippet(runtime, store or "secrets_manager", style, secret)


@tool.artifact_action
def rotation(
    target: Annotated[secret_rotation.Target, Parameter("what is rotated")],
    format_: Annotated[secret_rotation.Format | None, Parameter("")] = None,
    secret: Annotated[str | None, Parameter("name or ARN")] = None,
    database: Annotated[str | None, Parameter("identifier")] = None,
    function: Annotated[str | None, Parameter("rotation function")] = None,
    partner: Annotated[str | None, Parameter("secret type")] = None,
    metadata: Annotated[Json, Parameter("partner fields", document=True)] = None,
    schedule: Annotated[str | None, Parameter("days, rate() or cron()")] = None,
    window: Annotated[str | None, Parameter("such as 3h")] = None,
) -> Answer:
    """Set rotation up: managed, at a partner, or by a Lambda function; what rotates at once."""
    return secret_rotation.rotation(
        secret_rotation.Wish(
            target=target,
            format=format_ or "cli",
            secret=secret,
            database=database,
            function=function,
            partner=partner,
            metadata=metadata,
            schedule=schedule,
            window=window,
        )
    )


@tool.action
def check(
    source: Source,
    progress: Progress,
    scope: Annotated[
        list[str] | None,
        Parameter("services or rule ids"),
    ] = None,
    trusted: Annotated[list[str] | None, Parameter("accounts that may read")] = None,
    limits: Limits = None,
    *,
    plaintext_values: Annotated[bool, Parameter("look into Strings")] = False,
    save: Annotated[str | None, Parameter("snapshot file to write", cli_only=True)] = None,
) -> Answer:
    """Find what is wrong with an account's secrets, from names and metadata; no value is read."""
    # The checks and the facts they need cost a start that only lists the tools.
    from aws_iam.tools.secrets import check as secret_check

    return secret_check.check(
        source,
        progress,
        scope,
        trusted,
        limits,
        plaintext_values=plaintext_values,
        save=save,
    )


def _consistent(wanted: stores.Wanted) -> stores.Wanted:
    denied = "high_throughput" in wanted.given and not wanted.high_throughput
    if denied and wanted.reads_per_second > stores.FREE_READS:
        raise InputError(
            f"`needs`: `high_throughput` is false, but `reads_per_second` is {wanted.reads_per_second}",
            hint=f"leave `high_throughput` out: more than {stores.FREE_READS} reads a second need it",
        )
    if not wanted.sensitive and (wanted.rotation or wanted.customer_key):
        name = "rotation" if wanted.rotation else "customer_key"
        raise InputError(
            f"`needs`: `sensitive` is false, but `{name}` is true",
            hint="leave `sensitive` out: what is rotated or encrypted is a secret",
        )
    return wanted


def _comparison() -> Answer:
    rows = [{key: row[key] for key in _COLUMNS} for row in _rows()]
    return Answer(
        summary=(
            "Secrets Manager when the value rotates, crosses accounts or Regions, or must show who used it last; "
            "otherwise a SecureString in Parameter Store. Give `needs` for a decision with its monthly cost."
        ),
        facts={
            "rows": rows,
            "needs": wishes.described(stores.NEEDS),
            "unconfirmed": _unconfirmed(rows, ()),
        },
        sources=(*_sources(rows), _PAGE),
        next=('aws-iam secrets decide --needs \'{"rotation": true, "reads_per_month": 100000}\'',),
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
    open_rows = [
        prices.doubt(row["unconfirmed"])
        for row in _rows()
        if row["need"] in shown and "unconfirmed" in row
    ]
    return [*open_rows, *prices.unconfirmed(used)]


def _reasons(chosen: Store | None, said: Mapping[str, stores.Verdict]) -> list[dict[str, str]]:
    """The needs that decide: those that rule a store out, then those that speak for the chosen one."""
    ruling = [
        {"need": name, "says": f"not {_named(verdict.excludes)}", "why": _why(name, verdict)}
        for name, verdict in said.items()
        if verdict.excludes
    ]
    speaking = [
        {"need": name, "says": f"rather {verdict.prefers.words}", "why": verdict.note}
        for name, verdict in said.items()
        if verdict.prefers and verdict.prefers is chosen
    ]
    cheaper = {"need": "cost", "says": "either store fits", "why": "the cheaper one is taken"}
    return [*ruling, *speaking] or [cheaper]


def _why(need: str, verdict: stores.Verdict) -> str:
    """The note of this case, else what the table says of the store that is ruled out."""
    row = next(row for row in _rows() if row["need"] == need)
    secret = Store.SECRETS_MANAGER in verdict.excludes
    return verdict.note or row["secrets_manager" if secret else "parameter_store"]


def _named(excludes: frozenset[Store]) -> str:
    if excludes == stores.PARAMETER_STORE:
        return "Parameter Store"
    return " nor ".join(store.words for store in reversed(Store) if store in excludes)


def _recommendation(chosen: Store | None, wanted: stores.Wanted) -> dict[str, Any]:
    if chosen is None:
        return {"store": "neither"}
    if chosen is Store.SECRETS_MANAGER:
        kind = {"store": "secrets_manager"}
    else:
        tier = "standard" if chosen is Store.STANDARD else "advanced"
        kind = {
            "store": "parameter_store",
            "tier": tier,
            "type": "SecureString" if wanted.sensitive else "String",
        }
    own_key = wanted.needs_own_key and (wanted.sensitive or chosen is Store.SECRETS_MANAGER)
    return kind | {"customer_managed_key": own_key}


def _cost(cost: stores.Cost, said: Mapping[str, stores.Verdict]) -> dict[str, Any]:
    against = [name for name, verdict in said.items() if cost.store in verdict.excludes]
    return {
        "store": cost.store.value,
        "fits": not against,
        "storage": prices.usd(cost.storage),
        "requests": prices.usd(cost.requests),
        "encryption": prices.usd(cost.encryption),
        "total": prices.usd(cost.total),
    }


def _summary(
    chosen: Store | None,
    wanted: stores.Wanted,
    said: Mapping[str, stores.Verdict],
    costs: Mapping[Store, stores.Cost],
) -> str:
    if chosen is None:
        return _neither(wanted, said)
    total = prices.spoken(costs[chosen].total)
    reads = (
        ""
        if "reads_per_month" in wanted.given
        else ", requests not counted: `reads_per_month` is not given"
    )
    others = [
        f"{cost.store.words} {prices.spoken(cost.total)}"
        for cost in costs.values()
        if cost.store is not chosen and not any(cost.store in v.excludes for v in said.values())
    ]
    beside = f" ({', '.join(others)})" if others else ", the only store that fits"
    return f"{chosen.words}: about {total} a month{beside}{reads}."


def _neither(wanted: stores.Wanted, said: Mapping[str, stores.Verdict]) -> str:
    largest = max(stores.SIZE_LIMITS.values())
    if wanted.size_bytes > largest:
        return (
            f"Neither store takes {wanted.size_bytes:,} bytes (Secrets Manager ends at {largest:,}): keep the object "
            "in S3, encrypted with a KMS key, and store only what opens it."
        )
    conflict = ", ".join(f"`{name}`" for name, verdict in said.items() if verdict.excludes)
    return f"No store serves all of {conflict} at once: give one of them up, or split the values."


def _next(chosen: Store | None) -> tuple[str, ...]:
    if chosen is None:
        return ("aws-iam kms decide --needs '{\"direct_use\": true}'", "aws-iam secrets decide")
    return ("aws-iam secrets guide",)
