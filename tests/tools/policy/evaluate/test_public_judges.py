"""One judge for one fact: `validate` and `compare` with `public` agree on who is a stranger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

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


def judged(statement: dict[str, Any], kind: str) -> tuple[set[str], bool]:
    """The codes of `validate`, and whether strangers get in according to `compare`."""
    document = {"Version": "2012-10-17", "Statement": [statement]}
    found = tool.run({"action": "validate", "document": document, "kind": kind})
    compared = tool.run({"action": "compare", "document": document, "public": True}).comparison
    assert compared is not None
    return {finding.code for finding in found.findings}, bool(compared.violations)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_both_say_whether_the_resource_is_public(case: dict[str, Any]) -> None:
    codes, admits = judged({**OPEN, "Condition": case["condition"]}, "resource")
    assert ("PUBLIC_ACCESS_ALLOWED" in codes, admits) == (case["public"], case["public"])


@pytest.mark.parametrize("operator", ["StringEquals", "StringEqualsIfExists"])
def test_a_claim_of_every_token_keeps_strangers_out_where_it_is_compared(operator: str) -> None:
    condition = {operator: {f"{HOST}:sub": "repo:octo/app:ref:refs/heads/main"}}
    _, admits = judged({**GITHUB, "Condition": condition}, "trust")
    assert not admits


def test_a_token_without_a_condition_on_its_subject_is_a_strangers() -> None:
    _, admits = judged(GITHUB, "trust")
    assert admits
