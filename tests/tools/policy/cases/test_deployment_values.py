"""A decision that is told holds whatever the unknown values are: with each of them the policies decide so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.engine.sources.files import File, Files
from aws_iam.tools.policy.actions import tool

# `${v}` stands for `var.v`, which nothing gives.
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
STATEMENTS: dict[str, list[dict[str, Any]]] = {
    "a resource": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "${v}"}],
    "a part of a resource": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a-${v}/*"}],
    "one of two resources": [{"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::known/*", "arn:aws:s3:::${v}/*"]}],
    "a denied resource": [ALLOW_ALL, {"Effect": "Deny", "Action": "s3:*", "Resource": "${v}"}],
    "a part of a denied resource": [ALLOW_ALL, {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::a-${v}/*"}],
    "a part that begins with x": [ALLOW_ALL, {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::x${v}/*"}],
    "all but a resource": [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::${v}/*"}],
    "all but two resources": [ALLOW_ALL, {"Effect": "Deny", "Action": "s3:*", "NotResource": ["arn:aws:s3:::known/*", "arn:aws:s3:::${v}/*"]}],
    "an action": [{"Effect": "Allow", "Action": "s3:${v}", "Resource": "*"}],
    "a denied action": [ALLOW_ALL, {"Effect": "Deny", "Action": ["s3:DeleteObject", "s3:${v}"], "Resource": "*"}],
    "all but an action": [{"Effect": "Allow", "NotAction": ["s3:${v}", "s3:DeleteObject"], "Resource": "*"}],
    "a condition": [{**ALLOW_ALL, "Condition": {"StringEquals": {"aws:PrincipalTag/t": "${v}"}}}],
    "one of two values": [{**ALLOW_ALL, "Condition": {"StringLike": {"aws:PrincipalTag/t": ["known", "a-${v}"]}}}],
    "a negated condition": [{**ALLOW_ALL, "Condition": {"StringNotEquals": {"aws:PrincipalTag/t": ["known", "${v}"]}}}],
    "a denied condition": [ALLOW_ALL, {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalTag/t": "${v}"}}}],
    "a condition beside a known one": [{**ALLOW_ALL, "Condition": {"StringEquals": {"aws:PrincipalTag/t": "${v}", "aws:PrincipalAccount": "111122223333"}}}],
    "an effect": [ALLOW_ALL, {"Effect": "${v}", "Action": "s3:DeleteObject", "Resource": "*"}],
}  # fmt: skip
VALUES = ("known", "b", "*", "x", "GetObject", "DeleteObject", "arn:aws:s3:::known/k", "*Object", "Allow", "Deny")  # fmt: skip
REQUESTS = [
    {"action": f"s3:{action}", "resource": f"arn:aws:s3:::{bucket}/k", "context": context}
    for action in ("GetObject", "DeleteObject")
    for bucket in ("known", "a-b", "xb", "other")
    for context in ({}, {"aws:PrincipalTag/t": "known"}, {"aws:PrincipalTag/t": "a-b"})
]


def terraform(statements: list[dict[str, Any]]) -> str:
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return (
        'variable "v" {}\nresource "aws_iam_policy" "p" {\n  policy = jsonencode('
        f"{policy.replace('${v}', '${var.v}')})\n}}\n"
    )


def decided(statements: list[dict[str, Any]], value: str | None = None) -> list[str]:
    """The outcome of each request; with a value as the policy has it then."""
    cases = {
        "document": "main.tf",
        **({"values": {"v": value}} if value is not None else {}),
        "request": {"principal": "arn:aws:iam::111122223333:role/app"},
        "cases": [
            {"name": str(number), **request, "expect": "Allowed"}
            for number, request in enumerate(REQUESTS)
        ],
    }
    text = terraform(statements)

    def beside(_: str, path: str) -> Files | None:
        return Files(files=(File(name=path, text=text),))

    files = Files(files=(File(name="cases.json", text=json.dumps(cases)),), beside=beside)
    answer = tool.run({"action": "test", "cases": files}, cli=True)
    return [row["decided"] for row in answer.facts["cases"]]


@pytest.mark.parametrize("form", STATEMENTS)
def test_no_value_decides_otherwise_than_what_is_told_without_it(form: str) -> None:
    statements = STATEMENTS[form]
    told = decided(statements)
    fitting = [
        value
        for value in VALUES
        if (value in {"Allow", "Deny"}) is (form == "an effect")
        and not (value.startswith("arn:") and form.endswith("action"))
    ]
    refusals = {"ExplicitlyDenied", "ImplicitlyDenied"}
    by_value = {value: decided(statements, value) for value in fitting}
    for number, outcome in enumerate(told):
        found = {by_value[value][number] for value in fitting}
        assert "Unknown" not in found
        if outcome in refusals:
            assert found <= refusals, REQUESTS[number]
        elif outcome == "Allowed":
            assert found == {"Allowed"}, REQUESTS[number]
    assert "Unknown" in told


@pytest.mark.parametrize(
    "form",
    [
        "a part of a resource",
        "one of two resources",
        "a part of a denied resource",
        "all but two resources",
        "a denied action",
        "all but an action",
        "one of two values",
        "a negated condition",
        "an effect",
    ],
)
def test_what_no_value_changes_is_decided(form: str) -> None:
    assert set(decided(STATEMENTS[form])) - {"Unknown"}
