"""`kms key_policy --services`: each use of a key by a service works for the account of its sources and for no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam import docs
from aws_iam.engine.reference.key_services import key_services
from aws_iam.engine.reference.via_services import via_services
from aws_iam.errors import InputError
from aws_iam.tools.kms.actions import tool
from helpers.folders import ROOT
from helpers.key_policies import (
    ADMIN,
    EVERYTHING,
    OTHER,
    OWN,
    document,
    key_policy_answer,
    outcome,
)
from helpers.tables.each import for_each

ITSELF = {
    name: service
    for name, service in key_services().items()
    if service.principal and service.statements
}
GUARDED = {name: service for name, service in ITSELF.items() if service.guard}
# Uses with the permissions of a principal of the account.
FOR_A_CALLER = {name: service for name, service in key_services().items() if service.caller}
SERVICES = [
    name
    for name, service in GUARDED.items()
    if service.usage == "encrypt" and not service.unguarded()
]
# What AWS documents without a condition on the source, and what `policy validate` says of it.
UNGUARDED = {
    "eventbridge-archive": ("kms:DescribeKey", "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL"),
    "eventbridge-bus": ("kms:DescribeKey", "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL"),
    "route53-dnssec": ("kms:CreateGrant", "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL"),
}


def for_service(name: str, **more: Any) -> Any:
    service = key_services()[name]
    region = service.region or "eu-west-1"
    return key_policy_answer(services=[name], region=region, usage=service.usage, **more)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_works_for_this_account_alone(name: str) -> None:
    answer = for_service(name)
    assert answer.findings == ()
    rows = [row for row in answer.facts["proved"] if ".amazonaws.com" in row["who"]]
    by_how = {row["how"]: row["outcome"] for row in rows}
    assert by_how == {
        f"on behalf of account {OWN}": "Allowed",
        "on behalf of another account": "ImplicitlyDenied",
    }
    (service_row,) = answer.facts["services"]
    assert service_row["guard"] == key_services()[name].guard
    assert key_services()[name].source in answer.sources


def test_an_action_that_aws_documents_without_a_guard_is_told_apart() -> None:
    assert {n: s.unguarded() for n, s in GUARDED.items() if s.unguarded()} == {
        name: (action,) for name, (action, _) in UNGUARDED.items()
    }
    for name, (action, code) in UNGUARDED.items():
        answer = for_service(name)
        assert [finding.code for finding in answer.findings] == [code]
        assert answer.facts["services"][0]["unguarded"] == f"{action}: AWS documents no guard"
        rows = [row for row in answer.facts["proved"] if "on behalf of" in row["how"]]
        assert {row["outcome"] for row in rows if row["does"] != action} == {
            "Allowed",
            "ImplicitlyDenied",
        }
        assert {row["outcome"] for row in rows if "no guard" in row["how"]} == {"Allowed"}
        checked = tool.run({"action": "check", "document": answer.artifacts[0].content})
        assert {finding.severity for finding in checked.findings} <= {"info"}


# Regions in which partition a service takes keys; Route 53 takes them in us-east-1 alone.
ELSEWHERE = [
    (name, partition, region)
    for name, service in ITSELF.items()
    for partition, region in (("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1"))
    if not service.region
]


@for_each(ELSEWHERE)
def test_the_table_covers_govcloud_and_china(row: tuple[str, str, str]) -> None:
    name, partition, region = row
    answer = key_policy_answer(services=[name], region=region)
    assert "arn:aws:" not in answer.artifacts[0].content
    allowed = [row for row in answer.facts["proved"] if row["outcome"] == "Allowed"]
    assert any("amazonaws.com" in row["who"] for row in allowed)
    assert any(f"in {partition} is unconfirmed" in row["note"] for row in answer.facts["notes"])


def test_the_suffix_of_a_principal_in_china_is_that_of_the_service() -> None:
    answer = key_policy_answer(services=["logs", "eventbridge-bus"], region="cn-north-1")
    principals = [statement["Principal"] for statement in document(answer)["Statement"]]
    assert {"Service": "logs.cn-north-1.amazonaws.com.cn"} in principals
    assert {"Service": "events.amazonaws.com"} in principals
    again = key_policy_answer(services=["logs.cn-north-1.amazonaws.com.cn"], region="cn-north-1")
    assert [row["service"] for row in again.facts["services"]] == ["cloudwatch-logs"]


def test_auto_scaling_is_let_in_by_its_role_in_the_account() -> None:
    answer = key_policy_answer(services=["auto-scaling"])
    path = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    rows = [row for row in answer.facts["proved"] if row["who"].endswith(path)]
    assert {(row["who"].split(":")[4] == OWN, row["outcome"]) for row in rows} == {
        (True, "Allowed"),
        (False, "ImplicitlyDenied"),
    }
    assert {"kms:CreateGrant"} < {name for row in rows for name in row["does"].split(", ")}
    assert answer.findings == ()


@pytest.mark.parametrize("name", FOR_A_CALLER)
def test_a_use_with_the_permissions_of_a_role_gets_no_statement_and_names_the_role(
    name: str,
) -> None:
    use = FOR_A_CALLER[name]
    for word in (name, use.principal):
        answer = key_policy_answer(services=[word])
        assert document(answer) == document(key_policy_answer())
        (row,) = answer.facts["services"]
        assert row["guard"] == "none needed: it has no statement"
        assert (
            f"with the permissions of {use.caller}: name that principal in `users`" in row["note"]
        )
        assert use.source in answer.sources
        assert "AWS service" not in answer.summary


THEIRS = f"arn:aws:iam::{OTHER}:role/Their"
STRANGER = "arn:aws:iam::777788889999:role/Other"
FOR_AWS = {"kms__GrantIsForAWSResource": "true"}
INSIDE = {"aws__PrincipalOrgID": "o-exampleorg1"}


@pytest.mark.parametrize(
    ("shared_with", "keys"),
    [({"external_accounts": [OTHER]}, {}), ({"organization": "o-exampleorg1"}, INSIDE)],
)
def test_snapshots_are_shared_with_the_named_accounts_alone(
    shared_with: dict[str, Any], keys: dict[str, str]
) -> None:
    answer = key_policy_answer(
        services=["ami-sharing"], via_service=["s3"], region="eu-west-1", **shared_with
    )
    policy = document(answer)
    # What AWS's page on sharing a snapshot's key asks for.
    for action in ("DescribeKey", "Decrypt", "ReEncryptFrom", "GenerateDataKeyWithoutPlaintext"):
        assert outcome(policy, THEIRS, action, EVERYTHING, **keys) == "Allowed"
        assert outcome(policy, THEIRS, action, **keys) == "ImplicitlyDenied"
    assert outcome(policy, THEIRS, "CreateGrant", EVERYTHING, **FOR_AWS, **keys) == "Allowed"
    assert outcome(policy, THEIRS, "CreateGrant", EVERYTHING, **keys) == "ImplicitlyDenied"
    assert outcome(policy, THEIRS, "PutKeyPolicy", EVERYTHING, **keys) == "ImplicitlyDenied"
    elsewhere = {"aws__PrincipalOrgID": "o-anotherorg1"}
    for action in ("CreateGrant", "Decrypt"):
        assert outcome(policy, STRANGER, action, EVERYTHING, **FOR_AWS, **elsewhere) == (
            "ImplicitlyDenied"
        )
    assert outcome(policy, ADMIN, "CreateGrant", **FOR_AWS, **keys) == "ImplicitlyDenied"
    assert any("grants for AWS services" in row["how"] for row in answer.facts["users"])
    assert answer.findings == ()
    assert key_services()["snapshot-sharing"].source in answer.sources


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs `external_accounts` or `organization`"),
        ({"external_accounts": [OTHER], "use": "decrypt"}, "cannot be combined with `use`"),
        ({"external_accounts": [OTHER], "context": {"a": "b"}}, "cannot be combined with `context`"),
        ({"external_accounts": [OTHER], "usage": "sign"}, "needs a key of `usage` encrypt"),
    ],
)  # fmt: skip
def test_sharing_that_cannot_work_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        key_policy_answer(services=["snapshot-sharing"], **arguments)


@pytest.mark.parametrize("word", ["backup", "dynamodb", "efs", "backup.amazonaws.com"])
def test_a_service_that_works_for_its_caller_gets_no_statement_and_says_so(word: str) -> None:
    answer = key_policy_answer(services=[word])
    assert document(answer) == document(key_policy_answer())
    (row,) = answer.facts["services"]
    assert row["guard"] == "none needed: it has no statement"
    assert f"`via_service: {row['service']}`" in row["note"]


@pytest.mark.parametrize(
    "word", ["security-hub", "Security Hub", "connector.securityhub.amazonaws.com"]
)
def test_security_hub_gets_the_statement_of_its_connectors(word: str) -> None:
    answer = key_policy_answer(services=[word], region="eu-west-1")
    (row,) = answer.facts["services"]
    assert row["service"] == "securityhub-connectors"
    assert "Without a connector Security Hub needs no statement" in row["note"]


def test_the_uses_that_have_a_statement_are_named_beside_those_that_have_none() -> None:
    (row,) = key_policy_answer(services=["sqs"]).facts["services"]
    assert "eventbridge-sqs" in row["note"]


def test_a_guard_is_never_widened_by_a_source_of_another_kind() -> None:
    bucket = "arn:aws:s3:::reports"
    answer = key_policy_answer(services=["s3-notifications", "s3-storage-lens", bucket])
    by_sid = {statement["Sid"]: statement for statement in document(answer)["Statement"]}
    assert by_sid["S3NotificationsUses"]["Condition"]["ArnLike"] == {"aws:SourceArn": bucket}
    lens = by_sid["S3StorageLensUses"]["Condition"]["ArnLike"]
    assert lens == {"aws:SourceArn": f"arn:aws:s3:*:{OWN}:storage-lens/*"}


def test_the_reference_lists_the_services_of_the_table() -> None:
    page = (ROOT / "references/kms-patterns.md").read_text(encoding="utf-8")
    blocks = {
        name: "\n".join(docs.BLOCKS[name]()) for name in ("key-services", "key-via-services")
    }
    assert all(block in page for block in blocks.values())
    for name, service in key_services().items():
        (row,) = (
            line for line in blocks["key-services"].splitlines() if line.startswith(f"| `{name}`")
        )
        assert service.source in row
        assert all(f"`{word}`" in row for word in service.guard.split(", ") if word)
    for name in via_services():
        assert f"\n| `{name}` |" in blocks["key-via-services"]


def test_where_aws_supports_no_guard_the_answer_says_so() -> None:
    answer = key_policy_answer(services=["eventbridge-sns"])
    assert [finding.code for finding in answer.findings] == [
        "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL"
    ]
    (service_row,) = answer.facts["services"]
    assert "AWS supports none" in service_row["guard"]
    assert any("no guard" in row["how"] for row in answer.facts["proved"])


def test_a_service_is_limited_to_the_sources_named_beside_it() -> None:
    trail = f"arn:aws:cloudtrail:eu-west-1:{OWN}:trail/main"
    text = (
        key_policy_answer(services=["cloudtrail", trail], region="eu-west-1").artifacts[0].content
    )
    assert text.count(trail) == 2
    assert "trail/main" in text
    assert key_policy_answer(services=["logs.eu-west-1.amazonaws.com"], region="eu-west-1").facts[
        "services"
    ]


def test_a_source_of_another_account_is_guarded_by_that_account() -> None:
    trail = f"arn:aws:cloudtrail:eu-west-1:{OTHER}:trail/organization"
    answer = key_policy_answer(services=["cloudtrail", trail], region="eu-west-1")
    statements = [
        statement
        for statement in document(answer)["Statement"]
        if "Service" in statement["Principal"]
    ]
    assert OWN not in json.dumps(statements)
    by_how = {row["how"]: row["outcome"] for row in answer.facts["proved"]}
    assert by_how[f"on behalf of account {OTHER}"] == "Allowed"
    assert by_how["on behalf of another account"] == "ImplicitlyDenied"
