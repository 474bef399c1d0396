"""First cases of a policy fail on the policy with one statement widened or taken away, whichever it is."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.tools.policy.actions import tool

OWN = "eu-west-1:111122223333"
TAGGED = {"StringEquals": {"ec2:ResourceTag/team": "red"}}
STATEMENTS: list[dict[str, Any]] = [
    {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"},
    {"Action": "dynamodb:GetItem", "Resource": f"arn:aws:dynamodb:{OWN}:table/orders"},
    {"Action": "sqs:SendMessage", "Resource": f"arn:aws:sqs:{OWN}:jobs"},
    {"Action": "sns:Publish", "Resource": f"arn:aws:sns:{OWN}:news"},
    {"Action": "ec2:StartInstances", "Resource": f"arn:aws:ec2:{OWN}:instance/*"},
]
STATEMENTS[-1]["Condition"] = TAGGED


def policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [{"Effect": "Allow", **statement} for statement in statements]
    return {"Version": "2012-10-17", "Statement": rows}


@pytest.fixture(scope="module")
def cases() -> str:
    call = {"action": "test", "init": True, "document": policy(STATEMENTS)}
    written = tool.run(call, cli=True).artifacts[0].content
    assert written is not None
    return written


def failed(cases: str, statements: list[dict[str, Any]]) -> int:
    answer = tool.run({"action": "test", "cases": cases, "document": policy(statements)})
    return int(answer.facts["failed"])


def test_the_policy_itself_passes(cases: str) -> None:
    assert failed(cases, STATEMENTS) == 0


def begins_like(action: str) -> str:
    """The action with a wildcard behind its first word, if others begin so that work on the same resource."""
    return {"s3:GetObject": "s3:Get*", "dynamodb:GetItem": "dynamodb:Get*"}.get(action, action)


def if_exists(statement: dict[str, Any]) -> dict[str, Any]:
    """Its conditions under the operators that hold for a request without the key."""
    given = statement.get("Condition", {})
    return (
        {"Condition": {f"{name}IfExists": keys for name, keys in given.items()}} if given else {}
    )


@pytest.mark.parametrize("number", range(len(STATEMENTS)))
def test_one_statement_changed_fails(cases: str, number: int) -> None:
    before, own, after = STATEMENTS[:number], STATEMENTS[number], STATEMENTS[number + 1 :]
    service = own["Action"].partition(":")[0]
    changes: dict[str, list[dict[str, Any]]] = {
        "taken away": [],
        "every resource": [{**own, "Resource": "*"}],
        "every action": [{**own, "Action": f"{service}:*"}],
        "every action that begins so": [{**own, "Action": begins_like(own["Action"])}],
        "no condition": [{k: v for k, v in own.items() if k != "Condition"}],
        "a condition for requests that have the key": [{**own, **if_exists(own)}],
    }
    kept = [
        name
        for name, changed in changes.items()
        if changed != [own] and not failed(cases, [*before, *changed, *after])
    ]
    assert kept == []
