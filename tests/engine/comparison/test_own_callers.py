"""Resource policies of every kind: callers with all, some and no permissions of their own never contradict a verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam import compare, evaluate
from helpers.folders import TESTS
from helpers.tables.examples import examples

OWN, FAR = "111122223333", "444455556666"
ALLOWED, REFUSED = {"Allowed"}, {"ImplicitlyDenied", "ExplicitlyDenied"}
CASES = json.loads((TESTS / "cases/compare/denied_callers.json").read_text(encoding="utf-8"))


def document(statements: Any) -> dict[str, Any]:
    listed = statements if isinstance(statements, list) else [statements]
    return {"Version": "2012-10-17", "Statement": listed}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_deny_that_goes_frees_callers_with_permissions_of_their_own(
    case: dict[str, Any],
) -> None:
    new, old = document(case["document"]), document(case["baseline"])
    assert compare(new, old).relation == case["relation"]
    contrary = {"more": "less", "less": "more"}
    assert compare(old, new).relation == contrary.get(case["relation"], case["relation"])


@dataclass(frozen=True)
class ResourceKind:
    """The requests that policies of one kind of resource decide, and what their statements name; no resources: no Resource."""

    name: str
    units: tuple[tuple[str, str], ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]


KINDS = (
    ResourceKind(
        "bucket",
        (
            ("s3:GetObject", "arn:aws:s3:::b/k"),
            ("s3:DeleteObject", "arn:aws:s3:::b/s/k"),
            ("s3:ListBucket", "arn:aws:s3:::b"),
            ("s3:PutBucketPolicy", "arn:aws:s3:::b"),
        ),
        ("s3:GetObject", "s3:Delete*", "s3:*", "s3:PutBucketPolicy"),
        ("arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::b/s/*", "*"),
    ),
    ResourceKind(
        "key",
        (
            ("kms:Decrypt", f"arn:aws:kms:us-east-1:{OWN}:key/k"),
            ("kms:PutKeyPolicy", f"arn:aws:kms:us-east-1:{OWN}:key/k"),
        ),
        ("kms:Decrypt", "kms:*", "kms:Put*"),
        ("*",),
    ),
    ResourceKind(
        "queue",
        (
            ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{OWN}:q"),
            ("sqs:DeleteQueue", f"arn:aws:sqs:us-east-1:{OWN}:q"),
        ),
        ("sqs:SendMessage", "sqs:*", "sqs:Delete*"),
        (f"arn:aws:sqs:us-east-1:{OWN}:q", "*"),
    ),
    ResourceKind(
        "topic",
        (("sns:Publish", f"arn:aws:sns:us-east-1:{OWN}:t"),),
        ("sns:Publish", "sns:*"),
        (f"arn:aws:sns:us-east-1:{OWN}:t", "*"),
    ),
    ResourceKind(
        "secret",
        (
            ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-east-1:{OWN}:secret:s"),
            ("secretsmanager:DeleteSecret", f"arn:aws:secretsmanager:us-east-1:{OWN}:secret:s"),
        ),
        ("secretsmanager:GetSecretValue", "secretsmanager:*", "secretsmanager:Delete*"),
        ("*",),
    ),
    ResourceKind(
        "function",
        (("lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:{OWN}:function:f"),),
        ("lambda:InvokeFunction", "lambda:*"),
        (f"arn:aws:lambda:us-east-1:{OWN}:function:f",),
    ),
    ResourceKind(
        "repository",
        (
            ("ecr:BatchGetImage", f"arn:aws:ecr:us-east-1:{OWN}:repository/r"),
            ("ecr:DeleteRepository", f"arn:aws:ecr:us-east-1:{OWN}:repository/r"),
        ),
        ("ecr:BatchGetImage", "ecr:*", "ecr:Delete*"),
        (),
    ),
    ResourceKind(
        "role",
        (
            ("sts:AssumeRole", f"arn:aws:iam::{OWN}:role/r"),
            ("sts:TagSession", f"arn:aws:iam::{OWN}:role/r"),
        ),
        ("sts:AssumeRole", "sts:*", "sts:TagSession"),
        (),
    ),
)
PRINCIPALS: tuple[Any, ...] = (
    "*",
    {"AWS": OWN},
    {"AWS": FAR},
    {"AWS": f"arn:aws:iam::{OWN}:role/app"},
    {"AWS": f"arn:aws:iam::{OWN}:user/alice"},
    {"AWS": f"arn:aws:iam::{FAR}:role/app"},
    {"Service": "lambda.amazonaws.com"},
)
EXEMPT: tuple[Any, ...] = (
    {"AWS": [f"arn:aws:iam::{OWN}:role/app", f"arn:aws:iam::{OWN}:root"]},
    {"AWS": [f"arn:aws:iam::{FAR}:root"]},
)
CONDITIONS: tuple[Any, ...] = (
    {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/app"}},
    {"StringEquals": {"aws:PrincipalAccount": OWN}},
    {"Bool": {"aws:SecureTransport": "false"}},
    {"StringNotEquals": {"aws:PrincipalTag/team": "blue"}},
)
CALLERS = (
    f"arn:aws:iam::{OWN}:role/app",
    f"arn:aws:iam::{OWN}:role/other",
    f"arn:aws:iam::{OWN}:user/alice",
    f"arn:aws:iam::{OWN}:root",
    f"arn:aws:iam::{FAR}:role/app",
    f"arn:aws:iam::{FAR}:user/bob",
    "lambda.amazonaws.com",
    "*",
)
CONTEXTS: tuple[dict[str, str], ...] = (
    {"aws:SecureTransport": "true"},
    {"aws:SecureTransport": "false", "aws:PrincipalTag/team": "blue"},
)


@st.composite
def statements(draw: st.DrawFn, kind: ResourceKind) -> dict[str, Any]:
    """An Allow or a Deny of a resource's policy."""
    effect = draw(st.sampled_from(["Allow", "Deny"]))
    found: dict[str, Any] = {"Effect": effect}
    if effect == "Deny" and draw(st.integers(0, 3)) == 0:
        found["NotPrincipal"] = draw(st.sampled_from(EXEMPT))
    else:
        found["Principal"] = draw(st.sampled_from(PRINCIPALS))
    listed = st.lists(st.sampled_from(kind.actions), min_size=1, max_size=2, unique=True)
    found["Action"] = draw(listed)
    if kind.resources:
        named = st.lists(st.sampled_from(kind.resources), min_size=1, max_size=2, unique=True)
        found["Resource"] = draw(named)
    if draw(st.integers(0, 2)) == 0:
        found["Condition"] = draw(st.sampled_from(CONDITIONS))
    return found


