"""An assistant that knows only the list of tools: its first calls are answered, and the list tells it which to make."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client

from assistant.questions import TOOLS, Outcome, ask, questions
from assistant.selection import hits
from aws_iam.server.mcp_server import build
from helpers.folders import TESTS

if TYPE_CHECKING:
    from assistant.questions import Question

REFUSALS = json.loads((TESTS / "cases/assistant/refusals.json").read_text(encoding="utf-8"))
LEAST_SHARE = 0.95
LEAST_TOOLS_TOLD = 0.9
LEAST_ACTIONS_TOLD = 0.65


async def asked(counted: list[Question]) -> list[Outcome]:
    async with Client(build()) as client:
        return [await ask(client, question) for question in counted]


@pytest.mark.parametrize("tool", TOOLS)
def test_first_calls_get_the_right_answer(tool: str) -> None:
    counted = [one for one in questions() if one.tool == tool]
    outcomes = asyncio.run(asked(counted))
    wrong = {
        outcome.question.question: outcome.problems
        for outcome in outcomes
        if outcome.problems and not is_refused_as_said(outcome)
    }
    assert wrong == {}


def is_refused_as_said(outcome: Outcome) -> bool:
    (problem, *_) = outcome.problems
    refusal = outcome.question.refused
    return bool(refusal) and problem.startswith("refused:") and refusal in problem


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case["name"])
def test_what_could_mean_two_things_or_none_is_refused_by_name(case: dict[str, Any]) -> None:
    async def conversation() -> Any:
        async with Client(build()) as client:
            return await client.call_tool(case["tool"], case["arguments"])

    result = asyncio.run(conversation())
    assert result.is_error, result.content[0].text
    for words in case["says"]:
        assert words in result.content[0].text


def test_nearly_every_first_call_is_answered() -> None:
    refused = [question.question for question in questions() if question.refused]
    assert len(refused) / len(questions()) <= 1 - LEAST_SHARE


def test_the_list_alone_tells_the_tool_of_a_question_and_mostly_the_action() -> None:
    async def listed() -> Any:
        async with Client(build()) as client:
            return (await client.list_tools()).tools

    found = hits(questions(), asyncio.run(listed()))
    assert found.tools / found.questions >= LEAST_TOOLS_TOLD, found.missed
    assert found.actions / found.questions >= LEAST_ACTIONS_TOLD, found.missed
