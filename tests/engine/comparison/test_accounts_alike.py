"""Accounts that policies name alike: one stands for all of them, and only for those."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam import compare

NUMBERS = [f"{100_000_000_000 + number}" for number in range(225)]


def allowing(principals: list[str], **more: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principals},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::b/*",
        **more,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def roles(numbers: list[str]) -> list[str]:
    return [f"arn:aws:iam::{number}:role/r{at}" for at, number in enumerate(numbers)]


@pytest.mark.parametrize("form", [roles, list, lambda n: [f"arn:aws:iam::{a}:root" for a in n]])
def test_policies_with_very_many_principals_are_decided(form: Any) -> None:
    every, fewer = allowing(form(NUMBERS)), allowing(form(NUMBERS)[1:])
    assert compare(every, fewer).relation == "more"
    assert compare(fewer, every).relation == "less"
    assert compare(every, allowing(form(NUMBERS)[::-1])).relation == "equal"
    (row,) = compare(every, fewer).gained
    assert row["principals"] == [form(NUMBERS)[0]]


def test_an_account_that_only_one_side_names_otherwise_is_no_account_like_the_others() -> None:
    last = roles(NUMBERS)[-1]
    every = allowing(roles(NUMBERS))
    other = allowing([*roles(NUMBERS)[:-1], last.replace(":role/", ":user/")])
    found = compare(other, every)
    assert found.relation == "incomparable"
    assert {witness["request"]["principal"] for witness in found.witnesses} == {
        last,
        last.replace(":role/", ":user/"),
    }


@pytest.mark.parametrize(
    "condition",
    [
        {"StringNotEquals": {"aws:PrincipalAccount": NUMBERS[7]}},
        {"StringNotLike": {"aws:PrincipalAccount": f"{NUMBERS[7][:-1]}?"}},
        {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{NUMBERS[7]}:*"}},
        {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/r7"}},
        {"StringNotEquals": {"aws:ResourceAccount": NUMBERS[7]}},
    ],
)
def test_a_condition_that_tells_accounts_apart_is_seen(condition: dict[str, Any]) -> None:
    some = roles(NUMBERS[:12])
    assert compare(allowing(some, Condition=condition), allowing(some)).relation == "less"
