"""The part of a long section that a question is about, in the order of the section and with `…` for what is left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.tools.kit.word_search import scored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FENCE = re.compile(r"^\s*(```|~~~)")
_HEADING = re.compile(r"^#{2,} ")
_ITEM = re.compile(r"^(?:[-*]|\d+\.) ")
_BEGINS = re.compile(r"^(?:#{2,} |\||[-*] |\d+\. )")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_GAP = "…"
_ROW_GAP = f"| {_GAP} |"


def excerpt(markdown: str, question: str, most: int) -> str:
    """As much as fits: the headings of what is quoted, the blocks that have words of the question, then the first ones."""
    blocks = list(_blocks(_COMMENT.sub("", markdown)))
    texts = {str(at): (_heading_over(blocks, at), block) for at, block in enumerate(blocks)}
    best = [int(name) for name, _ in scored(question, texts)]
    chosen: set[int] = set()
    for at in dict.fromkeys((0, *best, *range(len(blocks)))):
        more = chosen | {at} | set(_needed(blocks, at))
        if len(_joined(blocks, more).encode()) <= most:
            chosen = more
        elif at not in best:
            break
    return _joined(blocks, chosen)


def _blocks(markdown: str) -> Iterator[str]:
    """Paragraphs, blocks of code, headings, items of lists and rows of tables."""
    lines: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        is_fence = bool(_FENCE.match(line))
        begins = not fenced and bool(_BEGINS.match(line))
        if lines and (begins or (not fenced and not line.strip())):
            yield "\n".join(lines)
            lines = []
        fenced ^= is_fence
        if line.strip() or fenced:
            lines.append(line)
        if begins and line.startswith(("#", "|")):
            yield line
            lines = []
    if lines:
        yield "\n".join(lines)


def _kind(block: str) -> str:
    """`|` for a row, `-` for an item; empty for what stands alone."""
    if block.startswith("|"):
        return "|"
    return "-" if _ITEM.match(block) else ""


def _heading_over(blocks: Sequence[str], at: int) -> str:
    return next((blocks[up] for up in range(at, 0, -1) if _HEADING.match(blocks[up])), "")


def _needed(blocks: Sequence[str], at: int) -> Iterator[int]:
    """What a block cannot be read without: the heading over it, and the head of its table."""
    yield next((up for up in range(at - 1, 0, -1) if _HEADING.match(blocks[up])), 0)
    if _kind(blocks[at]) == "|":
        top = at
        while _kind(blocks[top - 1]) == "|":
            top -= 1
        yield from (top, min(top + 1, len(blocks) - 1))


def _joined(blocks: Sequence[str], chosen: set[int]) -> str:
    parts: list[str] = []
    last = -1
    for at in sorted(chosen):
        kind = _kind(blocks[at]) if last >= 0 and _kind(blocks[at]) == _kind(blocks[last]) else ""
        if at > last + 1:
            parts.append(_ROW_GAP if kind == "|" else f"\n{_GAP}\n")
        elif parts and not kind:
            parts.append("")
        parts.append(blocks[at])
        last = at
    if last < len(blocks) - 1:
        parts.append(f"\n{_GAP}")
    return "\n".join(parts).strip() + "\n"
