"""The risks of a policy by the risky actions alone: the same as by all actions."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.engine.effective.access import access
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.explain.policy_risks import policy_risks
from aws_iam.engine.explain.risks import statement_risks
from aws_iam.engine.explain.risky_services import risky_service
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from helpers.tables.examples import examples

ACTIONS = st.sampled_from(
    [
        *("*", "*:*", "?*:*", "iam:*", "iam:Pass*", "iam:Create*", "iam:Get*", "iam:PassRole"),
        *("sqs:*", "sqs:Get*", "sqs:?*", "sqs:SendMessage", "s3:*", "s3:Put*"),
        *("s3:Get*", "s3:Delete*", "lambda:*", "ec2:Describe*", "ec2:RunInstances", "none:Such"),
        *("ssmmessages:*", "xray:*", "xray:Get*", "xray:Put*", "sts:*", "ce:*", "pricing:*"),
    ]
)
RESOURCES = st.sampled_from(
    [
        "*",
        "arn:aws:s3:::amzn-s3-demo-bucket/*",
        "arn:aws:sqs:eu-west-1:111122223333:*",
        "arn:aws:iam::111122223333:role/app",
    ]
)
CONDITIONS = st.sampled_from(
    [
        None,
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
    ]
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    key = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    statement: dict[str, Any] = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"])),
        key: draw(st.lists(ACTIONS, min_size=1, max_size=4)),
        "Resource": draw(RESOURCES),
    }
    condition = draw(CONDITIONS)
    return {**statement, "Condition": condition} if condition else statement


@given(st.lists(statements(), min_size=1, max_size=4))
@settings(max_examples=examples(40), deadline=None)
def test_the_risky_actions_alone_tell_all_risks(body: list[dict[str, Any]]) -> None:
    policy = one_policy({"Version": "2012-10-17", "Statement": body}, Kind.IDENTITY)
    everything = Expansion()
    by_all_actions = statement_risks(access([policy], everything), everything)
    assert policy_risks(policy).findings == by_all_actions.findings


def test_all_of_a_service_is_a_risk_however_it_is_written() -> None:
    every = sorted(Expansion().pattern("sqs:*"))
    statement = {"Effect": "Allow", "Action": every, "Resource": "*"}
    policy = one_policy({"Version": "2012-10-17", "Statement": [statement]}, Kind.IDENTITY)
    assert "every action of sqs" in policy_risks(policy).findings[0].finding.message
    only_risky = {**statement, "Action": sorted(risky_service("sqs"))}
    policy = one_policy({"Version": "2012-10-17", "Statement": [only_risky]}, Kind.IDENTITY)
    assert "every action of sqs" not in policy_risks(policy).findings[0].finding.message
