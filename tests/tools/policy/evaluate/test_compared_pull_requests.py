"""What a reviewer is told about the change of a whole file: a template, a plan, an answer of the AWS CLI."""

from __future__ import annotations

import json
import re
from typing import Any

from aws_iam.answer import Severity
from aws_iam.report.answer_text import plain
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each

CASES = [
    case
    for name in ("attached_and_renamed", "beside_policies", "pull_requests")
    for case in json.loads((TESTS / f"cases/compare/{name}.json").read_text(encoding="utf-8"))
]


@for_each(CASES, name=lambda case: case["name"])
def test_the_answer_alone_shows_the_change(case: dict[str, Any]) -> None:
    arguments = {"document": case["document"], "baseline": case["baseline"]}
    answer = tool.run({"action": "compare"} | arguments)
    assert answer.comparison
    assert answer.comparison.relation == case["relation"]
    found = [[str(finding.severity), str(finding.status)] for finding in answer.findings]
    assert found == case["findings"]
    text = " ".join((answer.summary, *(f.message or f.reason or "" for f in answer.findings)))
    for says in case.get("says", ()):
        assert says in text
    for invented in case.get("without", ()):
        assert invented not in text
    shown = re.findall(r"^- fail \[(\w+)\]", plain(answer), re.MULTILINE)
    assert shown == sorted(shown, key=lambda name: Severity(name).rank)
