"""Wildcard patterns read side by side, as one automaton whose state is one integer.

Each pattern owns a run of bits: bit i of the run says that its first i symbols may be spent. A `Walk` goes through the states
by the length of the texts that lead there. Three things keep the states few, and change nothing that is found:

    a star that takes anything        makes every place before it in its pattern superfluous
    the last star of one of a group   makes the group's other patterns superfluous: the group is met whatever follows
    a place that takes one character  leaves no choice: whole runs of such places are read in one go
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from heapq import heappop, heappush
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence


class OverBudget(Exception):  # noqa: N818 - the field's word for it
    """A question needs more than can be searched, so that nothing can be said about it; the text says what."""


SPENT = "the budget of the search is used up"


@dataclass(slots=True)
class Budget:
    """The work that one question may cost; `spend` raises OverBudget when it is used up."""

    left: int = 100_000

    def spend(self, steps: int = 1) -> None:
        """Take so many steps off."""
        self.left -= steps
        if self.left < 0:
            raise OverBudget(SPENT)


LETTERS = "xzqjkwvy01-_"
# Bits of a state that count as one step of work.
_BITS = 1_000
_LAST_CHARACTER = 0xF0000
_SURROGATES = range(0xD800, 0xE000)


class Symbol(Enum):
    """What a place of a pattern takes besides a character of its own."""

    ONE = auto()
    MANY = auto()
    # Within a field of an ARN no wildcard takes a colon, within a name no slash either.
    ONE_IN_FIELD = auto()
    MANY_IN_FIELD = auto()
    ONE_IN_NAME = auto()
    MANY_IN_NAME = auto()


Token = str | Symbol
"""A character (in lower and upper case where case does not count: a text of two), or a wildcard."""

# What each wildcard does not take.
_KEPT_OUT = {
    Symbol.ONE: "",
    Symbol.MANY: "",
    Symbol.ONE_IN_FIELD: ":",
    Symbol.MANY_IN_FIELD: ":",
    Symbol.ONE_IN_NAME: ":/",
    Symbol.MANY_IN_NAME: ":/",
}
_STARS = frozenset({Symbol.MANY, Symbol.MANY_IN_FIELD, Symbol.MANY_IN_NAME})
_SEPARATORS = ":/"


@dataclass(slots=True)
class Places:
    """The places of patterns, as bits: which are characters, and which take all others but some."""

    # The number of bits.
    size: int = 0
    # The characters of each place in order, none where it is a wildcard or the end.
    spelled: list[str] = field(default_factory=list)
    # Where each character is taken.
    taking: dict[str, int] = field(default_factory=dict)
    # Where a wildcard takes a character once, and again and again: each separator, or any other character ("").
    ones: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("", *_SEPARATORS), 0))
    stars: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("", *_SEPARATORS), 0))
    # The stars that take everything, each with the places of its pattern before it.
    before: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, tokens: Iterable[Token]) -> Places:
        """The places of one pattern, its end last; a star stands at the place of what follows it."""
        found = cls(spelled=[""])
        spelled, taking = found.spelled, found.taking
        bit = 1
        for token in tokens:
            if isinstance(token, str):
                spelled[-1] = token
                for char in token:
                    taking[char] = taking.get(char, 0) | bit
            else:
                wild = found.stars if token in _STARS else found.ones
                for kind in wild:
                    wild[kind] |= 0 if kind and kind in _KEPT_OUT[token] else bit
                if token is Symbol.MANY:
                    found.before[bit] = bit - 1
                if token in _STARS:
                    continue
            bit <<= 1
            spelled.append("")
        found.size = len(spelled)
        return found

    def add(self, other: Places) -> None:
        """Lay the places of another pattern beside these."""
        at = self.size
        self.size += other.size
        self.spelled += other.spelled
        taking = self.taking
        for char, bits in other.taking.items():
            taking[char] = taking.get(char, 0) | bits << at
        for kind in self.ones:
            self.ones[kind] |= other.ones[kind] << at
            self.stars[kind] |= other.stars[kind] << at
        for star, bits in other.before.items():
            self.before[star << at] = bits << at


# Not slotted, so that the places are found out once and kept.
@dataclass(frozen=True)
class Pattern:
    """A pattern as tokens; a run of stars is one."""

    tokens: tuple[Token, ...]

    @cached_property
    def places(self) -> Places:
        """The pattern as the automaton reads it."""
        return Places.of(self.tokens)

    @cached_property
    def text(self) -> str | None:
        """The one text that it matches; None when there are several."""
        letters = [token for token in self.tokens if isinstance(token, str) and len(token) == 1]
        return "".join(letters) if len(letters) == len(self.tokens) else None

    @property
    def is_open(self) -> bool:
        """Whether it matches whatever follows, once all before is matched."""
        return self.tokens[-1:] == (Symbol.MANY,)


class Machine:
    """Groups of patterns side by side in one integer; all that is asked of a group is whether one of its patterns matches."""

    def __init__(self, groups: Sequence[Sequence[Pattern]]) -> None:
        # The accepting bits of each group, and all its bits.
        self.ends: list[int] = []
        self.runs: list[int] = []
        # The start before anything is settled.
        self._start = 0
        self._places = Places()
        # The last star of a pattern: all bits of its group, and the one that stands for the group's being met.
        self._whole: dict[int, tuple[int, int]] = {}
        for group in groups:
            self._lay(group)
        places = self._places
        self._spelled, self._before = places.spelled, places.before
        self._literal = union(places.taking.values())
        self._endless = union(places.before)
        self._choosy = union(
            wild[""] & ~wild[kind] for wild in (places.ones, places.stars) for kind in _SEPARATORS
        )
        # Places that take one character and no other.
        self.narrow = self._literal & ~places.stars[""]
        self._moves = _Moves(places)

    def _lay(self, group: Iterable[Pattern]) -> None:
        places = self._places
        first = places.size
        ends, last_stars = 0, []
        for pattern in group:
            self._start |= 1 << places.size
            places.add(pattern.places)
            end = 1 << places.size - 1
            ends |= end
            if pattern.is_open:
                last_stars.append(end)
        run = (1 << places.size) - (1 << first)
        self.ends.append(ends)
        self.runs.append(run)
        self._whole |= dict.fromkeys(last_stars, (run, last_stars[0] if last_stars else 0))

    @property
    def start(self) -> int:
        """The state before the first character."""
        return self._settled(self._start, self._start & self._endless)

    @property
    def width(self) -> int:
        """The steps of work that a state counts for: a wide one costs more than a narrow one."""
        return 1 + self._places.size // _BITS

    def after(self, state: int, char: str) -> int:
        """The state that a character leads to."""
        going, staying = self._moves[char]
        stay = state & staying
        after = (state & going) << 1 | stay
        fresh = after & self._endless & ~stay
        return self._settled(after, fresh) if fresh else after

    def onward(self, state: int, chars: Iterable[str]) -> Iterator[tuple[str, int]]:
        """Each of the characters with the state that it leads to."""
        # The same as `after`, which costs more in being called than in what it does.
        moves, endless = self._moves, self._endless
        for char in chars:
            going, staying = moves[char]
            stay = state & staying
            after = (state & going) << 1 | stay
            fresh = after & endless & ~stay
            yield char, self._settled(after, fresh) if fresh else after

    def _settled(self, state: int, fresh: int) -> int:
        """The state without what stars that were reached just now make superfluous."""
        while fresh:
            star = fresh & -fresh
            fresh ^= star
            if not state & star:
                continue
            if star in self._whole:
                run, met = self._whole[star]
                state = state & ~run | met
            else:
                state &= ~self._before[star]
        return state

    def unnamed(self, fresh: str) -> str:
        """A character that no pattern names, the first of `fresh` that is free."""
        return unnamed(self._places.taking, fresh)

    def live(self, state: int) -> Iterable[str]:
        """The characters that lead elsewhere than any unnamed one."""
        found: dict[str, None] = {}
        left = state & self._literal
        taking = self._places.taking
        if left.bit_count() > len(taking):
            found = dict.fromkeys(char for char, bits in taking.items() if state & bits)
            left = 0
        while left:
            lowest = left & -left
            for char in self._spelled[lowest.bit_length() - 1]:
                found[char] = None
            left ^= lowest
        if state & self._choosy:
            # A character that some wildcard keeps out matters there even if no pattern spells it.
            for char in _SEPARATORS:
                found[char] = None
        return found

    def only(self, places: int) -> str:
        """The one character that any of these places takes; nothing when there is a choice."""
        if not places or places & ~self.narrow:
            return ""
        char = self._spelled[places.bit_length() - 1]
        left = places ^ 1 << places.bit_length() - 1
        while left:
            last = left.bit_length() - 1
            if self._spelled[last] != char:
                return ""
            left ^= 1 << last
        return char if len(char) == 1 else ""


class _Moves(dict[str, tuple[int, int]]):
    """For each character the places that take it and go on, and the stars that take it and stay."""

    def __init__(self, places: Places) -> None:
        super().__init__()
        self._places = places

    def __missing__(self, char: str) -> tuple[int, int]:
        places = self._places
        kind = char if char in _SEPARATORS else ""
        moves = places.taking.get(char, 0) | places.ones[kind], places.stars[kind]
        self[char] = moves
        return moves


@dataclass(slots=True)
class Walk:
    """A way through the states of a machine.

    Dropped are those that left all patterns of one of `needed`, runs of groups, and those of `lost`. In haste, depth goes
    before length, and unnamed characters before others.
    """

    machine: Machine
    needed: Sequence[int]
    lost: int = 0
    fresh: str = LETTERS
    hasty: bool = False
    # Each state with the one before it, the characters that led from there, and the length of the text.
    came: dict[int, tuple[int, str, int]] = field(default_factory=dict)

    def states(self, budget: Budget) -> Iterator[int]:
        """The states that some text leads to and at which it may end, in order of length."""
        machine, came = self.machine, self.came
        needed, lost, hasty = self.needed, self.lost, self.hasty
        unnamed, width = machine.unnamed(self.fresh), machine.width
        came[machine.start] = (-1, "", 0)
        waiting = [(0, 0, machine.start)]
        number = 0
        while waiting:
            rank, _, state = heappop(waiting)
            length = came[state][2]
            if rank > length:
                # A shorter text that leads here was found meanwhile.
                continue
            forced, end = self._forced(state, length)
            if not forced:
                yield state
            so_long = length + (len(forced) or 1)
            onward = (
                ((forced, end),)
                if forced
                else machine.onward(state, (unnamed, *machine.live(state)))
            )
            for text, next_ in onward:
                known = came.get(next_)
                if (known and known[2] <= so_long) or next_ & lost:
                    continue
                for run in needed:
                    if not next_ & run:
                        break
                else:
                    budget.spend(width)
                    came[next_] = (state, text, so_long)
                    number += 1
                    heappush(waiting, (-so_long if hasty else so_long, number, next_))

    def _forced(self, state: int, length: int) -> tuple[str, int]:
        """What must follow, as long as there is no choice, and the state that it leads to; 0 when there is none."""
        machine, narrow = self.machine, self.machine.narrow
        if not self.needed and state & ~narrow:
            return "", state
        lost = self.came.get(0)
        # Nothing matches the texts of such a state, nor those that no pattern goes along with: one of these was seen.
        runs = (*self.needed, -1) if lost and lost[2] <= length and state else self.needed
        chars: list[str] = []
        while state & narrow:
            for run in runs:
                if char := machine.only(state & run):
                    break
            else:
                break
            state = machine.after(state, char)
            chars.append(char)
        return "".join(chars), state

    def text(self, state: int) -> str:
        """The text that led to a state, a shortest one but in haste."""
        pieces: list[str] = []
        while state >= 0:
            state, piece, _ = self.came[state]
            pieces.append(piece)
        return "".join(reversed(pieces))


def union(sets: Iterable[int]) -> int:
    """All bits of some sets."""
    whole = 0
    for bits in sets:
        whole |= bits
    return whole


def unnamed(named: Container[str], fresh: str) -> str:
    """A character that is not among those named and separates nothing, the first of `fresh` that is free."""
    return next(c for c in chain(fresh, _strange()) if c not in named and c not in _SEPARATORS)


def _strange() -> Iterator[str]:
    """More characters than any policy holds."""
    return (chr(n) for n in range(0x100, _LAST_CHARACTER) if n not in _SURROGATES)