@st.composite
def pairs(draw: st.DrawFn, kind: ResourceKind) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two policies of a resource, the second one with a statement more or less, or another one."""
    old = draw(st.lists(statements(kind), min_size=1, max_size=3))
    at = draw(st.integers(0, len(old) - 1))
    changed = draw(st.lists(statements(kind), max_size=1))
    return document([*old[:at], *changed, *old[at + 1 :]]), document(old)


def own_permissions(unit: tuple[str, str]) -> tuple[dict[str, Any], ...]:
    """The identity policies that a caller may have: everything, something else, this action alone, nothing."""
    action, resource = unit
    allowed = (("*", "*"), ("ec2:*", "*"), (action, resource))
    policies = ({"Effect": "Allow", "Action": name, "Resource": on} for name, on in allowed)
    return (*({"identity": [document(policy)]} for policy in policies), {})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@settings(max_examples=examples(15), deadline=None)
@given(data=st.data())
def test_no_caller_contradicts_a_verdict(kind: ResourceKind, data: st.DataObject) -> None:
    new, old = data.draw(pairs(kind))
    found = compare(new, old)
    assert found.relation
    for unit, caller, context in product(kind.units, CALLERS, CONTEXTS):
        request = {
            "principal": caller,
            "action": unit[0],
            "resource": unit[1],
            "resource_account": OWN,
            "context": context,
        }
        for own in own_permissions(unit):
            mine, theirs = (
                {evaluate(request, {"resource": [policy], **own}).outcome} for policy in (new, old)
            )
            if mine <= ALLOWED and theirs <= REFUSED:
                assert found.relation in {"more", "incomparable", "unknown"}, (request, own)
            if theirs <= ALLOWED and mine <= REFUSED:
                assert found.relation in {"less", "incomparable", "unknown"}, (request, own)
