"""Tags of users and roles settle conditions where nothing can change them in a request; else they stay open."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import ACCOUNT, facts_of, snapshot
from helpers.folders import TESTS

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "access-tags.json").read_text("utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_tags_that_are_known_decide_and_others_are_conditions(
    case: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "account.json"
    snapshots.save(snapshot(facts_of(case)), file)
    asked = {"action": "access", "who_can": case["who_can"], "on": case["on"]}
    rows = tool.run({**asked, "snapshot": str(file)}, cli=True).facts["principals"]
    assert {row["verdict"] for row in rows} <= {"can"}
    found = {
        row["principal"].removeprefix(f"arn:aws:iam::{ACCOUNT}:"): row["conditions"]
        for row in rows
    }
    assert found == case["can"]


def test_a_snapshot_of_an_earlier_version_leaves_them_open(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    case = CASES[0]
    for user in (facts := facts_of(case))["iam.authorization"]["users"]:
        user.pop("tags", None)
    snapshots.save(snapshot(facts), file)
    saved = json.loads(file.read_text("utf-8"))
    for user in saved["facts"]["iam.authorization"][""]["users"]:
        del user["tags"]
    file.write_text(json.dumps(saved), "utf-8")
    asked = {"action": "access", "who_can": case["who_can"], "on": case["on"]}
    rows = tool.run({**asked, "snapshot": str(file)}, cli=True).facts["principals"]
    assert {len(row["conditions"]) for row in rows} == {1}
    assert len(rows) == len(case["users"])
