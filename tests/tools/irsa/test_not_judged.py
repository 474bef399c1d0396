"""What `irsa check` names as not judged, and never passes over as no problem."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli.files import read_policies
from aws_iam.engine.sources.kubernetes_objects import cluster_of
from aws_iam.tools.irsa.actions import tool

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.parametrize("permissions", ["permissions: {contents: read}", ""])
def test_a_call_that_gets_no_token_is_named_as_not_compared(permissions: str) -> None:
    workflow = f"""
on: {{push: {{branches: [dev]}}}}
{permissions}
jobs:
  deploy:
    uses: ./.github/workflows/deploy.yml
"""
    document = trust("repo:octo@1/app@2:ref:refs/heads/main")
    answer = tool.run({"action": "check", "document": document, "manifests": workflow})
    assert "No problem found" not in answer.summary
    assert "not compared" in answer.summary


def test_a_manifest_that_is_not_read_is_in_the_summary(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: ServiceAccount\nmetadata: {name: a}\n", "utf-8")
    (tmp_path / "broken.yaml").write_text("a: {{ .Values.x }}\n", "utf-8")
    manifests = read_policies("manifests", [str(tmp_path)])
    answer = tool.run(
        {"action": "check", "document": trust("repo:o@1/a@2:*"), "manifests": manifests}
    )
    assert "Not read in `manifests`: " in answer.summary
    assert "broken.yaml" in answer.summary


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Rollout", {"template": {"spec": {"serviceAccountName": "web", "containers": []}}}),
        ("Service", {"template": {"spec": {"serviceAccount": "web", "containers": [{}]}}}),
        ("ScaledJob", {"jobTargetRef": {"template": {"spec": {"serviceAccountName": "web"}}}}),
        ("Workflow", {"serviceAccountName": "web", "templates": []}),
        ("SparkApplication", {"driver": {"serviceAccount": "web"}}),
        ("CronJob", {"jobTemplate": {"spec": {"template": {"spec": {"serviceAccountName": "web"}}}}}),
    ],
)  # fmt: skip
def test_pods_are_found_in_objects_of_any_kind(kind: str, spec: dict[str, Any]) -> None:
    metadata = {"name": "a", "namespace": "shop"}
    found = cluster_of({"kind": kind, "metadata": metadata, "spec": spec}).pods
    assert [(pod.namespace, pod.service_account) for pod in found] == [("shop", "web")]


def test_a_template_of_nodes_is_no_pod() -> None:
    spec = {"template": {"spec": {"nodeClassRef": {"name": "default"}}}}
    given = [
        {"kind": "NodePool", "metadata": {"name": "a"}, "spec": spec},
        {"kind": "ServiceAccount", "metadata": {"name": "a"}},
    ]
    assert cluster_of(given).pods == ()
