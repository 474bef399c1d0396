"""The tool `kms`: which key, which policy, how to encrypt with it, what is wrong with yours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from aws_iam.answer import Answer
from aws_iam.tools.kit import guide as pages
from aws_iam.tools.kit import needs as wishes
from aws_iam.tools.kit import prices
from aws_iam.tools.kit.parameters import Document, Source, Topic
from aws_iam.tools.kit.tool import Json, Parameter, Progress, Tool
from aws_iam.tools.kms import decide as keys
from aws_iam.tools.kms import envelope as kms_envelope
from aws_iam.tools.kms.decide import KeyType
from aws_iam.tools.kms.envelope import Language, Library
from aws_iam.tools.kms.key_creation import Format
from aws_iam.tools.kms.key_policy_arguments import Given
from aws_iam.tools.kms.terms import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Mapping

tool = Tool(
    "kms",
    title="KMS keys",
    description="KMS keys: choose, write and check policies, foresee lockouts, encrypt, check an account.",
    default="guide",
)

Needs = Annotated[Json, wishes.parameter(keys.NEEDS)]
KeyLimits = Annotated[
    Json,
    Parameter(", ".join(limit.name for limit in THRESHOLDS), brief="thresholds", document=True),
]

_PAGE = "references/kms-patterns.md#key-types"
_WITH_USAGE = frozenset({"asymmetric", "hmac"})


@tool.action
def guide(topic: Topic = None) -> Answer:
    """Quote a section of the KMS reference, or its contents."""
    from aws_iam.tools.kms import checks_page

    return pages.guide("kms-patterns", topic, checks_page.explained)


@tool.action
def decide(needs: Needs = None) -> Answer:
    """Which kind of KMS key serves these needs, what rules the others out, and the monthly cost."""
    given = wishes.read(needs, keys.NEEDS)
    if not given:
        return _all_kinds()
    wanted = keys.wanted_of(given)
    said = keys.exclusions(wanted)
    chosen = keys.choice(said)
    costs = {kind: keys.cost(kind, wanted) for kind in KeyType if _fits(kind, said)}
    used = [name for cost in costs.values() for name in cost.used]
    shown = _shown_rows(wanted)
    return Answer(
        summary=_summary(chosen, wanted, said, costs),
        facts={
            "recommendation": _recommendation(chosen, wanted),
            "reasons": _reasons(chosen, said),
            "rows": [_row(row, said, wanted) for row in shown],
            "cost": [_cost(cost) for cost in costs.values()],
            "prices": prices.listed(used),
            "not_counted": _not_counted(costs),
            "unconfirmed": _unconfirmed(shown, used, wanted),
        },
        sources=(*_sources(shown), _PAGE),
        next=_next(chosen, wanted.regions),
        as_of=prices.prices().as_of,
    )


@tool.artifact_action
def key_policy(
    given: Given,
    format_: Annotated[
        Format | None, Parameter("how the key is created; default cli", brief="format")
    ] = None,
) -> Answer:
    """Write a key policy: administrators apart from users, services guarded; proved who can and who cannot."""
    from aws_iam.tools.kms import key_policy as kms_policy

    return kms_policy.key_policy(given, format_)


@tool.artifact_action
def envelope(
    language: Annotated[Language | None, Parameter("default python", brief="language")] = None,
    library: Annotated[
        Library | None, Parameter("default encryption_sdk", brief="library")
    ] = None,
) -> Answer:
    """Working envelope-encryption code with an encryption context, and the format of its records."""
    return kms_envelope.envelope(language or "python", library or "encryption_sdk")


@tool.action
def lockout(
    document: Document,
    caller: Annotated[str, Parameter("ARN of who puts the policy", brief="ARN")],
    policies: Annotated[
        Json, Parameter("the caller's policies by layer", brief="by layer", document=True)
    ] = None,
    context: Annotated[
        Json, Parameter("of the request: {key: value}", brief="{key: value}", document=True)
    ] = None,
    account: Annotated[
        str | None, Parameter("12-digit id of the key's account", brief="12 digits")
    ] = None,
) -> Answer:
    """Say whether PutKeyPolicy would refuse a key policy as a lockout, and who could still administer the key."""
    from aws_iam.tools.kms import lockout as kms_lockout

    return kms_lockout.lockout(document, caller, policies, context, account)


@tool.action
def check(
    source: Source,
    progress: Progress,
    document: Annotated[
        Json, Parameter("key policy; absent: the account", document=True, policies=True)
    ] = None,
    account: Annotated[
        str | None, Parameter("12-digit id of the key's account", brief="12 digits")
    ] = None,
    users: Annotated[
        list[str] | None,
        Parameter("who uses the key: ARNs, role/NAME or user/NAME", brief="users"),
    ] = None,
    trusted: Annotated[
        list[str] | None, Parameter("accounts that may use the keys", brief="accounts")
    ] = None,
    scope: Annotated[
        list[str] | None, Parameter("checks by code, or how it begins", brief="codes")
    ] = None,
    limits: KeyLimits = None,
    *,
    only_via_service: Annotated[
        bool, Parameter("the users do not call KMS themselves", brief="only via service")
    ] = False,
    save: Annotated[str | None, Parameter("snapshot file to write", cli_only=True)] = None,
) -> Answer:
    """Find what is wrong with key policies, or with an account's keys, grants, aliases and rotation."""
    from aws_iam.tools.kms import check as kms_check

    arguments = kms_check.Arguments(
        account=account,
        users=users,
        only_via=only_via_service,
        trusted=trusted,
        limits=limits,
        scope=scope,
    )
    return kms_check.check(document, source, arguments, progress, save)


