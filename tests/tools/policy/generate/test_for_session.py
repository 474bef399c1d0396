"""`policy generate --for session`: one policy that STS takes, the calls that use it, and what does not fit."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

import aws_iam
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.trail_records import ACCOUNT, call, role

if TYPE_CHECKING:
    from aws_iam.answer import Answer, Artifact

AGENT = f"arn:aws:iam::{ACCOUNT}:role/agent"
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
TABLE = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/jobs"
TASK = {"read": f"{BUCKET}/*", "write": TABLE}
# More than 2,048 characters even with wildcards.
LARGE = {"manage": [BUCKET, TABLE, f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*"]}


def generated(**arguments: Any) -> Answer:
    return tool.run({"action": "generate", **arguments})


def session(**arguments: Any) -> Answer:
    return generated(**{"for": "session", **arguments})


def policies(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(file.content) for file in answer.artifacts if file.language == "json"]


def calls(answer: Answer) -> list[list[str]]:
    file: Artifact = answer.artifacts[-1]
    assert file.name == "session.sh"
    return [shlex.split(line) for line in file.content.splitlines() if not line.startswith("#")]


def test_a_task_of_an_agent_is_one_line_that_allows_what_was_asked() -> None:
    answer = session(needs=TASK, principal=AGENT)
    policy = answer.artifacts[0]
    assert answer.summary.startswith("A session policy of ")
    assert len(policy.content) <= 2_048
    assert policy.content.count("\n") == 1
    assert aws_iam.compare(policies(answer), policies(generated(needs=TASK))).relation == "equal"
    assert answer.facts["session"]["characters"] == len(policy.content.rstrip())
    assert [words[2] for words in calls(answer)] == [
        "assume-role",
        "get-scoped-credentials",
        "get-federation-token",
    ]
    assert AGENT in calls(answer)[0]
    assert "call no action of" not in answer.artifacts[-1].content


@pytest.mark.parametrize(
    ("principal", "says"),
    [
        (AGENT, None),
        (None, "Replace ROLE_ARN in `session.sh` before use."),
        ("agent", "`agent` is not the ARN of a role: `session.sh` has ROLE_ARN in its place"),
        (f"arn:aws:iam::{ACCOUNT}:user/ann", "user/ann` is not the ARN of a role"),
    ],
)
@pytest.mark.parametrize("needs", [TASK, LARGE])
def test_a_role_that_the_calls_lack_is_in_the_summary(
    needs: Any, principal: str | None, says: str | None
) -> None:
    answer = session(needs=needs, principal=principal)
    assert ("ROLE_ARN" in answer.summary) is bool(says)
    assert ("ROLE_ARN" in answer.artifacts[-1].content) is bool(says)
    assert (says or "") in answer.summary


@pytest.mark.parametrize("needs", [TASK, LARGE])
def test_the_calls_are_such_as_the_sdk_has(needs: Any) -> None:
    models = botocore.session.get_session()
    for words in calls(session(needs=needs)):
        program, service, command, *options = words
        assert program == "aws"
        name = "".join(word.capitalize() for word in command.split("-"))
        operation = models.get_service_model(service).operation_model(name)
        shape = operation.input_shape
        given = [word[2:] for word in options if word.startswith("--")]
        members = {"".join(map(str.capitalize, option.split("-"))) for option in given}
        assert shape is not None
        assert set(shape.required_members) <= members <= set(shape.members)


def test_names_become_exact_wildcards_only_where_that_makes_it_fit() -> None:
    names = [name for start in "STV" for name in catalog().expand(f"ec2:Describe{start}*")]
    few, many = (dict.fromkeys(own, "*") for own in (names[:20], names))
    assert "wildcards" not in session(needs=few).facts
    answer = session(needs=many)
    assert answer.facts["session"]["characters"] <= 2_048
    rows = answer.facts["wildcards"]
    assert rows
    assert f"`{rows[0]['wildcard']}`" in answer.summary
    assert "actions that AWS adds later may" in answer.summary
    assert aws_iam.compare(policies(answer), policies(generated(needs=many))).relation == "equal"


def test_what_does_not_fit_is_neither_cut_nor_widened() -> None:
    answer = session(needs=LARGE)
    assert "It does not fit a session policy" in answer.summary
    assert "nothing was left out and nothing widened" in answer.summary
    assert aws_iam.compare(policies(answer), policies(generated(needs=LARGE))).relation == "equal"
    assert "*" not in {
        name for p in policies(answer) for s in p["Statement"] for name in s["Action"]
    }
    longest = answer.facts["longest_statements"]
    assert longest == sorted(longest, key=lambda row: -row["characters"])
    assert not any("get-scoped-credentials" in words for words in calls(answer))
    assert "arn=arn:aws:iam::ACCOUNT:policy/session-policy" in calls(answer)[1]


def test_a_federation_token_is_told_not_to_call_iam() -> None:
    answer = session(needs={"iam:GetRole": f"arn:aws:iam::{ACCOUNT}:role/app"})
    assert "# Its credentials call no action of iam but" in answer.artifacts[-1].content


EVENTS = [
    call("s3", "GetObject", {"bucketName": "b", "key": "a"}, userIdentity=role("reader")),
    call("s3", "PutObject", {"bucketName": "b", "key": "a"}, userIdentity=role("writer")),
]


def test_events_of_one_caller_become_its_session_policy() -> None:
    answer = session(events=EVENTS, principal="reader")
    (policy,) = policies(answer)
    assert policy["Statement"][0]["Action"] == "s3:GetObject"
    assert f"arn:aws:iam::{ACCOUNT}:role/reader" in calls(answer)[0]
    assert answer.facts["replay"] == {"events": 1, "allowed": 1}


def test_events_of_several_callers_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="shows 2 callers, and a session has one"):
        session(events=EVENTS)


def test_the_role_is_left_open_where_nothing_names_it() -> None:
    for principal in (None, f"arn:aws:iam::{ACCOUNT}:user/ana"):
        assert "ROLE_ARN" in calls(session(needs=TASK, principal=principal))[0]
