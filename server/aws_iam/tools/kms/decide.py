"""`kms decide`: the kind of key for some needs, why not the others, and what a month costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, NextCall, next_call
from aws_iam.tools.kit import needs as kit_needs
from aws_iam.tools.kit import prices
from aws_iam.tools.kit.argument_values import code_list
from aws_iam.tools.kms import key_types
from aws_iam.tools.kms.key_types import KeyNeeds, KeyType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.kit.tool import Json
    from aws_iam.tools.kms.key_types import Exclusion

_PAGE = "references/kms-patterns.md#key-types"
_MANUALLY = "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys-manually.html"
_WITH_USAGE = frozenset({"asymmetric", "hmac"})


def decide(needs: Json) -> Answer:
    """The kind of key that serves the needs; without needs all kinds."""
    stated = kit_needs.read_needs(needs, key_types.NEEDS)
    if not stated:
        return _all_kinds()
    needed = key_types.key_needs(stated)
    exclusions = key_types.exclusions(needed)
    chosen = key_types.choice(exclusions)
    costs = {kind: key_types.cost(kind, needed) for kind in KeyType if _fits(kind, exclusions)}
    used = [name for cost in costs.values() for name in cost.used]
    shown = _shown_rows(needed)
    managed = chosen is not None and chosen.origin is not None
    beyond = tuple(key_types.beyond_quotas(needed)) if managed else ()
    return Answer(
        summary=_summary(chosen, needed, exclusions, costs)
        + "".join(f" Beyond a quota of AWS: {quota}." for quota in beyond),
        facts=kit_needs.understood_names(needs, key_types.NEEDS)
        | {
            "recommendation": _recommendation(chosen, needed),
            "reasons": _reasons(chosen, exclusions),
            "rows": [_row(row, exclusions, needed) for row in shown],
            "cost": [_cost(cost) for cost in costs.values()],
            "prices": prices.price_table(used),
            "not_counted": _not_counted(costs),
            "unconfirmed": _unconfirmed(shown, used, needed),
        },
        sources=(
            *_sources(shown),
            *(key_types.table()["quotas"]["sources"] if beyond else ()),
            *((_MANUALLY,) if _rotation(chosen, needed) else ()),
            _PAGE,
        ),
        next=_next(chosen),
        as_of=prices.prices().as_of,
    )


def _all_kinds() -> Answer:
    rows = _rows()
    return Answer(
        summary=(
            "Use the AWS owned key if a service's default encryption is enough; use a customer managed key for access by "
            "another account, a policy of your own, revocation or direct use. Give `needs` for a decision with its monthly cost."
        ),
        facts={
            "rows": [{column: row[column] for column in _COLUMNS} for row in rows],
            "needs": kit_needs.needs_table(key_types.NEEDS),
            "unconfirmed": _rows_in_doubt(rows),
        },
        sources=(*_sources(rows), _PAGE),
        next=(
            next_call(
                "kms", "decide", "an example", needs={"cross_account": True, "rotation_days": 365}
            ),
        ),
        as_of=key_types.table()["as_of"],
    )


def _rows() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = key_types.table()["rows"]
    return rows


def _shown_rows(needed: KeyNeeds) -> list[dict[str, str]]:
    """The kinds of key, and the rows about the purpose and about multi-Region keys if the needs ask for them."""
    names = {*KeyType, needed.spec.row, "multi_region" if needed.regions > 1 else ""}
    return [row for row in _rows() if row["key_type"] in names]


def _row(
    row: Mapping[str, str], exclusions: Mapping[str, Exclusion], needed: KeyNeeds
) -> dict[str, Any]:
    reasons = [
        f"{name}: {why}" for name, (kinds, why) in exclusions.items() if row["key_type"] in kinds
    ]
    shown = {column: row[column] for column in _COLUMNS if column != "choose_when"}
    if row["key_type"] not in set(KeyType):
        spec = f"{needed.spec.spec}" if row["key_type"] == needed.spec.row else row["choose_when"]
        return shown | {"fits": key_types.choice(exclusions) is not None, "why": spec}
    if needed.purposes and not reasons:
        shown["rotation"] = next(
            other["rotation"] for other in _rows() if other["key_type"] == needed.spec.row
        )
    return shown | {"fits": not reasons, "why": "; ".join(reasons)}


def _fits(kind: KeyType, exclusions: Mapping[str, Exclusion]) -> bool:
    return all(kind not in kinds for kinds, _ in exclusions.values())


def _sources(rows: list[dict[str, str]]) -> tuple[str, ...]:
    by_name = key_types.table()["sources"]
    usage = ("key-usage",) if any(row["key_type"] in _WITH_USAGE for row in rows) else ()
    return tuple(
        dict.fromkeys(by_name[source] for source in (*(r["source"] for r in rows), *usage))
    )


def _recommendation(chosen: KeyType | None, needed: KeyNeeds) -> dict[str, Any]:
    if chosen is None:
        return {"key_type": "none"}
    if chosen.origin is None:
        return {"key_type": chosen.value}
    manual = _rotation(chosen, needed)
    period: dict[str, Any] = {"rotation": manual} if manual else {}
    if needed.rotation_days and not manual:
        period = {"rotation_days": needed.rotation_days}
    others = {"other_specs": ", ".join(key_types.other_specs(needed))} if needed.purposes else {}
    return {
        "key_type": chosen.value,
        "origin": chosen.origin,
        "key_spec": needed.spec.spec,
        "key_usage": needed.spec.usage,
        "multi_region": needed.regions > 1,
        **others,
        **period,
    }


def _rotation(chosen: KeyType | None, needed: KeyNeeds) -> str:
    """How a key that KMS does not rotate gets new material in the period that was asked for; empty for others."""
    if chosen is None or not needed.purposes or not needed.rotation_days:
        return ""
    return (
        f"not rotated automatically: every {needed.rotation_days:,} days create a new key and move the alias to it;"
        " each old key that you keep is billed on"
    )


def _reasons(chosen: KeyType | None, exclusions: Mapping[str, Exclusion]) -> list[dict[str, str]]:
    rows = [
        {"need": name, "rules_out": ", ".join(k.value for k in KeyType if k in kinds), "why": why}
        for name, (kinds, why) in exclusions.items()
    ]
    if chosen is KeyType.AWS_OWNED:
        return [{"need": "none", "rules_out": "nothing", "why": "free, and nothing to manage"}]
    if _fits(KeyType.AWS_MANAGED, exclusions) and chosen is not None:
        why = "it would work if the service has one, but it is a legacy kind that new services do not offer"
        rows.append({"need": "preference", "rules_out": "aws_managed", "why": why})
    return rows


def _cost(cost: key_types.Cost) -> dict[str, Any]:
    return {
        "key_type": cost.key_type.value,
        "keys": prices.usd(cost.keys),
        "requests": prices.usd(cost.requests),
        **({"cluster": prices.usd(cost.cluster)} if cost.cluster else {}),
        "total": prices.usd(cost.total()),
        "after_first_rotation": prices.usd(cost.total(1)),
        "after_second_and_later": prices.usd(cost.total(2)),
    }


_COLUMNS = ("key_type", "control", "rotation", "price", "choose_when", "source")
_EXTRA = {
    KeyType.EXTERNAL_STORE: "your external key manager and its proxy",
}


def _not_counted(costs: Mapping[KeyType, key_types.Cost]) -> list[str]:
    extra = [f"{_EXTRA[kind]} ({kind.value})" for kind in costs if kind in _EXTRA]
    return [
        *extra,
        "other keys, which also use up the 20,000 free requests",
        "prices of other Regions",
    ]


def _rows_in_doubt(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [prices.unconfirmed_row(row["unconfirmed"]) for row in rows if "unconfirmed" in row]


def _unconfirmed(
    rows: list[dict[str, str]], used: list[str], needed: KeyNeeds
) -> list[dict[str, str]]:
    doubts = _rows_in_doubt(rows)
    if needed.regions > 1 and "key_rotation" in used:
        doubts.append(
            prices.unconfirmed_row(
                "whether the rotation fee applies in each Region", "the cost assumes so"
            )
        )
    if needed.post_quantum:
        doubts.append(
            prices.unconfirmed_row(
                "whether ML-DSA and ML-KEM requests are billed at the asymmetric rate"
            )
        )
    return [*doubts, *prices.unconfirmed_prices(used)]


def _summary(
    chosen: KeyType | None,
    needed: KeyNeeds,
    exclusions: Mapping[str, Exclusion],
    costs: Mapping[KeyType, key_types.Cost],
) -> str:
    if chosen is None:
        groups = [code_list(names) for names in key_types.conflicts(exclusions)]
        of = "them" if len(groups) == 1 else "each group"
        return f"No kind of KMS key meets all of {'; nor all of '.join(groups)}: drop one of {of}."
    bill = costs[chosen]
    spec = f" ({needed.spec.spec}, {needed.spec.usage})" if needed.purposes else ""
    multi = f", multi-Region in {needed.regions} Regions" if needed.regions > 1 else ""
    without = f", without {_EXTRA[chosen]}" if chosen in _EXTRA else ""
    if bill.cluster:
        without = f", {prices.usd_text(bill.cluster)} of it for a CloudHSM cluster of two HSMs"
    later = ""
    if bill.rotation and needed.rotation_days:
        later = f", {prices.usd_text(bill.total(2))} from the second rotation on"
    requests_known = chosen is KeyType.AWS_OWNED or "requests_per_month" in needed.stated
    requests = (
        "" if requests_known else "; requests not counted: `requests_per_month` is not given"
    )
    name = chosen.text[0].upper() + chosen.text[1:]
    free = " The AWS owned key of a service is free, if its default encryption is enough." * (
        exclusions.keys() <= {"keys", "requests_per_month"} and chosen is not KeyType.AWS_OWNED
    )
    manual = _rotation(chosen, needed)
    rotation = f" {manual[0].upper()}{manual[1:]}." if manual else ""
    return f"{name}{spec}{multi}: {prices.usd_text(bill.total())} a month{without}{later}{requests}.{rotation}{free}"


def _next(chosen: KeyType | None) -> tuple[NextCall, ...]:
    if chosen is None:
        return (next_call("kms", "decide", "every kind of key and the names of the needs"),)
    return ()
