"""A text says a thing once: what the summary, a finding or another fact says is left out of it."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.answer import Answer, Comparison, Counts, Finding, Severity, Status
from aws_iam.report.answer_text import plain
from aws_iam.report.said_once import facts_to_show
from aws_iam.tools.registry import tool_named

LONG = "the caller may change it again: the key policy names the caller"


@pytest.mark.parametrize(
    ("summary", "facts", "shown"),
    [
        ("x", {"a": "b"}, {"a": "b"}),
        (f"Accepted: {LONG}.", {"reason": LONG, "count": 3}, {"count": 3}),
        ("account 111122223333 is fine", {"account": "111122223333"}, {}),
        ("account 1111222233334 is fine", {"account": "111122223333"}, {"account": "111122223333"}),
        ("`s3:GetObject` on x", {"actions": ["s3:GetObject"]}, {}),
        ("`s3:GetObject` on x", {"actions": ["s3:GetObject", "s3:PutObject"]}, {"actions": ["s3:GetObject", "s3:PutObject"]}),
        ("x", {"why": LONG, "fix": f"do this; {LONG}"}, {"fix": f"do this; {LONG}"}),
        ("x", {"said": {"why": LONG, "who": "a"}, "notes": [LONG]}, {"said": {"who": "a"}, "notes": [LONG]}),
        ("x", {"admins": ["arn:aws:iam::111122223333:role/a"], "users": ["arn:aws:iam::111122223333:role/a"]}, {"admins": ["arn:aws:iam::111122223333:role/a"], "users": ["arn:aws:iam::111122223333:role/a"]}),
        ("x", {"empty": [], "none": {}}, {"empty": [], "none": {}}),
        ("x", {"sections": [{"section": "1"}], "score": {"overall": 1}}, {"sections": [{"section": "1"}]}),
        ("x", {"sections": [{"section": "1", "score": 0.353}, {"section": "2", "score": None}]}, {"sections": [{"section": "1", "score": "35%"}, {"section": "2", "score": None}]}),
    ],
)  # fmt: skip
def test_a_fact_that_is_said_elsewhere_is_left_out(
    summary: str, facts: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert facts_to_show(Answer(summary=summary, facts=facts)) == shown


def test_a_path_that_a_finding_tells_in_full_is_not_in_the_table_again() -> None:
    actions = ["iam:PutUserPolicy", "iam:AttachUserPolicy", "iam:PassRole", "lambda:*"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document: dict[str, Any] = {"Version": "2012-10-17", "Statement": statement}
    answer = tool_named("policy").run({"action": "explain", "document": document})
    table = facts_to_show(answer)["escalation_paths"]
    (told,) = (own.message for own in answer.findings if own.code == "PRIVILEGE_ESCALATION")
    assert [row["path"] for row in table if row["what"] in told] == []
    assert all(row["path"] in told for row in table)
    assert len(answer.facts["escalation_paths"]) == len(table) + 3
    document["Statement"] = {**statement, "Action": "iam:PutUserPolicy"}
    answer = tool_named("policy").run({"action": "explain", "document": document})
    assert answer.facts["escalation_paths"]
    assert "escalation_paths" not in facts_to_show(answer)


def gained(fix: str) -> Finding:
    return Finding(
        code="ACCESS_GAINED",
        title="Access is gained",
        severity=Severity.HIGH,
        status=Status.FAIL,
        fix=fix,
    )


def test_gained_access_is_told_by_its_findings_and_violations_by_the_comparison() -> None:
    rows = [{"actions": ["s3:GetObject"]}]
    facts = {"gained": rows, "forbidden_requests": rows}
    findings = (gained("fix"),)
    said = Answer(
        summary="s",
        facts=facts,
        findings=findings,
        comparison=Comparison(violations=({"of": "forbidden"},)),
    )
    assert facts_to_show(said) == {}
    # A page that does not have the findings keeps the rows.
    assert facts_to_show(Answer(summary="s", facts=facts)) == facts


def test_a_fix_is_written_once() -> None:
    fix = "Allow only the actions and resources that the change needs."
    counts = Counts(status={"fail": 3}, severity={"high": 3})
    text = plain(
        Answer(
            summary="3 problems", findings=(gained(fix), gained(fix), gained("b")), counts=counts
        )
    )
    assert text.count(fix) == 1
    assert text.count("fix: as above") == 1
    assert text.count("fix: b") == 1
    assert "Findings:" not in text
