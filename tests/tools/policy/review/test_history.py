"""`policy review` over the published history of a real policy: every action gained and lost is told, and none that is not."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

FILE = TESTS / "cases/review/load-balancer-controller.json"
VERSIONS = json.loads(FILE.read_text(encoding="utf-8"))["versions"]


@pytest.mark.parametrize(
    ("before", "after"), list(pairwise(VERSIONS)), ids=lambda version: version["version"]
)
def test_each_version_gains_and_loses_what_its_text_does(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    sides = {"document": after["document"], "baseline": before["document"]}
    answer = tool.run({"action": "review", **sides})
    rows = answer.facts["policies"]
    for direction in ("gained", "lost"):
        told = {name for row in rows for own in row.get(direction, ()) for name in own["actions"]}
        assert sorted(told) == after[direction]
    assert {finding.code for finding in answer.findings} <= {"ACCESS_GAINED", "ACCESS_LOST"}
    # Held against the texts alone.
    only_new, only_old = (
        {a for s in one["document"]["Statement"] for a in _actions(s)}
        - {a for s in other["document"]["Statement"] for a in _actions(s)}
        for one, other in ((after, before), (before, after))
    )
    assert only_new <= set(after["gained"])
    assert only_old <= set(after["lost"])


def _actions(statement: dict[str, Any]) -> list[str]:
    own = statement["Action"]
    return [own] if isinstance(own, str) else own
