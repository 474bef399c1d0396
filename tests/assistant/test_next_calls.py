"""Every next call that an answer offers is one that the tool takes: an assistant makes it as it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from assistant.questions import questions
from aws_iam.errors import AwsIamError, InputError
from aws_iam.tools.playbooks import run_tool
from aws_iam.tools.registry import NAMES, tool_named
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assistant.questions import Question
    from aws_iam.answer import Answer

CALLS = [
    question
    for question in questions()
    # Without `demo` these read an account.
    if question.tool != "audit" or question.arguments.get("action") in {"control", "checklist"}
]
DEMO = [
    ("audit", {"action": "run"}),
    ("audit", {"action": "cloudtrail"}),
    ("audit", {"action": "access_analyzer"}),
    ("audit", {"action": "principals"}),
    ("audit", {"action": "access", "to": "admin"}),
    ("audit", {"action": "access", "principal": "role/helpdesk"}),
    (
        "audit",
        {
            "action": "access",
            "who_can": "iam:PassRole",
            "on": "arn:aws:iam::111122223333:role/helpdesk",
        },
    ),
    ("audit", {"action": "rightsize"}),
    ("secrets", {"action": "check"}),
    ("kms", {"action": "check"}),
    ("irsa", {"action": "check"}),
]


@for_each(CALLS, name=lambda question: f"{question.tool}: {question.question}")
def test_an_offered_call_is_taken(question: Question) -> None:
    try:
        answer = run_tool(tool_named(question.tool), question.arguments)
    except AwsIamError:
        return
    assert list(_refused(answer, question.arguments)) == []


@pytest.mark.parametrize(("tool", "arguments"), DEMO)
def test_an_offered_call_on_the_demonstration_is_taken(
    tool: str, arguments: dict[str, Any]
) -> None:
    arguments = {**arguments, "demo": True}
    assert list(_refused(run_tool(tool_named(tool), arguments), arguments)) == []


SHORT_NAMES = [
    {"read": "arn:aws:s3:::b"},
    {"write": ["arn:aws:s3:::b/*", "arn:aws:s3:::reports"]},
    {"read": "arn:aws:dynamodb:eu-west-1:111122223333:table/t"},
    {"read": "arn:aws:sqs:eu-west-1:111122223333:q"},
    {"read": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a-AbCdEf"},
    {"read": "arn:aws:s3:::UPPER_case"},
]


@pytest.mark.parametrize("needs", SHORT_NAMES, ids=json.dumps)
def test_an_offered_template_takes_the_values_that_come_with_it(needs: dict[str, Any]) -> None:
    arguments = {"action": "generate", "needs": needs}
    assert list(_refused(run_tool(tool_named("policy"), arguments), arguments)) == []


def _refused(answer: Answer, given: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for call in answer.next:
        if call.tool not in NAMES:
            continue
        arguments = {**call.arguments, **{name: given[name] for name in call.same}}
        try:
            run_tool(tool_named(call.tool), arguments)
        except InputError as error:
            yield arguments, str(error)
        except AwsIamError:
            pass
