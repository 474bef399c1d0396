"""Small helps for sentences: lists, numbers, values in backticks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 8
"""So many entries of a list are named in a sentence; the rest is counted."""

_LONGEST = 120


def value(text: str) -> str:
    """A value as written, in backticks."""
    return quoted(text, _LONGEST)


def joined(parts: Sequence[str], last: str = "and", shown: int = SHOWN) -> str:
    """`a, b and c`; what is beyond the first few is counted."""
    listed = list(parts[:shown])
    if len(parts) > shown:
        listed.append(f"{len(parts) - shown:,} more")
    if len(listed) == 1:
        return listed[0]
    return f"{', '.join(listed[:-1])} {last} {listed[-1]}" if listed else ""


def counted(number: int, noun: str) -> str:
    """`1 action`, `2 actions`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
