from __future__ import annotations

import json
from pathlib import Path

import pytest

from aws_iam import resources
from aws_iam.account import collect
from aws_iam.account.collect.catalogue import COLLECTORS
from aws_iam.account.guard.allowlist import actions_of
from aws_iam.account.guard.shipped_policy import SECRETS, audit_actions, audit_policy
from aws_iam.account.names.iam_actions import action_of
from aws_iam.engine.evaluation.evaluate import evaluate


def test_the_shipped_policy_is_the_generated_one() -> None:
    assert json.loads(resources.text("assets/audit-policy.json")) == audit_policy()


def test_the_policy_allows_what_the_collectors_declare_and_denies_the_values_of_secrets() -> None:
    allow, apis, on_request, of_denials, deny, keys = audit_policy()["Statement"]
    assert on_request["Action"] == ["access-analyzer:ValidatePolicy"]
    assert of_denials["Action"] == [
        "iam:GetRequestAuthorizationDetails",
        "iam:GetRequestAuthorizationPolicy",
    ]
    always_read = [collector for collector in COLLECTORS.values() if not collector.on_request]
    declared = {action_of(op) for audited in always_read for op in audited.operations}
    assert declared <= {*allow["Action"], apis["Action"]}
    assert allow["Action"] == sorted(set(allow["Action"]))
    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
    assert deny["Action"] == sorted(SECRETS)
    assert not set(allow["Action"]) & set(SECRETS)
    assert keys["Effect"] == "Deny"


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/restapis", "Allowed"),
        ("/restapis/a1b2/stages", "Allowed"),
        ("/apis", "Allowed"),
        ("/apis/a1b2/stages", "Allowed"),
        ("/apikeys", "ExplicitlyDenied"),
        ("/apikeys/a1b2", "ExplicitlyDenied"),
        ("/restapis/a1b2", "ImplicitlyDenied"),
        ("/usageplans/a1b2/keys", "ImplicitlyDenied"),
        ("/account", "ImplicitlyDenied"),
    ],
)
def test_of_api_gateway_the_lists_of_apis_and_stages_are_read_and_no_keys(
    path: str, outcome: str
) -> None:
    request = {
        "principal": "arn:aws:iam::111122223333:role/audit",
        "action": "apigateway:GET",
        "resource": f"arn:aws:apigateway:eu-west-1::{path}",
    }
    assert evaluate(request, {"identity": [audit_policy()]}).outcome == outcome


def test_actions_that_are_not_named_as_their_operation_are_translated() -> None:
    assert action_of("s3:ListBuckets") == "s3:ListAllMyBuckets"
    assert action_of("s3control:GetPublicAccessBlock") == "s3:GetAccountPublicAccessBlock"
    assert action_of("s3:GetPublicAccessBlock") == "s3:GetBucketPublicAccessBlock"
    assert action_of("efs:DescribeFileSystems") == "elasticfilesystem:DescribeFileSystems"
    assert action_of("accessanalyzer:ListFindingsV2") == "access-analyzer:ListFindings"
    assert action_of("sso-admin:ListInstances") == "sso:ListInstances"
    assert action_of("sts:GetCallerIdentity") == ""


def test_a_fact_needs_the_permissions_of_the_facts_that_it_builds_on() -> None:
    assert actions_of("s3.bucket_policies") == ("s3:GetBucketPolicy", "s3:ListAllMyBuckets")
    assert "iam:GetAccountSummary" in audit_actions()


def test_every_collector_in_the_folders_is_in_the_catalogue_and_has_a_fact_of_its_own() -> None:
    folder = Path(collect.__file__).parent
    declared = [
        line
        for file in folder.glob("*/*.py")
        for line in file.read_text("utf-8").splitlines()
        if line.startswith(("@collector(", "@collector_in("))
    ]
    assert len(declared) == len(COLLECTORS)
