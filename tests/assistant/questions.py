"""What people ask, each with the first call that an assistant would make of it, and what a right answer holds.

tests/cases/assistant/TOOL.json, a list of

    question, kind     what a person asks; what is particular about the form of the call
    arguments          the first call, as a model would send it
    has, never         texts that the answer must hold, and must not
    at                 {JSON pointer into the structure: value}
    refused            the call cannot be answered: the refusal holds this text, and the call counts as a failure
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp import Client

TOOLS = ("policy", "secrets", "kms", "irsa", "audit")
MOST_BYTES = 8_192
_CASES = Path(__file__).parents[1] / "cases/assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question with its call and what a right answer holds."""

    tool: str
    question: str
    arguments: dict[str, Any]
    kind: str = ""
    has: list[str] = field(default_factory=list)
    at: dict[str, Any] = field(default_factory=dict)
    never: list[str] = field(default_factory=list)
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a call: what is wrong with the answer, and how long it is."""

    question: Question
    problems: tuple[str, ...]
    text_bytes: int = 0
    structure_bytes: int = 0


def questions() -> tuple[Question, ...]:
    """All questions, tool by tool."""
    return tuple(
        Question(tool=tool, **row)
        for tool in TOOLS
        for row in json.loads((_CASES / f"{tool}.json").read_text(encoding="utf-8"))
    )


async def ask(client: Client, question: Question) -> Outcome:
    """Make the call and judge its answer."""
    result = await client.call_tool(question.tool, question.arguments)
    text = "".join(block.text for block in result.content if block.type == "text")
    if result.is_error:
        return Outcome(question=question, problems=(f"refused: {text}",))
    structure = result.structured_content
    line = json.dumps(structure, ensure_ascii=False, separators=(",", ":"))
    return Outcome(
        question=question,
        problems=tuple(_problems(question, text, line, structure)),
        text_bytes=len(text.encode()),
        structure_bytes=len(line.encode()),
    )


def _problems(question: Question, text: str, line: str, structure: Any) -> list[str]:
    both = f"{text}\n{line}"
    problems = [f"lacks {wanted!r}" for wanted in question.has if wanted not in both]
    problems += [f"says {wrong!r}" for wrong in question.never if wrong in both]
    problems += [
        f"{pointer} is {shown!r}, not {value!r}"
        for pointer, value in question.at.items()
        if (shown := _at(structure, pointer)) != value
    ]
    problems += [
        f"the {name} has {length} bytes"
        for name, length in (("text", len(text.encode())), ("structure", len(line.encode())))
        if length > MOST_BYTES
    ]
    if not structure or not {"summary", "tool", "action"} <= structure.keys():
        problems.append("the structure lacks summary, tool or action")
    return problems


def _at(structure: Any, pointer: str) -> Any:
    value = structure
    for name in pointer.removeprefix("/").split("/"):
        value = value[int(name)] if isinstance(value, list) else (value or {}).get(name)
    return value
