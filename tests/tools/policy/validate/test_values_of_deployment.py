"""`policy validate` on values that only the deployment knows: they keep others out, or not, whatever they turn out to be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.rules.policy.run import validate

OPEN = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
SERVICE = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": "*",
}


def template(type_: str, statement: dict[str, Any], condition: dict[str, Any]) -> str:
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
    own = {"PolicyDocument": policy, "Bucket": "b", "Queues": ["q"]}
    return json.dumps({"Resources": {"P": {"Type": type_, "Properties": own}}})


@pytest.mark.parametrize(
    ("value", "is_public"),
    [
        ({"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/app"}, False),
        ({"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/a/*"}, False),
        ({"Fn::Sub": "arn:aws:iam::${Account}:role/aws-reserved/*"}, False),
        ({"Fn::Sub": "arn:aws:iam::*:role/${Name}"}, True),
        ({"Ref": "Role"}, False),
    ],
)
def test_an_account_that_is_not_known_yet_is_one_account(value: Any, *, is_public: bool) -> None:
    condition = {"ArnLike": {"aws:PrincipalArn": value}}
    codes = {f.code for f in validate(template("AWS::S3::BucketPolicy", OPEN, condition))}
    assert ("PUBLIC_ACCESS_ALLOWED" in codes) is is_public


@pytest.mark.parametrize("rest", ["", "/*", "/*/*/webhook", ":*"])
def test_a_source_that_is_not_known_yet_limits_the_service(rest: str) -> None:
    condition = {"ArnLike": {"aws:SourceArn": {"Fn::Sub": f"${{Rule.Arn}}{rest}"}}}
    found = validate(template("AWS::SQS::QueuePolicy", SERVICE, condition))
    assert "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL" not in {finding.code for finding in found}


def test_a_boundary_passes_no_role() -> None:
    whole = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}  # fmt: skip
    assert not {f.code for f in validate(whole, "boundary") if f.code.startswith("PASS_ROLE")}
    assert {f.code for f in validate(whole, "identity") if f.code.startswith("PASS_ROLE")}
