"""What is gained outside of policies has a fix of its own kind, and stands in the summary before what was not judged."""

from __future__ import annotations

import pytest

from aws_iam.engine.sources.files import File, Files
from aws_iam.tools.policy.actions import tool

ACL = 'resource "aws_s3_bucket_acl" "b" {{\n  bucket = "b"\n  acl = "{}"\n}}\n'
PROVIDER = (
    'provider "aws" {{\n  assume_role {{ role_arn = "arn:aws:iam::111122223333:role/{}" }}\n}}\n'
)
URL = 'resource "aws_lambda_{}" "u" {{\n  function_name = "f"\n  authorization_type = "NONE"\n}}\n'
ADMIN = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-auth, namespace: kube-system}}\ndata:\n  mapRoles: |\n"
    "    - rolearn: arn:aws:iam::111122223333:role/dev\n      username: dev\n      groups: [{}]\n"
)


@pytest.mark.parametrize(
    ("name", "text", "before", "after", "fix"),
    [
        ("main.tf", ACL + PROVIDER, ("private", "a"), ("public-read", "b"), "Block Public Access"),
        ("main.tf", URL, ("alias",), ("function_url",), "AuthType AWS_IAM"),
        ("a.yaml", ADMIN, ("viewers",), ('"system:masters"',), "one namespace"),
    ],
)
def test_a_gain_is_told_with_what_mends_it(
    name: str, text: str, before: tuple[str, ...], after: tuple[str, ...], fix: str
) -> None:
    then, now = (
        Files(files=(File(name=name, text=text.format(*values)),), chosen=True)
        for values in (before, after)
    )
    answer = tool.run({"action": "review", "document": now, "baseline": then}, cli=True)
    gained = [
        own for own in answer.findings if own.code == "ACCESS_GAINED" and fix in (own.fix or "")
    ]
    assert [own.status for own in gained] == ["fail"]
    said, _, not_judged = answer.summary.partition("Not judged")
    assert gained[0].message in said
    assert "Not compared" not in answer.summary
    assert bool(not_judged) is (PROVIDER in text)
