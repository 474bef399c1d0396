"""The risks in `policy validate`: no sensitive grant passes as clean, and a job's own permissions raise no alarm."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from aws_iam import resources
from aws_iam.answer import Answer, Severity, Status
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.explain.statement_risk import RISK_CODES
from aws_iam.rules.policy.run import validate
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from aws_iam.engine.reference.catalog import Action

CASES = TESTS / "cases/risks"
JOBS, JOB_FUNCTIONS, ESCALATION, WIDE, HARMLESS = (
    json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("jobs", "job-functions", "escalation", "wide", "harmless-permissions")
)
ON_ITS_OWN, HEADLINES = (
    json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("alone", "headlines")
)
MANAGED = json.loads(aws_managed_policies_data)
RISKY = json.loads(resources.text("assets/data/action-risks.json"))["risks"]
AS_AWS = {
    "critical": "SECURITY_WARNING",
    "high": "SECURITY_WARNING",
    "medium": "WARNING",
    "low": "SUGGESTION",
}


def document(action: object, resource: object = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def validated(policy: object, **more: object) -> Answer:
    return tool.run({"action": "validate", "document": policy, **more})


ALONE = [
    "iam:CreateAccessKey",
    "iam:AttachUserPolicy",
    "iam:PutRolePolicy",
    "iam:CreatePolicyVersion",
    "iam:UpdateAssumeRolePolicy",
]


@pytest.mark.parametrize("action", ALONE)
def test_an_escalation_is_a_security_warning(action: str) -> None:
    answer = validated(document(action))
    (finding,) = answer.findings
    assert (finding.code, finding.severity) == (
        "PRIVILEGE_ESCALATION",
        Severity.SECURITY_WARNING,
    )
    assert "No problems found" not in answer.summary


@pytest.mark.parametrize("risk", RISKY)
def test_no_risky_action_alone_on_every_resource_passes_as_clean(risk: str) -> None:
    silent = {
        action
        for action in RISKY[risk]["actions"]
        if action not in RISKY[risk].get("minor", ()) and not validate(document(action))
    }
    assert silent == set()


def _manages_permissions(action: Action) -> bool:
    return action.level == "Permissions management"


def test_an_action_that_manages_permissions_has_a_finding_or_a_reason_to_have_none() -> None:
    actions = filter(_manages_permissions, Expansion().pattern("*").values())
    silent = {action.full_name for action in actions if not validate(document(action.full_name))}
    patterns = [pattern for row in HARMLESS for pattern in row["actions"]]
    reviewed = {name for name in silent if any(fnmatchcase(name, p) for p in patterns)}
    assert silent - reviewed == set()
    assert [p for p in patterns if not any(fnmatchcase(name, p) for name in reviewed)] == []
    assert all(row["reason"] for row in HARMLESS)


@pytest.mark.parametrize("row", ON_ITS_OWN, ids=lambda row: row["action"])
def test_a_sensitive_action_alone_has_the_finding_that_fits(row: dict[str, Any]) -> None:
    (finding,) = validate(document(row["action"], row.get("resource", "*")), "identity")
    assert (finding.code, str(finding.severity)) == (row["code"], row["severity"])
    assert row["action"] in finding.message


@for_each(ESCALATION, name=lambda case: case["name"])
def test_validate_says_what_explain_says_but_what_is_only_information(
    case: dict[str, Any],
) -> None:
    found = [finding for finding in validate(case["document"]) if finding.code in RISK_CODES]
    shown = [
        (finding.code, str(finding.severity), finding.where.pointer if finding.where else "")
        for finding in found
    ]
    assert shown == [
        (row["code"], AS_AWS[row["severity"]], row["pointer"])
        for row in case["expect"]
        if row["severity"] != "info"
    ]


@pytest.mark.parametrize("case", HEADLINES, ids=lambda case: case["name"])
def test_the_headlines_of_explain_and_validate_say_no_less_than_the_findings(
    case: dict[str, Any],
) -> None:
    policy = {"Version": "2012-10-17", "Statement": case["statements"]}
    assert f"; {case['explain']}" in tool.run({"action": "explain", "document": policy}).summary
    answer = validated(policy)
    assert case["validate"] in answer.summary
    assert ("`policy explain` shows" in answer.summary) is bool(case["validate"])


@for_each(WIDE, name=lambda case: case["name"])
def test_what_reaches_nearly_everything_is_no_named_resource(case: dict[str, Any]) -> None:
    answer = tool.run({"action": "explain", "document": case["document"]})
    assert "nothing unusually powerful" not in answer.summary
    finding = next(f for f in validate(case["document"], "identity") if f.code in RISK_CODES)
    assert (finding.code, str(finding.severity)) == (case["code"], case["severity"])
    assert case["says"] in finding.message


def test_a_deny_of_all_but_some_resources_leaves_an_allow_on_these() -> None:
    allow = {"Effect": "Allow", "Action": ["s3:GetObject", "iam:CreateRole"], "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::a/*"}
    policy = {"Version": "2012-10-17", "Statement": [allow, deny]}
    assert not validate(policy, "identity")
    (finding,) = tool.run({"action": "explain", "document": policy}).findings
    assert finding.message.startswith("s3:GetObject on `arn:aws:s3:::a/*` only")


@for_each(JOBS, name=lambda case: case["name"])
def test_the_policy_of_a_job_raises_no_alarm(case: dict[str, Any]) -> None:
    found = [
        (finding.code, finding.where.pointer if finding.where else "", str(finding.severity))
        for finding in validate(case["document"], "identity")
    ]
    assert found == [(row["code"], row["pointer"], row["severity"]) for row in case["expect"]]
    assert all(row["severity"] == "SUGGESTION" and row["why"] for row in case["expect"])


@pytest.mark.parametrize("case", JOB_FUNCTIONS, ids=lambda case: case["name"])
def test_the_job_functions_of_aws_have_the_risks_that_they_are_made_of(
    case: dict[str, Any],
) -> None:
    found = {
        (finding.code, str(finding.severity))
        for finding in validate(MANAGED[case["name"]]["Document"], "identity")
        if finding.code in RISK_CODES
    }
    assert found == set(map(tuple, case["risks"]))
    assert case["why"]


def test_a_statement_has_one_risk_beside_the_findings_of_aws() -> None:
    found = validate(document(["iam:PassRole", "ec2:RunInstances", "ec2:TerminateInstances"]))
    assert [finding.code for finding in found] == [
        "PRIVILEGE_ESCALATION",
        "PASS_ROLE_WITH_STAR_IN_RESOURCE",
    ]
    assert "also INFRASTRUCTURE_CHANGE (" in found[0].message


@pytest.mark.parametrize("kind", ["scp", "boundary", "session"])
def test_a_limit_grants_nothing_and_has_no_risk(kind: str) -> None:
    codes = {finding.code for finding in validate(document("iam:CreateAccessKey"), kind)}
    assert codes.isdisjoint(RISK_CODES)


@pytest.mark.growth
def test_what_costs_too_much_to_judge_is_unknown_and_not_clean() -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement] * 1000}
    answer = validated(policy)
    unknown = [f for f in answer.findings if f.status is Status.UNKNOWN]
    assert [finding.code for finding in unknown] == ["RISKS_NOT_JUDGED"]
    assert "too many wildcards" in (unknown[0].reason or "")
    assert answer.summary.startswith("At least ")
    assert "1 policy was judged only in part: `RISKS_NOT_JUDGED`" in answer.summary
    assert any(row["why"].startswith("RISKS_NOT_JUDGED") for row in answer.facts["not_judged"])


TEMPLATE = """
Resources:
  Deployer:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Action: "iam:PassRole", Resource: !Ref RoleArn}
          - {Effect: Allow, Action: "ec2:RunInstances", Resource: "*"}
          - {Effect: Allow, Action: "iam:CreateAccessKey", Resource: "*"}
          - {Effect: Allow, Action: !Ref Wanted, Resource: "*"}
"""


def test_a_role_that_only_the_deployment_knows_is_one_named_role() -> None:
    found = {
        finding.where.pointer.rpartition("/")[2]: (finding.code, str(finding.severity))
        for finding in validated(TEMPLATE).findings
        if finding.where and finding.code in RISK_CODES
    }
    assert found == {
        "0": ("PRIVILEGE_ESCALATION", "SUGGESTION"),
        "2": ("PRIVILEGE_ESCALATION", "SECURITY_WARNING"),
    }
