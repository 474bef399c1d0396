"""What a Deny guarded, beside whatever else the principal may do; how grave control of a resource or of roles is."""

from __future__ import annotations

import json
from typing import Any

from aws_iam.report.answer_text import plain
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each

CASES = json.loads((TESTS / "cases/compare/guards.json").read_text(encoding="utf-8"))


def document(statements: Any, version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": statements}


@for_each(CASES, name=lambda case: case["name"])
def test_a_change_is_described_by_its_own_cause(case: dict[str, Any]) -> None:
    new, old = document(case["document"]), document(case["baseline"])
    answer = tool.run({"action": "compare", "document": new, "baseline": old})
    assert answer.comparison
    assert answer.comparison.relation == case["relation"]
    assert [finding.severity for finding in answer.findings] == case["severities"]
    texts = " ".join((answer.summary, *(finding.message for finding in answer.findings)))
    for says in case["says"]:
        assert says in texts
    for invented in case.get("without", ()):
        assert invented not in texts


READING = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
GUARD = {"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}


def test_what_a_deny_guarded_needs_another_policy_and_says_so() -> None:
    arguments = {"document": document([READING]), "baseline": document([READING, GUARD])}
    answer = tool.run({"action": "compare"} | arguments)
    assert answer.comparison
    (witness,) = answer.comparison.witnesses
    assert witness["granted_by"] == []
    assert witness["denied_by"] == ["/Statement/1"]
    assert witness["needs"] == "another policy of the principal that allows it"
    assert "other policies of the principal may allow anything" in " ".join(
        answer.comparison.assuming
    )
    (row,) = answer.facts["gained"]
    assert row["allowed_by"] == "other policies of the principal"


def test_a_deny_that_goes_from_one_of_two_inline_policies_is_no_equal_role() -> None:
    def role(*statements: dict[str, Any]) -> dict[str, Any]:
        policies = [
            {"PolicyName": name, "PolicyDocument": document(list(own))}
            for name, own in (
                ("a", [{**READING, "Action": "iam:*", "Resource": "*"}]),
                ("b", statements),
            )
        ]
        properties = {"AssumeRolePolicyDocument": document([TRUST]), "Policies": policies}
        return {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}}

    arguments = {"document": role(READING), "baseline": role(READING, GUARD)}
    answer = tool.run({"action": "compare"} | arguments)
    assert answer.comparison
    assert answer.comparison.relation == "more"
    assert "`R.Policies[1] (b)` now allows `iam:CreateUser`" in answer.summary


TRUST = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "lambda.amazonaws.com"},
}


def test_a_version_without_variables_is_named_as_the_cause() -> None:
    home = [{**READING, "Resource": "arn:aws:s3:::b/${aws:username}/*"}]
    bare, filled = document(home, "2008-10-17"), document(home)
    for new, old, says in (
        (bare, filled, "`${…}` is plain text now"),
        (filled, bare, "`${…}` is a variable now, with Version 2012-10-17"),
    ):
        answer = tool.run({"action": "compare", "document": new, "baseline": old})
        assert says in answer.summary
    same = [READING]
    arguments = {"document": document(same, "2008-10-17"), "baseline": document(same)}
    assert "Version" not in tool.run({"action": "compare"} | arguments).summary


def test_a_request_tells_which_side_each_statement_is_in() -> None:
    arguments = {
        "document": document([READING]),
        "baseline": document([READING, {**GUARD, "Action": "s3:*"}]),
    }
    text = plain(tool.run({"action": "compare"} | arguments))
    assert (
        "granted by /Statement/0 of the document; denied by /Statement/1 of the baseline" in text
    )
