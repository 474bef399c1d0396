"""`policy test` with policies in Terraform and CloudFormation: what is picked, what is known, and what cannot be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from helpers.policies.case_runs import answer, results, run

if TYPE_CHECKING:
    from pathlib import Path

CASES = """document: template.yaml
request: {principal: "arn:aws:iam::111122223333:role/app", context: {aws:SecureTransport: true}}
cases:
- {name: reads reports, action: s3:GetObject, resource: "arn:aws:s3:::reports/2026/a", expect: Allowed}
- {name: reads nothing else, action: s3:GetObject, resource: "arn:aws:s3:::salaries/a", expect: Denied}
"""
TERRAFORM = """
variable "bucket" {}
variable "stage" { default = "prod" }
resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}
resource "aws_iam_role_policy" "app" {
  role = aws_iam_role.app.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Sid = "Read", Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::${var.bucket}-${var.stage}/*" },
    { Sid = "Keep", Effect = "Deny", Action = "s3:DeleteObject", Resource = "arn:aws:s3:::${var.bucket}/*" },
    { Sid = "Write", Effect = "Allow", Action = ["s3:PutObject", "s3:DeleteObject"], Resource = "arn:aws:s3:::out/*" },
  ] })
}
"""
CLOUDFORMATION = """
Parameters: {Bucket: {Type: String}}
Resources:
  Reader:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
        - {Effect: Allow, Action: s3:GetObject, Resource: !Sub "arn:${AWS::Partition}:s3:::${Bucket}/*"}
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work tree."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_values_of_deployment_decide_nothing_until_they_are_given(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "main.tf").write_text(TERRAFORM, encoding="utf-8")
    head = (
        "document: {file: ., policy: aws_iam_role_policy.app}\n"
        "request: {principal: 'arn:aws:iam::111122223333:role/app'}\n"
    )
    cases = """cases:
- {name: read, action: s3:GetObject, resource: "arn:aws:s3:::data-prod/a", expect: Allowed}
- {name: other stage, action: s3:GetObject, resource: "arn:aws:s3:::data-test/a", expect: Denied}
- {name: write, action: s3:PutObject, resource: "arn:aws:s3:::out/a", expect: Allowed}
- {name: delete, action: s3:DeleteObject, resource: "arn:aws:s3:::out/a", expect: Allowed}
- {name: other service, action: sqs:SendMessage, resource: "arn:aws:sqs:us-east-1:111122223333:q", expect: Denied}
"""
    (tree / "cases.yaml").write_text(head + cases, encoding="utf-8")
    status, told = answer(capsys, "cases.yaml")
    assert status == 1
    assert results(told) == {
        "read": "Unknown",
        # The stage has a default: another one at deployment is told as not judged.
        "other stage": "ImplicitlyDenied",
        "write": "Allowed",
        "delete": "Unknown",
        "other service": "ImplicitlyDenied",
    }
    (message,) = (f["message"] for f in told["findings"] if "case `delete`" in f["message"])
    assert (
        "known only at deployment: `var-bucket` in `arn:aws:s3:::var-bucket/*` of the Deny `Keep`"
        in message
    )
    assert "main.tf:" in message
    (tree / "cases.yaml").write_text(f"values: {{bucket: data}}\n{head}{cases}", encoding="utf-8")
    status, told = answer(capsys, "cases.yaml")
    assert status == 0
    assert results(told)["delete"] == "Allowed"
    (tree / "cases.yaml").write_text(f"values: {{bucket: out}}\n{head}{cases}", encoding="utf-8")
    assert results(answer(capsys, "cases.yaml")[1])["delete"] == "ExplicitlyDenied"


def test_anything_else_that_is_unknown_is_given_by_what_the_answer_calls_it(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "infra").mkdir()
    (tree / "infra/main.tf").write_text(
        """resource "aws_sqs_queue" "q" { name_prefix = "orders-" }
resource "aws_iam_policy" "p" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "sqs:SendMessage", Resource = aws_sqs_queue.q.arn },
    { Effect = "Allow", Action = "sts:AssumeRole", Resource = [module.a.role, "arn:aws:iam::111122223333:role/${module.a.name}-${module.a.stage}"] },
  ] })
}
""",
        encoding="utf-8",
    )
    cases = """document: infra
request: {principal: "arn:aws:iam::111122223333:role/app"}
cases:
- {name: queue, action: sqs:SendMessage, resource: "arn:aws:sqs:us-east-1:111122223333:orders-7", expect: Allowed}
- {name: role, action: sts:AssumeRole, resource: "arn:aws:iam::444455556666:role/a", policies: &trust {resource: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:root"}, Action: "sts:AssumeRole"}]}}, expect: Allowed}
- {name: both parts, action: sts:AssumeRole, resource: "arn:aws:iam::111122223333:role/b-prod", policies: *trust, expect: Allowed}
"""
    (tree / "cases.yaml").write_text(cases, encoding="utf-8")
    told = answer(capsys, "cases.yaml")[1]
    assert set(results(told).values()) == {"Unknown"}
    (word,) = (
        row["by"].partition(" only at deployment: `")[2].partition("`")[0]
        for row in told["facts"]["cases"]
        if row["name"] == "queue"
    )
    given = f"values: {{{word}: '7', module.a.role: 'arn:aws:iam::444455556666:role/a', module.a.name: b}}\n"
    (tree / "cases.yaml").write_text(given + cases, encoding="utf-8")
    assert results(answer(capsys, "cases.yaml")[1]) == {
        "queue": "Allowed",
        "role": "Allowed",
        "both parts": "Unknown",
    }
    whole = given.replace("module.a.name: b", "module.a.name: b, module.a.stage: prod")
    (tree / "cases.yaml").write_text(whole + cases, encoding="utf-8")
    assert run(capsys, "cases.yaml")[0] == 0


def test_a_policy_in_a_module_is_picked_without_its_module_where_there_is_one(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "m").mkdir()
    (tree / "m/main.tf").write_text(TERRAFORM, encoding="utf-8")
    call = 'module "one" {\n  source = "./m"\n  bucket = "reports"\n  stage = "2026"\n}\n'
    (tree / "main.tf").write_text(call, encoding="utf-8")
    cases = """document: {file: ., policy: aws_iam_role_policy.app}
request: {principal: "arn:aws:iam::111122223333:role/app"}
cases:
- {name: read, action: s3:GetObject, resource: "arn:aws:s3:::reports-2026/a", expect: Allowed}
"""
    (tree / "cases.yaml").write_text(cases, encoding="utf-8")
    assert run(capsys, "cases.yaml")[0] == 0
    other = call.replace('"one"', '"two"').replace("reports", "salaries")
    (tree / "main.tf").write_text(call + other, encoding="utf-8")
    status, _, errors = run(capsys, "cases.yaml")
    assert status == 2
    assert "several modules have a policy called `aws_iam_role_policy.app`" in errors
    (tree / "cases.yaml").write_text(
        cases.replace("policy: aws", "policy: module.one.aws"), encoding="utf-8"
    )
    assert run(capsys, "cases.yaml")[0] == 0


def test_of_several_policies_of_a_file_one_must_be_picked(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "main.tf").write_text(TERRAFORM, encoding="utf-8")
    text = CASES.replace("template.yaml", "main.tf")
    (tree / "cases.yaml").write_text(text, encoding="utf-8")
    status, _, errors = run(capsys, "cases.yaml")
    assert status == 2
    assert "the document holds 2 policies; pick one or several" in errors
    assert "`aws_iam_role_policy.app.policy`" in errors
    trust = """document: {file: main.tf, policy: aws_iam_role.app}
cases:
- {name: lambda, principal: lambda.amazonaws.com, action: sts:AssumeRole, resource: "arn:aws:iam::111122223333:role/app", expect: Allowed}
- {name: ec2, principal: ec2.amazonaws.com, action: sts:AssumeRole, resource: "arn:aws:iam::111122223333:role/app", expect: {blocked_by: trust policy}}
"""
    (tree / "cases.yaml").write_text(trust, encoding="utf-8")
    assert run(capsys, "cases.yaml")[0] == 0


def test_a_file_that_cannot_be_read_is_named_and_fails_where_one_asks_for_it(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "infra").mkdir()
    (tree / "infra/main.tf").write_text(TERRAFORM, encoding="utf-8")
    (tree / "infra/other.tf").write_text('resource "aws_iam_policy" "p" {', encoding="utf-8")
    cases = """document: {file: infra, policy: aws_iam_role_policy.app}
request: {principal: "arn:aws:iam::111122223333:role/app"}
cases:
- {name: write, action: s3:PutObject, resource: "arn:aws:s3:::out/a", expect: Allowed}
"""
    (tree / "cases.yaml").write_text(cases, encoding="utf-8")
    status, told = answer(capsys, "cases.yaml")
    assert (status, told["facts"]["files_not_read"]) == (0, 1)
    assert "infra/other.tf" in json.dumps(told["facts"]["not_judged"])
    assert "1 place beside the policies could not be read." in told["summary"]
    for gate in ("--fail-on-unread", "--fail-on-unknown"):
        assert run(capsys, "cases.yaml", gate)[0] == 1


def test_parameters_of_cloudformation_are_values(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "template.yaml").write_text(CLOUDFORMATION, encoding="utf-8")
    cases = "document: {file: template.yaml, values: {Bucket: reports}}\n" + CASES.partition("\n")[2]  # fmt: skip
    (tree / "cases.yaml").write_text(cases, encoding="utf-8")
    told = answer(capsys, "cases.yaml")[1]
    assert results(told) == {
        "reads reports": "Allowed",
        "reads nothing else": "ImplicitlyDenied",
    }


def test_a_condition_of_the_template_is_decided_as_both_of_its_sides_are(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "template.yaml").write_text(
        """Parameters: {Env: {Type: String}}
Conditions: {Prod: !Equals [!Ref Env, prod]}
Resources:
  P:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
        - {Effect: Allow, Action: s3:GetObject, Resource: "arn:aws:s3:::reports/*"}
        - !If [Prod, {Effect: Allow, Action: s3:PutObject, Resource: "arn:aws:s3:::reports/*"}, !Ref AWS::NoValue]
        - !If [Prod, !Ref AWS::NoValue, {Effect: Allow, Action: s3:DeleteObject, Resource: "arn:aws:s3:::reports/*"}]
""",
        encoding="utf-8",
    )
    cases = """document: template.yaml
request: {principal: "arn:aws:iam::111122223333:role/app", resource: "arn:aws:s3:::reports/a"}
cases:
- {name: read, action: s3:GetObject, expect: Allowed}
- {name: write, action: s3:PutObject, expect: Allowed}
- {name: delete, action: s3:DeleteObject, expect: Denied}
- {name: open, action: s3:PutObjectAcl, expect: Denied}
"""
    (tree / "cases.yaml").write_text(cases, encoding="utf-8")
    told = answer(capsys, "cases.yaml")[1]
    assert results(told) == {
        "read": "Allowed",
        "write": "Unknown",
        "delete": "Unknown",
        "open": "ImplicitlyDenied",
    }
    assert "depends on conditions of the template" in json.dumps(told["findings"])
    (tree / "cases.yaml").write_text(f"values: {{Env: prod}}\n{cases}", encoding="utf-8")
    assert run(capsys, "cases.yaml")[0] == 0
    (tree / "cases.yaml").write_text(f"values: {{Env: dev}}\n{cases}", encoding="utf-8")
    assert results(answer(capsys, "cases.yaml")[1])["delete"] == "Allowed"


def test_of_folders_that_terraform_runs_in_one_is_picked(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "m").mkdir()
    (tree / "m/main.tf").write_text(TERRAFORM, encoding="utf-8")
    for stage in ("dev", "prod"):
        (tree / "envs" / stage).mkdir(parents=True)
        call = f'module "app" {{\n  source = "../../m"\n  bucket = "reports"\n  stage = "{stage}"\n}}\n'
        (tree / "envs" / stage / "main.tf").write_text(call, encoding="utf-8")
    cases = """document: {file: ., policy: aws_iam_role_policy.app}
request: {principal: "arn:aws:iam::111122223333:role/app"}
cases:
- {name: dev, action: s3:GetObject, resource: "arn:aws:s3:::reports-dev/a", expect: Denied}
- {name: prod, action: s3:GetObject, resource: "arn:aws:s3:::reports-prod/a", expect: Allowed}
"""
    (tree / "cases.yaml").write_text(cases, encoding="utf-8")
    status, _, errors = run(capsys, "cases.yaml")
    assert status == 2
    assert "`envs/dev module.app.aws_iam_role_policy.app.policy` or `envs/prod" in errors
    for place in ("envs/prod module.app.", "prod "):
        picked = cases.replace("policy: aws", f"policy: {place}aws")
        (tree / "cases.yaml").write_text(picked, encoding="utf-8")
        assert run(capsys, "cases.yaml")[0] == 0
