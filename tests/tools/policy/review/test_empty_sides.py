"""`policy review` where one side holds no policy: all of its access is gained, or lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": "*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": TRUST,
        "Policies": [{"PolicyName": "p", "PolicyDocument": POLICY}],
    },
}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}
TERRAFORM = f"""resource "aws_iam_policy" "p" {{
  policy = jsonencode({json.dumps(POLICY)})
}}
resource "aws_iam_policy" "q" {{
  policy = jsonencode({json.dumps(POLICY)})
}}
"""
PAIRS: dict[str, tuple[Any, Any]] = {
    "a policy, and an empty text": (json.dumps(POLICY), ""),
    "a policy, and blanks": (json.dumps(POLICY), " \n"),
    "a policy, and a comment": (json.dumps(POLICY), "# none yet\n"),
    "a policy, and an empty object": (POLICY, {}),
    "a policy, and the text of one": (POLICY, "{}"),
    "a policy, and an empty list": (POLICY, []),
    "a policy, and Terraform without one": (POLICY, "locals {\n  a = 1\n}\n"),
    "Terraform, and an empty text": (TERRAFORM, ""),
    "Terraform, and Terraform without a policy": (TERRAFORM, "locals {\n  a = 1\n}\n"),
    "a template, and one without a policy": (
        {"Resources": {"R": ROLE, "Q": QUEUE}},
        {"Resources": {"Q": QUEUE}},
    ),
    "a template, and an empty object": ({"Resources": {"R": ROLE}}, {}),
}
EACH = pytest.mark.parametrize("name", PAIRS)


def review(document: Any, baseline: Any, **more: Any) -> Any:
    return tool.run({"action": "review", "document": document, "baseline": baseline, **more})


@EACH
def test_all_access_of_the_only_policies_is_gained(name: str) -> None:
    answer = review(*PAIRS[name])
    gained = [own.message for own in answer.findings if own.code == "ACCESS_GAINED"]
    assert any("`iam:PutRolePolicy`" in own for own in gained)
    assert "The baseline holds no policy." in answer.summary


@EACH
@pytest.mark.parametrize("format_", ["markdown", "sarif", "junit", "json"])
def test_all_access_is_lost_with_the_last_policies(name: str, format_: str) -> None:
    policies, none = PAIRS[name]
    answer = review(none, policies, format=format_)
    assert {own.code for own in answer.findings} == {"ACCESS_LOST"}
    assert "The document holds no policy." in answer.summary
    assert answer.artifacts


@pytest.mark.parametrize(
    ("document", "baseline"),
    [("", ""), (POLICY, "{nope"), ("{nope", POLICY), (POLICY, None), ({}, [])],
)
def test_a_side_that_is_broken_or_not_given_is_no_empty_one(document: Any, baseline: Any) -> None:
    with pytest.raises(InputError):
        review(document, baseline)
