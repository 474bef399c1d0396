"""The ARN of an AWS managed policy stands for its document wherever a policy is taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam import compare, evaluate, validate
from aws_iam.cli.files import read_policies
from aws_iam.engine.reference.managed_policies import managed_policy_of_arn
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool

ARN = "arn:aws:iam::aws:policy"
READ, FULL = f"{ARN}/AmazonS3ReadOnlyAccess", f"{ARN}/AmazonS3FullAccess"
ROLE = "arn:aws:iam::111122223333:role/app"


def document(arn: str) -> Any:
    return json.loads(managed_policy_of_arn(arn).document)


@pytest.mark.parametrize(
    "arn", [READ, f"{ARN}/AdministratorAccess", f"{ARN}/job-function/Billing"]
)
def test_validate_judges_its_document(arn: str) -> None:
    of_arn = validate(arn)
    assert [finding.code for finding in of_arn] == [
        finding.code for finding in validate(document(arn), "identity")
    ]
    assert {finding.resource for finding in of_arn} <= {arn}


def test_validate_names_the_policy_and_its_version() -> None:
    answer = tool.run({"action": "validate", "document": READ})
    assert "read as an identity policy" in answer.summary
    assert (
        answer.facts["formats"] == "AWS managed policy AmazonS3ReadOnlyAccess (v3 of 2023-08-10)"
    )


def test_explain_tells_its_access() -> None:
    facts = tool.run({"action": "explain", "document": READ}).facts
    assert (
        facts["actions_allowed"]
        == tool.run({"action": "explain", "document": document(READ)}).facts["actions_allowed"]
    )


def test_compare_takes_it_on_both_sides() -> None:
    assert compare(READ, FULL).relation == "less"
    assert compare(document(FULL), [READ, FULL]).relation == "equal"


@pytest.mark.parametrize(
    ("policies", "outcome"),
    [
        ({"identity": READ}, "ImplicitlyDenied"),
        ({"identity": [READ, FULL]}, "Allowed"),
        ({"identity": FULL, "boundary": READ}, "ImplicitlyDenied"),
        ({"identity": FULL, "session": [FULL], "boundary": FULL}, "Allowed"),
    ],
)
def test_evaluate_takes_it_in_every_layer(policies: dict[str, Any], outcome: str) -> None:
    request = {"principal": ROLE, "action": "s3:PutObject", "resource": "arn:aws:s3:::b/k"}
    assert evaluate(request, policies).outcome == outcome


VERSION = {"policy": READ, "version": "v3", "changed": "2023-08-10"}


@pytest.mark.parametrize(
    "call",
    [
        {"action": "compare", "document": READ, "baseline": [document(FULL)]},
        {"action": "compare", "document": [document(FULL)], "baseline": [document(READ), READ]},
        {"action": "compare", "document": READ, "forbidden": {"actions": ["iam:PassRole"]}},
        {
            "action": "evaluate",
            "request": {
                "principal": ROLE,
                "action": "s3:GetObject",
                "resource": "arn:aws:s3:::b/k",
            },
            "policies": {"identity": [document(FULL)], "boundary": [READ]},
        },
    ],
)
def test_the_answer_says_which_version_was_used(call: dict[str, Any]) -> None:
    assert tool.run(call).facts["aws_managed_policies"] == [VERSION]


def test_it_stands_in_a_list_and_beside_files(tmp_path: Any) -> None:
    own = tmp_path / "own.json"
    own.write_text(
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
            }
        )
    )
    answer = tool.run(
        {"action": "validate", "document": read_policies("document", [str(own), FULL])}, cli=True
    )
    assert {row.get("policy") for row in answer.facts["policies"]} == {None, FULL}
    rows = tool.run({"action": "validate", "document": [READ, FULL]}).facts["policies"]
    assert [row["policy"] for row in rows] == [READ, FULL]
    assert read_policies("document", [FULL]) == FULL


@pytest.mark.parametrize("action", ["validate", "explain"])
def test_an_unknown_one_is_refused_with_what_was_meant(action: str) -> None:
    with pytest.raises(InputError, match="is not an AWS managed policy") as refused:
        tool.run({"action": action, "document": f"{ARN}/AmazonS3ReadOnlyAcces"})
    assert READ in refused.value.hint
