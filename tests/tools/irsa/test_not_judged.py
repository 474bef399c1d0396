"""What `irsa check` names as not judged, and never passes over as no problem."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.tools.irsa.actions import tool

GITHUB = "token.actions.githubusercontent.com"


def trust(subject: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
            "StringLike": {f"{GITHUB}:sub": subject},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize("service", ["glue", "codebuild", "firehose", "lambda"])
def test_a_service_of_which_no_page_is_known_is_named_as_not_judged(service: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    answer = tool.run({"action": "check", "document": {"Version": "2012-10-17", "Statement": [statement]}})  # fmt: skip
    assert "No problem found" not in answer.summary
    assert f"{service}.amazonaws.com" in answer.summary
    assert any(service in row["why"] for row in answer.facts["not_judged"])
    tied = {**statement, "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}}
    answer = tool.run({"action": "check", "document": {"Version": "2012-10-17", "Statement": [tied]}})  # fmt: skip
    assert answer.summary.startswith("No problem found")


def test_the_policy_of_a_bucket_beside_a_role_is_no_trust_policy() -> None:
    template = f"""
Resources:
  Deploy:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {json.dumps(trust("repo:octo@1/app@2:ref:refs/heads/main"))}
  Access:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: site
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::site/*"}}]
"""
    answer = tool.run({"action": "check", "document": template})
    assert answer.findings == ()
    assert "2 trust policies" not in answer.summary
    assert "A resource policy beside the trust was not judged" in answer.summary


def test_a_subject_of_a_custom_template_is_named() -> None:
    answer = tool.run({"action": "check", "document": trust("repo:octo@1/app@2:workflow:deploy")})
    assert answer.findings == ()
    assert "`repo:octo@1/app@2:workflow:deploy`" in answer.summary
    assert "only a custom subject template sends it" in answer.summary


def test_a_pattern_of_an_unknown_issuer_is_named() -> None:
    host = "idp.example.com"
    document = json.loads(json.dumps(trust("deploy-*")).replace(GITHUB, host))
    answer = tool.run({"action": "check", "document": document})
    assert "No problem found" not in answer.summary
    assert "`deploy-*`" in answer.summary


@pytest.mark.parametrize(
    ("was", "now", "code"),
    [
        ('"aud": "sts.amazonaws.com"', '"aud": "sts.amazonaws.com"}, "StringEquals": {"x:aud": "y"', "DUPLICATE_KEY"),
        ('"Effect": "Allow"', '"Effect": "allow"', "INVALID_EFFECT"),
        ('"2012-10-17"', '"2012-10-18"', "INVALID_VERSION"),
    ],
)  # fmt: skip
def test_what_aws_would_refuse_is_a_finding(was: str, now: str, code: str) -> None:
    text = json.dumps(trust("repo:octo@1/app@2:ref:refs/heads/main"))
    text = text.replace(f"{GITHUB}:aud", "aud") if '"aud"' in was else text
    assert was in text
    answer = tool.run({"action": "check", "document": text.replace(was, now)})
    assert code in {finding.code for finding in answer.findings if finding.severity == "high"}
    assert "No problem found" not in answer.summary
