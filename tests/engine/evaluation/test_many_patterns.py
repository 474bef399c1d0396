"""A statement with many patterns of actions takes what any of them matches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.evaluation.evaluate import evaluate
from aws_iam.engine.language.pattern import matches

ACTIONS = ("s3:GetObject", "s3:GetObjectAcl", "s3:PutObject", "s3:DeleteObject")
PATTERNS = (
    *("s3:Get*", "s3:GetObject*", "s3:GetObjectA*", "s3:*Object", "s3:?etObject", "s3:G*t"),
    *("s3:P*", "s3:Del*Object", "s3:List*", "s3:Abort*", "s3:Create*", "sqs:*"),
)


@given(st.lists(st.sampled_from(PATTERNS), min_size=1, unique=True), st.sampled_from(ACTIONS))
def test_an_action_is_taken_where_a_pattern_matches(patterns: list[str], action: str) -> None:
    allow = {"Effect": "Allow", "Action": patterns, "Resource": "*"}
    request = {
        "principal": "arn:aws:iam::111122223333:role/web",
        "action": action,
        "resource": "arn:aws:s3:::amzn-s3-demo-bucket/x",
        "resource_account": "111122223333",
    }
    policy = {"Version": "2012-10-17", "Statement": allow}
    is_allowed = evaluate(request, {"identity": [policy]}).outcome == "Allowed"
    assert is_allowed is any(matches(own, action) for own in patterns)
