"""`policy explain` of a template: policies of branches that exclude each other are never seen together."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.tools.policy.actions import tool
from helpers.policy_files import document, template

PASS, CREATE, INVOKE = "iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"
CONDITIONS = {
    "Prod": {"Fn::Equals": [{"Ref": "Env"}, "prod"]},
    "Test": {"Fn::Equals": [{"Ref": "Env"}, "test"]},
}
NOTHING = {"Ref": "AWS::NoValue"}


def statement(*actions: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": list(actions), "Resource": "*"}


def escalations(*statements: Any) -> list[str | None]:
    text = template({"PolicyDocument": document(*statements)}, Conditions=CONDITIONS)
    answer = tool.run({"action": "explain", "document": text})
    return [own.resource for own in answer.findings if own.code == "PRIVILEGE_ESCALATION"]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (
            [{"Fn::If": ["Prod", statement(PASS), statement(CREATE)]}, statement(INVOKE)],
            [],
        ),
        (
            [
                {"Fn::If": ["Prod", statement(PASS), NOTHING]},
                {"Fn::If": ["Test", statement(CREATE), NOTHING]},
                statement(INVOKE),
            ],
            [],
        ),
        (
            [
                {"Fn::If": ["Prod", statement(PASS), NOTHING]},
                {"Fn::If": ["Prod", statement(CREATE), NOTHING]},
                statement(INVOKE),
            ],
            ["It.PolicyDocument"],
        ),
        (
            [
                {"Fn::If": ["Prod", statement(PASS, effect="Deny"), NOTHING]},
                statement(PASS, CREATE, INVOKE),
            ],
            ["It.PolicyDocument (conditions false)"],
        ),
        (
            [{"Fn::If": ["Prod", statement("s3:Get*"), NOTHING]}, statement(PASS, CREATE, INVOKE)],
            ["It.PolicyDocument"],
        ),
    ],
    ids=["one or the other", "two values", "both", "denied in one", "in both, said once"],
)
def test_a_path_needs_what_can_stand_together(
    statements: list[Any], expected: list[str | None]
) -> None:
    assert list(dict.fromkeys(escalations(*statements))) == expected


def test_many_cases_are_seen_together_in_the_end_and_miss_nothing() -> None:
    conditions = {f"C{n}": {"Fn::Equals": [{"Ref": f"P{n}"}, "x"]} for n in range(8)}
    resources = {
        f"R{n}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": document(
                    *(
                        {"Fn::If": [name, statement(f"sqs:Get{name}*"), NOTHING]}
                        for name in list(conditions)[:4]
                    ),
                    statement(PASS, CREATE, INVOKE) if n == 2 else statement("sqs:ReceiveMessage"),
                )
            },
        }
        for n in range(4)
    }
    answer = tool.run(
        {"action": "explain", "document": {"Resources": resources, "Conditions": conditions}}
    )
    assert "PRIVILEGE_ESCALATION" in {own.code for own in answer.findings}
