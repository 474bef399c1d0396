"""Decisions on requests: AWS's own examples, the layers, and the laws that every decision keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.evaluation.conditions import condition_holds
from aws_iam.engine.evaluation.context import Context
from aws_iam.engine.evaluation.evaluate import evaluate, evaluate_request
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from helpers.folders import TESTS
from helpers.tables.each import for_each

CASES = TESTS / "cases/evaluate"
SCENARIOS = json.loads((CASES / "scenarios.json").read_text(encoding="utf-8"))
OWN = json.loads((CASES / "own.json").read_text(encoding="utf-8"))
OPERATORS = json.loads((CASES / "condition-operators.json").read_text(encoding="utf-8"))
REFUSED = json.loads((CASES / "refused.json").read_text(encoding="utf-8"))

USER = "arn:aws:iam::111122223333:user/dev"
ROLE = "arn:aws:iam::111122223333:role/app"
SESSION = "arn:aws:sts::111122223333:assumed-role/app/i-1"
OBJECT = "arn:aws:s3:::b/k"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str = "s3:GetObject", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str = "s3:GetObject", resource: str = "*", **more: Any) -> dict[str, Any]:
    return allow(action, resource, **more) | {"Effect": "Deny"}


def request(principal: str = USER, **more: Any) -> dict[str, Any]:
    return {"principal": principal, "action": "s3:GetObject", "resource": OBJECT, **more}


@pytest.mark.parametrize("case", SCENARIOS, ids=lambda case: case["name"])
def test_a_scenario_of_aws_is_decided_as_its_page_says(case: dict[str, Any]) -> None:
    decision = evaluate(case["request"], case["policies"])
    assert decision.outcome == case["expect"]["outcome"]
    assert list(decision.decided_by) == case["expect"]["decided_by"]


@pytest.mark.parametrize("case", OPERATORS, ids=lambda case: case["name"])
def test_a_condition_holds_as_the_page_of_its_operator_says(case: dict[str, Any]) -> None:
    given_ = {
        name: tuple(value) if isinstance(value, list) else (str(value),)
        for name, value in case["context"].items()
        if value is not None
    }
    conditions = [
        condition
        for block in case["conditions"]
        for condition in one_policy(document(allow(Condition=block))).statements[0].conditions
    ]
    assert len(conditions) == len(case["conditions"])
    assert (
        all(condition_holds(condition, Context(given_)) for condition in conditions)
        is case["match"]
    )


@for_each(OWN, name=lambda case: case["name"])
def test_a_case_of_our_own_is_decided_with_its_layers_and_statements(case: dict[str, Any]) -> None:
    found = evaluate_request(request_of(case["request"]), layers_of(case["policies"]))
    decision = found.decision
    expect = case["expect"]
    assert decision.outcome == expect["outcome"]
    assert list(decision.decided_by) == expect.get("decided_by", [])
    assert list(decision.blocked_by) == expect.get("blocked_by", [])
    if "because" in expect:
        because = [
            f"{statement.policy} {statement.pointer} {statement.effect}"
            for statement in decision.because
        ]
        assert because == expect["because"]
    assert expect.get("reason", "") in found.reason
    assert bool(found.reason) is ("reason" in expect)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_what_cannot_be_used_is_refused_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        evaluate(case["request"], case["policies"])
    for words in case["says"]:
        assert words in str(refused.value)


def test_levels_are_levels_in_a_tuple_too() -> None:
    everything, buckets = (
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"},
        }
        for action in ("*", "s3:*")
    )
    request = {
        "principal": "arn:aws:iam::111122223333:user/ann",
        "action": "ec2:DescribeVpcs",
        "resource": "*",
    }
    identity = {"identity": (everything,)}
    for levels in ([[everything], [buckets]], ((everything,), (buckets,))):
        decision = evaluate(request, {**identity, "scp": levels})
        assert (decision.outcome, decision.decided_by) == ("ImplicitlyDenied", ("scp",))
    assert evaluate(request, {**identity, "scp": ((everything, buckets),)}).outcome == "Allowed"


def test_the_tables_are_whole() -> None:
    print(f"{len(SCENARIOS)} scenarios, {len(OPERATORS)} rows of operators")  # noqa: T201
    assert len(SCENARIOS) == 211
    assert len(OPERATORS) == 161


def test_consulted_and_missing_keys_are_named_as_the_policy_writes_them() -> None:
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    decision = evaluate(request(), {"identity": [document(allow(Condition=condition))]})
    assert decision.outcome == "ImplicitlyDenied"
    assert decision.consulted_keys == ("aws:MultiFactorAuthPresent",)
    assert decision.missing_keys == ("aws:MultiFactorAuthPresent",)


def test_a_missing_key_says_what_its_presence_would_change() -> None:
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    asked = request_of(request())
    layers = layers_of({"identity": [document(allow(Condition=condition))]})
    decision = evaluate_request(asked, layers).decision
    assert outcomes_of_missing_keys(asked, layers, decision) == {
        "aws:MultiFactorAuthPresent": {"met": "Allowed"}
    }


def test_as_few_of_many_missing_keys_as_will_do_are_named_together() -> None:
    keys = [f"aws:PrincipalTag/t{number}" for number in range(7)]
    needed = {"StringEquals": dict.fromkeys(keys[:6], "x")}
    other = {"StringEquals": {keys[6]: "x", "aws:ResourceAccount": "444455556666"}}
    asked = request_of(request())
    layers = layers_of({"identity": [document(allow(Condition=needed), allow(Condition=other))]})
    decision = evaluate_request(asked, layers).decision
    assert len(decision.missing_keys) > 6
    assert outcomes_of_missing_keys(asked, layers, decision) == {
        " and ".join(keys[:6]): {"met": "Allowed"}
    }


# Statements over a small world, so that many of them meet.
ACTIONS = st.sampled_from(["s3:GetObject", "s3:*", "*", "s3:Put*", "s3:getobject", "ec2:*"])
RESOURCES = st.sampled_from(["*", OBJECT, "arn:aws:s3:::b/*", "arn:aws:s3:::other/*"])
CONDITIONS = st.sampled_from(
    [
        {},
        {"StringEquals": {"aws:PrincipalTag/t": "x"}},
        {"StringNotEquals": {"aws:PrincipalTag/t": "x"}},
        {"Null": {"aws:PrincipalTag/t": "true"}},
        {"Bool": {"aws:ViaAWSService": "false"}},
    ]
)


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None, who: str | None = None) -> Any:
    element = draw(st.sampled_from(["Action", "Action", "NotAction"]))
    where = draw(st.sampled_from(["Resource", "Resource", "NotResource"]))
    made = {
        "Effect": effect or draw(st.sampled_from(["Allow", "Deny"])),
        element: draw(ACTIONS),
        where: draw(RESOURCES),
        "Condition": draw(CONDITIONS),
    }
    return made | ({"Principal": who} if who else {})


PRINCIPALS = st.sampled_from([USER, SESSION, ROLE, "arn:aws:iam::444455556666:user/far"])
CONTEXTS = st.sampled_from([{}, {"aws:PrincipalTag/t": "x"}, {"aws:PrincipalTag/t": "y"}])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    policies: dict[str, Any] = {}
    for layer in ("identity", "boundary", "session"):
        if draw(st.booleans()):
            policies[layer] = [document(*draw(st.lists(statements(), max_size=3)))]
    if draw(st.booleans()):
        policies["resource"] = document(*draw(st.lists(statements(who="*"), max_size=2)))
    if draw(st.booleans()):
        level = st.lists(statements(), min_size=1, max_size=2).map(lambda s: [document(*s)])
        policies["scp"] = draw(st.lists(level, min_size=1, max_size=2))
    asked = request(draw(PRINCIPALS), context=draw(CONTEXTS), resource_account="111122223333")
    return asked, policies


def with_statement(policies: dict[str, Any], layer: str, statement: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(policies))
    place = changed[layer]
    while isinstance(place, list):
        place = place[0]
    place["Statement"].append(statement)
    return changed


@given(worlds(), st.data())
def test_adding_a_deny_never_allows_and_adding_an_allow_never_denies(
    world: tuple[Any, Any], data: st.DataObject
) -> None:
    asked, policies = world
    if not policies:
        return
    layer = data.draw(st.sampled_from(sorted(policies)))
    who = "*" if layer == "resource" else None
    before = evaluate(asked, policies).outcome == "Allowed"
    denied = with_statement(policies, layer, data.draw(statements("Deny", who)))
    allowed = with_statement(policies, layer, data.draw(statements("Allow", who)))
    assert before or evaluate(asked, denied).outcome != "Allowed"
    assert not before or evaluate(asked, allowed).outcome == "Allowed"


@given(worlds())
def test_removing_a_limit_never_denies_more(world: tuple[Any, Any]) -> None:
    asked, policies = world
    before = evaluate(asked, policies).outcome == "Allowed"
    for layer in ("boundary", "session", "scp"):
        fewer = {name: value for name, value in policies.items() if name != layer}
        assert not before or evaluate(asked, fewer).outcome == "Allowed"


@given(worlds())
def test_an_explicit_deny_is_reported_if_and_only_if_a_deny_decides(
    world: tuple[Any, Any],
) -> None:
    asked, policies = world
    decision = evaluate(asked, policies)
    assert (decision.outcome == "ExplicitlyDenied") is any(
        statement.effect == "Deny" for statement in decision.because
    )
    assert (decision.outcome == "Allowed") is (not decision.blocked_by)


@given(worlds())
def test_order_and_case_do_not_matter(world: tuple[Any, Any]) -> None:
    asked, policies = world
    turned = json.loads(json.dumps(policies))
    for layer in ("identity", "boundary", "session"):
        for policy in turned.get(layer, []):
            policy["Statement"].reverse()
    upper = asked | {
        "action": asked["action"].upper(),
        "context": {name.upper(): value for name, value in asked["context"].items()},
    }
    assert evaluate(upper, turned).outcome == evaluate(asked, policies).outcome


@given(worlds())
def test_access_across_accounts_needs_both_sides(world: tuple[Any, Any]) -> None:
    asked, policies = world
    far = asked | {"principal": "arn:aws:iam::444455556666:user/far"}
    decision = evaluate(far, policies)
    if decision.outcome == "Allowed":
        assert set(decision.decided_by) == {"identity", "resource"}
