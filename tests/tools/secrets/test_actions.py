"""`secrets decide`: the store, row by row, and what a month costs."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.answer import to_json
from aws_iam.errors import InputError
from aws_iam.tools.kit import prices
from aws_iam.tools.kms import actions as kms
from aws_iam.tools.kms import key_types
from aws_iam.tools.secrets import actions as secrets
from aws_iam.tools.secrets import stores
from aws_iam.tools.secrets.stores import Store
from helpers.folders import TESTS

CASES = TESTS / "cases" / "decide"
CONCISE = 8_000


def cases(name: str) -> list[Any]:
    return [
        pytest.param(case, id=case["name"])
        for case in json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    ]


def facts(needs: object) -> dict[str, Any]:
    answer = secrets.tool.run({"action": "decide", "needs": needs})
    return dict(answer.facts)


@pytest.mark.parametrize("case", cases("secrets"))
def test_the_store_follows_from_the_needs(case: dict[str, Any]) -> None:
    answer = secrets.tool.run({"action": "decide", "needs": case["needs"]})
    found = answer.facts["recommendation"]
    store = "_".join(filter(None, (found["store"], found.get("tier"))))
    assert store == case["store"]
    assert found.get("type", "") == case.get("type", found.get("type", ""))
    assert found.get("customer_managed_key", False) == case.get("own_key", False)
    if "parameters" in case:
        assert [found["standard_parameters"], found["advanced_parameters"]] == case["parameters"]
    assert case.get("says", "") in answer.summary
    decides = {row["need"]: row["decides"] for row in answer.facts["rows"]}
    assert decides | case.get("decides", {}) == decides
    totals = {row["store"]: row["total"] for row in answer.facts["cost"]}
    assert totals | case.get("totals", {}) == totals
    if "fits" in case:
        assert [row["store"] for row in answer.facts["cost"] if row["fits"]] == case["fits"]


@pytest.mark.parametrize("case", cases("refusals"))
def test_needs_that_mean_nothing_are_refused_by_name(case: dict[str, Any]) -> None:
    tool = {"kms": kms.tool, "secrets": secrets.tool}[case.get("tool", "secrets")]
    with pytest.raises(InputError) as refused:
        tool.run({"action": "decide", "needs": case["needs"]})
    assert case["message"] in refused.value.message
    assert case.get("hint", "") in refused.value.hint


@pytest.mark.parametrize("text", ["[" * 100_000, '{"count": ' + "9" * 5_000 + "}"])
def test_text_too_large_to_read_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="too large to read"):
        secrets.tool.run({"action": "decide", "needs": text})


def test_a_number_of_thousands_of_digits_is_refused_without_being_shown() -> None:
    with pytest.raises(InputError, match="not a number of more than 18 digits"):
        secrets.tool.run({"action": "decide", "needs": {"count": 10**9_000}})


@pytest.mark.parametrize("needs", [None, {}, "{}", {"count": None}])
def test_without_needs_the_whole_comparison_is_given(needs: object) -> None:
    answer = secrets.tool.run({"action": "decide", "needs": needs})
    assert [row["need"] for row in answer.facts["rows"]] == [
        row["need"] for row in stores.table()["rows"]
    ]
    assert {row["name"] for row in answer.facts["needs"]} == {need.name for need in stores.NEEDS}
    assert len(json.dumps(to_json(answer)).encode()) < CONCISE


def test_text_and_object_say_the_same() -> None:
    needs = {"rotation": True, "count": 2}
    assert facts(needs) == facts(json.dumps(needs))


def test_every_row_has_a_rule_and_every_rule_a_row() -> None:
    rows = [row["need"] for row in stores.table()["rows"]]
    everything = stores.StoreNeeds(stated=frozenset(need.name for need in stores.NEEDS))
    assert list(stores.verdicts(everything)) == rows
    assert len(set(rows)) == len(rows)


def test_every_need_is_a_row_or_counts() -> None:
    rows = {row["need"] for row in stores.table()["rows"]}
    counted = {"reads_per_month", "high_throughput", "writes_per_hour"}
    assert {need.name for need in stores.NEEDS} == rows | counted


@pytest.mark.parametrize("tool", [secrets.tool, kms.tool], ids=lambda tool: tool.name)
def test_the_help_lists_every_need(tool: Any) -> None:
    needs = {"secrets": stores.NEEDS, "kms": key_types.NEEDS}[tool.name]
    (argument,) = tool.actions["decide"].arguments
    assert [need.name for need in needs if need.name not in argument.description] == []


def test_every_row_names_a_page() -> None:
    for row in stores.table()["rows"]:
        assert stores.table()["sources"][row["source"]].startswith("https://docs.aws.amazon.com/")


def test_prices_are_dated_sourced_and_marked() -> None:
    for price in prices.prices().by_name.values():
        assert price.source.startswith("https://")
        assert price.as_of <= prices.prices().as_of
        assert price.confirmed or price.note


def test_an_answer_shows_the_prices_it_reckons_with_and_what_is_not_confirmed() -> None:
    found = facts({"rotation": True})
    shown = {row["price"]: row for row in found["prices"]}
    assert shown["secret"]["usd"] == 0.4
    assert shown["secret"]["as_of"] == "2026-09-20"
    doubts = {row["what"] for row in found["unconfirmed"]}
    assert "price `secret`" in doubts
    assert "price `key_request`" not in doubts


@pytest.mark.parametrize(("needs", "doubted"), [({"binary": True}, True), ({"count": 1}, False)])
def test_what_is_open_about_a_row_is_said_with_the_row(
    needs: dict[str, Any], *, doubted: bool
) -> None:
    doubts = [row["what"] for row in facts(needs)["unconfirmed"]]
    assert any("`binary` data type" in what for what in doubts) is doubted


def test_reasons_name_the_needs_that_decide() -> None:
    found = facts({"rotation": True, "count": 1, "cross_account": True})
    says = {row["need"]: row["says"] for row in found["reasons"]}
    assert says["rotation"] == "rules out Parameter Store"
    assert "count" not in says
    assert facts({"count": 1})["reasons"][0]["need"] == "cost"


def test_sources_are_those_of_the_rows_shown() -> None:
    answer = secrets.tool.run({"action": "decide", "needs": {"rotation": True}})
    assert answer.sources[0].endswith("/rotate-secrets_managed.html")
    assert answer.sources[-1] == "references/secrets-patterns.md#decision-table"
    assert answer.as_of == prices.prices().as_of


WANTED = st.fixed_dictionaries(
    {},
    optional={
        "rotation": st.booleans(),
        "cross_account": st.booleans(),
        "size_bytes": st.integers(1, 100_000),
        "count": st.integers(1, 10**6),
        "reads_per_month": st.integers(0, 10**12),
        "reads_per_second": st.integers(0, 10**5),
        "writes_per_second": st.integers(0, 100),
        "writes_per_hour": st.integers(0, 100),
        "replicas": st.integers(0, 50),
        "customer_key": st.booleans(),
        "expiry": st.booleans(),
    },
)


@given(WANTED)
def test_the_chosen_store_is_one_that_fits(needs: dict[str, Any]) -> None:
    wanted = stores.store_needs(needs)
    verdicts = stores.verdicts(wanted)
    excluded = {store for verdict in verdicts.values() for store in verdict.excludes}
    chosen = stores.choice(wanted, verdicts)
    assert chosen not in excluded
    assert (chosen is None) == (excluded == set(Store))


@given(WANTED, st.integers(0, 10**9))
def test_more_reads_never_cost_less(needs: dict[str, Any], more: int) -> None:
    fewer = stores.store_needs(needs)
    busier = stores.store_needs(needs | {"reads_per_month": fewer.monthly_reads + more})
    for store in Store:
        assert stores.cost(store, fewer).total <= stores.cost(store, busier).total


@given(st.integers(1, 10**6), st.integers(0, 50))
def test_secrets_and_replicas_are_billed_alike(count: int, replicas: int) -> None:
    wanted = stores.store_needs({"count": count, "replicas": replicas})
    storage = stores.cost(Store.SECRETS_MANAGER, wanted).storage
    assert storage == Decimal("0.40") * count * (1 + replicas)
