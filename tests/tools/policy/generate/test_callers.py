"""`policy generate` for one caller among several, and for what is newer than the data."""

from __future__ import annotations

import json
from typing import Any

import pytest

import aws_iam
from aws_iam.answer import to_json
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.trail_records import ACCOUNT, call, role

READER, WRITER, TWIN = (
    f"arn:aws:iam::{ACCOUNT}:role/reader",
    f"arn:aws:iam::{ACCOUNT}:role/team/writer",
    f"arn:aws:iam::{ACCOUNT}:role/other/reader",
)
BUCKET = {"bucketName": "amzn-s3-demo-bucket", "key": "a"}
EVENTS = [
    call("s3", "GetObject", BUCKET, userIdentity=role("reader")),
    call("s3", "GetObject", {**BUCKET, "key": "b"}, userIdentity=role("reader")),
    call("s3", "PutObject", BUCKET, userIdentity=role("writer", "/team/")),
]


def generated(events: Any, principal: str | None = None) -> Any:
    return tool.run({"action": "generate", "events": events, "principal": principal})


def actions(answer: Any) -> set[str]:
    return {
        row["Action"]
        for artifact in answer.artifacts
        for row in json.loads(artifact.content)["Statement"]
    }


def test_several_callers_are_named_with_how_to_pick_one() -> None:
    answer = generated(EVENTS)
    assert "2 policies for 2 callers" in answer.summary
    assert "`principal` picks one" in answer.summary
    assert answer.next[0].arguments == {"action": "generate", "principal": READER}
    assert answer.next[0].same == ("events",)
    alone = generated(EVENTS, READER)
    assert "picks one" not in alone.summary


@pytest.mark.parametrize(
    "principal",
    [
        WRITER,
        f"arn:aws:sts::{ACCOUNT}:assumed-role/writer/i-1",
        f"arn:aws:iam::{ACCOUNT}:role/writer",
        "role/team/writer",
        "role/writer",
        "writer",
        " writer ",
    ],
)
def test_a_caller_is_picked_by_its_arn_its_session_or_its_name(principal: str) -> None:
    answer = generated(EVENTS, principal)
    assert actions(answer) == {"s3:PutObject"}
    facts = to_json(answer)["facts"]
    assert facts["replay"] == {"events": 1, "allowed": 1}
    assert [(row["caller"], row["events"]) for row in facts["callers_left_out"]] == [(READER, 2)]


@pytest.mark.parametrize(
    ("principal", "says"),
    [
        ("writter", "did you mean `writer`?"),
        ("user/writer", f"`events` has `{READER}`, `{WRITER}`"),
        ("arn:aws:iam::999988887777:role/reader", "no event has the caller"),
        ("reader", f"means 2 callers: `{READER}`, `{TWIN}`"),
    ],
)
def test_a_caller_that_is_none_or_two_is_refused_by_name(principal: str, says: str) -> None:
    twin = call("s3", "ListBuckets", userIdentity=role("reader", "/other/"))
    with pytest.raises(InputError) as refused:
        generated([*EVENTS, *([twin] if "means" in says else [])], principal)
    assert says in str(refused.value)


def test_a_caller_goes_with_events_only() -> None:
    with pytest.raises(InputError, match="`principal` goes with `events`"):
        tool.run(
            {"action": "generate", "needs": {"s3:ListAllMyBuckets": ["*"]}, "principal": "app"}
        )


def test_calls_of_others_that_were_refused_are_no_matter_of_the_one_picked() -> None:
    refused = call(
        "s3", "DeleteObject", BUCKET, errorCode="AccessDenied", userIdentity=role("app")
    )
    facts = to_json(generated([*EVENTS, refused], "writer"))["facts"]
    assert "denied_calls" not in facts
    assert {row["caller"] for row in facts["callers_left_out"]} == {
        READER,
        f"arn:aws:iam::{ACCOUNT}:role/app",
    }


def test_regions_and_partitions_that_are_newer_than_the_data_are_kept_and_marked() -> None:
    url = f"https://sqs.zz-north-1.amazonaws.com/{ACCOUNT}/jobs"
    answer = generated([call("sqs", "SendMessage", {"queueUrl": url}, awsRegion="zz-north-1")])
    assert "does not know it: `zz-north-1`." in answer.summary
    assert answer.findings == ()
    (row,) = to_json(answer)["facts"]["newer_than_the_data"]
    assert row["name"] == "zz-north-1"
    newer = json.loads(json.dumps(role("app")).replace("arn:aws:", "arn:aws-new:"))
    answer = generated([call("sqs", "SendMessage", {"queueUrl": url}, userIdentity=newer)])
    assert "does not know it: `aws-new`." in answer.summary


def test_a_region_of_another_partition_is_no_new_one() -> None:
    event = call("sqs", "SendMessage", {"queueUrl": f"https://sqs.x/{ACCOUNT}/jobs"})
    with pytest.raises(InputError, match="INVALID_ARN_REGION"):
        generated([{**event, "awsRegion": "cn-north-1"}])


def test_the_replay_asks_for_the_resource_of_the_record() -> None:
    arn = f"arn:aws:kinesis:eu-west-1:{ACCOUNT}:newthing/x"
    answer = generated(
        [call("kinesis", "PutRecord", {"streamARN": arn}, resources=[{"ARN": arn}])]
    )
    assert f"ARNs of types that the data of {answer.as_of} does not list" in answer.summary
    request = {
        "principal": f"arn:aws:iam::{ACCOUNT}:role/app",
        "action": "kinesis:PutRecord",
        "resource": arn,
    }
    policies = {"identity": [artifact.content for artifact in answer.artifacts]}
    assert aws_iam.evaluate(request, policies).outcome == "Allowed"


def test_a_call_whose_resource_is_not_shown_proves_nothing() -> None:
    event = call(
        "greengrass",
        "CreateDeployment",
        {"targetArn": f"arn:aws:iot:eu-west-1:{ACCOUNT}:thing/core"},
    )
    answer = generated([event, *EVENTS[:1]], None)
    facts = to_json(answer)["facts"]
    assert facts["replay"] == {"events": 2, "allowed": 1, "not_proved": 1}
    assert "the replay proves nothing" in answer.summary


def test_a_role_that_is_passed_to_a_service_that_is_not_known_is_named() -> None:
    passed = f"arn:aws:iam::{ACCOUNT}:role/device"
    answer = generated([call("iot", "CreateRoleAlias", {"roleAlias": "a", "roleArn": passed})])
    assert "`iam:PassRole` has no condition on `iam:PassedToService` for 1 role" in answer.summary
