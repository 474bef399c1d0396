"""`policy validate` of a template: attached AWS managed policies are as grave as the same text written out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.engine.sources.files import File, Files
from aws_iam.tools.policy.actions import tool
from helpers.policy_files import ALLOW, document

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "ec2.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def role(**more: Any) -> dict[str, Any]:
    properties = {"AssumeRolePolicyDocument": document(TRUST), **more}
    return {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}}


def function(*policies: Any) -> dict[str, Any]:
    own = {"Type": "AWS::Serverless::Function", "Properties": {"Policies": list(policies)}}
    return {"Resources": {"R": own}}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            role(
                ManagedPolicyArns=[
                    {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess"}
                ]
            ),
            [("ADMINISTRATOR", "R.ManagedPolicyArns (AdministratorAccess)")],
        ),
        (
            role(ManagedPolicyArns=["arn:aws:iam::aws:policy/IAMFullAccess"]),
            [("PRIVILEGE_ESCALATION", "R.ManagedPolicyArns (IAMFullAccess)")],
        ),
        (
            role(ManagedPolicyArns=["arn:aws:iam::aws:policy/PowerUserAccess"]),
            [("PRIVILEGE_ESCALATION", "R.ManagedPolicyArns (PowerUserAccess)")],
        ),
        (
            function("AdministratorAccess", document(ALLOW)),
            [("ADMINISTRATOR", "R.Policies (AdministratorAccess)")],
        ),
        (function("AWSLambdaBasicExecutionRole", document(ALLOW)), []),
        (role(PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess"), []),
    ],
    ids=["administrator", "IAM", "power user", "by name", "harmless", "boundary"],
)
def test_what_an_attached_policy_grants_is_judged(
    template: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    answer = tool.run({"action": "validate", "document": template})
    assert [(own.code, own.resource) for own in answer.findings] == expected


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        (
            "t.yaml",
            f"Resources: {{G: {{Type: 'AWS::IAM::Group', Properties: {{ManagedPolicyArns: [{ADMINISTRATOR}]}}}}}}",
            "G.ManagedPolicyArns (AdministratorAccess)",
        ),
        (
            "t.yaml",
            "Resources: {F: {Type: 'AWS::Serverless::Function', Properties: {Policies: AdministratorAccess}}}",
            "F.Policies (AdministratorAccess)",
        ),
        (
            "serverless.yml",
            f"service: x\nprovider: {{name: aws, iam: {{role: {{managedPolicies: [{ADMINISTRATOR}]}}}}}}",
            "provider.iam.role.managedPolicies (AdministratorAccess)",
        ),
        (
            "c.yaml",
            f"{{apiVersion: eksctl.io/v1alpha5, kind: ClusterConfig, metadata: {{name: c}}, iam: {{serviceAccounts: [{{metadata: {{name: s}}, attachPolicyARNs: [{ADMINISTRATOR}]}}]}}}}",
            "ClusterConfig/c/iam.serviceAccounts/s.attachPolicyARNs (AdministratorAccess)",
        ),
        (
            "p.yml",
            "- amazon.aws.iam_role: {name: r, managed_policies: [AdministratorAccess]}",
            "iam_role/r.managed_policies (AdministratorAccess)",
        ),
        (
            "Pulumi.yaml",
            f"resources: {{a: {{type: aws:iam:Role, properties: {{managedPolicyArns: [{ADMINISTRATOR}]}}}}}}",
            "a.managedPolicyArns (AdministratorAccess)",
        ),
    ],
    ids=["CloudFormation", "SAM", "Serverless Framework", "eksctl", "Ansible", "Pulumi"],
)
@pytest.mark.parametrize("beside", [True, False], ids=["beside a policy", "alone"])
def test_a_file_that_only_attaches_one_is_judged(
    file: str, text: str, place: str, *, beside: bool
) -> None:
    files = [File(name=file, text=text)]
    files += [File(name="ok.json", text=json.dumps(document(ALLOW)))] if beside else []
    for folder in ("tree", ""):
        given = Files(files=tuple(files), folder=folder)
        answer = tool.run({"action": "validate", "document": given})
        named = [own.resource for own in answer.findings if own.code == "ADMINISTRATOR"]
        assert named == [place]


def test_the_same_policy_of_two_roles_is_said_of_each_and_what_is_unknown_stays_not_judged() -> (
    None
):
    arns = ["arn:aws:iam::aws:policy/AdministratorAccess", {"Ref": "Team"}]
    template = role(ManagedPolicyArns=arns)
    template["Resources"]["S"] = template["Resources"]["R"]
    answer = tool.run({"action": "validate", "document": template})
    assert [own.resource for own in answer.findings] == [
        "R.ManagedPolicyArns (AdministratorAccess)",
        "S.ManagedPolicyArns (AdministratorAccess)",
    ]
    assert (
        "`R.ManagedPolicyArns (${Team})` and `S.ManagedPolicyArns (${Team})` are attached"
        in answer.summary
    )
    assert "Of attached AWS managed policies only serious risks are reported." in answer.summary
    (row,) = answer.facts["aws_managed_policies"]
    assert row["policy"] == "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.mark.parametrize("format_", ["sarif", "junit"])
def test_a_report_file_has_it_too(format_: str) -> None:
    template = role(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])
    answer = tool.run({"action": "validate", "document": template, "format": format_})
    assert "ADMINISTRATOR" in answer.artifacts[0].content
