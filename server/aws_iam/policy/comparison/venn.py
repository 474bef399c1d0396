"""Which combinations of wildcard patterns some text can meet: the cells of their Venn diagram, each with a witness.

    cells([pattern("a*"), pattern("*b")])   →   {0b11: "ab", 0b01: "a", 0b10: "b", 0b00: ""}

All patterns are read at once as one automaton whose state is one integer: each pattern owns a run of bits, bit i of the run
says that its first i symbols may be spent. Breadth first, so that the first text to reach a cell is a shortest one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST_STATES = 20_000
"""States one diagram may have; patterns of real policies need some hundreds."""


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
DIGITS = "1234567890"
# Bits of a state that count as one step of work.
_BITS = 1_000
_SEPARATOR = ":"
# The one character whose lower case is two.
_SPLIT = "\u0130".lower()
# Beyond it no character has two cases.
_LAST_CASED = 0x1F000
_LAST_CHARACTER = 0xF0000
_SURROGATES = range(0xD800, 0xE000)
_LAST_FIELD = 5


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


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as tokens; a run of stars is one."""

    tokens: tuple[Token, ...]


def pattern(text: str) -> Pattern:
    """A pattern in which `*` and `?` are wildcards over everything."""
    return Pattern(tuple(_tokens(text, Symbol.ONE, Symbol.MANY)))


def literal(text: str, *, ignore_case: bool = False) -> Pattern:
    """A text that stands for itself, `*` and `?` included."""
    if not ignore_case:
        return Pattern(tuple(text))
    lower = text.lower()
    if _SPLIT in lower:
        raise OverBudget("a condition that ignores case has a letter whose cases differ in length")
    return Pattern(tuple(_same_in_lower_case().get(c, c) for c in lower))


@cache
def _same_in_lower_case() -> Mapping[str, str]:
    """Each character with all whose lower case it is, as a text: the Kelvin sign is a `k`, too."""
    found: dict[str, str] = {}
    for char in map(chr, range(_LAST_CASED)):
        lower = char.lower()
        if lower != char and len(lower) == 1:
            found[lower] = found.get(lower, lower) + char
    return found


def arn_pattern(text: str) -> Pattern:
    """A pattern as ARN operators read it: field by field, wildcards of the first five fields keep out colons."""
    fields = text.split(_SEPARATOR, _LAST_FIELD)
    if len(fields) <= _LAST_FIELD and fields[-1].endswith("*"):
        fields += ["*"] * (_LAST_FIELD + 1 - len(fields))
    tokens: list[Token] = []
    for number, part in enumerate(fields):
        if number:
            tokens.append(_SEPARATOR)
        last = number == _LAST_FIELD
        one, many = (
            (Symbol.ONE, Symbol.MANY) if last else (Symbol.ONE_IN_FIELD, Symbol.MANY_IN_FIELD)
        )
        tokens += _tokens(part, one, many)
    return Pattern(tuple(tokens))


def _tokens(text: str, one: Symbol, many: Symbol) -> Iterator[Token]:
    before = ""
    for char in text:
        if char == "*":
            if before != "*":
                yield many
        else:
            yield one if char == "?" else char
        before = char


def cells(
    patterns: Sequence[Pattern],
    *,
    inside: Sequence[Pattern] = (),
    budget: Budget | None = None,
    fresh: str = LETTERS,
) -> dict[int, str]:
    """Every combination of patterns that some text meets, as bits in their order, with a shortest such text.

    With `inside` only texts of one of those patterns count. A character that no pattern names is the first of `fresh`
    that is free. Raises OverBudget rather than leave a cell out.
    """
    machine = _Machine((*patterns, *inside))
    own, outer = machine.bits[: len(patterns)], machine.bits[len(patterns) :]
    needed = (_union(machine.runs[len(patterns) :]),) if inside else ()
    walk = _Walk(machine, needed, fresh=fresh)
    accepting, ends = _union(own), _union(outer)
    found: dict[int, str] = {}
    seen: set[int] = set()
    for state in walk.states(budget or Budget(MOST_STATES)):
        if state & accepting in seen or (inside and not state & ends):
            continue
        seen.add(state & accepting)
        cell = sum(1 << number for number, bit in enumerate(own) if state & bit)
        found[cell] = walk.text(state)
    return found


@dataclass(frozen=True, slots=True)
class Region:
    """The texts of every pattern of `within` that none of `without` matches."""

    within: tuple[Pattern, ...]
    without: tuple[Pattern, ...] = ()


def meetings(
    groups: Sequence[Sequence[Pattern]], region: Region, budget: Budget
) -> dict[int, str]:
    """Which of the groups some text of the region meets, each by any of its patterns: as bits, with a shortest text.

    Without groups it is any text of the region, not always a shortest one, under the key 0.
    """
    flat = [pattern_ for group in groups for pattern_ in group]
    machine = _Machine((*flat, *region.without, *region.within))
    bits = iter(machine.bits)
    own = [_union(next(bits) for _ in group) for group in groups]
    refusing = [next(bits) for _ in region.without]
    ends = tuple(bits)
    walk = _Walk(
        machine,
        tuple(machine.runs[len(machine.runs) - len(ends) :]),
        # What ends in a star matches whatever follows.
        lost=_union(
            bit
            for bit, each in zip(refusing, region.without, strict=True)
            if each.tokens[-1:] == (Symbol.MANY,)
        ),
        hasty=len(ends) == 1 and not groups,
    )
    refused = _union(refusing)
    found: dict[int, str] = {}
    for state in walk.states(budget):
        if state & refused or not all(state & end for end in ends):
            continue
        cell = sum(1 << number for number, bit in enumerate(own) if state & bit)
        if cell not in found:
            found[cell] = walk.text(state)
            if len(found) == 1 << len(groups):
                break
    return found


