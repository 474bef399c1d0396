"""The error text of a refused token, alone and beside the trust policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.errors import InputError
from aws_iam.tools.irsa.actions import tool
from helpers.folders import TESTS

CASES = json.loads((TESTS / "cases/irsa/errors.json").read_text(encoding="utf-8"))
HOST = "token.actions.githubusercontent.com"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{HOST}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{HOST}:sub": "repo:acme/api:ref:refs/heads/main"}},
    },
}
CLAIMS = {"sub": "repo:acme/api:pull_request", "aud": "sts.amazonaws.com"}


@pytest.mark.parametrize("name", ["message", "error", "document"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_error_alone_is_explained(case: dict[str, Any], name: str) -> None:
    call = {"action": "denied", name: case["text"]}
    if case["says"] is None:
        with pytest.raises(InputError):
            tool.run(call)
        return
    answer = tool.run(call)
    assert case["says"] in answer.summary
    assert answer.next[0].arguments == {"action": "denied", "message": case["text"]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_error_beside_a_policy_adds_the_cause_that_it_names(case: dict[str, Any]) -> None:
    call = {"action": "denied", "document": TRUST, "claims": CLAIMS}
    alone, both = tool.run(call), tool.run({**call, "message": case["text"]})
    assert both.summary.endswith(alone.summary)
    assert both.summary.startswith(case["beside_a_policy"] or alone.summary)
    assert both.findings == alone.findings


def test_neither_a_policy_nor_an_error_is_refused_with_both_named() -> None:
    with pytest.raises(InputError, match="needs `document`") as caught:
        tool.run({"action": "denied"})
    assert "`message`" in caught.value.hint
