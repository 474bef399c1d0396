"""Where the findings on what a template grants without a document point to, and what hostile templates cost."""

from __future__ import annotations

import json
from functools import reduce
from textwrap import dedent
from typing import Any

import pytest

from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.sources.containers.condition_combinations import (
    MOST_COMBINATIONS,
    ConditionLogic,
)
from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError
from helpers.policy_files import ALLOW, document, file, judged, lines, template
from helpers.work import calls


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            """
            Resources:
              Fn:
                Type: AWS::Serverless::Function
                Properties:
                  Policies:
                  - TextractPolicy: {}
            """,
            [
                (
                    "SERVICE_WILDCARD_ALLOWED",
                    "Fn.Policies[0] (TextractPolicy)",
                    "TextractPolicy: {}",
                )
            ],
        ),
        (
            """
            Resources:
              Caller:
                Type: AWS::Lambda::Permission
                Properties:
                  Action: lambda:InvokeFunction
                  FunctionName: reports
                  Principal: '*'
            """,
            [("PUBLIC_ACCESS_ALLOWED", "reports (permissions)", "'*'")],
        ),
        (
            """
            Resources:
              Set:
                Type: AWS::CloudFormation::StackSet
                Properties:
                  TemplateBody: |
                    Resources:
                      It:
                        Type: AWS::IAM::ManagedPolicy
                        Properties:
                          PolicyDocument:
                            Version: '2012-10-17'
                            Statement:
                            - Effect: Alow
                              Action: s3:GetObject
                              Resource: arn:aws:s3:::b/*
            """,
            [("INVALID_EFFECT", "Set.TemplateBody/It.PolicyDocument", "Alow")],
        ),
    ],
    ids=["policy template", "permission", "template in a template"],
)
def test_the_finding_points_at_the_line_that_grants(
    text: str, expected: list[tuple[str, str, str]]
) -> None:
    text = dedent(text)
    found = lines(judged(file("template.yaml", text)), text)
    assert [row for row in found if row[0] != "FULL_SERVICE_ACCESS"] == expected


def test_a_template_in_a_template_writes_no_placeholder_by_hand() -> None:
    faked = json.dumps(
        {
            "Resources": {
                "R": {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Properties": {"PolicyDocument": document({**ALLOW, "Action": "MARK"})},
                }
            }
        }
    )
    faked = faked.replace("MARK", "\\ue000s3:Nope\\ue001")
    own = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(ALLOW)}}
    stack_set = {"Type": "AWS::CloudFormation::StackSet", "Properties": {"TemplateBody": faked}}
    found = gathered({"Resources": {"Own": own, "S": stack_set}})
    assert [unread.place for unread in found.unread] == ["S.TemplateBody"]


def equal(name: str, value: str) -> dict[str, Any]:
    return {"Fn::Equals": [{"Ref": name}, value]}


CHAIN = {
    f"C{n}": {"Fn::And": [{"Condition": f"C{n + 1}"}, {"Condition": f"C{n + 1}"}]}
    for n in range(2_000)
}
NESTED = reduce(lambda inner, _: {"Fn::Not": [inner]}, range(27), equal("P", "x"))
HOSTILE = {
    "a chain of conditions": (CHAIN, ["C0"]),
    "many values": (
        {f"C{n}": equal("P", str(n)) for n in range(2_000)},
        [f"C{n}" for n in range(2_000)],
    ),
    "many parameters": (
        {f"C{n}": equal(f"P{n}", "x") for n in range(500)},
        [f"C{n}" for n in range(500)],
    ),
    "nested operators": ({"C0": NESTED}, ["C0"]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_conditions_never_hang(name: str) -> None:
    conditions, used = HOSTILE[name]
    branches = [{"Fn::If": [own, {**ALLOW, "Sid": own}, {"Ref": "AWS::NoValue"}]} for own in used]
    text = template({"PolicyDocument": document(*branches, ALLOW)}, Conditions=conditions)
    assert 1 <= len(gathered(text).sources) <= MOST_COMBINATIONS
    assert calls(lambda: gathered(text)) < 3_000_000


def test_one_condition_over_many_parameters_is_read_in_both_ways() -> None:
    names = [f"P{n}" for n in range(30)]
    conditions = {"All": {"Fn::And": [equal(name, "x") for name in names]}}
    logic = ConditionLogic.of(from_value({"Conditions": conditions}))
    found = logic.combinations(["All"])
    assert found.all == ({"All": True}, {"All": False})
    assert not found.cut


def test_a_template_that_expands_without_end_within_another_is_named() -> None:
    inner = template(
        {"PolicyDocument": document({**ALLOW, "Resource": {"Fn::Sub": "${L}" * 3_000}})},
        Parameters={"L": {"Type": "String", "Default": "x" * 4_000}},
    )
    own = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(ALLOW)}}
    stack_set = {"Type": "AWS::CloudFormation::StackSet", "Properties": {"TemplateBody": inner}}
    found = gathered({"Resources": {"Own": own, "S": stack_set}})
    (unread,) = found.unread
    assert unread.place == "S.TemplateBody"
    assert "expand to more than" in unread.why


def test_a_template_with_nothing_but_what_is_not_read_is_refused_with_the_reasons() -> None:
    share = {"Type": "AWS::RAM::ResourceShare", "Properties": {"Principals": ["444455556666"]}}
    with pytest.raises(InputError, match="Principals `444455556666`"):
        gathered({"Resources": {"Share": share}})


def test_a_template_of_many_resources_is_read_in_few_combinations_each_and_that_is_said() -> None:
    conditions = {f"C{n}": equal(f"P{n}", "x") for n in range(4)}
    branches = [
        {"Fn::If": [name, {**ALLOW, "Sid": name}, {"Ref": "AWS::NoValue"}]} for name in conditions
    ]
    policy = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": document(*branches, ALLOW)},
    }
    resources = {f"R{n}": policy for n in range(60)}
    found = gathered(json.dumps({"Resources": resources, "Conditions": conditions}))
    assert len(found.sources) == 42 * 16 + 18 * 2
    assert len(found.unread) == 18
    assert {unread.why for unread in found.unread} == {
        "its conditions can combine in more ways; it was read in 2"
    }
