"""Policies that AWS refuses, or that two parsers read differently: no action passes over it in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.cli import command_line
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

CASES = json.loads((TESTS / "cases/evaluate/unusable.json").read_text(encoding="utf-8"))
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
REQUEST = {
    "principal": "arn:aws:iam::111122223333:role/app",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::b/k",
}


def said(action: str, **arguments: Any) -> str:
    """The refusal, or all that the answer says."""
    try:
        answer = tool.run({"action": action, **arguments})
    except InputError as refused:
        return str(refused).replace("`", "")
    return f"{answer.summary} {answer.facts}".replace("`", "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_is_wrong_with_a_policy_is_said_by_every_action(case: dict[str, Any]) -> None:
    words = case["says"].replace("`", "")
    document = case["document"]
    kind = {"kind": case["kind"]} if "kind" in case else {}
    assert words in said("evaluate", request=REQUEST, policies={"identity": document})
    assert words in said("denied", message=MESSAGE, policies={"identity": document})
    assert words in said("explain", document=document, **kind)
    # Without a template around it, the kind of a policy with principals is guessed to be that of a resource.
    if not kind or "compare" in case:
        assert words in said("compare", document=document, baseline=EVERYTHING)
        assert words in said("compare", document=EVERYTHING, baseline=document)


MESSAGE = (
    "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k"
    " because no identity-based policy allows the s3:GetObject action"
)


@pytest.mark.parametrize("text", ["null", "3", "true", '"Statement"', "[]", "[null]", "[3]"])
def test_json_that_is_no_object_is_answered_by_every_action(text: str) -> None:
    for action in ("validate", "explain", "shrink"):
        assert said(action, document=text)
    assert said("compare", document=text, baseline=EVERYTHING)
    assert said("compare", document=EVERYTHING, baseline=text)
    assert said("repair", document=text, allow=[REQUEST])
    assert said("evaluate", request=REQUEST, policies={"identity": text})


def test_a_policy_as_text_inside_the_text_of_the_layers_is_read_once() -> None:
    text = CASES[0]["document"]
    for policies in (json.dumps({"identity": text}), f'{{"identity": {text}}}'):
        assert "stands twice" in said("evaluate", request=REQUEST, policies=policies)


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "--document", CASES[0]["document"]],
        ["compare", "--document", CASES[0]["document"], "--baseline", json.dumps(EVERYTHING)],
        [
            "evaluate",
            "--request",
            json.dumps(REQUEST),
            "--policies",
            f'{{"identity": {CASES[0]["document"]}}}',
        ],
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_command_does_not_answer_on_half_a_policy(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(["policy", *arguments, "--json"], {}) == 2
    assert "`Effect` stands twice" in "".join(capsys.readouterr())


def test_the_same_value_twice_is_no_repeated_key() -> None:
    allow = {"Effect": "Allow", "Action": ["s3:*", "s3:*"], "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow, allow]})
    assert "Allowed" in said("evaluate", request=REQUEST, policies={"identity": text})


@pytest.mark.parametrize("name", ["statement", "Statements", "Sttement"])
def test_statements_under_a_misspelt_name_are_explained_as_none(name: str) -> None:
    spelt = {"Version": "2012-10-17", name: [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    answer = tool.run({"action": "explain", "document": spelt})
    assert "AWS refuses a policy without statements" in answer.summary
