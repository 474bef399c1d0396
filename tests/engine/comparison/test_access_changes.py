"""Gained and lost access: no request that a change allows is missing, and no action is listed that it does not allow."""

from __future__ import annotations

import random
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam import compare, evaluate
from aws_iam.engine.language.pattern import matches
from helpers.tables.examples import examples

ACTIONS = (
    "s3:GetObject",
    "s3:*Object",
    "s3:Get*",
    "sqs:*",
    "sqs:SendMessage",
    "iam:Get*",
    "iam:PassRole",
    "ec2:Describe*",
    "*",
)
RESOURCES = (
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/x*",
    "arn:aws:s3:::b",
    "arn:aws:sqs:*:*:q",
    "arn:aws:iam::*:role/*",
)
CONDITIONS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"StringEquals": {"aws:PrincipalTag/t": "x"}},
    {"Bool": {"aws:SecureTransport": "false"}},
)
UNITS = (
    ("s3:GetObject", "arn:aws:s3:::b/x1"),
    ("s3:GetObject", "arn:aws:s3:::c/k"),
    ("s3:PutObject", "arn:aws:s3:::b/k"),
    ("s3:ListBucket", "arn:aws:s3:::b"),
    ("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q"),
    ("sqs:ListQueues", "*"),
    ("iam:GetRole", "arn:aws:iam::111122223333:role/r"),
    ("iam:PassRole", "arn:aws:iam::111122223333:role/r"),
    ("ec2:DescribeInstances", "*"),
    ("lambda:ListFunctions", "*"),
    ("dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:111122223333:table/t"),
)
CONTEXTS = (
    {},
    {"aws:PrincipalTag/t": "x", "aws:SecureTransport": "true"},
    {"aws:SecureTransport": "false"},
)
CALLER = "arn:aws:iam::111122223333:role/app"
REFUSED = {"ImplicitlyDenied", "ExplicitlyDenied"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """A few Allow and Deny statements, with Not elements among them."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        action = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
        resource = draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))
        condition = draw(st.sampled_from(CONDITIONS))
        names = st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2, unique=True)
        texts = st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=2, unique=True)
        found.append(
            {
                "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
                action: draw(names),
                resource: draw(texts),
                **({"Condition": condition} if condition else {}),
            }
        )
    return document(*found)


def actions(rows: Any) -> list[str]:
    return [action for row in rows for action in row["actions"]]


@settings(max_examples=examples(9), deadline=None)
@given(policies(), policies(), st.integers(0, 1_000_000))
def test_no_request_that_a_change_allows_is_missing(
    new: dict[str, Any], old: dict[str, Any], seed: int
) -> None:
    found = compare(new, old)
    if not any(s["Effect"] == "Allow" for p in (new, old) for s in p["Statement"]):
        return
    chance = random.Random(seed)  # noqa: S311 - no secret
    for action, resource in UNITS:
        request = {
            "principal": CALLER,
            "action": action,
            "resource": resource,
            "resource_account": "111122223333",
            "context": chance.choice(CONTEXTS),
        }
        mine, theirs = (evaluate(request, {"identity": [p]}).outcome for p in (new, old))
        if mine == "Allowed" and theirs in REFUSED:
            assert any(matches(listed, action) for listed in actions(found.gained)), request
        if theirs == "Allowed" and mine in REFUSED:
            assert any(matches(listed, action) for listed in actions(found.lost)), request


@settings(max_examples=examples(7), deadline=None)
@given(policies(), policies(), st.randoms(use_true_random=False))
def test_no_action_is_listed_that_the_change_does_not_allow(
    new: dict[str, Any], old: dict[str, Any], chance: Any
) -> None:
    if not any(s["Effect"] == "Allow" for p in (new, old) for s in p["Statement"]):
        return
    names = [name for name in actions(compare(new, old).gained) if "*" not in name]
    for name in chance.sample(names, min(3, len(names))):
        # Nothing else can make the difference.
        rest = {"Effect": "Deny", "NotAction": name, "Resource": "*"}
        alone = [document(*policy["Statement"], rest) for policy in (new, old)]
        assert compare(*alone).relation in {"more", "incomparable"}, name


@settings(max_examples=examples(8), deadline=None)
@given(policies(), policies())
def test_the_requests_that_show_a_difference_have_possible_accounts_and_regions(
    new: dict[str, Any], old: dict[str, Any]
) -> None:
    for witness in compare(new, old).witnesses:
        fields = witness["request"]["resource"].split(":", 5)
        if len(fields) > 4:
            assert re.fullmatch(r"(\d{12}|aws)?", fields[4]), fields
            assert re.fullmatch(r"([a-z]+(-[a-z]+)+-\d)?", fields[3]), fields


def test_a_name_with_a_colon_is_no_load_balancer() -> None:
    service = {"Effect": "Allow", "Action": "elasticloadbalancing:*"}
    arn = "arn:aws:elasticloadbalancing:*:*:targetgroup/*/*"
    found = compare(document({**service, "Resource": arn}), document())
    assert {witness["request"]["resource"] for witness in found.witnesses} == {
        "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/x/x"
    }


def test_gained_and_lost_change_places_with_the_policies() -> None:
    old = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"})
    new = document({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    there, back = compare(new, old), compare(old, new)
    assert actions(there.gained) == actions(back.lost) == ["sqs:*"]
    assert actions(there.lost) == actions(back.gained) == ["s3:GetObject"]
    assert compare(new, new).gained == compare(new, new).lost == ()
