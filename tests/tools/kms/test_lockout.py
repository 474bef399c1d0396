"""`kms lockout`: what PutKeyPolicy would answer, from cases, and what it never says without knowing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam import evaluate
from aws_iam.errors import InputError
from aws_iam.tools.kms.actions import tool
from aws_iam.tools.kms.reasoning.lockout_rules import MESSAGE
from helpers.folders import TESTS

CASES = json.loads((TESTS / "cases/kms/lockout.json").read_text(encoding="utf-8"))
OWN = "arn:aws:iam::111122223333:"
KEY = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000"


def lockout(document: Any, caller: str, **more: Any) -> Any:
    return tool.run({"action": "lockout", "document": document, "caller": caller, **more})


def account_statement(**more: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": f"{OWN}root"},
        "Action": "kms:*",
        "Resource": "*",
        **more,
    }


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in CASES])
def test_the_answer_of_put_key_policy_is_foreseen(case: dict[str, Any]) -> None:
    extra = {
        name: case[name] for name in ("policies", "context", "account", "key") if name in case
    }
    answer = lockout(case["document"], case["caller"], **extra)
    facts = answer.facts
    assert facts["put_key_policy"] == case["put_key_policy"]
    assert facts["put_key_policy"] in answer.summary
    assert case.get("says", "") in facts["reason"]
    assert case.get("error", "") in facts.get("error", "")
    assert facts.get("hangs_on", []) == case.get("hangs_on", [])
    assert facts.get("needs", []) == case.get("needs", [])
    assert facts.get("statements_without_effect", []) == case.get("ignored", [])
    if "administrators" in case:
        assert [row["principal"] for row in facts["administrators"]] == case["administrators"]
    named = [row["principal"] for row in facts.get("not_administrators", [])]
    assert set(case.get("seeming", [])) <= set(named)


def test_a_refusal_says_what_kms_says_and_the_statement_that_ends_it() -> None:
    admin = {**account_statement(), "Principal": {"AWS": f"{OWN}role/admin"}}
    answer = lockout(policy(admin), f"{OWN}role/ci")
    assert MESSAGE in answer.summary
    mended = policy(admin, answer.facts["add_statement"])
    assert lockout(mended, f"{OWN}root").facts["put_key_policy"] == "accepted"
    after = lockout(mended, f"{OWN}role/ci").facts
    assert (after["put_key_policy"], after["needs"]) == ("unknown", ["policies.identity"])


def named(*names: str, **more: Any) -> dict[str, Any]:
    return {**account_statement(**more), "Principal": {"AWS": [f"{OWN}{name}" for name in names]}}


@pytest.mark.parametrize(
    ("statements", "warns"),
    [
        (
            [named("role/admin")],
            "only `arn:aws:iam::111122223333:role/admin` is named. Once it is",
        ),
        ([named("role/admin", "user/eve")], "user/eve` are named. Once they are deleted"),
        ([named("role/admin"), named("root", Action="kms:Decrypt")], "only AWS Support can"),
        ([named("role/admin"), account_statement(Effect="Deny")], ""),
        ([named("role/admin"), account_statement()], ""),
        ([named("role/admin"), account_statement(Principal={"AWS": "111122223333"})], ""),
        ([account_statement(Principal="*")], ""),
    ],
)
def test_a_key_that_only_roles_and_users_can_administer_is_lost_with_them(
    statements: list[dict[str, Any]], warns: str
) -> None:
    answer = lockout(policy(*statements), f"{OWN}role/admin")
    assert warns in answer.summary
    assert ("restore access" in answer.summary) == bool(warns)
    if warns:
        mended = policy(*statements, answer.facts["add_statement"])
        assert "restore access" not in lockout(mended, f"{OWN}role/admin").summary


def test_the_bypass_and_what_is_assumed_are_told() -> None:
    facts = lockout(policy(account_statement()), f"{OWN}root").facts
    assert "BypassPolicyLockoutSafetyCheck" in facts["bypass"]
    assert any("every principal exists" in row["what"] for row in facts["assumed"])


def test_the_key_that_a_statement_names_is_assumed_and_told() -> None:
    named = {**account_statement(), "Resource": KEY}
    assumed = lockout(policy(named), f"{OWN}root").facts["assumed"]
    assert any("give `key`" in row["what"] for row in assumed)
    assumed = lockout(policy(named), f"{OWN}root", key=KEY).facts["assumed"]
    assert not any("give `key`" in row["what"] for row in assumed)


def test_policies_without_a_layer_are_the_callers_and_the_answer_says_so() -> None:
    everything = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
    }
    for written in (everything, [everything], json.dumps([everything])):
        facts = lockout(policy(account_statement()), f"{OWN}role/ci", policies=written).facts
        assert facts["put_key_policy"] == "accepted"
        assert {"what": "`policies` are the caller's identity policies"} in facts["assumed"]


def test_text_is_taken_as_well_as_a_value() -> None:
    text = json.dumps(policy(account_statement()), indent=2)
    assert lockout(text, f"{OWN}root").facts["put_key_policy"] == "accepted"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"caller": "ci"}, "does not name a caller"),
        ({"caller": "*"}, "cannot call PutKeyPolicy"),
        ({"caller": "lambda.amazonaws.com"}, "cannot call PutKeyPolicy"),
        ({"caller": f"{OWN}role/*\x1b[31m"}, "\\u001b"),
        ({"policies": {"resource": policy()}}, "no layer `resource`"),
        ({"policies": "["}, "`policies` is not JSON"),
        ({"context": [1]}, "`context` must be an object"),
        ({"account": "12"}, "`account` is not well formed"),
        (
            {"key": "alias/main"},
            "is an alias; give the key's ARN: aws kms describe-key --key-id alias/main",
        ),
        ({"key": "11111111-2222-3333-4444-555555555555"}, "has no account and Region"),
        ({"key": "arn:aws:kms:eu-west-1:111122223333:key/main"}, "`key` is not well formed"),
        ({"caller": "role/ci", "document": policy()}, "needs the account"),
        ({"key": KEY, "account": "444455556666"}, "`key` belongs to account"),
        ({"document": '{"Statement": ['}, "not JSON"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    usual = {"document": policy(account_statement()), "caller": f"{OWN}role/ci"}
    with pytest.raises(InputError) as raised:
        tool.run({"action": "lockout", **usual, **arguments})
    assert message in str(raised.value)
    assert "\x1b" not in str(raised.value)


_STATEMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(["Allow", "Deny"]),
            "Principal": st.sampled_from(
                ["*", {"AWS": f"{OWN}root"}, {"AWS": f"{OWN}role/ci"}, {"AWS": f"{OWN}role/x"}]
            ),
            "Action": st.sampled_from(["kms:*", "kms:Put*", "kms:Decrypt"]),
            "Resource": st.just("*"),
        }
    ),
    min_size=1,
    max_size=4,
)


@given(statements=_STATEMENTS, allowed=st.booleans())
def test_it_agrees_with_evaluate_where_everything_is_known(
    statements: list[dict[str, Any]], *, allowed: bool
) -> None:
    """Without conditions and with the IAM policies given nothing is left open."""
    action = "kms:*" if allowed else "s3:*"
    identity = [policy({"Effect": "Allow", "Action": action, "Resource": "*"})]
    found = lockout(policy(*statements), f"{OWN}role/ci", policies={"identity": identity})
    request = {"principal": f"{OWN}role/ci", "action": "kms:PutKeyPolicy", "resource": KEY}
    wanted = evaluate(request, {"resource": policy(*statements), "identity": identity}).outcome
    assert found.facts["put_key_policy"] == ("accepted" if wanted == "Allowed" else "refused")


@given(_STATEMENTS)
def test_without_iam_policies_it_never_claims_more_than_both_readings_share(
    statements: list[dict[str, Any]],
) -> None:
    document = policy(*statements)
    found = lockout(document, f"{OWN}role/ci").facts["put_key_policy"]
    request = {"principal": f"{OWN}role/ci", "action": "kms:PutKeyPolicy", "resource": KEY}
    everything = [policy({"Effect": "Allow", "Action": "*", "Resource": "*"})]
    readings = {
        evaluate(request, {"resource": document, "identity": layer}).outcome == "Allowed"
        for layer in ([], everything)
    }
    if found == "accepted":
        assert readings == {True}
    elif found == "refused":
        assert readings == {False}
