"""Several wildcard patterns matched at once, by one automaton whose state is one integer.

Each pattern owns a run of bits: bit i of the run says that the text so far can match its first i symbols. A `Walk` visits the
states in order of the length of the texts that lead there. Three shortcuts keep the states few without changing the result:

    a star that accepts anything         makes every place before it in its pattern superfluous
    a last star, at a pattern's end      makes the group's other patterns superfluous: the group matches whatever follows
    a place that accepts one character   leaves no choice: whole runs of such places are read in one step
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
    """A question needs more work than the budget allows, so it stays unanswered; the text says what it needs."""


SPENT = "the budget of the search is used up"


@dataclass(slots=True)
class Budget:
    """The work that one question may cost; `spend` raises OverBudget when nothing is left."""

    left: int = 100_000

    def spend(self, steps: int = 1) -> None:
        """Take off this many steps."""
        self.left -= steps
        if self.left < 0:
            raise OverBudget(SPENT)


LETTERS = "xzqjkwvy-_"
# Bits of a state, or stars, that count as one step of the budget.
_BITS = 1_000
_LAST_CHARACTER = 0xF0000
_SURROGATES = range(0xD800, 0xE000)


class Symbol(Enum):
    """The wildcards: what a place of a pattern accepts besides a fixed character."""

    ONE = auto()
    MANY = auto()
    # Within a field of an ARN a wildcard accepts no colon, within a name no slash either.
    ONE_IN_FIELD = auto()
    MANY_IN_FIELD = auto()
    ONE_IN_NAME = auto()
    MANY_IN_NAME = auto()
    DIGIT = auto()


Token = str | Symbol
"""A character, or all its cases as one text where case is ignored; or a wildcard."""

_SEPARATORS = ":/"
DIGITS = "1234567890"
# The kinds of characters that wildcards tell apart: each separator, a digit, any other.
_DIGIT = DIGITS[0]
_KINDS = ("", *_SEPARATORS, _DIGIT)
# The kinds that each wildcard accepts.
_ACCEPTED = {
    Symbol.ONE: _KINDS,
    Symbol.MANY: _KINDS,
    Symbol.ONE_IN_FIELD: ("", "/", _DIGIT),
    Symbol.MANY_IN_FIELD: ("", "/", _DIGIT),
    Symbol.ONE_IN_NAME: ("", _DIGIT),
    Symbol.MANY_IN_NAME: ("", _DIGIT),
    Symbol.DIGIT: (_DIGIT,),
}
_STARS = frozenset({Symbol.MANY, Symbol.MANY_IN_FIELD, Symbol.MANY_IN_NAME})


def _kind(char: str) -> str:
    if char in _SEPARATORS:
        return char
    return _DIGIT if char in DIGITS else ""


@dataclass(slots=True)
class Places:
    """The places of patterns as bits: which accept a given character, and which are wildcards."""

    # The number of bits.
    size: int = 0
    # The characters of each place in order; empty for a wildcard and for the end.
    spelled: list[str] = field(default_factory=list)
    # The places that accept each character.
    taking: dict[str, int] = field(default_factory=dict)
    # The places of wildcards for one and for many characters, by the kind of character that they accept.
    ones: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    stars: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    # The stars that accept everything, each with the places of its pattern before it.
    before: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, tokens: Iterable[Token]) -> Places:
        """The places of one pattern, its end last; a star shares the place of what follows it."""
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
                for kind in _ACCEPTED[token]:
                    wild[kind] |= bit
                if token is Symbol.MANY:
                    found.before[bit] = bit - 1
                if token in _STARS:
                    continue
            bit <<= 1
            spelled.append("")
        found.size = len(spelled)
        return found

    def add(self, other: Places) -> None:
        """Append the places of another pattern."""
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


# Not slotted, because of the cached property.
@dataclass(frozen=True)
class Pattern:
    """A pattern as tokens; several stars in a row are one."""

    tokens: tuple[Token, ...]

    # Without the memo a comparison takes 1.2 times as long.
    @cached_property
    def places(self) -> Places:
        """The places of the pattern in an automaton."""
        return Places.of(self.tokens)

    @property
    def text(self) -> str | None:
        """The only text that it matches; None when there are several."""
        letters = [token for token in self.tokens if isinstance(token, str) and len(token) == 1]
        return "".join(letters) if len(letters) == len(self.tokens) else None

    @property
    def is_open(self) -> bool:
        """Whether it ends in a star, so that it matches whatever follows."""
        return self.tokens[-1:] == (Symbol.MANY,)


class Machine:
    """Groups of patterns in one automaton; a group matches when one of its patterns does."""

    def __init__(self, groups: Sequence[Sequence[Pattern]]) -> None:
        # The accepting bits of each group, and all its bits.
        self.ends: list[int] = []
        self.runs: list[int] = []
        # The start state before superfluous places are removed.
        self._start = 0
        self._places = Places()
        # For the last star of a pattern: all bits of its group, and the bit that says the group matches.
        self._matched_by: dict[int, tuple[int, int]] = {}
        for group in groups:
            self._append(group)
        places = self._places
        self._spelled, self._before = places.spelled, places.before
        self._literal = union(places.taking.values())
        self._endless = union(places.before)
        self._choosy = union(
            wild[""] & ~wild[kind] for wild in (places.ones, places.stars) for kind in _SEPARATORS
        )
        self._digits = places.ones[_DIGIT] & ~places.ones[""]
        # Stands for the digits that no pattern spells.
        self._digit = next((char for char in DIGITS if char not in places.taking), "")
        # Places that accept only one character.
        self.narrow = self._literal & ~places.stars[""]
        self._moves = _Moves(places)

    def _append(self, group: Iterable[Pattern]) -> None:
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
        self._matched_by |= dict.fromkeys(last_stars, (run, last_stars[0] if last_stars else 0))

    @property
    def start(self) -> int:
        """The state before the first character."""
        return self._reduced(self._start, self._start & self._endless)

    @property
    def width(self) -> int:
        """The steps that one state costs: more for a wide automaton, and for very many stars."""
        return 1 + self._places.size // _BITS * (1 + len(self._before) // _BITS)

    def after(self, state: int, char: str) -> int:
        """The state that a character leads to."""
        going, staying = self._moves[char]
        stay = state & staying
        after = (state & going) << 1 | stay
        fresh = after & self._endless & ~stay
        return self._reduced(after, fresh) if fresh else after

    def onward(self, state: int, chars: Iterable[str]) -> Iterator[tuple[str, int]]:
        """Each of the characters with the state that it leads to."""
        # The same as `after`, inlined: the call costs more than the work.
        moves, endless = self._moves, self._endless
        for char in chars:
            going, staying = moves[char]
            stay = state & staying
            after = (state & going) << 1 | stay
            fresh = after & endless & ~stay
            yield char, self._reduced(after, fresh) if fresh else after

    def _reduced(self, state: int, fresh: int) -> int:
        """The state without the places that the stars reached just now make superfluous."""
        while fresh:
            star = fresh & -fresh
            fresh ^= star
            if not state & star:
                continue
            if star in self._matched_by:
                run, met = self._matched_by[star]
                state = state & ~run | met
            else:
                state &= ~self._before[star]
        return state

    def unnamed(self, fresh: str) -> str:
        """A character that no pattern spells, the first free one of `fresh`."""
        return unnamed(self._places.taking, fresh)

    def live(self, state: int) -> Iterable[str]:
        """The characters that can lead to other states than a character that no pattern spells."""
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
            # A separator that some wildcard does not accept matters even if no pattern spells it.
            for char in _SEPARATORS:
                found[char] = None
        if state & self._digits and self._digit:
            found[self._digit] = None
        return found

    def only(self, places: int) -> str:
        """The only character that all of these places accept; empty when there is a choice."""
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
    """For each character the places that accept it and advance, and the stars that accept it and stay."""

    def __init__(self, places: Places) -> None:
        super().__init__()
        self._places = places

    def __missing__(self, char: str) -> tuple[int, int]:
        places = self._places
        kind = _kind(char)
        moves = places.taking.get(char, 0) | places.ones[kind], places.stars[kind]
        self[char] = moves
        return moves


@dataclass(slots=True)
class Walk:
    """Visits the states of a machine.

    Skips states in which no pattern of a `needed` group can match any more, and states in `lost`. If `hasty`, it goes
    deep first and prefers characters that no pattern spells.
    """

    machine: Machine
    needed: Sequence[int]
    lost: int = 0
    fresh: str = LETTERS
    hasty: bool = False
    # Each state with its predecessor, the characters that led from there, and the length of the text.
    came: dict[int, tuple[int, str, int]] = field(default_factory=dict)

    def states(self, budget: Budget) -> Iterator[int]:
        """The states in which a text can end, in order of the text's length."""
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
                # A shorter text to this state was found meanwhile.
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
        """The text that must follow while there is no choice, and the state that it leads to."""
        machine, narrow = self.machine, self.machine.narrow
        if not self.needed and state & ~narrow:
            return "", state
        lost = self.came.get(0)
        # In state 0 no pattern can match any more; once it was visited, texts that lead there need not be looked at.
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
        """The text that led to a state; a shortest one, unless hasty."""
        pieces: list[str] = []
        while state >= 0:
            state, piece, _ = self.came[state]
            pieces.append(piece)
        return "".join(reversed(pieces))


def union(sets: Iterable[int]) -> int:
    """The union of some sets of bits."""
    union_ = 0
    for bits in sets:
        union_ |= bits
    return union_


def unnamed(named: Container[str], fresh: str) -> str:
    """A character that is not among those named and is no separator, the first free one of `fresh`."""
    return next(
        c for c in chain(fresh, _rare_characters()) if c not in named and c not in _SEPARATORS
    )


def _rare_characters() -> Iterator[str]:
    """More characters than any policy holds."""
    return (chr(n) for n in range(0x100, _LAST_CHARACTER) if n not in _SURROGATES)
