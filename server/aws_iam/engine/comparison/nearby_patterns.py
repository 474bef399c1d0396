"""Finds which of many resource patterns can overlap one: most begin differently, so that few have to be compared.

patterns = NearbyPatterns(("arn:aws:s3:::a/*", "arn:aws:s3:::b/*"))
patterns.overlapping("arn:aws:s3:::a*", budget)   →   ("arn:aws:s3:::a/*",)
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import intersects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.comparison.automaton import Budget

# Characters of two patterns with several wildcards that are compared in one step of the budget.
_CHARACTERS = 8
_AFTER_ALL = "\U0010ffff"

# Without the memo a comparison takes 4.7 times as long.
_intersecting = lru_cache(maxsize=100_000)(intersects)


class NearbyPatterns:
    """Some patterns, by the text before their first wildcard."""

    __slots__ = ("_by_head", "_heads", "_lengths", "_order", "texts")

    def __init__(self, patterns: Sequence[str]) -> None:
        self.texts = frozenset(patterns)
        self._order = {text: number for number, text in enumerate(patterns)}
        self._by_head: dict[str, list[str]] = {}
        for text in self._order:
            self._by_head.setdefault(_head(text), []).append(text)
        self._heads = sorted(self._by_head)
        self._lengths = sorted(set(map(len, self._heads)))

    @property
    def ordered(self) -> Iterable[str]:
        """The patterns in their order."""
        return self._order

    def overlapping(self, text: str, budget: Budget) -> tuple[str, ...]:
        """The patterns that some string matches together with this one, in their order; all for an empty text."""
        if not text:
            return tuple(self._order)
        found = []
        for pattern in self._near(text):
            plain = pattern.count("*") + pattern.count("?") <= 1
            budget.spend(1 if plain else 1 + (len(pattern) + len(text)) // _CHARACTERS)
            if _intersecting(text, pattern):
                found.append(pattern)
        return tuple(sorted(found, key=self._order.__getitem__))

    def _near(self, text: str) -> Iterator[str]:
        """The patterns that begin like the text, as far as both are without wildcards."""
        head = _head(text)
        for length in self._lengths:
            if length >= len(head):
                break
            yield from self._by_head.get(head[:length], ())
        heads = self._heads
        for at in range(bisect_left(heads, head), bisect_left(heads, head + _AFTER_ALL)):
            yield from self._by_head[heads[at]]


def _head(pattern: str) -> str:
    return pattern.partition("*")[0].partition("?")[0]
