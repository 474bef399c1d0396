"""The values of CloudFormation's functions: what a template says itself is judged, what only the deployment knows is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.errors import InputError
from aws_iam.rules.policy.run import validate
from helpers.policy_files import ALLOW, document, in_template, judged, template


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Unknown"},
        {"Fn::ImportValue": "bucket-arn"},
        {"Fn::Sub": "${Name}"},
        {"Fn::Sub": "arn:aws:s3:::${Name}/*"},
        {"Fn::Sub": ["arn:${A}:s3:::x/*", {"A": {"Fn::ImportValue": "a"}}]},
        {"Fn::Join": ["", ["arn:aws:", {"Ref": "X"}, ":::", {"Fn::GetAZs": ""}]]},
        {"Fn::GetAtt": ["Bucket", "Arn"]},
        {"Fn::GetAtt": "Bucket.Arn"},
        {"Fn::Select": [9, [1]]},
        {"Fn::FindInMap": ["A", {"Ref": "AWS::Region"}, "B"]},
        {"Fn::Transform": {"Name": "AWS::Include"}},
        {"Fn::Something": 1},
        "{{resolve:ssm:/bucket}}",
        "arn:aws:s3:::{{resolve:ssm:/bucket}}/*",
    ],
    ids=json.dumps,
)
def test_what_only_the_deployment_knows_raises_no_alarm(value: Any) -> None:
    assert in_template({**ALLOW, "Resource": value}) == []
    assert in_template({**ALLOW, "Resource": [ALLOW["Resource"], value]}) == []
    assert in_template({**ALLOW, "Condition": {"ArnLike": {"aws:PrincipalArn": value}}}) == []
    assert "INVALID_ACTION" in in_template({**ALLOW, "Action": "s3:Nope", "Resource": value})


def test_an_unknown_part_hides_no_fault_beside_it() -> None:
    statement = {
        **ALLOW,
        "Effect": "Alow",
        "Action": [{"Ref": "Action"}, "s3:GetObjectt"],
        "Resource": {"Fn::Sub": "arn:aws:s3:::${Name}/*"},
    }
    assert sorted(in_template(statement)) == ["INVALID_ACTION", "INVALID_EFFECT"]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"Fn::Sub": "arn:aws:s3:::b/${!aws:username}/*"}, None),
        ({"Fn::Sub": "arn:${AWS::Partition}:s3:::b/*"}, None),
        ({"Fn::Join": [":", ["arn", "aws", "s3", "", "", "b/*"]]}, None),
        ({"Ref": "Good"}, None),
        ({"Ref": "Bad"}, "INVALID_ARN_PREFIX"),
        ({"Fn::Sub": "${Bad}"}, "INVALID_ARN_PREFIX"),
        ({"Fn::FindInMap": ["Arns", "of", "bad"]}, "INVALID_ARN_PREFIX"),
        ({"Fn::Select": [1, ["arn:aws:s3:::b/*", "ran:aws:s3:::b/*"]]}, "INVALID_ARN_PREFIX"),
        ({"Fn::Select": ["0", {"Fn::Split": [",", "ran:aws:s3:::b/*,x"]}]}, "INVALID_ARN_PREFIX"),
    ],
    ids=json.dumps,
)
def test_what_the_template_says_itself_is_judged(value: Any, code: str | None) -> None:
    found = in_template(
        {**ALLOW, "Resource": value},
        Parameters={
            "Good": {"Type": "String", "Default": "arn:aws:s3:::b/*"},
            "Bad": {"Type": "String", "Default": "ran:aws:s3:::b/*"},
        },
        Mappings={"Arns": {"of": {"bad": "ran:aws:s3:::b/*"}}},
    )
    assert (found and found[0]) == (code or [])


def test_both_sides_of_a_condition_are_judged_and_what_they_share_is_told_once() -> None:
    shared = {**ALLOW, "Sid": "Shared", "Effect": "Alow"}
    either = {
        "Fn::If": [
            "IsProduction",
            {**ALLOW, "Sid": "A", "Action": "s3:Nope"},
            {**ALLOW, "Sid": "B", "Action": "s3:Nein"},
        ]
    }
    text = template(
        {
            "PolicyDocument": document(
                shared, either, {"Fn::If": ["X", {"Ref": "AWS::NoValue"}, ALLOW]}
            )
        }
    )
    for given_ in (text, json.dumps(json.loads(text), indent=1), json.loads(text)):
        assert sorted((finding.code, finding.resource) for finding in validate(given_)) == [
            ("INVALID_ACTION", "It.PolicyDocument"),
            ("INVALID_ACTION", "It.PolicyDocument (conditions false)"),
            ("INVALID_EFFECT", "It.PolicyDocument"),
        ]


@pytest.mark.parametrize(
    ("denied", "codes"),
    [
        ({"Fn::Sub": "arn:aws:iam::${Account}:role/*"}, ["CREDENTIALS_EXPOSURE"]),
        ({"Fn::Sub": "arn:aws:iam::111122223333:role/${Prefix}*"}, ["CREDENTIALS_EXPOSURE"]),
        ({"Ref": "Roles"}, []),
    ],
    ids=json.dumps,
)
def test_a_denied_name_with_an_unknown_part_leaves_the_others_allowed(
    denied: Any, codes: list[str]
) -> None:
    found = in_template(
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/*"},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": denied},
    )
    assert found == codes


def test_marks_of_unknown_values_cannot_be_written_by_hand() -> None:
    faked = {**ALLOW, "Action": "s3:No\ue000pe\ue001", "Resource": {"Ref": "X"}}
    assert in_template(faked) != []
    assert "INVALID_SERVICE_IN_ACTION" in in_template(
        {**ALLOW, "Action": "\ue000s3:GetObject\ue001", "Resource": {"Ref": "X"}}
    )


@pytest.mark.parametrize(
    "body",
    [
        {"PolicyDocument": document({**ALLOW, "Resource": {"Fn::Sub": "${L}" * 3000}})},
        {"PolicyDocument": document(*[{**ALLOW, "Resource": {"Ref": "M"}}] * 300)},
    ],
)
def test_references_that_would_stand_for_gigabytes_are_refused(body: dict[str, Any]) -> None:
    parameters = {
        "L": {"Type": "String", "Default": "x" * 4000},
        "M": {"Type": "CommaDelimitedList", "Default": "x," * 20_000},
    }
    with pytest.raises(InputError, match="expand to more than"):
        judged(template(body, Parameters=parameters))
