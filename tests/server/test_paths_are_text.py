"""Over MCP no argument is a path: what looks like one is a text, and no file is read or written for it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client

from aws_iam.server.mcp_server import build
from aws_iam.tools.registry import tools

if TYPE_CHECKING:
    from pathlib import Path

MARKER = "MarkerOfAFile"
HELD = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": f"s3:{MARKER}", "Resource": "*"},
    }
)


async def _asked(tool: str, calls: list[dict[str, Any]]) -> list[str]:
    async with Client(build()) as client:
        return [(await client.call_tool(tool, arguments)).model_dump_json() for arguments in calls]


async def _listed(tool: str) -> dict[str, Any]:
    async with Client(build()) as client:
        listed = (await client.list_tools()).tools
    return next(row.input_schema["properties"] for row in listed if row.name == tool)


@pytest.mark.parametrize("tool", [tool.name for tool in tools()])
def test_no_argument_of_any_action_reads_or_writes_a_file(tool: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    held = folder / "held.json"
    held.write_text(HELD, encoding="utf-8")
    absent = tmp_path / "absent.json"
    properties = asyncio.run(_listed(tool))
    values = [str(held), f"file://{held}", f"@{held}", str(folder), str(absent)]
    calls = [
        {"action": action, name: [value] if schema.get("type") == "array" else value}
        for action in properties["action"]["enum"]
        for name, schema in properties.items()
        if name != "action" and schema.get("type") not in {"boolean", "integer", "number"}
        for value in values
    ]
    assert len(calls) > 100
    answers = asyncio.run(_asked(tool, calls))
    shown = [call for call, answer in zip(calls, answers, strict=True) if MARKER in answer]
    assert shown == []
    assert sorted(tmp_path.rglob("*")) == [folder, held]


def test_the_text_itself_is_read_so_that_the_marker_would_be_seen() -> None:
    [answer] = asyncio.run(_asked("policy", [{"action": "validate", "document": HELD}]))
    assert MARKER in answer


def test_arguments_for_files_are_on_the_command_line_only() -> None:
    """Snapshots, results and reports are files: MCP has no argument for them."""
    for tool in tools():
        assert {"out", "save", "snapshot", "against"}.isdisjoint(asyncio.run(_listed(tool.name)))
