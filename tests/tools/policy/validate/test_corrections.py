"""`policy validate`: the edits that correct a finding, each of which makes it go."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.engine.repair.edits import Edit, replayed
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.examples import examples

CASES = json.loads((TESTS / "cases/repair/corrections.json").read_text(encoding="utf-8"))
IN_PLACE = {"ARN_REGION_NOT_ALLOWED", "ARN_ACCOUNT_NOT_ALLOWED", "INVALID_ARN_SERVICE_CASE"}
SERVICES, REGIONS, ACCOUNTS = ("s3", "S3"), ("", "eu-west-1"), ("", "111122223333")
# A bucket or its objects, each as it should be and with every wrong element.
ARNS = [
    f"arn:aws:{service}:{region}:{account}:amzn-s3-demo-bucket{objects}"
    for service in SERVICES
    for region in REGIONS
    for account in ACCOUNTS
    for objects in ("", "/*", "/team/*")
]
S3_ACTIONS = ("s3:GetObject", "s3:Get*", "s3:ListBucket", "s3:GetBucketLocation", "s3:PutObject")
PASSED = {
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": "arn:aws:IAM:eu-west-1:111122223333:role/app",
    "Condition": {"StringEqualsIfExists": {"iam:PassedToService": "ec2.amazonaws.com"}},
}
STATEMENTS = st.one_of(
    st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(("Allow", "Allow", "Deny")),
            "Action": st.one_of(
                st.sampled_from(S3_ACTIONS),
                st.lists(st.sampled_from(S3_ACTIONS), min_size=1, max_size=4, unique=True),
            ),
            "Resource": st.one_of(
                st.sampled_from(ARNS),
                st.lists(st.sampled_from(ARNS), min_size=1, max_size=3, unique=True),
            ),
        }
    ),
    st.sampled_from([own["statement"] for own in CASES]),
    st.just(PASSED),
)


def validated(document: dict[str, Any]) -> tuple[list[dict[str, Any]], set[str]]:
    answer = tool.run({"action": "validate", "document": document})
    return answer.facts.get("edits", []), {finding.code for finding in answer.findings}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_finding_has_the_edit_that_it_asks_for(case: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": [case["statement"]]}
    edits, _ = validated(document)
    assert edits == case["edits"]


def replayed_rows(document: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The document after the rows, each of which finds there what it has as `before`."""
    for row in rows:
        if row["change"] != "added":
            assert _at(document, row["pointer"]) == row["before"]
        edit = Edit(pointer=row["pointer"], change=row["change"], after=row.get("after"))
        document = replayed(document, [edit])
    return document


def _at(document: Any, pointer: str) -> Any:
    for token in pointer.strip("/").split("/"):
        document = document[int(token) if isinstance(document, list) else token]
    return document


def _corrected(rows: list[dict[str, Any]]) -> set[str]:
    return {code for row in rows for code in row["code"].split(", ")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_edits_make_the_findings_go(case: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": [case["statement"]]}
    _, codes = validated(replayed_rows(document, case["edits"]))
    assert not codes & _corrected(case["edits"])


def test_of_more_findings_than_get_edits_each_place_with_one_is_right_after_it() -> None:
    arns = [f"arn:aws:S3:eu-west-1:111122223333:bucket-{number}/*" for number in range(25)]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": arns}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    rows, _ = validated(document)
    assert len(rows) == 20
    (corrected,) = replayed_rows(document, rows)["Statement"]
    right = [f"arn:aws:s3:::bucket-{number}/*" for number in range(25)]
    assert len(set(corrected["Resource"]) & set(right)) == 20


@given(st.one_of(STATEMENTS, st.lists(STATEMENTS, min_size=1, max_size=3)))
@settings(max_examples=examples(40))
def test_the_edits_of_several_wrong_elements_replay(body: Any) -> None:
    # Of equal statements each is a value of its own.
    document = json.loads(json.dumps({"Version": "2012-10-17", "Statement": body}))
    rows, _ = validated(document)
    again, codes = validated(replayed_rows(document, rows))
    assert again == []
    assert not codes & IN_PLACE
    assert len({row["pointer"] for row in rows if row["change"] == "replaced"}) == len(rows) - sum(
        row["change"] == "added" for row in rows
    )


@pytest.mark.parametrize(
    "condition", [{}, {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}]
)
def test_a_correction_leaves_every_deny_as_it_is(condition: dict[str, Any]) -> None:
    case = CASES[0]
    denied = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", **condition}
    document = {"Version": "2012-10-17", "Statement": [case["statement"], denied]}
    assert validated(document)[0] == case["edits"]