def _all_kinds() -> Answer:
    rows = _rows()
    return Answer(
        summary=(
            "Take the AWS owned key where a service's default is enough; a customer managed key for another account, "
            "an own policy, revocation or direct use. Give `needs` for a decision with its monthly cost."
        ),
        facts={
            "rows": [
                {key: value for key, value in row.items() if key != "unconfirmed"} for row in rows
            ],
            "needs": wishes.described(keys.NEEDS),
            "unconfirmed": _open(rows),
        },
        sources=(*_sources(rows), _PAGE),
        next=('aws-iam kms decide --needs \'{"cross_account": true, "rotation_days": 365}\'',),
        as_of=keys.table()["as_of"],
    )


def _rows() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = keys.table()["rows"]
    return rows


def _shown_rows(wanted: keys.Wanted) -> list[dict[str, str]]:
    """The kinds of key, and the rows on purpose and Regions where these are asked."""
    names = {*KeyType, wanted.spec.row, "multi_region" if wanted.regions > 1 else ""}
    return [row for row in _rows() if row["key_type"] in names]


def _row(
    row: Mapping[str, str], said: Mapping[str, tuple[frozenset[KeyType], str]], wanted: keys.Wanted
) -> dict[str, Any]:
    against = [f"{name}: {why}" for name, (kinds, why) in said.items() if row["key_type"] in kinds]
    shown = {key: row[key] for key in ("key_type", "control", "rotation", "price", "source")}
    asked = row["key_type"] not in set(KeyType)
    spec = f"{wanted.spec.spec}" if row["key_type"] == wanted.spec.row else row["choose_when"]
    return shown | {"fits": not against, "why": spec if asked else "; ".join(against)}


def _fits(kind: KeyType, said: Mapping[str, tuple[frozenset[KeyType], str]]) -> bool:
    return all(kind not in kinds for kinds, _ in said.values())


def _sources(rows: list[dict[str, str]]) -> tuple[str, ...]:
    by_name = keys.table()["sources"]
    usage = ("key-usage",) if any(row["key_type"] in _WITH_USAGE for row in rows) else ()
    return tuple(
        dict.fromkeys(by_name[source] for source in (*(r["source"] for r in rows), *usage))
    )


def _recommendation(chosen: KeyType | None, wanted: keys.Wanted) -> dict[str, Any]:
    if chosen is None:
        return {"key_type": "none"}
    if chosen.origin is None:
        return {"key_type": chosen.value}
    period = {"rotation_days": wanted.rotation_days} if wanted.rotation_days else {}
    others = {"other_specs": ", ".join(keys.other_specs(wanted))} if wanted.purposes else {}
    return {
        "key_type": chosen.value,
        "origin": chosen.origin,
        "key_spec": wanted.spec.spec,
        "key_usage": wanted.spec.usage,
        "multi_region": wanted.regions > 1,
        **others,
        **period,
    }


