"""Actions that AWS documents both on `*` only and on an ARN: compare leaves open what evaluate cannot know."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam import compare, evaluate

OWN = "111122223333"
PLAIN = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}


def document(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [PLAIN | statement]}


@pytest.mark.parametrize(
    "resource",
    ["arn:aws:s3:::*", "arn:*:s3:::*", "arn:aws:s3", "arn:aws:s3:::a*", "arn:aws:s3:::*/*", "*"],
)
def test_what_evaluate_cannot_know_about_listing_buckets_compare_does_not_claim(
    resource: str,
) -> None:
    listing = document({"Action": "s3:ListAllMyBuckets", "Resource": resource})
    request = {"principal": f"arn:aws:iam::{OWN}:role/r", "resource": "*"}
    decision = evaluate(request | {"action": "s3:ListAllMyBuckets"}, {"identity": listing})
    expected = {"Allowed": "less", "Unknown": "unknown", "ImplicitlyDenied": "equal"}
    assert compare(document({}), [document({}), listing]).relation == (expected[decision.outcome])
