"""`policy validate`: the edits that correct a finding, each of which makes it go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.engine.repair.edits import Edit, replayed
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

CASES = json.loads((TESTS / "cases/repair/corrections.json").read_text(encoding="utf-8"))


REPLACED = [own for own in CASES if "replaced" in [row["change"] for row in own["edits"]]]


def validated(document: dict[str, Any]) -> tuple[list[dict[str, Any]], set[str]]:
    answer = tool.run({"action": "validate", "document": document})
    return answer.facts.get("edits", []), {finding.code for finding in answer.findings}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_finding_has_the_edit_that_it_asks_for(case: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": [case["statement"]]}
    edits, _ = validated(document)
    assert edits == case["edits"]


@pytest.mark.parametrize("case", REPLACED, ids=lambda case: case["name"])
def test_the_edit_makes_the_finding_go(case: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": [case["statement"]]}
    for row in case["edits"]:
        edit = Edit(pointer=row["pointer"], change=row["change"], after=row["after"])
        _, codes = validated(replayed(document, [edit]))
        assert row["code"] not in codes


@pytest.mark.parametrize(
    "condition", [{}, {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}]
)
def test_a_correction_leaves_every_deny_as_it_is(condition: dict[str, Any]) -> None:
    case = CASES[0]
    denied = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", **condition}
    document = {"Version": "2012-10-17", "Statement": [case["statement"], denied]}
    assert validated(document)[0] == case["edits"]
