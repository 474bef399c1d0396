"""One page of an answer: as much as fits the limit, the exact counts, and a cursor for the rest.

An answer is a sequence of small parts (a row of a fact, a finding, a file). A page holds as many parts after the cursor as
stay below the limit, both as JSON and as Markdown. A file is whole, or withheld with its name and length.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import accumulate, takewhile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact, to_json
from aws_iam.engine.reference.frameworks import CIS
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.report.answer_text import markdown
from aws_iam.report.clean import with_short_texts
from aws_iam.report.control_lines import framework_of
from aws_iam.report.order import by_urgency
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.answer import Answer

CONCISE_BYTES = 8 * 1024
FULL_BYTES = 64 * 1024
_LONGEST_FILE = 0.7
"""The part of a page that files may take together; the rest is for what the answer says."""
_SHORT_FACT = CONCISE_BYTES // 4
"""The bytes of the longest short fact: the same for every limit, so that a cursor means the same place in all of them."""


_ROWS_OF_A_PAGE = 3
"""A row may take this part of a page: the first one is always on it."""
_SHOWN_IN_LISTS = (64, 32, 16, 8, 4, 2)
_SHORT_TEXT = 1_000
"""The characters of a text where whole ones would fill the page."""


@slotted
class Part:
    """A piece of an answer: the field it belongs to, its key there, and the value."""

    field: str
    key: str
    value: Any


def page(answer: Answer, limit: int, cursor: str | None = None) -> Answer:
    """The page at the cursor, at most `limit` bytes as JSON and as Markdown."""
    if limit <= CONCISE_BYTES:
        answer = _with_shown_ids(answer)
    frame = replace(answer, findings=(), artifacts=(), facts={})
    if size(frame) > limit // _ROWS_OF_A_PAGE:
        frame = with_short_texts(frame, _SHORT_TEXT)
    parts = tuple(
        _shortened(part, limit // _ROWS_OF_A_PAGE)
        for part in _parts(answer, int(_LONGEST_FILE * (limit - size(frame))))
    )
    start = _start(cursor, len(parts))
    if start:
        frame = replace(frame, sources=(), next=())
    end = start + _count_fitting(frame, parts[start:], limit)
    filled = _with_parts(frame, parts[start:end])
    return _with_cursor(filled, end, parts) if end < len(parts) else filled


def _with_shown_ids(answer: Answer) -> Answer:
    """An audit whose findings have the ids that it shows: those of every framework would push other findings off the page.

    The ids of CIS are in `controls`.
    """
    if "benchmark" not in answer.facts:
        return answer
    name = framework_of(answer).name
    return replace(
        answer,
        findings=tuple(
            replace(finding, frameworks={name: ids} if ids and name != CIS else None)
            for finding in answer.findings
            for ids in ((finding.frameworks or {}).get(name),)
        ),
    )


def size(answer: Answer) -> int:
    """The larger of the answer's two sizes in bytes."""
    structure = json.dumps(to_json(answer), ensure_ascii=False, separators=(",", ":"))
    return max(
        len(structure.encode(errors="replace")), len(markdown(answer).encode(errors="replace"))
    )


def _start(cursor: str | None, total: int) -> int:
    if cursor is None:
        return 0
    if cursor.isascii() and cursor.isdecimal() and len(cursor) < 10 and int(cursor) < total:  # noqa: PLR2004 - no huge int
        return int(cursor)
    raise InputError(
        f"`cursor` {quoted(cursor)} does not belong to this answer",
        hint="pass the `next_cursor` of the previous answer, with the same arguments",
    )


def _parts(answer: Answer, room: int) -> Iterator[Part]:
    """Short facts, files, findings by urgency, then the long tables, which would push the findings off the page."""
    facts = [(tuple(_fact_parts(name, value)), value) for name, value in answer.facts.items()]
    long = [parts for parts, value in facts if _bytes(value) > _SHORT_FACT]
    for parts, _ in facts:
        if parts not in long:
            yield from parts
    for artifact in answer.artifacts:
        length = _bytes(artifact.content)
        is_whole = length <= room
        room -= length if is_whole else 0
        if is_whole:
            yield Part(field="artifacts", key="", value=artifact)
            continue
        part = artifact.excerpt if _bytes(artifact.excerpt) <= room else ""
        if part:
            room -= _bytes(part)
            yield Part(field="artifacts", key="", value=_excerpt_of(artifact))
        yield Part(field="artifacts", key="", value=_withheld(artifact, part))
    for finding in by_urgency(answer.findings):
        yield Part(field="findings", key="", value=finding)
    for parts in long:
        yield from parts


