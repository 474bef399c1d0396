"""What a review says about the places of a change in which no policy could be judged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.engine.sources.files import File, Files
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each

CASES = json.loads((TESTS / "cases/review/not_judged.json").read_text(encoding="utf-8"))


def side(name: str, files: dict[str, str], *, chosen: bool) -> Files:
    texts = tuple(File(name=f"{name}/{own}", text=text) for own, text in files.items())
    return Files(files=texts, folder=name, chosen=chosen)


def review(case: dict[str, Any], names: tuple[str, str], **more: Any) -> Any:
    sides = [side(name, case[when], chosen=True) for name, when in zip(names, ("after", "before"), strict=True)]  # fmt: skip
    return tool.run({"action": "review", "document": sides[0], "baseline": sides[1], **more})


@pytest.mark.parametrize("names", [("tree", "tree"), ("new", "old")], ids=["tree", "two folders"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_was_not_judged_and_changes_is_named(
    case: dict[str, Any], names: tuple[str, str]
) -> None:
    answer = review(case, names)
    told = json.dumps(answer.facts.get("not_judged", []))
    assert all(place in told for place in case["not_judged"])
    assert not any(place in told for place in case.get("silent", ()))
    all_clear = "The change gains and loses no access"
    assert answer.summary.startswith(all_clear) is not bool(case["not_judged"])
    if not case["not_judged"]:
        assert "not_judged" not in answer.facts


@for_each(CASES, name=lambda case: case["name"])
def test_a_comment_gives_no_all_clear_for_what_was_not_judged(case: dict[str, Any]) -> None:
    text = review(case, ("tree", "tree"), format="markdown").artifacts[0].content
    verdict = text.splitlines()[1]
    doubts = ("could not be compared" in verdict) or (" not judged" in verdict)
    assert doubts is bool(case["not_judged"])
    if "no access is gained or lost" in verdict:
        assert ("gained or lost in what was judged" in verdict) is doubts


@for_each(CASES, name=lambda case: case["name"])
def test_a_comparison_of_folders_calls_nothing_equal_that_was_not_judged(
    case: dict[str, Any],
) -> None:
    beside = {"z.json": json.dumps({"Version": "2012-10-17", "Statement": []})}
    new, old = (side("tree", case[when] | beside, chosen=False) for when in ("after", "before"))
    answer = tool.run({"action": "compare", "document": new, "baseline": old})
    assert "The document allows exactly what" not in answer.summary or not case["not_judged"]
