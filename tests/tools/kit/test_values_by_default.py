"""What is read as a default makes it is no all-clear: the answer says which values the deployment may choose instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.engine.sources.files import File, Files
from aws_iam.tools.irsa.actions import tool as irsa
from aws_iam.tools.kms.actions import tool as kms
from aws_iam.tools.policy.actions import tool as policy

if TYPE_CHECKING:
    from aws_iam.answer import Answer
    from aws_iam.tools.kit.tool import Tool

GITHUB = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
HOST = "token.actions.githubusercontent.com"
VARIABLE = 'variable "wide" {{\n  default = {default}\n}}\n'
POLICY = """resource "aws_iam_policy" "p" {{
  policy = jsonencode({{ Version = "2012-10-17", Statement = [
    {{ Effect = "Allow", Action = {value}, Resource = "arn:aws:s3:::amzn-s3-demo-bucket/*" }}] }})
}}
"""
BRANCH = 'var.wide ? "*" : "s3:GetObject"'
CHOSEN = '{ a = "s3:GetObject", b = "*" }[var.wide]'
TRUST = f"""resource "aws_iam_role" "r" {{
  assume_role_policy = jsonencode({{ Version = "2012-10-17", Statement = [{{
    Effect = "Allow", Action = "sts:AssumeRoleWithWebIdentity", Principal = {{ Federated = "{GITHUB}" }}
    Condition = {{
      StringEquals = {{ "{HOST}:aud" = "sts.amazonaws.com", "{HOST}:repository_id" = "1" }}
      StringLike = {{ "{HOST}:sub" = var.wide ? "*" : "repo:octo/app:environment:prod" }}
    }} }}] }})
}}
"""
ATTACHED = """resource "aws_iam_role_policy_attachment" "a" {
  role       = "r"
  policy_arn = "arn:aws:iam::aws:policy/${var.wide ? "AdministratorAccess" : "AmazonS3ReadOnlyAccess"}"
}
"""
KEY = """resource "aws_kms_key" "k" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = "kms:*", Resource = "*"
    Principal = { AWS = var.wide ? "*" : "arn:aws:iam::111122223333:root" } }] })
}
"""
OFF, DEV = VARIABLE.format(default="false"), VARIABLE.format(default='"a"')
ALL = [
    (policy, "validate", OFF + POLICY.format(value=BRANCH)),
    (policy, "validate", DEV + POLICY.format(value=CHOSEN)),
    (policy, "validate", OFF + ATTACHED),
    (policy, "explain", OFF + POLICY.format(value=BRANCH)),
    (policy, "explain", OFF + ATTACHED),
    (irsa, "check", OFF + TRUST),
    (kms, "check", OFF + KEY),
]


def answer_to(tool: Tool, action: str, text: str) -> Answer:
    return tool.run(
        {"action": action, "document": Files(files=(File(name="main.tf", text=text),))}
    )


@pytest.mark.parametrize(("tool", "action", "text"), ALL)
def test_the_other_value_is_named(tool: Tool, action: str, text: str) -> None:
    answer = answer_to(tool, action, text)
    assert "as the defaults make it: a value chosen by `var.wide` may differ" in answer.summary
    assert any("`var.wide`" in row["why"] for row in answer.facts["not_judged"])
    assert not answer.summary.startswith("No problems found")


@pytest.mark.parametrize(
    "value",
    ['"s3:GetObject"', "var.wide", 'var.wide == "x" ? "s3:GetObject" : "s3:GetObject"'],
)
def test_where_no_other_value_is_written_nothing_is_said(value: str) -> None:
    text = VARIABLE.format(default='"s3:GetObject"') + POLICY.format(value=value)
    answer: Any = answer_to(policy, "validate", text)
    assert "may differ" not in answer.summary
    assert answer.summary.startswith("No problems found in the policy")
