"""Calls whose answers once were wrong or silent, through the command line: exit status, codes of the findings and words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.cli import command_line
from helpers.folders import TESTS

CASES = json.loads((TESTS / "cases/policy-calls.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_answer_says_what_matters(
    case: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word if isinstance(word, str) else json.dumps(word) for word in case["arguments"]]
    status = command_line.main([*words, "--json"], {})
    output, errors = capsys.readouterr()
    answer = json.loads(output) if output else {}
    assert status == case["exit"]
    assert sorted({finding["code"] for finding in answer.get("findings", ())}) == case["codes"]
    said = errors + json.dumps(answer, ensure_ascii=False)
    assert [words for words in case["says"] if words not in said] == []
