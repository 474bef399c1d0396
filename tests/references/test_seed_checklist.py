"""Nothing that the original skill description promised is lost, and each thing is said rightly."""

from __future__ import annotations

import json
from typing import Any

from helpers.pages import ROOT
from helpers.tables.each import for_each

BOXES: list[dict[str, Any]] = json.loads(
    (ROOT / "tests/cases/seed-checklist.json").read_text(encoding="utf-8")
)
COUNTS = {"F": 8, "P": 6, "S": 8, "K": 6, "I": 7, "A": 7}
TEXTS = {
    name: " ".join((ROOT / name).read_text(encoding="utf-8").split())
    for name in sorted({box["file"] for box in BOXES})
}


def test_every_box_is_listed_once() -> None:
    wanted = [f"{letter}{n}" for letter, many in COUNTS.items() for n in range(1, many + 1)]
    assert [box["box"] for box in BOXES] == wanted


@for_each(BOXES, name=lambda listed: f"{listed['box']} {listed['topic']}")
def test_a_box_is_ticked_by_what_its_file_says(box: dict[str, Any]) -> None:
    assert box["phrases"]
    assert [phrase for phrase in box["phrases"] if phrase not in TEXTS[box["file"]]] == []


def test_the_promised_files_exist() -> None:
    templates = ROOT / "assets/policy-templates"
    assert (templates / "irsa-role-trust-policy.json").is_file()
    assert all((ROOT / name).is_file() for name in TEXTS)
