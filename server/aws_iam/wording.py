"""Numbers with their nouns, and lists, as people write them: `1 policy`, `1,234 policies`, `a, b and c`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 8
"""Entries of a list that a sentence names; the rest is counted."""

_WITH_IES = re.compile(r"[^aeiou]y$")
_WITH_ES = re.compile(r"(?:s|x|z|ch|sh)$")


def counted(number: int, noun: str) -> str:
    """The number with its noun: `1 policy`, `2 policies`, `1,234 access keys`."""
    return f"{number:,} {noun if number == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    """The plural of a regular noun; of several words the last one changes."""
    if _WITH_IES.search(noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if _WITH_ES.search(noun) else f"{noun}s"


def joined(parts: Sequence[str], last: str = "and", shown: int = SHOWN) -> str:
    """`a, b and c`; entries beyond the first few are counted: `a, b and 7 more`."""
    listed = list(parts[:shown])
    if len(parts) > shown:
        listed.append(f"{len(parts) - shown:,} more")
    if len(listed) == 1:
        return listed[0]
    return f"{', '.join(listed[:-1])} {last} {listed[-1]}" if listed else ""


def separated(parts: Sequence[str]) -> str:
    """`a, b`; where a part has a comma itself, `a, b; c`."""
    return ("; " if any(", " in part for part in parts) else ", ").join(parts)
