"""`kms decide`: the kind of key, why not the others, and what a month costs."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.answer import to_json
from aws_iam.errors import InputError
from aws_iam.tools.kms import actions, key_types
from aws_iam.tools.kms.key_types import KeyType
from aws_iam.tools.kms.reasoning.key_access import Usage
from helpers.folders import TESTS

CASES = TESTS / "cases" / "decide" / "kms.json"
CONCISE = 8_000


def cases() -> list[Any]:
    listed = json.loads(CASES.read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["name"]) for case in listed]


@pytest.mark.parametrize("case", cases())
def test_the_kind_of_key_follows_from_the_needs(case: dict[str, Any]) -> None:
    answer = actions.tool.run({"action": "decide", "needs": case["needs"]})
    facts = answer.facts
    found = facts["recommendation"]
    assert found["key_type"] == case["key_type"]
    for key, name in (
        ("spec", "key_spec"),
        ("usage", "key_usage"),
        ("origin", "origin"),
        ("multi_region", "multi_region"),
    ):
        assert found.get(name) == case.get(key, found.get(name))
    assert case.get("says", "") in answer.summary
    assert case.get("reason", "") in json.dumps(facts["reasons"])
    assert case.get("unconfirmed", "") in json.dumps(facts["unconfirmed"])
    costs = {row["key_type"]: row for row in facts["cost"]}
    bill = costs.get(case["key_type"], {})
    assert bill | case.get("cost", {}) == bill
    if "fits" in case:
        assert list(costs) == case["fits"]
    fitting = {row["key_type"]: row["rotation"] for row in facts["rows"] if row["fits"]}
    assert fitting.keys() & set(KeyType) == set(costs)
    assert bool(fitting) == bool(costs)
    if "rotation" in case:
        assert list(dict.fromkeys(fitting.values())) == case["rotation"]


def test_every_usage_and_spec_of_the_api_is_known() -> None:
    model = botocore.session.Session().get_service_model("kms")
    table = key_types.table()["key_specs"]
    assert set(table) == set(model.shape_for("KeyUsageType").enum)
    assert {spec for specs in table.values() for spec in specs} == set(
        model.shape_for("KeySpec").enum
    )
    assert {usage.spec for usage in Usage} <= {
        (u, spec) for u, specs in table.items() for spec in specs
    }
    assert {usage for usage, _ in (usage.spec for usage in Usage)} == set(table)


@pytest.mark.parametrize(
    ("needs", "others"),
    [
        ({"mac": True}, "HMAC_224, HMAC_384, HMAC_512"),
        ({"key_agreement": True}, "ECC_NIST_P384, ECC_NIST_P521, SM2 (China Regions)"),
        ({"key_agreement": True, "post_quantum": True}, "ML_KEM_512, ML_KEM_1024"),
        ({"signing": True, "post_quantum": True}, "ML_DSA_44, ML_DSA_87"),
        ({"public_key_encryption": True}, "RSA_2048, RSA_4096, SM2 (China Regions)"),
        ({"direct_use": True}, None),
    ],
)
def test_the_other_specs_of_the_same_usage_are_named(
    needs: dict[str, bool], others: str | None
) -> None:
    answer = actions.tool.run({"action": "decide", "needs": needs})
    assert answer.facts["recommendation"].get("other_specs") == others


@pytest.mark.parametrize("needs", [None, {}, "{}"])
def test_without_needs_all_kinds_are_given(needs: object) -> None:
    answer = actions.tool.run({"action": "decide", "needs": needs})
    rows = [row["key_type"] for row in answer.facts["rows"]]
    assert set(KeyType) < set(rows)
    assert {"multi_region", "asymmetric", "hmac"} < set(rows)
    assert {row["name"] for row in answer.facts["needs"]} == {
        need.name for need in key_types.NEEDS
    }
    assert len(json.dumps(to_json(answer)).encode()) < CONCISE


def test_every_row_names_a_page() -> None:
    table = key_types.table()
    assert {row["source"] for row in table["rows"]} <= set(table["sources"])
    assert all(page.startswith("https://") for page in table["sources"].values())


def test_a_kind_that_does_not_fit_says_which_need_rules_it_out() -> None:
    needs = {"cross_account": True, "rotation_days": 365}
    answer = actions.tool.run({"action": "decide", "needs": needs})
    why = {row["key_type"]: row["why"] for row in answer.facts["rows"]}
    assert why["aws_managed"].startswith("cross_account: you cannot let another account use it")
    assert why["imported"].startswith("rotation_days: only symmetric keys")
    assert why["customer_managed"] == ""


def test_a_multi_region_answer_shows_what_multi_region_means() -> None:
    answer = actions.tool.run({"action": "decide", "needs": {"regions": 2}})
    row = next(row for row in answer.facts["rows"] if row["key_type"] == "multi_region")
    assert "per Region" in row["control"]


def test_an_answer_shows_the_prices_it_reckons_with() -> None:
    answer = actions.tool.run({"action": "decide", "needs": {"rotation_days": 365}})
    shown = {row["price"]: (row["usd"], row["confirmed"]) for row in answer.facts["prices"]}
    assert shown == {
        "key": (1.0, True),
        "key_request": (0.03, True),
        "key_rotation": (1.0, False),
    }
    assert [row["what"] for row in answer.facts["unconfirmed"]] == ["price `key_rotation`"]


@given(st.integers(1, 10**6), st.integers(1, 50), st.integers(0, 10**12))
def test_keys_are_billed_by_count_and_region(count: int, regions: int, requests: int) -> None:
    needs = {"keys": count, "regions": regions, "requests_per_month": requests}
    needed = key_types.key_needs(needs)
    bill = key_types.cost(KeyType.CUSTOMER_MANAGED, needed)
    assert bill.keys == count * regions
    assert bill.total(2) - bill.total() == 2 * count * regions
    assert key_types.cost(KeyType.AWS_MANAGED, needed).total() == bill.requests
    assert key_types.cost(KeyType.AWS_OWNED, needed).total() == 0


def test_a_key_policy_without_its_account_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="`kms key_policy` needs `account`"):
        actions.tool.run({"action": "key_policy"})
