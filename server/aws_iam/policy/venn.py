"""Which combinations of wildcard patterns some text can meet: the cells of their Venn diagram, each with a witness.

    cells([pattern("a*"), pattern("*b")])   →   {0b11: "ab", 0b01: "a", 0b10: "b", 0b00: ""}

All patterns are read at once as one automaton whose state is one integer: each pattern owns a run of bits, bit i of the run
says that its first i symbols may be spent. Breadth first, so that the first text to reach a cell is a shortest one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST_STATES = 20_000
"""States one diagram may have; patterns of real policies need some hundreds."""


class OverBudget(Exception):  # noqa: N818 - the field's word for it
    """A question needs more work than its budget allows, so that nothing can be said about it."""


@dataclass(slots=True)
class Budget:
    """The work that one question may cost; `spend` raises OverBudget when it is used up."""

    left: int = 400_000

    def spend(self, steps: int = 1) -> None:
        """Take so many steps off."""
        self.left -= steps
        if self.left < 0:
            raise OverBudget


LETTERS = "xzqjkwvy01-_"
DIGITS = "1234567890"
# Bits of a state that count as one step of work.
_BITS = 2_000
_SEPARATOR = ":"
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
    return Pattern(tuple("".join(dict.fromkeys((c.lower(), c.upper()))) for c in text))


def arn_pattern(text: str) -> Pattern:
    """A pattern as ARN operators read it: field by field, wildcards of the first five fields keep out colons."""
    fields = text.split(_SEPARATOR, _LAST_FIELD)
    if len(fields) <= _LAST_FIELD and fields[-1].endswith("*"):
        fields += ["*"] * (_LAST_FIELD + 1 - len(fields))
    tokens: list[Token] = []
    for number, field in enumerate(fields):
        if number:
            tokens.append(_SEPARATOR)
        last = number == _LAST_FIELD
        one, many = (
            (Symbol.ONE, Symbol.MANY) if last else (Symbol.ONE_IN_FIELD, Symbol.MANY_IN_FIELD)
        )
        tokens += _tokens(field, one, many)
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
    inside: Iterable[Pattern] = (),
    budget: Budget | None = None,
    fresh: str = LETTERS,
) -> dict[int, str]:
    """Every combination of patterns that some text meets, as bits in their order, with a shortest such text.

    With `inside` only texts of one of those patterns count. A character that no pattern names is the first of `fresh`
    that is free. Raises OverBudget rather than leave a cell out.
    """
    within = tuple(inside)
    machine = _Machine((*patterns, *within))
    allowed = budget or Budget(MOST_STATES)
    bits = machine.bits
    own, outer = bits[: len(patterns)], bits[len(patterns) :]
    found: dict[int, str] = {}
    accepting, inner = _union(own), _union(outer)
    seen: set[int] = set()
    came: dict[int, tuple[int, str]] = {}
    for state in machine.reachable(came, allowed, machine.runs[len(patterns) :], fresh):
        if (within and not state & inner) or state & accepting in seen:
            continue
        seen.add(state & accepting)
        cell = sum(1 << number for number, bit in enumerate(own) if state & bit)
        found[cell] = _text(came, state)
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
        self._by_char = {char: self._moves(char) for char in {*self._taking, *_KEPT_OUT}}
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

    def reachable(
        self, came: dict[int, tuple[int, str]], budget: Budget, needed: Sequence[int], fresh: str
    ) -> Iterator[int]:
        """Every state that some text leads to, in order of length; `came` says from where, by which character.

        States that left all `needed` patterns are dropped.
        """
        unnamed = next(
            c for c in (*fresh, *map(chr, range(0x100, 0x400))) if c not in self._by_char
        )
        alive = _union(needed)
        came[self.start] = (-1, "")
        # A wide state costs more than a narrow one.
        width = 1 + sum(map(int.bit_count, self.runs)) // _BITS
        waiting = deque([self.start])
        while waiting:
            state = waiting.popleft()
            yield state
            for char in (unnamed, *self._live(state)):
                taking, stars = self._by_char.get(char, self._others)
                after = (state & taking) << 1 | state & stars
                if after in came or (alive and not after & alive):
                    continue
                budget.spend(width)
                came[after] = (state, char)
                waiting.append(after)

    def _live(self, state: int) -> list[str]:
        """The characters that lead elsewhere than any unnamed one."""
        if not state & (self._literal | self._choosy):
            return []
        # A character that some wildcard keeps out matters there even if no pattern spells it.
        return [
            char
            for char in self._by_char
            if state & self._taking.get(char, 0) or (char in _KEPT_OUT and state & self._choosy)
        ]


# What each wildcard does not take.
_ONES = {Symbol.ONE: "", Symbol.ONE_IN_FIELD: ":", Symbol.ONE_IN_NAME: ":/"}
_STARS = {Symbol.MANY: "", Symbol.MANY_IN_FIELD: ":", Symbol.MANY_IN_NAME: ":/"}
_KEPT_OUT = ":/"
_TAKING_ALL = frozenset({Symbol.ONE, Symbol.MANY})


def _union(sets: Iterable[int]) -> int:
    whole = 0
    for bits in sets:
        whole |= bits
    return whole


def _text(came: dict[int, tuple[int, str]], state: int) -> str:
    chars: list[str] = []
    while state >= 0:
        state, char = came[state]
        chars.append(char)
    return "".join(reversed(chars))