def _reasons(
    chosen: KeyType | None, said: Mapping[str, tuple[frozenset[KeyType], str]]
) -> list[dict[str, str]]:
    rows = [
        {"need": name, "rules_out": ", ".join(k.value for k in KeyType if k in kinds), "why": why}
        for name, (kinds, why) in said.items()
    ]
    if chosen is KeyType.AWS_OWNED:
        return [{"need": "none", "rules_out": "nothing", "why": "free, and nothing to manage"}]
    if _fits(KeyType.AWS_MANAGED, said) and chosen is not None:
        why = "would do where the service has one: a legacy kind, not in new services"
        rows.append({"need": "preference", "rules_out": "aws_managed", "why": why})
    return rows


def _cost(cost: keys.Cost) -> dict[str, Any]:
    return {
        "key_type": cost.key_type.value,
        "keys": prices.usd(cost.keys),
        "requests": prices.usd(cost.requests),
        "total": prices.usd(cost.total()),
        "after_first_rotation": prices.usd(cost.total(1)),
        "after_second_and_later": prices.usd(cost.total(2)),
    }


_EXTRA = {
    KeyType.CLOUDHSM_STORE: "the CloudHSM cluster of at least two HSMs",
    KeyType.EXTERNAL_STORE: "your external key manager and its proxy",
}


def _not_counted(costs: Mapping[KeyType, keys.Cost]) -> list[str]:
    extra = [f"{_EXTRA[cost]} ({cost.value})" for cost in costs if cost in _EXTRA]
    return [*extra, "other keys' share of the 20,000 free requests", "prices of other Regions"]


def _open(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [prices.doubt(row["unconfirmed"]) for row in rows if "unconfirmed" in row]


def _unconfirmed(
    rows: list[dict[str, str]], used: list[str], wanted: keys.Wanted
) -> list[dict[str, str]]:
    doubts = _open(rows)
    if wanted.regions > 1 and "key_rotation" in used:
        doubts.append(
            prices.doubt("whether the rotation fee is due in each Region", "reckoned so")
        )
    if wanted.post_quantum:
        doubts.append(prices.doubt("whether ML-DSA and ML-KEM requests cost the asymmetric rate"))
    return [*doubts, *prices.unconfirmed(used)]


def _summary(
    chosen: KeyType | None,
    wanted: keys.Wanted,
    said: Mapping[str, tuple[frozenset[KeyType], str]],
    costs: Mapping[KeyType, keys.Cost],
) -> str:
    if chosen is None:
        conflict = ", ".join(f"`{name}`" for name in said)
        return f"No kind of KMS key serves all of {conflict} at once: give one of them up."
    bill = costs[chosen]
    spec = f" ({wanted.spec.spec})" if wanted.purposes else ""
    multi = f", multi-Region in {wanted.regions} Regions" if wanted.regions > 1 else ""
    uncounted = f", without {_EXTRA[chosen]}" if chosen in _EXTRA else ""
    later = ""
    if bill.rotation and wanted.rotation_days:
        later = f", {prices.spoken(bill.total(2))} from the second rotation on"
    asked = chosen is KeyType.AWS_OWNED or "requests_per_month" in wanted.given
    requests = "" if asked else "; requests not counted: `requests_per_month` is not given"
    name = chosen.words[0].upper() + chosen.words[1:]
    return (
        f"{name}{spec}{multi}: {prices.spoken(bill.total())} a month{uncounted}{later}{requests}."
    )


def _next(chosen: KeyType | None, regions: int) -> tuple[str, ...]:
    if chosen is None:
        return ("aws-iam kms decide",)
    if chosen.origin is None:
        return ("aws-iam kms guide",)
    copies = " --region REGION --replicas OTHER_REGION" if regions > 1 else ""
    return (
        f"aws-iam kms key_policy --account ACCOUNT --admins role/KeyAdmin --users role/App{copies}",
        "aws-iam kms guide",
    )
