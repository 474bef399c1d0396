"""What `irsa check` names as not judged, and never passes over as no problem."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.answer import Severity
from aws_iam.cli.exit_status import Gate, exit_status
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
    never = Severity.CRITICAL
    assert exit_status(answer, Gate(severity=never)) == 0
    assert exit_status(answer, Gate(severity=never, unread=True)) == 1


POD = {"containers": [{"name": "a", "image": "registry.example/a"}]}
WEB = {**POD, "serviceAccountName": "web"}


def manifest(kind: str, group: str, spec: Any) -> dict[str, Any]:
    metadata = {"name": "a", "namespace": "shop"}
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("kind", "group", "spec"),
    [
        ("Deployment", "apps", {"template": {"spec": {"serviceAccountName": "web"}}}),
        ("CronJob", "batch", {"jobTemplate": {"spec": {"template": {"spec": WEB}}}}),
        ("Rollout", "argoproj.io", {"template": {"spec": WEB}}),
        ("Service", "serving.knative.dev", {"template": {"spec": {**POD, "serviceAccount": "web"}}}),
        ("ScaledJob", "keda.sh", {"jobTargetRef": {"template": {"spec": WEB}}}),
        ("Workflow", "argoproj.io", {"serviceAccountName": "web", "templates": [{"name": "a"}]}),
        ("PipelineRun", "tekton.dev", {"taskRunTemplate": {"serviceAccountName": "web"}}),
        ("SparkApplication", "sparkoperator.k8s.io", {"driver": {"serviceAccount": "web"}}),
        ("Prometheus", "monitoring.coreos.com", {"serviceAccountName": "web"}),
    ],
)  # fmt: skip
def test_pods_are_found_in_objects_of_any_kind(kind: str, group: str, spec: Any) -> None:
    found = cluster_of(manifest(kind, group, spec)).pods
    assert [(pod.namespace, pod.service_account) for pod in found] == [("shop", "web")]


ACCOUNT = {"kind": "ServiceAccount", "metadata": {"name": "a", "namespace": "shop"}}
SCHEMA = {"properties": {"spec": {"properties": {"containers": {"type": "array"}}}}}
RULE = {
    "validate": {"pattern": {"spec": {"template": {"spec": {"containers": [{"image": "*"}]}}}}}
}


@pytest.mark.parametrize(
    ("kind", "group", "spec"),
    [
        (
            "NodePool",
            "karpenter.sh",
            {"template": {"spec": {"nodeClassRef": {"name": "default"}}}},
        ),
        ("CustomResourceDefinition", "apiextensions.k8s.io", {"versions": [{"schema": SCHEMA}]}),
        ("ClusterPolicy", "kyverno.io", {"rules": [RULE]}),
        ("Kustomization", "kustomize.toolkit.fluxcd.io", {"serviceAccountName": "flux"}),
        ("HelmRelease", "helm.toolkit.fluxcd.io", {"serviceAccountName": "flux"}),
        ("Bucket", "cloud.example", {"serviceAccount": "a@b.iam.gserviceaccount.com"}),
    ],
)
def test_what_is_no_pod_is_none(kind: str, group: str, spec: Any) -> None:
    found = cluster_of([manifest(kind, group, spec), ACCOUNT])
    assert (found.pods, found.unread) == ((), ())


def test_an_unknown_object_that_names_an_account_is_not_judged() -> None:
    runner = manifest("Runner", "example.org", {"serviceAccountName": "web"})
    document = trust("repo:octo@1/app@2:environment:prod")
    answer = tool.run({"action": "check", "document": document, "manifests": [runner, ACCOUNT]})
    assert "whether pods of Runner a run as the service account web is not known" in answer.summary
    assert "No problem found" not in answer.summary
