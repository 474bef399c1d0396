"""What a review says of a file that only one side has in a form that can be read."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.engine.sources.files import File, Files
from aws_iam.tools.policy.actions import tool

WHOLE = """resource "aws_iam_policy" "p" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "iam:*", Resource = "*" }] })
}
"""
OTHER = """resource "aws_iam_policy" "q" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:%s", Resource = "*" }] })
}
"""
BROKEN = WHOLE.replace("}] })", "] })")


def side(**texts: str) -> Files:
    files = tuple(File(name=f"tree/{name}.tf", text=text) for name, text in texts.items())
    return Files(files=files, folder="tree", chosen=True)


def codes(answer: Any) -> set[tuple[str, str]]:
    return {(own.code, own.status) for own in answer.findings}


@pytest.mark.parametrize("action", ["review", "compare"])
def test_a_file_that_is_broken_now_loses_no_access(action: str) -> None:
    answer = tool.run({"action": action, "document": side(p=BROKEN), "baseline": side(p=WHOLE)})
    assert "ACCESS_LOST" not in {code for code, _ in codes(answer)}
    assert "`tree/p.tf` cannot be read" in answer.summary


def test_a_file_that_was_broken_gains_no_access_and_tells_its_problems() -> None:
    answer = tool.run({"action": "review", "document": side(p=WHOLE), "baseline": side(p=BROKEN)})
    assert ("ACCESS_GAINED", "fail") not in codes(answer)
    assert ("PRIVILEGE_ESCALATION", "fail") in codes(answer)
    assert "(before the change)" in str(answer.facts["not_judged"])


def test_what_other_files_gain_is_told_beside_a_broken_one() -> None:
    answer = tool.run(
        {
            "action": "review",
            "document": side(p=BROKEN, q=OTHER % "DeleteObject"),
            "baseline": side(p=WHOLE, q=OTHER % "GetObject"),
        }
    )
    gained = [own for own in answer.findings if own.code == "ACCESS_GAINED" and own.message]
    assert ["s3:DeleteObject" in own.message for own in gained if own.resource] == [True]
    assert [own.resource for own in answer.findings if own.code == "ACCESS_LOST"] == [
        "aws_iam_policy.q.policy"
    ]
