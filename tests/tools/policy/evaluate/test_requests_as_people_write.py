"""Requests as people write them: actions without their prefix, addresses of S3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

CASES = json.loads((TESTS / "cases/evaluate/as_people_write.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['action']} {case['resource']}")
def test_a_request_is_taken_as_it_is_meant_and_says_so(case: dict[str, Any]) -> None:
    fields = ("principal", "action", "resource")
    request = {"principal": "arn:aws:iam::111122223333:user/a", **case}
    call = {
        "action": "evaluate",
        "request": {name: request[name] for name in fields},
        "policies": {"identity": {"Version": "2012-10-17", "Statement": []}},
    }
    if "error" in case:
        with pytest.raises(InputError, match="is not an") as caught:
            tool.run(call)
        assert case["error"] in str(caught.value)
    else:
        assert tool.run(call).facts["understood"] == case["understood"]
