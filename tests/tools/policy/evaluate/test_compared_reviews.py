"""What a reviewer of a change has to see: how grave each gain is, under which condition, for whom."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from aws_iam.answer import Answer

CASES = json.loads((TESTS / "cases/compare/reviews.json").read_text(encoding="utf-8"))


def document(statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


@for_each(CASES, name=lambda case: case["name"])
def test_each_gain_is_as_grave_as_a_reviewer_takes_it(case: dict[str, Any]) -> None:
    new, old = document(case["document"]), document(case["baseline"])
    answer = tool.run({"action": "compare", "document": new, "baseline": old})
    assert [finding.severity for finding in answer.findings] == case["severities"]
    said = ((finding.message, finding.fix or "") for finding in answer.findings)
    texts = " ".join((answer.summary, *chain.from_iterable(said)))
    for says in case.get("says", ()):
        assert says in texts
    for invented in case.get("without", ()):
        assert invented not in f"{texts} {json.dumps(answer.comparison.witnesses)}"  # type: ignore[union-attr]
        assert invented not in json.dumps(
            [row.get("principals") for row in answer.facts["gained"]]
        )


def test_a_misspelt_action_is_no_access() -> None:
    reading = {"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "*"}
    new, old = document({**reading, "Action": "sqs:ReceiveMessge"}), document(reading)
    answer = tool.run({"action": "compare", "document": new, "baseline": old})
    assert answer.comparison
    assert answer.comparison.relation == "less"
    assert "gained" not in answer.facts
    assert "`sqs:ReceiveMessge` (it is no known action" in answer.summary
    assert "`sqs:ReceiveMessage` is one" in answer.summary


def test_what_is_no_variable_is_shown_as_written() -> None:
    home = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::b/${aws:username}/*",
    }
    new, old = document(home) | {"Version": "2008-10-17"}, document(home)
    answer = tool.run({"action": "compare", "document": new, "baseline": old})
    assert "`arn:aws:s3:::b/${aws:username}/*`" in answer.summary
    assert answer.facts["gained"][0]["resources"] == ["arn:aws:s3:::b/${aws:username}/*"]


def test_rows_say_of_which_side_their_pointers_are_and_what_the_condition_was() -> None:
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    bound = {**reading, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "a"}}}
    deny = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}
    everything = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    new, old = document([reading, everything]), document([bound, everything, deny])
    gained = tool.run({"action": "compare", "document": new, "baseline": old}).facts["gained"]
    by_action = {row["actions"][0]: row for row in gained}
    assert by_action["s3:PutObject"]["statement_of"] == "baseline"
    assert "statement_of" not in by_action["s3:GetObject"]
    assert by_action["s3:GetObject"]["conditions_before"] == bound["Condition"] | {
        "StringEquals": {"aws:PrincipalTag/team": ["a"]}
    }
    lost = tool.run({"action": "compare", "document": old, "baseline": new}).facts["lost"]
    assert {row["risk"] for row in lost} & {"protection removed"} == set()
    assert any("conditions_after" in row for row in lost)


def test_a_doubtful_loss_is_named_and_is_no_gain() -> None:
    def compare(new: Any, old: Any) -> Answer:
        sides = {"document": document(new), "baseline": document(old)}
        return tool.run({"action": "compare"} | sides)

    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
    listing = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*"}
    doubt = "the Allow at /Statement/1 may or may not apply to `s3:ListAllMyBuckets`"
    lost = compare([reading], [reading, listing])
    assert doubt in lost.summary
    assert [(f.code, f.status) for f in lost.findings] == [("ACCESS_LOST", "unknown")]
    gained = compare([reading, listing], [reading])
    assert [(f.code, f.status) for f in gained.findings] == [("ACCESS_GAINED", "unknown")]
    assert "without_effect" not in gained.facts
    beside = compare([], [{**listing, "Action": "s3:*"}])
    assert f"There may be more differences: {doubt.replace('/1', '/0')}" in beside.summary


def test_among_many_actions_only_those_that_carry_a_risk_are_said_to() -> None:
    calls = {"document": "PowerUserAccess", "baseline": "ReadOnlyAccess"}
    answer = tool.run({"action": "compare", **calls})
    assert "permission set (privilege escalation) and" in answer.summary
    by_risk: dict[str, set[str]] = {}
    for row in answer.facts["gained"]:
        by_risk.setdefault(row["risk"], set()).update(row["actions"])
    assert "lightsail:DownloadDefaultKeyPair" in by_risk["credentials exposure"]
    assert "ec2:ModifySnapshotAttribute" in by_risk["resource exposure"]
    assert "ec2:AttachApplianceToNatGateway" not in by_risk["privilege escalation"]
    assert "redshift:DeauthorizeDataShare" not in by_risk["credentials exposure"]


def test_the_answer_says_whose_the_resource_is_taken_to_be() -> None:
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
    account = "arn:aws:iam::444455556666"
    new, old = (
        document({**reading, "Principal": {"AWS": f"{account}:{name}"}})
        for name in ("root", "role/reader")
    )
    answer = tool.run({"action": "compare", "document": new, "baseline": old})
    assert answer.comparison
    assert (
        "the resource is taken to belong to another account than 444455556666, which only a change names"
        in answer.comparison.assuming
    )
    witness = answer.comparison.witnesses[0]["request"]
    assert witness["principal"].startswith(f"{account}:")
    assert witness["resource_account"] != "444455556666"
