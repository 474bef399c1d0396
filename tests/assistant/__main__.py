"""First calls of an assistant that knows only the list of tools: how many get a usable answer, over stdio and HTTP.

python -m tests.assistant [WORD …]     only the questions with all of these words
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from assistant.questions import TOOLS, ask, questions  # noqa: E402
from assistant.selection import hits  # noqa: E402
from helpers.protocol.over_http import LEGACY, MODERN, Served, mcp_over_http  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.questions import Outcome, Question

LEAST_SHARE = 0.95


def main(words: Sequence[str]) -> int:
    """Ask every question over both transports; 1 if too few first calls got a usable answer."""
    asked = [
        question
        for question in questions()
        if all(word.lower() in f"{question.tool} {question}".lower() for word in words)
    ]
    over_stdio, listed = _over_stdio(asked)
    with mcp_over_http() as served:
        _say_sizes(served)
        over_http, _ = asyncio.run(_answers(served.url, asked))
    share = min(_say_share("stdio", over_stdio), _say_share("HTTP", over_http))
    _say_problems(over_http)
    found = hits(asked, listed)
    _say(
        f"told from the list by its words alone: the tool of {found.tools} of {found.questions} questions, the action of "
        f"{found.actions}"
    )
    for question in found.missed:
        _say(f"  {question}")
    return 0 if share >= LEAST_SHARE else 1


def _over_stdio(asked: Sequence[Question]) -> tuple[list[Outcome], Any]:
    with TemporaryDirectory() as folder:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "aws_iam", "serve"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(TESTS.parent / "server")},
        )
        return asyncio.run(_answers(server, asked))


async def _answers(
    server: StdioServerParameters | str, asked: Sequence[Question]
) -> tuple[list[Outcome], Any]:
    async with Client(server) as client:
        listed = await client.list_tools()
        return [await ask(client, question) for question in asked], listed.tools


def _say_sizes(served: Served) -> None:
    for era in (MODERN, LEGACY):
        line = json.dumps(served.ask("tools/list", era), ensure_ascii=False, separators=(",", ":"))
        _say(f"tools/list ({era}): {len(line.encode()):,} bytes")
    discovered = served.ask("server/discover")["result"]
    _say(f"instructions: {len(discovered['instructions'].encode()):,} bytes")


def _say_share(transport: str, outcomes: Sequence[Outcome]) -> float:
    """Print what came of the calls; the share of usable answers."""
    usable = Counter(outcome.question.tool for outcome in outcomes if not outcome.problems)
    total = Counter(outcome.question.tool for outcome in outcomes)
    share = usable.total() / max(total.total(), 1)
    by_tool = ", ".join(f"{tool} {usable[tool]}/{total[tool]}" for tool in TOOLS if total[tool])
    _say(
        f"{transport}: {usable.total()} of {total.total()} first calls usable ({share:.1%}): {by_tool}"
    )
    answered = [outcome for outcome in outcomes if outcome.text_bytes]
    if answered:
        text = round(mean(outcome.text_bytes for outcome in answered))
        structure = round(mean(outcome.structure_bytes for outcome in answered))
        _say(f"  mean answer: text {text:,} bytes, structure {structure:,} bytes")
    return share


def _say_problems(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        question = outcome.question
        if outcome.problems:
            problems = "; ".join(outcome.problems)
            action = question.arguments.get("action", "")
            _say(f"  {question.tool} {action}: {question.question}\n      {problems[:300]}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
