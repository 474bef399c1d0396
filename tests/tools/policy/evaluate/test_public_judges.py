"""One judge for one fact: `validate` and `compare` with `public` agree on who is a stranger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each

OF_ANYONE = json.loads((TESTS / "cases/compare/anyone.json").read_text(encoding="utf-8"))
CASES = json.loads((TESTS / "cases/compare/public_judges.json").read_text(encoding="utf-8"))
OPEN = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*",
}
HOST = "token.actions.githubusercontent.com"
GITHUB = {
    "Effect": "Allow",
    "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{HOST}"},
    "Action": "sts:AssumeRoleWithWebIdentity",
}


def judged(*statements: dict[str, Any], kind: str) -> tuple[set[str], bool]:
    """The codes of `validate`, and whether strangers get in according to `compare`."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    found = tool.run({"action": "validate", "document": document, "kind": kind})
    compared = tool.run({"action": "compare", "document": document, "public": True}).comparison
    assert compared is not None
    return {finding.code for finding in found.findings}, bool(compared.violations)


@for_each(CASES, name=lambda case: case["name"])
def test_both_say_whether_the_resource_is_public(case: dict[str, Any]) -> None:
    allow = {**OPEN, "Condition": case["condition"], **case.get("allow", {})}
    denies = ({"Effect": "Deny", **own} for own in case.get("deny", ()))
    codes, admits = judged(allow, *denies, kind="resource")
    assert ("PUBLIC_ACCESS_ALLOWED" in codes, admits) == (case["public"], case["public"])


@pytest.mark.parametrize("operator", ["StringEquals", "StringEqualsIfExists"])
def test_a_claim_of_every_token_keeps_strangers_out_where_it_is_compared(operator: str) -> None:
    condition = {operator: {f"{HOST}:sub": "repo:octo/app:ref:refs/heads/main"}}
    _, admits = judged({**GITHUB, "Condition": condition}, kind="trust")
    assert not admits


def test_a_token_without_a_condition_on_its_subject_is_a_strangers() -> None:
    _, admits = judged(GITHUB, kind="trust")
    assert admits
    _, admits = judged({**GITHUB, "Condition": {"Null": {f"{HOST}:sub": "false"}}}, kind="trust")
    assert admits


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.get("signed")], ids=lambda case: case["name"]
)
def test_only_requests_with_credentials_carry_keys_of_their_sessions(case: dict[str, Any]) -> None:
    statement = {**OPEN, "Condition": case["condition"]}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    answer = tool.run({"action": "compare", "document": document, "public": True})
    assert answer.comparison
    assert "without credentials" not in answer.summary
    assert all(row["request"]["principal"] != "*" for row in answer.comparison.violations)


def test_everybody_who_signs_in_to_an_app_is_a_stranger() -> None:
    host = "graph.facebook.com"
    statement = {
        **GITHUB,
        "Principal": {"Federated": host},
        "Condition": {"StringEquals": {f"{host}:app_id": "123"}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    answer = tool.run({"action": "compare", "document": document, "public": True})
    assert f"with a token of `{host}`, as any user of the app" in answer.summary


@pytest.mark.parametrize("case", OF_ANYONE, ids=lambda case: case["action"])
def test_only_actions_that_take_unsigned_requests_are_open_without_credentials(
    case: dict[str, Any],
) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": case["action"]}
    own = {} if case["action"].startswith("sts:") else {"Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [{**statement, **own}]}
    compared = tool.run({"action": "compare", "document": document, "public": True})
    assert f"strangers may do `{case['action']}` {case['means']}" in compared.summary
    request = {"principal": "*", "action": case["action"], "resource": case["resource"]}
    evaluated = tool.run(
        {"action": "evaluate", "request": request, "policies": {"resource": document}}
    )
    unsigned = case["means"] == "without credentials"
    assert ("by an anonymous caller" in evaluated.summary) == unsigned
    assert any(case["means"] in note for note in evaluated.facts.get("notes", ())) != unsigned


@pytest.mark.parametrize(
    "condition", [{}, {"StringEquals": {"aws:SourceAccount": "111122223333"}}]
)
def test_a_service_is_no_stranger_but_may_come_for_one(condition: dict[str, Any]) -> None:
    by_service = {**OPEN, "Principal": {"Service": "cloudfront.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**by_service, "Condition": condition}]}
    summary = tool.run({"action": "compare", "document": document, "public": True}).summary
    assert summary.startswith("The policy is not public.")
    assert ("`cloudfront.amazonaws.com` can use the resource on behalf of any" in summary) is (
        not condition
    )
