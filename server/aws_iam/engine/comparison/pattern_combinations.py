"""Which combinations of wildcard patterns a single text can match, each with a shortest such text.

    combinations([wildcard_pattern("a*"), wildcard_pattern("*b")])   →   {0b11: "ab", 0b01: "a", 0b10: "b", 0b00: ""}

All patterns are matched at once, shorter texts first, so the first text found for a combination is a shortest one.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.automaton import (
    LETTERS,
    Budget,
    Machine,
    OverBudget,
    Pattern,
    Symbol,
    Token,
    Walk,
    union,
    unnamed,
)
from aws_iam.engine.language.arn import ANY_API
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_STATES = 20_000
"""States that one search may visit; patterns of real policies need some hundreds."""

_NOT_EMPTY = Pattern((Symbol.ONE, Symbol.MANY))
_SEPARATOR = ":"
# The one character whose lower case has two characters.
_SPLIT = "\u0130".lower()
# No character beyond this has two cases.
_LAST_CASED = 0x1F000
_LAST_FIELD = 5
_ACCOUNT_DIGITS = 12


def wildcard_pattern(text: str) -> Pattern:
    """A pattern in which `*` and `?` accept any character."""
    return Pattern(tuple(_tokens(text, Symbol.ONE, Symbol.MANY)))


def resource_pattern(text: str) -> Pattern:
    """A resource as a pattern; in the short form of API Gateway no wildcard stands for more than the id of the API."""
    if not text.startswith(ANY_API):
        return wildcard_pattern(text)
    before = _tokens(ANY_API, Symbol.ONE_IN_NAME, Symbol.MANY_IN_NAME)
    return Pattern((*before, *wildcard_pattern(text.removeprefix(ANY_API)).tokens))


def literal_pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """A pattern that matches this text only, `*` and `?` included."""
    if not ignore_case:
        return Pattern(tuple(text))
    lower = text.lower()
    if _SPLIT in lower:
        raise OverBudget(
            "a condition that ignores case contains a letter whose lower case is longer"
        )
    return Pattern(tuple(_same_in_lower_case().get(c, c) for c in lower))


# Building the table takes 20 ms.
@cache
def _same_in_lower_case() -> Mapping[str, str]:
    """Each lower-case character with all characters that become it: the Kelvin sign is a `k`, too."""
    found: dict[str, str] = {}
    for char in map(chr, range(_LAST_CASED)):
        lower = char.lower()
        if lower != char and len(lower) == 1:
            found[lower] = found.get(lower, lower) + char
    return found


def arn_pattern(text: str) -> Pattern:
    """A pattern as ARN operators match it: in the first five fields wildcards do not accept a colon."""
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


def principal_arns(partition: str, service: str, start: str) -> tuple[Pattern, ...]:
    """The ARNs of the principals of a kind: account ids are digits; a name has neither colon nor slash, a path may have both.

    Source: IAM API Reference, API_CreateRole and API_CreateUser, the patterns of names and paths.
    """
    before = arn_pattern(f"arn:{partition}:{service}::").tokens
    opening = (*before, *(Symbol.DIGIT,) * _ACCOUNT_DIGITS, ":", *start)
    if not start.endswith("/"):
        return (Pattern(opening),)
    name = (Symbol.ONE_IN_NAME, Symbol.MANY_IN_NAME)
    return Pattern((*opening, *name)), Pattern((*opening, Symbol.ONE, Symbol.MANY, "/", *name))


def _tokens(text: str, one: Symbol, many: Symbol) -> Iterator[Token]:
    before = ""
    for char in text:
        if char == "*":
            if before != "*":
                yield many
        else:
            yield one if char == "?" else char
        before = char


def combinations(
    patterns: Sequence[Pattern],
    *,
    inside: Sequence[Pattern] = (),
    budget: Budget | None = None,
    fresh: str = LETTERS,
) -> dict[int, str]:
    """Every combination of patterns that some text matches, as bits in their order, with a shortest such text.

    With `inside` only texts that match one of those patterns count. `fresh` are the characters to use where no pattern
    spells one. Raises OverBudget rather than leave a combination out.
    """
    if not inside and (texts := _literals(patterns)) is not None:
        return _of_literals(texts, fresh)
    machine = Machine([*((single,) for single in patterns), *([inside] if inside else ())])
    own, ends = machine.ends[: len(patterns)], union(machine.ends[len(patterns) :])
    walk = Walk(machine, machine.runs[len(patterns) :], fresh=fresh)
    accepting = union(own)
    found: dict[int, str] = {}
    seen: set[int] = set()
    for state in walk.states(budget or Budget(MOST_STATES)):
        if state & accepting in seen or (inside and not state & ends):
            continue
        seen.add(state & accepting)
        found[_combination(own, state)] = walk.text(state)
    return found


def nonempty_text(patterns: Sequence[Pattern], cell: int, budget: Budget) -> str:
    """A shortest text of a combination that is not empty; empty when there is none."""
    if (texts := _literals(patterns)) is not None:
        return "" if cell else _unnamed(texts, LETTERS)
    machine = Machine([(single,) for single in (*patterns, _NOT_EMPTY)])
    walk = Walk(machine, machine.runs[-1:])
    wanted = cell | 1 << len(patterns)
    for state in walk.states(budget):
        if _combination(machine.ends, state) == wanted:
            return walk.text(state)
    return ""


def _literals(patterns: Sequence[Pattern]) -> tuple[str, ...] | None:
    """The texts of the patterns, when each of them matches only one; else None."""
    texts = tuple([single.text for single in patterns if single.text is not None])
    return texts if len(texts) == len(patterns) else None


def _of_literals(texts: Sequence[str], fresh: str) -> dict[int, str]:
    """The combinations of single texts: one for each text, and one for all other texts."""
    bits: dict[str, int] = {}
    for number, text in enumerate(texts):
        bits[text] = bits.get(text, 0) | 1 << number
    other = _unnamed(texts, fresh) if "" in bits else ""
    return {bits.get(text, 0): text for text in sorted({other: None, **bits}, key=len)}


def _unnamed(texts: Sequence[str], fresh: str) -> str:
    return unnamed({*"".join(texts)}, fresh)


@positional
class Region:
    """The texts that match every pattern of `within` and none of `without`."""

    within: tuple[Pattern, ...]
    without: tuple[Pattern, ...] = ()


def group_combinations(
    groups: Sequence[Sequence[Pattern]], region: Region, budget: Budget
) -> dict[int, str]:
    """Every combination of groups that some text of the region matches, as bits in their order, with a shortest text.

    A group matches when one of its patterns does. Without groups the result is any text of the region, under the key 0.
    """
    without, within = region.without, region.within
    machine = Machine([*groups, *((single,) for single in (*without, *within))])
    own = machine.ends[: len(groups)]
    inner = len(groups) + len(without)
    refusing, ends = machine.ends[len(groups) : inner], machine.ends[inner:]
    walk = Walk(
        machine,
        machine.runs[inner:],
        lost=union(bit for bit, single in zip(refusing, without, strict=True) if single.is_open),
        hasty=len(ends) == 1 and not groups,
    )
    refused = union(refusing)
    found: dict[int, str] = {}
    for state in walk.states(budget):
        if state & refused or not all(state & end for end in ends):
            continue
        cell = _combination(own, state)
        if cell not in found:
            found[cell] = walk.text(state)
            if len(found) == 1 << len(groups):
                break
    return found


def _combination(ends: Sequence[int], state: int) -> int:
    return sum(1 << number for number, end in enumerate(ends) if state & end)
