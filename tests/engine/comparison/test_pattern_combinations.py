"""Diagrams of patterns against every text of a small alphabet."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.comparison.automaton import Budget, OverBudget, Pattern, Symbol
from aws_iam.engine.comparison.pattern_combinations import (
    Region,
    arn_pattern,
    combinations,
    group_combinations,
    literal_pattern,
    wildcard_pattern,
)
from aws_iam.engine.evaluation.conditions import holds_for
from aws_iam.engine.evaluation.context import without_stand_ins
from aws_iam.engine.language.pattern import matches

LETTERS = "abx"
# Every text of up to five letters; `x` stands for any that no pattern names.
TEXTS = ["".join(t) for n in range(6) for t in product(LETTERS, repeat=n)]
# What patterns share at the beginning is read in one go.
PATTERNS = st.builds(
    str.__add__, st.sampled_from(["", "a", "ab"]), st.text(alphabet="ab*?", max_size=3)
)
ARN_TEXTS = [
    f"{head}:{':'.join(rest)}"
    for head in ("a", "b")
    for rest in product(("a", "b", ""), repeat=2)
    for rest in [(*rest, "", "a", tail) for tail in ("a", "b", "a:b", "")]
]
_OF = {
    Symbol.ONE: ".",
    Symbol.MANY: ".*",
    Symbol.ONE_IN_FIELD: "[^:]",
    Symbol.MANY_IN_FIELD: "[^:]*",
    Symbol.ONE_IN_NAME: "[^:/]",
    Symbol.MANY_IN_NAME: "[^:/]*",
}
TOKENS = st.lists(st.sampled_from(["a", "aA", ":", "/", *_OF]), max_size=4)


def expected(patterns: list[str]) -> dict[int, int]:
    """Each cell that some short text reaches, with the length of a shortest one."""
    found: dict[int, int] = {}
    for text in TEXTS:
        cell = sum(1 << at for at, pattern in enumerate(patterns) if matches(pattern, text))
        found.setdefault(cell, len(text))
    return found


@given(st.lists(PATTERNS, max_size=3))
def test_the_cells_are_those_that_some_text_reaches_and_the_texts_are_shortest(
    patterns: list[str],
) -> None:
    found = combinations([wildcard_pattern(pattern) for pattern in patterns])
    for cell, text in found.items():
        assert cell == sum(1 << at for at, wanted in enumerate(patterns) if matches(wanted, text))
    short = expected(patterns)
    assert set(short) <= set(found)
    assert {cell: len(found[cell]) for cell in short} == short


@given(st.lists(PATTERNS, min_size=1, max_size=3), PATTERNS)
def test_cells_inside_a_pattern_are_those_of_its_own_texts(
    patterns: list[str], inside: str
) -> None:
    found = combinations(
        [wildcard_pattern(pattern) for pattern in patterns],
        inside=[wildcard_pattern(inside)],
    )
    every = combinations([wildcard_pattern(text_) for text_ in (*patterns, inside)])
    bit = 1 << len(patterns)
    assert set(found) == {cell - bit for cell in every if cell & bit}
    assert all(matches(inside, text) for text in found.values())


UNIONS = st.lists(st.lists(PATTERNS, min_size=1, max_size=2), max_size=2)


@given(UNIONS, st.lists(PATTERNS, min_size=1, max_size=2), st.lists(PATTERNS, max_size=2))
def test_meetings_are_those_of_the_texts_of_the_region(
    groups: list[list[str]], within: list[str], without: list[str]
) -> None:
    region = Region(
        tuple(map(wildcard_pattern, within)),
        tuple(map(wildcard_pattern, without)),
    )
    found = group_combinations([tuple(map(wildcard_pattern, g)) for g in groups], region, Budget())

    def cell(text: str) -> int | None:
        inside = all(matches(pattern, text) for pattern in within)
        if not inside or any(matches(pattern, text) for pattern in without):
            return None
        met = (any(matches(pattern, text) for pattern in group) for group in groups)
        return sum(1 << at for at, is_met in enumerate(met) if is_met)

    assert all(cell(text) == number for number, text in found.items())
    short: dict[int, int] = {}
    for text in TEXTS:
        if (number := cell(text)) is not None:
            short.setdefault(number, len(text))
    assert set(short) <= set(found)
    assert not groups or {number: len(found[number]) for number in short} == short


@given(st.lists(TOKENS, min_size=1, max_size=3))
def test_wildcards_of_fields_and_names_keep_out_separators(patterns: list[list[str]]) -> None:
    def fits(tokens: list[str], text: str) -> bool:
        parts = (_OF[t] if isinstance(t, Symbol) else f"[{t}]" for t in tokens)
        return re.fullmatch("".join(parts), text) is not None

    found = combinations([Pattern(tuple(pattern)) for pattern in patterns])
    for cell, text in found.items():
        assert cell == sum(1 << at for at, wanted in enumerate(patterns) if fits(wanted, text))
    for letters in product("aAx:/", repeat=3):
        text = "".join(letters)
        assert sum(1 << at for at, wanted in enumerate(patterns) if fits(wanted, text)) in found


@given(st.lists(st.text(alphabet="ab:*?", max_size=9), min_size=1, max_size=2))
def test_arn_patterns_meet_what_arn_operators_match(patterns: list[str]) -> None:
    found = combinations([arn_pattern(pattern) for pattern in patterns])

    def cell(text: str) -> int | None:
        held = [holds_for("ArnLike", (pattern,), (text,)) for pattern in patterns]
        # What a pattern of fewer than six fields matches is not documented.
        return None if None in held else sum(1 << at for at, met in enumerate(held) if met)

    assert all(cell(without_stand_ins(text)) in {None, number} for number, text in found.items())
    assert {cell(text) for text in ARN_TEXTS} <= {None, *found}


@given(st.text(alphabet="aAkK\u212aßé", max_size=3), st.text(alphabet="aAkK\u212aßé", max_size=3))
def test_a_literal_without_case_is_the_texts_that_compare_as_equal(one: str, other: str) -> None:
    found = combinations(
        [
            literal_pattern(one, ignore_case=True),
            literal_pattern(other),
        ]
    )
    assert (0b11 in found) is (one.lower() == other.lower())


def test_a_letter_that_no_pattern_holds_is_found_however_many_they_hold() -> None:
    held = "".join(map(chr, range(0x100, 0x900)))
    assert (
        combinations(
            [
                wildcard_pattern("?"),
                literal_pattern(held),
            ],
            fresh="",
        )[0b01]
        not in held
    )


def test_a_diagram_beyond_its_budget_is_no_diagram() -> None:
    patterns = [wildcard_pattern(f"*{'a' * at}?b*") for at in range(1, 14)]
    with pytest.raises(OverBudget, match="budget"):
        combinations(patterns, budget=Budget(200))


def test_the_texts_are_the_same_in_every_run() -> None:
    read = [
        wildcard_pattern("*B*"),
        literal_pattern("Bool", ignore_case=True),
    ]
    assert combinations(read) == {
        0: "",
        0b01: "B",
        0b10: "bool",
        0b11: "Bool",
    }
