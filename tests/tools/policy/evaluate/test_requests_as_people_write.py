"""Requests as people write them: actions without their prefix, addresses of S3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.cli.command_line import main
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.examples import examples

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
        [f"s3:GetObject on {OBJECT}"],
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


ACTIONS = (
    "s3:GetObject",
    "sts:GetFederationToken",
    "sts:GetCallerIdentity",
    "sqs:SendMessage",
    "*",
)
RESOURCES = ("arn:aws:s3:::b/k", "arn:aws:sqs:eu-west-1:444455556666:q", "*")
PATTERNS = ("*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:username}", "arn:aws:*:*:${aws:ResourceAccount}:*")  # fmt: skip
KEYS = ("aws:PrincipalArn", "aws:userid", "aws:PrincipalType", "aws:ResourceAccount", "aws:PrincipalTag/team", "aws:ViaAWSService")  # fmt: skip
OPERATORS = ("StringLike", "StringNotLike", "StringEqualsIfExists", "ForAnyValue:StringLike", "Null")  # fmt: skip
VALUES = ("444455556666", "arn:aws:iam::*:role/*", "true", "AssumedRole", "${aws:username}")


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": draw(st.sampled_from(("Allow", "Allow", "Deny"))),
        "Action": draw(st.sampled_from(ACTIONS)),
        "Resource": draw(st.sampled_from(PATTERNS)),
    }
    if draw(st.booleans()):
        condition = {draw(st.sampled_from(KEYS)): draw(st.sampled_from(VALUES))}
        statement["Condition"] = {draw(st.sampled_from(OPERATORS)): condition}
    return statement


@given(
    identity=st.lists(statements(), min_size=1, max_size=3),
    scp=st.none() | st.lists(statements(), max_size=2),
    action=st.sampled_from(ACTIONS[:-1]),
    resource=st.sampled_from(RESOURCES),
)
@settings(max_examples=examples(60), deadline=None)
def test_what_is_decided_without_a_caller_is_so_for_each_of_its_account(
    identity: list[dict[str, Any]], scp: list[dict[str, Any]] | None, action: str, resource: str
) -> None:
    policies: dict[str, Any] = {"identity": {"Version": "2012-10-17", "Statement": identity}}
    if scp is not None:
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policies["scp"] = [{"Version": "2012-10-17", "Statement": [everything, *scp]}]
    asked = {"action": action, "resource": resource}
    call = {"action": "evaluate", "request": asked, "policies": policies}
    try:
        unnamed = tool.run(call).decision
    except InputError as refused:
        assert "the request lacks `principal`" in str(refused)  # noqa: PT017 - it may be decided
        return
    for account in ("444455556666",) if "4444" in resource else ("444455556666", "777788889999"):
        for name in ("iam::{}:user/div/k", "iam::{}:role/r", "sts::{}:assumed-role/r/bob"):
            named = {**asked, "principal": f"arn:aws:{name.format(account)}"}
            decision = tool.run({**call, "request": named}).decision
            assert decision
            assert unnamed
            assert decision.outcome == unnamed.outcome


@pytest.mark.parametrize("policies", ["AmazonS3ReadOnlyAccess", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", {"identity": "AmazonS3ReadOnlyAccess", "scp": [["FullAWSAccess"]]}], ids=str)  # fmt: skip
def test_policies_of_aws_go_by_their_names(
    policies: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = tool.run(
        {"action": "evaluate", "request": f"s3:GetObject on {OBJECT}", "policies": policies}
    )
    assert answer.decision
    assert answer.decision.outcome == "Allowed"
    given = policies if isinstance(policies, str) else json.dumps(policies)
    assert main(["policy", "evaluate", f"s3:GetObject on {OBJECT}", given], {}) == 0
    assert capsys.readouterr().out.startswith("Allowed: ")
