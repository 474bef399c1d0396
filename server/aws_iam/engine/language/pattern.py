"""Wildcard patterns as sets of strings: `*` is any text, `?` exactly one character, everything else itself.

Patterns are hostile input: they never become regular expressions, and nothing backtracks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from aws_iam.frozen import slotted

# A run of wildcards with a star only means "at least so many characters": `*?*` is `?*`.
_RUN = re.compile(r"\?*\*[*?]*")
# The most states of one inclusion test; only patterns made to attack it come near.
_BUDGET = 512


def is_literal(pattern: str) -> bool:
    """Whether the pattern has no wildcard and so matches only itself."""
    return "*" not in pattern and "?" not in pattern


def normal(pattern: str) -> str:
    """The shortest pattern for the same set, with the star last in each run of wildcards."""
    return _RUN.sub(lambda run: "?" * run.group().count("?") + "*", pattern)


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether the pattern matches the text."""
    if ignore_case:
        pattern, text = pattern.lower(), text.lower()
    begin = pattern[:1]
    if begin != text[:1] and begin not in "*?":
        return False
    first, *rest = pattern.split("*")
    if not rest:
        return _same(first, text)
    *middle, last = rest
    end = len(text) - len(last)
    if end < len(first) or not (_same(first, text[: len(first)]) and _same(last, text[end:])):
        return False
    # Matching each part as early as possible leaves the most room for the rest.
    at = len(first)
    for part in filter(None, middle):
        found = _find(part, text, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def intersects(a: str, b: str, *, ignore_case: bool = False) -> bool:
    """Whether some string matches both patterns."""
    if ignore_case:
        a, b = a.lower(), b.lower()
    if is_literal(a):
        return matches(b, a)
    if is_literal(b):
        return matches(a, b)
    if not _may_meet(a, b):
        return False
    grid = _Grid(normal(b))
    row = grid.closed(1)
    for symbol in normal(a):
        row = grid.after_star(row) if symbol == "*" else grid.after(row, symbol)
        if not row:
            return False
    return bool(row >> grid.width & 1)


# Searches that ask about the same statements for one limit after the other take twice as long without.
@lru_cache(maxsize=20_000)
def intersects_again(a: str, b: str) -> bool:
    """The same for pairs that are asked about again and again."""
    return intersects(a, b)


def covers(a: str, b: str, *, ignore_case: bool = False) -> bool:
    """Whether `a` matches every string that `b` matches; also False for a pair too intricate to decide."""
    if ignore_case:
        a, b = a.lower(), b.lower()
    if "?" not in a:
        # Only a star of `a` can match a wildcard of `b`, and it matches whatever that stands for.
        return matches(a, b)
    if a == b or is_literal(b):
        return a == b or matches(a, b)
    return b.startswith(_head(a)) and b.endswith(_tail(a)) and _machine_covers(a, b)


def _machine_covers(a: str, b: str) -> bool:
    """`covers` by running `a` as a state machine over all strings of `b` at once."""
    reader = _Reader.of(normal(a))
    states = reader.start()
    # A wildcard of `b` may be a character that `a` does not contain: only wildcards of `a` match that, and those match
    # any other character too.
    for symbol in normal(b):
        states = reader.repeated(states) if symbol == "*" else reader.read(states, symbol)
        if not states or len(states) > _BUDGET:
            return False
        if reader.accepts_anything(states):
            return True
    return all(reader.accepts(state) for state in states)


def _may_meet(a: str, b: str) -> bool:
    """Whether the fixed beginnings and ends of the patterns allow a common string."""
    head, other = _head(a), _head(b)
    shared = min(len(head), len(other))
    if head[:shared] != other[:shared]:
        return False
    tail, end = _tail(a), _tail(b)
    shared = min(len(tail), len(end))
    return not shared or tail[-shared:] == end[-shared:]


def _head(pattern: str) -> str:
    """The text before the first wildcard."""
    return pattern.partition("*")[0].partition("?")[0]


def _tail(pattern: str) -> str:
    """The text after the last wildcard."""
    return pattern.rpartition("*")[2].rpartition("?")[2]


def _same(part: str, text: str) -> bool:
    if part == text:
        return True
    if len(part) != len(text) or "?" not in part:
        return False
    return all(symbol in ("?", char) for symbol, char in zip(part, text, strict=True))


def _find(part: str, text: str, start: int, end: int) -> int:
    """The first offset of the part in the text between start and end; -1 if there is none."""
    if "?" not in part:
        return text.find(part, start, end)
    # Shift-And: bit i says that the last i+1 characters match the first i+1 symbols of the part.
    places = _places(part)
    state, last = 0, 1 << (len(part) - 1)
    for at in range(start, end):
        state = (state << 1 | 1) & places.matching(text[at])
        if state & last:
            return at - len(part) + 1
    return -1


@slotted
class _Places:
    """Positions in a part as bits: by the character they hold, and those that match any character."""

    holding: dict[str, int]
    any_character: int

    def matching(self, character: str) -> int:
        """The positions that match this character; `?` stands for a character that occurs nowhere."""
        return self.holding.get(character, 0) | self.any_character


def _places(part: str) -> _Places:
    holding: dict[str, int] = {}
    for at, symbol in enumerate(part):
        holding[symbol] = holding.get(symbol, 0) | 1 << at
    holding.pop("*", None)
    return _Places(any_character=holding.pop("?", 0), holding=holding)


class _Grid:
    """One pattern, against which another is read: bit j of a row says that its first j symbols may be consumed."""

    def __init__(self, pattern: str) -> None:
        self.width = len(pattern)
        self._all = (1 << (self.width + 1)) - 1
        self._stars = sum(1 << at for at, symbol in enumerate(pattern) if symbol == "*")
        self._places = _places(pattern)

    def closed(self, row: int) -> int:
        """The row with the states that stars reach by matching nothing."""
        return row | (row & self._stars) << 1

    def after_star(self, row: int) -> int:
        """Every state from the first one on: a star consumes any symbols."""
        return self._all & ~((row & -row) - 1)

    def after(self, row: int, symbol: str) -> int:
        """The states after one more character; a star here consumes it and stays."""
        taking = self._all & ~self._stars if symbol == "?" else self._places.matching(symbol)
        return self.closed((row & taking) << 1 & self._all | row & self._stars)


@dataclass(frozen=True)
class _Part:
    """The symbols between two stars of a pattern, with their positions as bits."""

    places: _Places
    end: int
    # The positions after which only `?` follows.
    tail: int

    @classmethod
    def of(cls, text: str) -> _Part:
        end = 1 << len(text)
        return cls(places=_places(text), end=end, tail=end - (1 << len(text.rstrip("?"))))


# The number of the current part, and the positions in it that may be next. Position 0 is always among them, except in
# the first part: the star before the part matches whatever comes.
_State = tuple[int, int]


@dataclass(frozen=True)
class _Reader:
    """A pattern as a state machine that reads all strings of another pattern at once and keeps only the worst states.

    Whatever is accepted from one part is accepted from any later part too, so the earliest part decides. Within a part,
    fewer positions accept less.
    """

    parts: tuple[_Part, ...]

    @classmethod
    def of(cls, pattern: str) -> _Reader:
        return cls(parts=tuple(map(_Part.of, pattern.split("*"))))

    def start(self) -> frozenset[_State]:
        return frozenset({self._settled(0, 1)})

    def accepts(self, state: _State) -> bool:
        part, places = state
        return part == len(self.parts) - 1 and bool(places & self.parts[part].end)

    def accepts_anything(self, states: frozenset[_State]) -> bool:
        """Whether only the last star of the pattern is left."""
        last = len(self.parts) - 1
        return all(part == last > 0 and self.parts[last].end == 1 for part, _ in states)

    def read(self, states: frozenset[_State], symbol: str) -> frozenset[_State]:
        """The states after one character; empty when some string cannot match any more."""
        return self._worst({self._step(state, symbol) for state in states})

    def repeated(self, states: frozenset[_State]) -> frozenset[_State]:
        """The states after any number of characters that the pattern does not contain."""
        seen: set[_State] = set()
        fresh = set(states)
        while fresh:
            seen |= fresh
            fresh = {self._step(state, "?") for state in fresh} - seen
            if len(seen) > _BUDGET * 2:
                break
        return self._worst(seen)

    def _step(self, state: _State, symbol: str) -> _State:
        number, places = state
        open_ = (places & self.parts[number].places.matching(symbol)) << 1
        return self._settled(number, open_ | 1 if number else open_)

    def _settled(self, number: int, places: int) -> _State:
        """The state without positions that a better one makes superfluous."""
        part = self.parts[number]
        if number == len(self.parts) - 1:
            return number, places
        if places & part.end:
            return self._settled(number + 1, 1)
        tail = places & part.tail
        return number, places & ~part.tail | (1 << tail.bit_length() - 1 if tail else 0)

    @staticmethod
    def _worst(states: set[_State]) -> frozenset[_State]:
        if any(not places for _, places in states):
            return frozenset()
        first = min(number for number, _ in states)
        worst: list[int] = []
        for places in sorted((p for n, p in states if n == first), key=int.bit_count):
            if all(less & ~places for less in worst):
                worst.append(places)
        return frozenset((first, places) for places in worst)
