"""Which resource types of a call the given policies leave out, where the message names no resource."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

CASES = json.loads((TESTS / "cases/denied/uncovered_types.json").read_text(encoding="utf-8"))
_TOLD = ("identity policies allow", "identity policies names")


def denied(case: dict[str, Any], layer: str) -> str:
    message = (
        f"An error occurred ({case['code']}) when calling the {case['operation']} operation:"
        " You are not authorized to perform this operation."
    )
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", **case["statement"]}}
    call = {"action": "denied", "message": message, "policies": {layer: document}}
    return tool.run(call).summary


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_answer_names_the_parts_of_the_call_that_no_allow_reaches(
    case: dict[str, Any],
) -> None:
    summary = denied(case, "identity")
    assert case["says"] in summary
    assert any(words in summary for words in _TOLD) == bool(case["says"])


def test_a_limit_alone_is_not_what_allows() -> None:
    assert not any(words in denied(CASES[0], "boundary") for words in _TOLD)
