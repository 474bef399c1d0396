"""`policy generate`: what is granted, what is said about it, what is refused; the result has no problem but the risks of its needs."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import Any

import pytest

import aws_iam
from aws_iam.answer import Answer, to_json
from aws_iam.engine.explain.statement_risk import RISK_CODES
from aws_iam.errors import InputError
from aws_iam.report.answer_text import plain
from aws_iam.report.next_calls import as_command
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.work import calls

FOLDER = TESTS / "cases/generate"
ROLE = "arn:aws:iam::111122223333:role/app"
# Key policies must allow, too.
OWN_ACCOUNT = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "*",
        "Resource": "*",
    },
}
QUEUE = "arn:aws:sqs:eu-west-1:1111-2222-3333:jobs"
FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:report"


def _cases(name: str) -> list[Any]:
    return [
        pytest.param(case, id=case["name"])
        for case in json.loads((FOLDER / name).read_text(encoding="utf-8"))
    ]


def generated(needs: Any, conditions: Any = None) -> Answer:
    return tool.run({"action": "generate", "needs": needs, "conditions": conditions})


def statements(answer: Answer) -> list[dict[str, Any]]:
    return [
        row for artifact in answer.artifacts for row in json.loads(artifact.content)["Statement"]
    ]


def _many(value: Any) -> Any:
    """The case with each list that stands for a long one, `["@501 arn:aws:s3:::reports"]`, written out."""
    if isinstance(value, dict):
        return {key: _many(entry) for key, entry in value.items()}
    if isinstance(value, list) and value and str(value[0]).startswith("@"):
        count, head = value[0][1:].split()
        return [f"{head}/{number}" for number in range(int(count))]
    return value


@pytest.mark.parametrize("case", _cases("granted.json"))
def test_the_policy_grants_what_the_needs_say_and_the_facts_say_how(case: dict[str, Any]) -> None:
    answer = generated(case["needs"], case.get("conditions"))
    assert {finding.code for finding in answer.findings} == set(case.get("risks", ()))
    if "statements" in case:
        assert statements(answer) == case["statements"]
    shown = to_json(answer)
    for table, rows in case["facts"].items():
        for row in rows:
            assert any(row.items() <= found.items() for found in shown["facts"][table]), table
    assert set(case.get("next", ())) <= set(map(as_command, answer.next))


@pytest.mark.parametrize("case", _cases("granted.json"))
def test_needs_as_text_give_the_same_answer(case: dict[str, Any]) -> None:
    conditions = case.get("conditions")
    texts = [json.dumps(value) if value else None for value in (case["needs"], conditions)]
    assert generated(*texts) == generated(case["needs"], conditions)


@pytest.mark.parametrize("case", _cases("refused.json"))
def test_needs_that_cannot_be_grounded_are_refused_by_name(case: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        generated(_many(case["needs"]), _many(case.get("conditions")))
    for words in case["says"]:
        assert words in str(refused.value)


def test_the_example_pipes_into_the_validator_without_a_finding() -> None:
    needs = '{"read": ["arn:aws:s3:::reports"], "write": ["arn:aws:s3:::reports/incoming/*"]}'
    command = [sys.executable, "-m", "aws_iam", "policy"]
    made = subprocess.run(
        [*command, "generate", "--needs", needs], capture_output=True, text=True, check=True
    )
    judged = subprocess.run(
        [*command, "validate", "--document", "-"],
        input=made.stdout,
        capture_output=True,
        text=True,
        check=True,
    )
    assert judged.stdout.startswith("No problems found")
    assert "`read` also covers `arn:aws:s3:::reports/*`." in made.stderr


@pytest.mark.parametrize(
    "needs",
    [
        {"read": [QUEUE]},
        {QUEUE: "sqs:SendMessage"},
        json.dumps({"sqs:SendMessage": QUEUE.replace("-2222-", " 2222 ")}),
        [{"actions": ["sqs:SendMessage"], "resources": [QUEUE]}],
    ],
)
def test_an_account_in_groups_of_four_is_taken_and_said(needs: Any) -> None:
    answer = tool.run({"action": "generate", "needs": needs})
    assert "arn:aws:sqs:eu-west-1:111122223333:jobs" in answer.artifacts[0].content
    assert answer.facts["understood"][0].endswith("` as `111122223333`")


def test_a_bucket_whose_name_looks_like_an_account_keeps_its_name() -> None:
    needs = {"read": ["arn:aws:s3:::1111-2222-3333"]}
    assert (
        "1111-2222-3333" in tool.run({"action": "generate", "needs": needs}).artifacts[0].content
    )


@pytest.mark.parametrize("case", _cases("levels.json"))
def test_a_level_gives_what_its_word_means_and_says_what_it_leaves_out(
    case: dict[str, Any],
) -> None:
    answer = generated(case["needs"], case.get("conditions"))
    assert {finding.code for finding in answer.findings} <= set(RISK_CODES)
    documents = [artifact.content for artifact in answer.artifacts]
    for outcome in ("Allowed", "ImplicitlyDenied"):
        for action, resource in case[outcome]:
            request = {"principal": ROLE, "action": action, "resource": resource}
            decision = aws_iam.evaluate(request, {"identity": documents, "resource": OWN_ACCOUNT})
            assert decision.outcome == outcome, f"{action} on {resource}"
    text = plain(answer)
    for words in case["says"]:
        assert words in text
    for words in case.get("says_not", ()):
        assert words not in text
    assert set(case.get("next", ())) <= set(map(as_command, answer.next))


def test_passing_any_role_is_granted_only_when_asked_for_and_shown_as_a_finding() -> None:
    answer = generated({"iam:PassRole": ["*"]})
    assert [finding.code for finding in answer.findings] == ["PASS_ROLE_WITH_STAR_IN_RESOURCE"]
    assert "1 finding." in answer.summary


def test_every_artifact_says_that_it_was_validated_and_which_data_was_used() -> None:
    answer = generated({"read": ["arn:aws:s3:::reports/*"]})
    assert [(artifact.name, artifact.checked_by) for artifact in answer.artifacts] == [
        ("policy.json", "policy validate")
    ]
    assert answer.as_of
    assert any("list_amazons3" in source for source in answer.sources)


def test_more_than_one_managed_policy_can_hold_becomes_several_that_each_fit() -> None:
    queues = [f"arn:aws:sqs:eu-west-1:111122223333:orders-of-region-{n:03}" for n in range(200)]
    answer = generated({"sqs:SendMessage": queues})
    assert [artifact.name for artifact in answer.artifacts] == [
        f"policy-{n}.json" for n in (1, 2, 3)
    ]
    for artifact in answer.artifacts:
        assert len("".join(artifact.content.split())) <= 6_144
        assert aws_iam.validate(artifact.content) == []
    resources = [text for statement in statements(answer) for text in statement["Resource"]]
    assert sorted(resources) == queues
    sids = [statement["Sid"] for statement in statements(answer)]
    assert len(set(sids)) == len(sids)
    assert "3 policies to attach together, with 3 statements" in answer.summary
    assert answer.facts["characters"] == [
        len("".join(artifact.content.split())) for artifact in answer.artifacts
    ]


def test_an_endless_arn_is_refused_by_its_length() -> None:
    with pytest.raises(InputError, match="has 3,013 characters, an ARN has at most 2,048"):
        generated({"read": [f"arn:aws:s3:::{'a' * 3_000}"]})


def test_equal_needs_in_another_order_give_the_same_policy() -> None:
    one = {"read": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"], "list": ["arn:aws:s3:::a"]}
    other = {"list": ["arn:aws:s3:::a"], "read": ["arn:aws:s3:::b/*", "arn:aws:s3:::a/*"]}
    assert generated(one).artifacts == generated(other).artifacts


def test_the_summary_names_what_is_not_granted() -> None:
    answer = generated({"lambda:CreateFunction": [FUNCTION]})
    assert (
        "Not granted: 2 actions (`iam:PassRole`, `lambda:PassCapacityProvider`)" in answer.summary
    )


def test_the_summary_tells_of_actions_that_stand_without_the_condition() -> None:
    needs = {"s3:ListBucket": ["arn:aws:s3:::reports"], "s3:GetObject": ["arn:aws:s3:::reports/*"]}
    answer = generated(needs, {"StringLike": {"s3:prefix": "home/*"}})
    assert "The condition on `s3:prefix` is left off 1 action, " in answer.summary


def test_hostile_patterns_cost_little_more_each() -> None:
    def needs(number: int) -> dict[str, list[str]]:
        return {"s3:GetObject": [f"arn:aws:s3:::b/{'*a?b' * 60}{n}" for n in range(number)]}

    generated(needs(1))
    few, many = (calls(lambda n=n: generated(needs(n))) for n in (10, 40))
    # Four times as many patterns are compared sixteen times as often; nothing grows faster than that.
    assert many < 20 * few


def test_the_reference_shows_what_its_command_gives() -> None:
    page = (FOLDER.parents[2] / "references/policy-design.md").read_text(encoding="utf-8")
    section = page.partition("## Policies from needs")[2].partition("\n## ")[0]
    shown = json.loads(section.partition("```json\n")[2].partition("```")[0])
    line = next(line for line in section.splitlines() if "--conditions" in line)
    words = shlex.split(line)
    answer = generated(words[words.index("--needs") + 1], words[words.index("--conditions") + 1])
    assert statements(answer) == shown["Statement"]
