"""What the rules call redundant, unreachable or contradictory is so for every request."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.engine.evaluation.conditions import condition_holds
from aws_iam.engine.evaluation.context import Context
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.sources.gather import one_policy
from aws_iam.rules.policy.run import validate
from helpers.tables.examples import examples
from helpers.work import calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.engine.language.document import Policy, Statement

pytestmark = pytest.mark.growth

BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "iam:PassRole"]
RESOURCES = [f"{BUCKET}/a", f"{BUCKET}/home/a", BUCKET, "arn:aws:iam::111122223333:role/app"]
USERS = [None, "ana", "ben"]
CONDITIONS = [
    {},
    {"StringEquals": {"aws:username": "ana"}},
    {"StringEqualsIfExists": {"aws:username": ["ana", "ben"]}},
    {"StringNotEquals": {"aws:username": "ben"}},
    {"StringLike": {"aws:username": "a*"}, "Null": {"aws:username": "true"}},
    {"Null": {"aws:username": "false"}},
]


def lists(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


STATEMENTS = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Allow", "Deny"]),
        "Resource": lists(f"{BUCKET}/*", f"{BUCKET}/home/*", BUCKET, "*"),
        "Condition": st.sampled_from(CONDITIONS),
    },
    optional={},
).flatmap(
    lambda statement: st.one_of(
        lists("s3:GetObject", "s3:Get*", "s3:*", "S3:putobject", "s3:DeleteObject").map(
            lambda actions: {**statement, "Action": actions}
        ),
        lists("s3:GetObject", "iam:*").map(lambda actions: {**statement, "NotAction": actions}),
    )
)
REQUESTS = list(itertools.product(ACTIONS, RESOURCES, USERS))


def applies(statement: Statement, action: str, resource: str, user: str | None) -> bool:
    entries = statement.actions or statement.not_actions
    is_listed = any(matches(entry.value, action, ignore_case=True) for entry in entries)
    context = Context({"aws:username": (user,)} if user else {})
    return (
        is_listed is bool(statement.actions)
        and any(matches(entry.value, resource) for entry in statement.resources)
        and all(condition_holds(condition, context) for condition in statement.conditions)
    )


def allowed(policy: Policy, request: tuple[str, str, str | None], without: int = -1) -> bool:
    applicable = [
        statement
        for number, statement in enumerate(policy.statements)
        if number != without and applies(statement, *request)
    ]
    return any(statement.allows for statement in applicable) and not any(
        statement.denies for statement in applicable
    )


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(STATEMENTS, min_size=2, max_size=4))
def test_removing_a_redundant_statement_changes_the_decision_on_no_request(
    statements: list[dict[str, Any]],
) -> None:
    body = {"Version": "2012-10-17", "Statement": statements}
    policy = one_policy(body, "identity")
    codes = {"SHADOWED_STATEMENT", "REDUNDANT_STATEMENT"}
    for finding in validate(body, "identity"):
        number = _number(finding.where.pointer) if finding.where else -1
        if finding.code in codes:
            assert all(
                allowed(policy, request) is allowed(policy, request, number)
                for request in REQUESTS
            )
        elif finding.code == "UNREACHABLE_ALLOW" and finding.where:
            unreachable = _part(statements[number], finding.where.pointer)
            assert not any(
                applies(unreachable, *request) and allowed(policy, request) for request in REQUESTS
            )
        elif finding.code == "CONTRADICTORY_CONDITIONS":
            assert not any(applies(policy.statements[number], *request) for request in REQUESTS)


def _number(pointer: str) -> int:
    return int(pointer.split("/")[2])


def _part(statement: dict[str, Any], pointer: str) -> Statement:
    """The statement, limited to one action entry if the pointer is that entry's."""
    parts = pointer.split("/")
    if len(parts) >= 5:
        statement = {**statement, "Action": statement["Action"][int(parts[4])]}
    return one_policy({"Statement": statement}).statements[0]


def grown(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def many_statements(n: int) -> str:
    return grown(
        *(
            {"Effect": "Allow", "Action": f"s3:Get*{number}*", "Resource": f"{BUCKET}/{number}*"}
            for number in range(n)
        )
    )


def long_statements(n: int) -> str:
    actions = [f"s3:Get{number}*" for number in range(n)]
    resources = [f"{BUCKET}/{number}*" for number in range(n)]
    allow = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return grown(allow, {**allow, "Resource": [*resources, BUCKET]}, {**allow, "Effect": "Deny"})


def many_variables(n: int) -> str:
    resources = [f"{BUCKET}/${{aws:PrincipalTag/{number}}}" for number in range(n)]
    tests = {f"aws:ResourceTag/{number}": f"${{aws:PrincipalTag/{number}}}" for number in range(n)}
    condition = {"StringNotEquals": tests, "StringLike": tests}
    return grown(
        *(
            {"Effect": effect, "Action": "s3:Get*", "Resource": resources, "Condition": condition}
            for effect in ("Allow", "Deny")
        )
    )


def many_tags(n: int) -> str:
    tests = {f"aws:RequestTag/{number}": "x" for number in range(n)}
    sets = {"aws:TagKeys": ["x"], **{f"dynamodb:Key{number}": "x" for number in range(n)}}
    return grown(
        {
            "Effect": "Allow",
            "Action": [f"ec2:D*{number % 10}*{'?' * (number // 10)}" for number in range(n)],
            "Resource": "*",
            "Condition": {"StringEquals": tests, "ForAllValues:StringLike": sets},
        }
    )


def many_lists(n: int) -> str:
    listed = ["s3:ListAllMyBuckets", "kms:ListKeys", "iam:ListRoles", "sqs:SendMessage"] * (n // 4)
    arns = [f"arn:aws:sns:*:*:*{number}*" for number in range(45)]
    return grown(
        *({"Effect": "Allow", "Action": listed, "Resource": arns[at:]} for at in range(20))
    )


@pytest.mark.parametrize(
    "make", [many_statements, long_statements, many_variables, many_tags, many_lists]
)
def test_twice_the_policy_takes_about_twice_the_work(make: Callable[[int], str]) -> None:
    few, many = make(48), make(96)
    # The first run fills the caches, so that the second one counts only the work of the rules.
    for document in (few, many):
        validate(document, "identity")
    assert calls(lambda: validate(many, "identity")) <= 2.5 * calls(
        lambda: validate(few, "identity")
    )
