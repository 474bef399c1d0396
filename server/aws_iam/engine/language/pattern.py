"""Wildcard patterns as sets of strings: `*` is any text, `?` exactly one character, everything else itself.

No regular expression ever sees a pattern and nothing backtracks: patterns come from strangers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from aws_iam.engine.language.frozen import slotted

# A run of wildcards that holds a star says only "at least so many characters": `*?*` is `?*`.
_RUN = re.compile(r"\?*\*[*?]*")
# How many states one inclusion test may hold; only patterns built against the test come near it.
_BUDGET = 512


def is_literal(pattern: str) -> bool:
    """Whether the pattern matches one string only: itself."""
    return "*" not in pattern and "?" not in pattern


def normal(pattern: str) -> str:
    """The shortest spelling of the same set, the star last in each run of wildcards."""
    return _RUN.sub(lambda run: "?" * run.group().count("?") + "*", pattern)


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether the text is one of the pattern's strings."""
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
    # Taking each part at its first place leaves the most room for the others.
    at = len(first)
    for part in filter(None, middle):
        found = _find(part, text, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def intersects(a: str, b: str, *, ignore_case: bool = False) -> bool:
    """Whether some string belongs to both patterns."""
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


def covers(a: str, b: str, *, ignore_case: bool = False) -> bool:
    """Whether `a` has every string of `b`; False, too, for a pair too intricate to decide."""
    if ignore_case:
        a, b = a.lower(), b.lower()
    if "?" not in a:
        # Only stars of `a` can take a wildcard of `b`, and those take whatever it stands for.
        return matches(a, b)
    if a == b or is_literal(b):
        return a == b or matches(a, b)
    return b.startswith(_head(a)) and b.endswith(_tail(a)) and _reads(a, b)


def _reads(a: str, b: str) -> bool:
    """Whether `a`, read as a machine, takes every string of `b`."""
    reader = _Reader.of(normal(a))
    states = reader.start()
    # A wildcard of `b` stands for a character that `a` never names: only wildcards of `a` can take it, and those
    # would take any other as well.
    for symbol in normal(b):
        states = reader.repeated(states) if symbol == "*" else reader.read(states, symbol)
        if not states or len(states) > _BUDGET:
            return False
        if reader.accepts_anything(states):
            return True
    return all(reader.accepts(state) for state in states)


def _may_meet(a: str, b: str) -> bool:
    """Whether what the patterns spell out at their beginnings and ends leaves a string for both."""
    head, other = _head(a), _head(b)
    shared = min(len(head), len(other))
    if head[:shared] != other[:shared]:
        return False
    tail, end = _tail(a), _tail(b)
    shared = min(len(tail), len(end))
    return not shared or tail[-shared:] == end[-shared:]


def _head(pattern: str) -> str:
    """What stands before the first wildcard."""
    return pattern.partition("*")[0].partition("?")[0]


def _tail(pattern: str) -> str:
    """What stands after the last wildcard."""
    return pattern.rpartition("*")[2].rpartition("?")[2]


def _same(part: str, text: str) -> bool:
    if part == text:
        return True
    if len(part) != len(text) or "?" not in part:
        return False
    return all(symbol in ("?", char) for symbol, char in zip(part, text, strict=True))


def _find(part: str, text: str, start: int, end: int) -> int:
    """The first place of the part in the text between start and end, -1 if there is none."""
    if "?" not in part:
        return text.find(part, start, end)
    # Shift-And: bit i says that the last i+1 characters match the part's first i+1 symbols.
    places = _places(part)
    state, last = 0, 1 << (len(part) - 1)
    for at in range(start, end):
        state = (state << 1 | 1) & places.taking(text[at])
        if state & last:
            return at - len(part) + 1
    return -1


@slotted
class _Places:
    """Positions in a part, as bits: those that hold a character, and those that take any."""

    holding: dict[str, int]
    any_character: int

    def taking(self, character: str) -> int:
        """The positions that this character may stand at; `?` is a character nobody names."""
        return self.holding.get(character, 0) | self.any_character


@lru_cache(maxsize=1024)
def _places(part: str) -> _Places:
    holding: dict[str, int] = {}
    for at, symbol in enumerate(part):
        holding[symbol] = holding.get(symbol, 0) | 1 << at
    holding.pop("*", None)
    return _Places(any_character=holding.pop("?", 0), holding=holding)


class _Grid:
    """One pattern against which another is read: bit j of a row says that the first j symbols may be spent."""

    def __init__(self, pattern: str) -> None:
        self.width = len(pattern)
        self._all = (1 << (self.width + 1)) - 1
        self._stars = sum(1 << at for at, symbol in enumerate(pattern) if symbol == "*")
        self._places = _places(pattern)

    def closed(self, row: int) -> int:
        """The row, with stars that match nothing passed over."""
        return row | (row & self._stars) << 1

    def after_star(self, row: int) -> int:
        """Every place from the first open one on: a star faces any symbols."""
        return self._all & ~((row & -row) - 1)

    def after(self, row: int, symbol: str) -> int:
        """The places open when one more character is spent; a star here takes it and stays."""
        taking = self._all & ~self._stars if symbol == "?" else self._places.taking(symbol)
        return self.closed((row & taking) << 1 & self._all | row & self._stars)


@dataclass(frozen=True)
class _Part:
    """The symbols between two stars of a pattern, with their places as bits."""

    places: _Places
    end: int
    # The places from which nothing but `?` follows.
    tail: int

    @classmethod
    def of(cls, text: str) -> _Part:
        end = 1 << len(text)
        return cls(places=_places(text), end=end, tail=end - (1 << len(text.rstrip("?"))))


# The number of the part being matched, and the places in it that may be next. In every part but the first, place 0 is
# always among them: the star before the part takes whatever comes.
_State = tuple[int, int]


@dataclass(frozen=True)
class _Reader:
    """A pattern read as a machine, over all strings of another pattern at once: it keeps only the worst states.

    Whatever is accepted from one part is accepted from any later part too, so the earliest part decides; within a
    part, fewer places accept less.
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
        """Whether only the pattern's last star is left."""
        last = len(self.parts) - 1
        return all(part == last > 0 and self.parts[last].end == 1 for part, _ in states)

    def read(self, states: frozenset[_State], symbol: str) -> frozenset[_State]:
        """The states after one character; none when some string has lost its way."""
        return self._worst({self._step(state, symbol) for state in states})

    def repeated(self, states: frozenset[_State]) -> frozenset[_State]:
        """The states after any number of characters that the pattern does not name."""
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
        open_ = (places & self.parts[number].places.taking(symbol)) << 1
        return self._settled(number, open_ | 1 if number else open_)

    def _settled(self, number: int, places: int) -> _State:
        """The state with everything left out that a better place makes superfluous."""
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
