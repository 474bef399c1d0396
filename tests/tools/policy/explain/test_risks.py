"""The risks that `policy explain` finds: one finding for each statement, smaller where something limits it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from aws_iam.answer import Answer, Finding

ESCALATION = json.loads((TESTS / "cases/risks/escalation.json").read_text(encoding="utf-8"))
MANAGED = json.loads(aws_managed_policies_data)
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
ROLES = "arn:aws:iam::111122223333:role"


def allow(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def document(*statements: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def explain(policy: object, **more: object) -> Answer:
    return tool.run({"action": "explain", "document": policy, **more})


def found(policy: object, **more: object) -> dict[str, Finding]:
    return {finding.code: finding for finding in explain(policy, **more).findings}


RISKS = [
    ("privilege escalation", "iam:PutUserPolicy", "critical"),
    ("privilege escalation", ["iam:PassRole", "ec2:RunInstances"], "high"),
    ("credentials exposure", "redshift:GetClusterCredentials", "high"),
    ("credentials exposure", "ecr:GetAuthorizationToken", "low"),
    ("data exfiltration", "dynamodb:Scan", "medium"),
    ("data exfiltration", "secretsmanager:GetSecretValue", "high"),
    ("resource exposure", "sns:AddPermission", "high"),
    ("infrastructure change", "ec2:TerminateInstances", "medium"),
    ("infrastructure change", "ec2:CreateVpc", "low"),
]


@pytest.mark.parametrize(("risk", "action", "severity"), RISKS)
def test_a_risk_is_a_finding_whose_title_names_it(
    risk: str, action: object, severity: str
) -> None:
    finding = found(document(allow(action)))[risk.upper().replace(" ", "_")]
    assert risk in finding.title.lower()
    assert finding.severity == severity
    assert finding.where
    assert finding.where.pointer == "/Statement/0"
    assert (finding.source or "").startswith("https://docs.aws.amazon.com/")


LIMITED = [
    (
        "PRIVILEGE_ESCALATION",
        "iam:CreateAccessKey",
        "arn:aws:iam::111122223333:user/ann",
        "medium",
    ),
    (
        "CREDENTIALS_EXPOSURE",
        "redshift:GetClusterCredentials",
        "arn:aws:redshift:eu-west-1:111122223333:dbuser:warehouse/report",
        "info",
    ),
    ("DATA_EXFILTRATION", "s3:GetObject", BUCKET + "/*", "info"),
    ("RESOURCE_EXPOSURE", "s3:PutBucketPolicy", BUCKET, "low"),
]


@pytest.mark.parametrize(("code", "action", "resource", "severity"), LIMITED)
def test_a_statement_limited_to_named_resources_is_a_smaller_finding(
    code: str, action: str, resource: str, severity: str
) -> None:
    assert found(document(allow(action, resource)))[code].severity == severity


@pytest.mark.parametrize("resource", ["*", "arn:aws:s3:::*", "arn:aws:s3:::*/*"])
def test_every_bucket_counts_as_everything(resource: str) -> None:
    finding = found(document(allow("s3:GetObject", resource)))["DATA_EXFILTRATION"]
    assert finding.severity == "medium"
    assert finding.message == "s3:GetObject on every resource"


def test_a_condition_that_must_hold_makes_a_finding_smaller_and_a_vacuous_one_does_not() -> None:
    vacuous = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}
    binding = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    assert (
        found(document(allow("sns:AddPermission", Condition=vacuous)))[
            "RESOURCE_EXPOSURE"
        ].severity
        == "high"
    )
    bound = found(document(allow("sns:AddPermission", Condition=binding)))["RESOURCE_EXPOSURE"]
    assert bound.severity == "medium"
    assert "under conditions" in bound.message


def test_what_is_denied_is_no_risk() -> None:
    assert found(document(allow(["iam:PutUserPolicy", "s3:GetObject"]), deny("*"))) == {}
    kept = found(document(allow("s3:GetObject", BUCKET + "/*"), deny("s3:*", BUCKET + "*")))
    assert kept == {}


def test_an_administrator_is_one_finding() -> None:
    assert list(found(document(allow("*")))) == ["ADMINISTRATOR"]
    finding = found(document(allow("*:*")))["ADMINISTRATOR"]
    assert finding.severity == "critical"
    assert "privilege escalation" in finding.message


def test_the_paths_of_an_administrator_are_told_by_name() -> None:
    answer = explain(document(allow("*")))
    paths = [row["path"] for row in answer.facts["escalation_paths"]]
    assert "iam-create-policy-version" in paths
    assert "iam-create-policy-version" in answer.findings[0].message
    assert answer.facts["more_escalation_paths"] > 0


def test_an_administrator_under_limits_is_told_with_them() -> None:
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    assert found(document(allow("*", Condition=mfa)))["ADMINISTRATOR"].severity == "high"
    absent = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    finding = found(document(allow("*"), deny("*", Condition=absent)))["ADMINISTRATOR"]
    assert finding.severity == "high"
    assert "except what Deny statements partly take away" in finding.message


def test_all_of_iam_behind_a_boundary_is_not_told_as_all_of_iam() -> None:
    bound = {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/limit"}}
    answer = explain(document(allow("iam:*", Condition=bound)))
    told = [finding for finding in answer.findings if finding.code == "PRIVILEGE_ESCALATION"]
    assert told
    assert all("many ways" not in finding.title for finding in told)
    assert "iam-put-user-policy" not in {row["path"] for row in answer.facts["escalation_paths"]}


def test_a_whole_service_is_unusual_and_its_readers_alone_are_not() -> None:
    (whole,) = explain(document(allow("memorydb:*"))).findings
    assert whole.code == "FULL_SERVICE_ACCESS"
    assert "Everything in memorydb" in whole.title
    assert "FULL_SERVICE_ACCESS" not in found(
        document(allow(["memorydb:Describe*", "memorydb:List*"]))
    )
    assert "FULL_SERVICE_ACCESS" not in found(
        document(allow("memorydb:*", "arn:aws:memorydb:eu-west-1:111122223333:cluster/jobs"))
    )


def test_passing_every_role_is_told_even_without_compute() -> None:
    assert "PASS_ROLE_UNRESTRICTED" in found(document(allow("iam:PassRole", f"{ROLES}/*")))
    assert found(document(allow("iam:PassRole", f"{ROLES}/app"))) == {}
    service = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    assert found(document(allow("iam:PassRole", Condition=service))) == {}


def resource_policy(principal: object, **more: object) -> dict[str, object]:
    return document(allow("s3:GetObject", BUCKET + "/*", Principal=principal, **more))


def test_a_resource_that_everyone_may_use_is_exposed() -> None:
    assert found(resource_policy("*"))["RESOURCE_EXPOSURE"].severity == "high"
    trust = document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    assert found(trust)["RESOURCE_EXPOSURE"].severity == "critical"
    assert found(resource_policy({"AWS": f"{ROLES}/app"})) == {}
    inside = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}
    assert found(resource_policy("*", Condition=inside)) == {}


READERS = ["ReadOnlyAccess", "ViewOnlyAccess", "SecurityAudit", "Billing", "SupportUser"]


@pytest.mark.parametrize("name", READERS)
def test_the_read_only_policies_of_aws_open_no_escalation(name: str) -> None:
    answer = explain(MANAGED[name]["Document"])
    assert {finding.code for finding in answer.findings}.isdisjoint(
        {"PRIVILEGE_ESCALATION", "PASS_ROLE_UNRESTRICTED", "ADMINISTRATOR"}
    )
    assert "escalation_paths" not in answer.facts


@pytest.mark.parametrize(
    ("name", "code", "severity"),
    [
        ("AdministratorAccess", "ADMINISTRATOR", "critical"),
        ("IAMFullAccess", "PRIVILEGE_ESCALATION", "critical"),
        ("PowerUserAccess", "PRIVILEGE_ESCALATION", "high"),
    ],
)
def test_the_broad_policies_of_aws_are_told_as_broad_once(
    name: str, code: str, severity: str
) -> None:
    answer = explain(MANAGED[name]["Document"])
    codes = [finding.code for finding in answer.findings]
    assert codes.count("ADMINISTRATOR") + codes.count("PRIVILEGE_ESCALATION") == 1
    assert answer.findings[0].code == code
    assert answer.findings[0].severity == severity


@pytest.mark.growth
def test_every_managed_policy_of_aws_is_said_whole_with_one_finding_a_statement() -> None:
    # One in fifteen keeps the test short; a run over all of them found the same.
    for managed in list(MANAGED.values())[::15]:
        answer = explain(managed["Document"])
        assert len({finding.where for finding in answer.findings}) == len(answer.findings)
        assert not any("AWS refuses" in row["sentence"] for row in answer.facts["statements"])


@for_each(ESCALATION, name=lambda case: case["name"])
def test_each_path_is_told_once_with_every_statement_that_contributes(
    case: dict[str, Any],
) -> None:
    findings = explain(case["document"]).findings
    shown = [
        (finding.code, str(finding.severity), finding.where.pointer if finding.where else "")
        for finding in findings
    ]
    assert shown == [(row["code"], row["severity"], row["pointer"]) for row in case["expect"]]
    for finding, row in zip(findings, case["expect"], strict=True):
        assert row["says"] in finding.message


def test_what_nobody_has_confirmed_is_said_with_low_confidence() -> None:
    alone = document(allow("iam:PassRole"), allow("lambda:CreateFunction"))
    assert {finding.confidence for finding in explain(alone).findings} == {"low"}
    invoked = document(
        allow("iam:PassRole"), allow(["lambda:CreateFunction", "lambda:InvokeFunction"])
    )
    assert {finding.confidence for finding in explain(invoked).findings} == {None}


def test_paths_say_whether_they_are_open_on_every_target() -> None:
    rows = explain(document(allow("iam:PutRolePolicy", f"{ROLES}/app"))).facts["escalation_paths"]
    assert [(row["path"], row["targets"]) for row in rows] == [("iam-put-role-policy", "named")]
    functions = "arn:aws:lambda:eu-west-1:111122223333:function:*"
    rows = explain(document(allow("lambda:UpdateFunctionCode", functions))).facts[
        "escalation_paths"
    ]
    assert {row["targets"] for row in rows} == {"every one of a Region"}
    rows = explain(document(allow("iam:PutRolePolicy"))).facts["escalation_paths"]
    assert [(row["path"], row["targets"]) for row in rows] == [("iam-put-role-policy", "every")]


def test_a_path_across_policies_names_the_other_policy() -> None:
    role = document(allow("iam:PassRole", f"{ROLES}/app"))
    (finding,) = explain([role, document(allow("ec2:RunInstances"))]).findings
    assert finding.resource == "/0"
    assert "ec2:RunInstances in `/1` /Statement/0" in finding.message


def test_the_fix_asks_for_the_service_only_where_it_is_not_named() -> None:
    def fix(**more: object) -> str:
        passing = allow("iam:PassRole", f"{ROLES}/app", **more)
        return explain(document(passing, allow("ec2:RunInstances"))).findings[0].fix or ""

    ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    assert "Add a condition on iam:PassedToService." in fix()
    assert "Check that the named roles" in fix(Condition=ec2)
    assert "PassedToService" not in fix(Condition=ec2)


@pytest.mark.parametrize(
    ("actions", "resource", "says", "never"),
    [
        ("ecr:GetAuthorizationToken", "*", "ecr:GetAuthorizationToken on `*` only", "named"),
        (["s3:GetObject"], "arn:aws:s3:::b/*", "the named resources", "Name the resources"),
        (["s3:PutBucketPolicy", "s3:PutAccountPublicAccessBlock"], "*", "Name the resources", "-"),
        (["s3:PutBucketPolicy", "s3:PutAccountPublicAccessBlock"], "*", "on `*` only", "-"),
        ("ec2:CreateNetworkInterface", "*", "or at least their type, Region and account", "-"),
    ],
)
def test_a_fix_suggests_only_what_the_reference_allows(
    actions: object, resource: str, says: str, never: str
) -> None:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    answer = tool.run(
        {"action": "explain", "document": {"Version": "2012-10-17", "Statement": [statement]}}
    )
    (finding,) = answer.findings
    assert finding.fix
    assert says in finding.fix
    assert never not in finding.fix
