"""`policy test` over MCP: cases as text or value, the report as an artifact, long answers in pages, and no file read."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from mcp import Client

from aws_iam.server.mcp_server import build

if TYPE_CHECKING:
    from pathlib import Path

POLICY = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"},
}
CASES = """request: {principal: "arn:aws:iam::111122223333:role/app", resource: "arn:aws:s3:::b/k"}
cases:
- {name: reads, action: s3:GetObject, expect: Allowed}
- {name: writes, action: s3:PutObject, expect: Allowed}
"""


def called(**arguments: Any) -> Any:
    async def call() -> Any:
        async with Client(build()) as client:
            return await client.call_tool("policy", {"action": "test", **arguments})

    return asyncio.run(call())


def test_yaml_is_a_text_and_the_report_an_artifact() -> None:
    result = called(cases=CASES, document=json.dumps(POLICY), format="junit")
    assert not result.is_error
    told = result.structured_content
    assert (told["facts"]["passed"], told["facts"]["failed"]) == (1, 1)
    (artifact,) = told["artifacts"]
    assert artifact["language"] == "xml"
    assert 'tests="2" failures="1"' in artifact["content"]
    (finding,) = told["findings"]
    assert (finding["code"], finding["where"]["line"]) == ("POLICY_TEST_FAILED", 4)


def test_a_long_answer_comes_in_pages_that_say_how_many_cases_there_are() -> None:
    request = {
        "principal": "arn:aws:iam::111122223333:role/app",
        "action": "s3:PutObject",
        "resource": "arn:aws:s3:::b/k",
    }
    cases = [
        {"name": f"case {number}", "request": request, "expect": "Allowed"}
        for number in range(2_000)
    ]
    result = called(cases=json.dumps(cases), document=json.dumps(POLICY))
    told = result.structured_content
    assert len(json.dumps(told)) < 8_192
    assert told["facts"]["failed"] == 2_000
    assert "2,000 of 2,000 cases are decided otherwise than expected" in told["summary"]
    assert told["next_cursor"]


def test_cases_name_no_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(POLICY), encoding="utf-8")
    for document in (str(file), {"file": str(file)}):
        cases = {"document": document, "cases": [{"name": "a", "action": "s3:GetObject", "expect": "Denied"}]}  # fmt: skip
        result = called(cases=json.dumps(cases))
        assert result.is_error
        assert "which cases name on the command line only" in result.content[0].text