def _shortened(part: Part, most: int) -> Part:
    """A part that would fill the page: a row with the first entries of its lists and how many more there are, texts with their beginnings."""
    value = part.value
    if part.field == "artifacts" or _bytes(value) <= most:
        return part
    if part.field == "list" and isinstance(value, dict):
        for count in _SHOWN_IN_LISTS:
            value = _with_short_lists(part.value, count)
            if _bytes(value) <= most:
                return replace(part, value=value)
    return replace(part, value=with_short_texts(value, _SHORT_TEXT))


def _with_short_lists(value: Any, count: int) -> Any:
    if isinstance(value, dict):
        return {name: _with_short_lists(item, count) for name, item in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    shown = [_with_short_lists(item, count) for item in value[:count]]
    if len(value) > count:
        more = f"and {len(value) - count:,} more"
        shown.append({"more": more} if isinstance(value[0], dict) else more)
    return shown


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


def _excerpt_of(artifact: Artifact) -> Artifact:
    path = PurePosixPath(artifact.name)
    name = f"{path.stem}-part{path.suffix}"
    return Artifact(name=name, language=artifact.language, content=artifact.excerpt)


def _withheld(artifact: Artifact, part: str) -> Artifact:
    length = len(artifact.content.encode(errors="replace"))
    return replace(artifact, content="", excerpt=part, bytes=length)


def _with_parts(frame: Answer, parts: Sequence[Part]) -> Answer:
    facts: dict[str, Any] = {}
    findings = []
    files = []
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
                files.append(part.value)
    return replace(frame, facts=facts, findings=tuple(findings), artifacts=tuple(files))


def _with_cursor(page: Answer, end: int, parts: Sequence[Part]) -> Answer:
    counts = Counter(_NOUNS.get(part.field, "row") for part in parts[end:])
    shown = [noun for noun in ("finding", "file", "row") if counts[noun]]
    verb = "is" if len(parts) - end == 1 else "are"
    rest = joined([counted(counts[noun], f"more {noun}") for noun in shown])
    return replace(page, summary=f"{page.summary} {rest} {verb} not shown.", next_cursor=str(end))


_NOUNS = {"findings": "finding", "artifacts": "file"}


def _count_fitting(frame: Answer, parts: Sequence[Part], limit: int) -> int:
    """How many parts fit; at least one, so that pages advance."""

    def size_with(count: int) -> int:
        return size(_with_cursor(_with_parts(frame, parts[:count]), count, parts))

    # `low` parts fit, `high` do not. Every try builds a page, so the search interpolates between their sizes.
    low, high = 0, _upper_bound(parts, limit) + 1
    low_size, high_size = size_with(low), 0
    guess, tries = high - 1, 0
    while high - low > 1:
        length, tries = size_with(guess), tries + 1
        if length <= limit:
            low, low_size = guess, length
        else:
            high, high_size = guess, length
        # Interpolation suits parts of equal length; halving now and then bounds the search for all others.
        if high_size and tries % _HALVE_EVERY:
            guess = low + (limit - low_size) * (high - low) // (high_size - low_size)
        else:
            guess = (low + high) // 2
        guess = min(max(guess, low + 1), high - 1)
    return max(low, min(1, len(parts)))


_HALVE_EVERY = 3


def _upper_bound(parts: Sequence[Part], limit: int) -> int:
    """A count that no page exceeds: the JSON of more parts alone is longer than the limit."""
    lengths = accumulate(map(_least_bytes, parts))
    return sum(1 for _ in takewhile(lambda length: length <= limit, lengths))


def _least_bytes(part: Part) -> int:
    """The least number of bytes that a part adds to a page's JSON."""
    # A part under a key adds no brackets of its own.
    text = json.dumps(to_json(part.value), ensure_ascii=False, separators=(",", ":"))
    return len(text.encode(errors="replace")) - len("[]")
