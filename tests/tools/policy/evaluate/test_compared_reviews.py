"""What a reviewer of a change has to see: how grave each gain is, under which condition, for whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

CASES = json.loads((TESTS / "cases/compare/reviews.json").read_text(encoding="utf-8"))


def document(statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_each_gain_is_as_grave_as_a_reviewer_takes_it(case: dict[str, Any]) -> None:
    new, old = document(case["document"]), document(case["baseline"])
    answer = tool.run({"action": "compare", "document": new, "baseline": old})
    assert [finding.severity for finding in answer.findings] == case["severities"]
    texts = " ".join((answer.summary, *(finding.message for finding in answer.findings)))
    for says in case.get("says", ()):
        assert says in texts
    for invented in case.get("without", ()):
        assert invented not in f"{texts} {json.dumps(answer.comparison.witnesses)}"  # type: ignore[union-attr]
        assert invented not in json.dumps(
            [row.get("principals") for row in answer.facts["gained"]]
        )
