"""Requests as people write them: actions without their prefix, addresses of S3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

CASES = json.loads((TESTS / "cases/evaluate/as_people_write.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['action']} {case['resource']}")
def test_a_request_is_taken_as_it_is_meant_and_says_so(case: dict[str, Any]) -> None:
    fields = ("principal", "action", "resource")
    request = {"principal": "arn:aws:iam::111122223333:user/a", **case}
    call = {
        "action": "evaluate",
        "request": {name: request[name] for name in fields},
        "policies": {"identity": {"Version": "2012-10-17", "Statement": []}},
    }
    if "error" in case:
        with pytest.raises(InputError, match="is not an") as caught:
            tool.run(call)
        assert case["error"] in str(caught.value)
    else:
        assert tool.run(call).facts["understood"] == case["understood"]


OF_CALLER = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
}
OF_BUCKET = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"},
}
OBJECT = "arn:aws:s3:::amzn-s3-demo-bucket/a"


@pytest.mark.parametrize(
    "request_",
    [
        f"s3:GetObject on {OBJECT}",
        f"s3:GetObject {OBJECT}",
        {"action": "s3:GetObject", "resource": OBJECT},
    ],
    ids=str,
)
def test_a_request_without_a_caller_is_one_of_everybody_with_the_policies(request_: Any) -> None:
    answer = tool.run({"action": "evaluate", "request": request_, "policies": OF_CALLER})
    assert answer.decision
    assert answer.decision.outcome == "Allowed"
    assert (
        "The request names no `principal`: it is decided for a role of the resource's account"
        in answer.summary
    )


def test_a_caller_is_of_the_account_that_the_request_names() -> None:
    request = {"action": "sqs:SendMessage", "resource": "arn:aws-cn:sqs:cn-north-1:444455556666:q"}
    answer = tool.run(
        {"action": "evaluate", "request": request, "policies": {"identity": "AdministratorAccess"}}
    )
    assert "`arn:aws-cn:iam::444455556666:role/example`" in answer.summary
    request = {"action": "s3:GetObject", "resource": OBJECT, "resource_account": "444455556666"}
    answer = tool.run(
        {"action": "evaluate", "request": request, "policies": {"identity": "AdministratorAccess"}}
    )
    assert "`arn:aws:iam::444455556666:role/example`" in answer.summary


UNNAMED = json.loads((TESTS / "cases/evaluate/without_caller.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", UNNAMED, ids=lambda case: case["name"])
def test_a_request_without_a_caller_is_refused_where_callers_with_the_policies_differ(
    case: dict[str, Any],
) -> None:
    call = {"action": "evaluate", "request": case["request"], "policies": case["policies"]}
    if "error" in case:
        with pytest.raises(InputError) as refused:
            tool.run(call)
        assert case["error"] in str(refused.value)
        listed = {"cases": [{"expect": "Allowed", "request": case["request"]}]}
        with pytest.raises(InputError) as refused:
            tool.run({"action": "test", "cases": listed, "policies": case["policies"]})
        assert case["error"] in str(refused.value)
    else:
        assert case["summary"] in tool.run(call).summary


@pytest.mark.parametrize(
    ("policies", "error"),
    [
        ({"identity": OF_CALLER, "resource": OF_BUCKET}, "the request lacks `principal`"),
        (OF_BUCKET, "the request lacks `principal`"),
        (
            {
                "identity": OF_CALLER,
                "scp": [
                    {
                        "Version": "2012-10-17",
                        "Statement": [
                            {"Effect": "Allow", "Action": "*", "Resource": "*"},
                            {
                                "Effect": "Deny",
                                "Action": "*",
                                "Resource": "*",
                                "Condition": {
                                    "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}
                                },
                            },
                        ],
                    }
                ],
            },
            "the request lacks `principal`, and a policy looks at `aws:PrincipalArn`",
        ),
        (
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Action": "s3:*",
                    "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/${aws:username}/*",
                },
            },
            "the request lacks `principal`, and a policy looks at `aws:username`",
        ),
    ],
)
def test_who_asks_must_be_named_where_it_decides(policies: Any, error: str) -> None:
    with pytest.raises(InputError) as refused:
        tool.run(
            {"action": "evaluate", "request": f"s3:GetObject on {OBJECT}", "policies": policies}
        )
    assert error in str(refused.value)
