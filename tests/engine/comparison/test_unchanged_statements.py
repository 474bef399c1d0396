"""Comparisons of documents that share statements, which are read once."""

from __future__ import annotations

from typing import Any

from aws_iam import compare

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def test_values_that_python_takes_for_one_another_are_told_apart() -> None:
    true, one = (
        document({**ALLOW, "Condition": {"StringEquals": {"aws:PrincipalTag/t": value}}})
        for value in (True, 1)
    )
    assert true == one
    assert compare(true, one).relation == "incomparable"


def test_a_statement_that_is_there_twice_is_one() -> None:
    new = document(ALLOW, {**ALLOW, "Action": "s3:PutObject"})
    assert compare(new, document(ALLOW, ALLOW)).relation == "more"
    assert compare(document(ALLOW, ALLOW), document(ALLOW)).relation == "equal"


def test_a_difference_is_told_by_its_place_beside_what_is_shared() -> None:
    put = {**ALLOW, "Action": "s3:PutObject"}
    found = compare(document(ALLOW, put), document(ALLOW, {**put, "Effect": "Deny"}))
    (witness,) = found.witnesses
    assert witness["allowed_by"] == "document"
    assert "/Statement/1" in str(witness)