class _Machine:
    """Some patterns side by side in one integer."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self.start = 0
        # The accepting bit of each pattern, and all bits of each.
        self.bits: list[int] = []
        self.runs: list[int] = []
        self._taking: dict[str, int] = {}
        self._literal = 0
        # The characters that each place takes and spells.
        self._spelling: dict[int, dict[str, None]] = {}
        self._ones = dict.fromkeys(_ONES, 0)
        self._stars = dict.fromkeys(_STARS, 0)
        at = 0
        for each in patterns:
            end = at + sum(token not in _STARS for token in each.tokens)
            self.start |= 1 << at
            self._lay(each, at)
            self.bits.append(1 << end)
            self.runs.append((1 << end + 1) - (1 << at))
            at = end + 1
        self._by_char = {char: self._moves(char) for char in (*self._taking, *_KEPT_OUT)}
        self._others = self._moves("")
        choosy = [
            bits
            for token, bits in (*self._ones.items(), *self._stars.items())
            if token not in _TAKING_ALL
        ]
        self._choosy = _union(choosy)

    def _lay(self, laid: Pattern, at: int) -> None:
        for token in laid.tokens:
            bit = 1 << at
            if isinstance(token, str):
                self._literal |= bit
                self._spelling[bit] = dict.fromkeys(token)
                for char in token:
                    self._taking[char] = self._taking.get(char, 0) | bit
            elif token in _STARS:
                self._stars[token] |= bit
                continue
            else:
                self._ones[token] |= bit
            at += 1

    def _moves(self, char: str) -> tuple[int, int]:
        """The places that take a character and go on, and the stars that take it and stay."""
        taking = self._taking.get(char, 0)
        for token, bits in self._ones.items():
            taking |= 0 if char and char in _ONES[token] else bits
        stars = 0
        for token, bits in self._stars.items():
            stars |= 0 if char and char in _STARS[token] else bits
        return taking, stars

    def moves(self, char: str) -> tuple[int, int]:
        """The places that take a character and go on, and the stars that take it and stay."""
        return self._by_char.get(char, self._others)

    def unnamed(self, fresh: str) -> str:
        """A character that no pattern names, the first of `fresh` that is free."""
        return next(c for c in chain(fresh, _strange()) if c not in self._by_char)

    def live(self, state: int) -> Iterable[str]:
        """The characters that lead elsewhere than any unnamed one."""
        found: dict[str, None] = {}
        left = state & self._literal
        if left.bit_count() > len(self._taking):
            found = dict.fromkeys(char for char, bits in self._taking.items() if state & bits)
            left = 0
        while left:
            lowest = left & -left
            found |= self._spelling[lowest]
            left ^= lowest
        if state & self._choosy:
            # A character that some wildcard keeps out matters there even if no pattern spells it.
            found |= _KEPT_OUT
        return found


@dataclass(slots=True)
class _Walk:
    """A way through the states of a machine.

    Dropped are those that left all patterns of one of `needed`, and those of `lost`. In haste, depth goes before length,
    and unnamed characters before others.
    """

    machine: _Machine
    needed: tuple[int, ...]
    lost: int = 0
    fresh: str = LETTERS
    hasty: bool = False
    # Each state with the one before it and the character that led there.
    came: dict[int, tuple[int, str]] = field(default_factory=dict)

    def states(self, budget: Budget) -> Iterator[int]:
        """Every state that some text leads to, in order of length."""
        machine, came, needed, lost = self.machine, self.came, self.needed, self.lost
        live, moves, hasty = machine.live, machine.moves, self.hasty
        unnamed = machine.unnamed(self.fresh)
        # A wide state costs more than a narrow one.
        width = 1 + sum(map(int.bit_count, machine.runs)) // _BITS
        came[machine.start] = (-1, "")
        waiting = deque([machine.start])
        while waiting:
            state = waiting.pop() if hasty else waiting.popleft()
            yield state
            chars = (unnamed, *live(state))
            for char in reversed(chars) if hasty else chars:
                taking, stars = moves(char)
                after = (state & taking) << 1 | state & stars
                if after in came or after & lost:
                    continue
                for alive in needed:
                    if not after & alive:
                        break
                else:
                    budget.spend(width)
                    came[after] = (state, char)
                    waiting.append(after)

    def text(self, state: int) -> str:
        """The text that led to a state, a shortest one but in haste."""
        chars: list[str] = []
        while state >= 0:
            state, char = self.came[state]
            chars.append(char)
        return "".join(reversed(chars))


# What each wildcard does not take.
_ONES = {Symbol.ONE: "", Symbol.ONE_IN_FIELD: ":", Symbol.ONE_IN_NAME: ":/"}
_STARS = {Symbol.MANY: "", Symbol.MANY_IN_FIELD: ":", Symbol.MANY_IN_NAME: ":/"}
_KEPT_OUT = dict.fromkeys(":/")
_TAKING_ALL = frozenset({Symbol.ONE, Symbol.MANY})


def _strange() -> Iterator[str]:
    """More characters than any policy holds."""
    return (chr(n) for n in range(0x100, _LAST_CHARACTER) if n not in _SURROGATES)


def _union(sets: Iterable[int]) -> int:
    whole = 0
    for bits in sets:
        whole |= bits
    return whole
