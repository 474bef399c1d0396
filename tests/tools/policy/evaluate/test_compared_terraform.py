"""`policy compare` of files in Terraform's language: settings beside policies, what is switched off, documents within others."""

from __future__ import annotations

import json
from typing import Any

from aws_iam.engine.sources.files import File, Files
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each

CASES: list[dict[str, Any]] = [
    case
    for name in ("terraform_sources", "swapped_attachments")
    for case in json.loads((TESTS / f"cases/compare/{name}.json").read_text(encoding="utf-8"))[
        "cases"
    ]
]


def side(common: str, own: str | dict[str, str]) -> str | Files:
    """The text of one file, or the files of a folder by their names."""
    if isinstance(own, str):
        return common + own
    texts = {"roles.tf": common, **own}
    files = (File(name=f"infra/{name}", text=text) for name, text in texts.items())
    return Files(files=tuple(files), folder="infra")


@for_each(CASES, name=lambda case: case["name"])
def test_a_change_of_terraform_files_is_told(case: dict[str, Any]) -> None:
    sides = {name: side(case["terraform"], case[name]) for name in ("document", "baseline")}
    answer = tool.run({"action": "compare"} | sides)
    assert answer.comparison
    text = " ".join((answer.summary, *(f.message or f.reason or "" for f in answer.findings)))
    assert answer.comparison.relation == case["relation"], text
    if "findings" in case:
        found = [[str(finding.severity), str(finding.status)] for finding in answer.findings]
        assert found == case["findings"]
    for says in case.get("says", ()):
        assert says in text
    for invented in case.get("without", ()):
        assert invented not in text
