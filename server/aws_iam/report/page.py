"""One page of an answer: as much as fits the reader, the exact counts, and a cursor for the rest.

An answer is a sequence of small parts (a fact's row, a finding, a piece of a file). A page holds as many parts from
the cursor on as stay under the limit, in text and in structure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact, to_json
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.report.answer_text import markdown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.answer import Answer, Finding

CONCISE_BYTES = 8 * 1024
FULL_BYTES = 64 * 1024
_PIECE = 1500
_SHORT = 4
"""A fact is short when it takes no more than this part of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of an answer: the field it belongs to, its key there, and the value."""

    field: str
    key: str
    value: Any


def page(answer: Answer, limit: int, cursor: str | None = None) -> Answer:
    """The page at the cursor, at most `limit` bytes as JSON and as Markdown."""
    parts = tuple(_parts(answer, limit))
    start = _start(cursor, len(parts))
    bare = replace(answer, findings=(), artifacts=(), facts={})
    if start:
        bare = replace(bare, sources=(), next=())
    count = _fitting(bare, parts[start:], limit)
    end = start + count
    built = _with(bare, parts[start:end])
    return _noted(built, end, parts) if end < len(parts) else built


def size(answer: Answer) -> int:
    """The larger of the answer's two sizes in bytes."""
    structure = json.dumps(to_json(answer), ensure_ascii=False, separators=(",", ":"))
    return max(
        len(structure.encode(errors="replace")), len(markdown(answer).encode(errors="replace"))
    )


def by_urgency(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Failed first, then worst severity first, muted ones last; otherwise the order they came in."""
    return tuple(
        sorted(
            findings,
            key=lambda each: (each.muted is not None, each.status.rank, each.severity.rank),
        )
    )


def _start(cursor: str | None, total: int) -> int:
    if cursor is None:
        return 0
    if cursor.isascii() and cursor.isdecimal() and len(cursor) < 10 and int(cursor) < total:  # noqa: PLR2004 - no huge int
        return int(cursor)
    raise InputError(
        f"`cursor` {quoted(cursor)} is not one of this answer",
        hint="give back the `next_cursor` of the answer before, with the same arguments",
    )


def _parts(answer: Answer, limit: int) -> Iterator[Part]:
    """Short facts, files, findings by urgency, then the tables that would push the findings off the page."""
    facts = [(tuple(_fact_parts(name, value)), value) for name, value in answer.facts.items()]
    long = [parts for parts, value in facts if _bytes(value) > limit // _SHORT]
    for parts, _ in facts:
        if parts not in long:
            yield from parts
    for number, artifact in enumerate(answer.artifacts):
        for piece in _pieces(artifact.content):
            yield Part(field="artifacts", key=str(number), value=replace(artifact, content=piece))
    for finding in by_urgency(answer.findings):
        yield Part(field="findings", key="", value=finding)
    for parts in long:
        yield from parts


def _bytes(value: Any) -> int:
    return len(json.dumps(to_json(value), ensure_ascii=False).encode(errors="replace"))


def _fact_parts(name: str, value: Any) -> Iterator[Part]:
    if isinstance(value, (list, tuple)) and value:
        for item in value:
            yield Part(field="list", key=name, value=item)
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            yield Part(field="dict", key=name, value=(key, item))
    else:
        yield Part(field="fact", key=name, value=value)


def _pieces(content: str) -> Iterator[str]:
    if not content:
        yield ""
    piece = ""
    for line in content.splitlines(keepends=True):
        for start in range(0, len(line), _PIECE):
            chunk = line[start : start + _PIECE]
            if piece and len(piece) + len(chunk) > _PIECE:
                yield piece
                piece = ""
            piece += chunk
    if piece:
        yield piece


def _with(bare: Answer, parts: Sequence[Part]) -> Answer:
    facts: dict[str, Any] = {}
    findings = []
    files: dict[str, list[Artifact]] = {}
    for part in parts:
        match part.field:
            case "fact":
                facts[part.key] = part.value
            case "list":
                facts.setdefault(part.key, []).append(part.value)
            case "dict":
                facts.setdefault(part.key, {}).update([part.value])
            case "findings":
                findings.append(part.value)
            case _:
                files.setdefault(part.key, []).append(part.value)
    artifacts = tuple(_joined(pieces) for pieces in files.values())
    return replace(bare, facts=facts, findings=tuple(findings), artifacts=artifacts)


def _joined(pieces: Sequence[Artifact]) -> Artifact:
    # At once: adding one to the other would copy a long report again for each of its pieces.
    return replace(pieces[0], content="".join(piece.content for piece in pieces))


def _noted(built: Answer, end: int, parts: Sequence[Part]) -> Answer:
    left = sum(part.field == "findings" for part in parts[end:])
    number, noun = (left, "finding") if left else (len(parts) - end, "row")
    follow = f"{noun} follows" if number == 1 else f"{noun}s follow"
    return replace(
        built, summary=f"{built.summary} ({number:,} more {follow}.)", next_cursor=str(end)
    )


def _fitting(bare: Answer, parts: Sequence[Part], limit: int) -> int:
    """How many parts fit; at least one, so that pages advance."""

    def taking(count: int) -> int:
        return size(_noted(_with(bare, parts[:count]), count, parts))

    # Each try builds a page, so that few should be needed: so many fit, and so many do not.
    low, high = 0, _at_most(parts, limit) + 1
    least, most = taking(low), 0
    guess, tries = high - 1, 0
    while high - low > 1:
        length, tries = taking(guess), tries + 1
        if length <= limit:
            low, least = guess, length
        else:
            high, most = guess, length
        # Most parts are of one length; where they are not, halving ends the search.
        if most and tries % _HALVING:
            guess = low + (limit - least) * (high - low) // (most - least)
        else:
            guess = (low + high) // 2
        guess = min(max(guess, low + 1), high - 1)
    return max(low, min(1, len(parts)))


_HALVING = 3


def _at_most(parts: Sequence[Part], limit: int) -> int:
    """More parts than these have more JSON than the limit."""
    lengths = accumulate(map(_least, parts))
    return sum(1 for _ in takewhile(lambda length: length <= limit, lengths))


def _least(part: Part) -> int:
    """The bytes that a part takes of a page's JSON at least."""
    # A piece of a file brings its text alone, and what has a key no brackets of its own.
    value = part.value.content if part.field == "artifacts" else to_json(part.value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode(errors="replace")) - len("[]")
