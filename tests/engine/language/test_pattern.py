"""Patterns are sets of strings: every answer is compared with the strings themselves."""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aws_iam.engine.language.pattern import covers, intersects, is_literal, matches, normal
from helpers.work import calls

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.growth

PATTERNS = st.text(alphabet="ab?*", max_size=7)
# The third letter is named by no pattern: wildcards alone take it.
STRINGS = tuple("".join(s) for n in range(8) for s in itertools.product("abz", repeat=n))
TEXTS = st.text(alphabet="abz", max_size=10)


def by_definition(pattern: str, text: str) -> bool:
    """The textbook definition, one place after the other."""
    places = {0}
    for char in text:
        places = stars(pattern, places)
        stay = {at for at in places if pattern[at : at + 1] == "*"}
        places = stay | {at + 1 for at in places if pattern[at : at + 1] in ("?", char)}
    return len(pattern) in stars(pattern, places)


def stars(pattern: str, places: set[int]) -> set[int]:
    for at in range(len(pattern)):
        if at in places and pattern[at] == "*":
            places = places | {at + 1}
    return places


@cache
def strings_of(pattern: str) -> set[str]:
    return {text for text in STRINGS if by_definition(pattern, text)}


@given(pattern=PATTERNS, text=TEXTS)
@example(pattern="*a?*b", text="aab")
@example(pattern="a*a", text="a")
def test_matching_agrees_with_the_definition(pattern: str, text: str) -> None:
    assert matches(pattern, text) is by_definition(pattern, text)


@given(a=st.text(alphabet="ab?*", max_size=4), b=st.text(alphabet="ab?*", max_size=3))
@example(a="?*", b="*a")
@example(a="a?*b", b="a*b")
@example(a="*?*", b="?*")
def test_covering_agrees_with_all_strings(a: str, b: str) -> None:
    assert covers(a, b) is (strings_of(b) <= strings_of(a))


@given(a=PATTERNS, b=PATTERNS, text=TEXTS)
def test_what_is_covered_is_matched(a: str, b: str, text: str) -> None:
    if covers(a, b) and matches(b, text):
        assert matches(a, text)


@given(a=PATTERNS, b=PATTERNS, c=PATTERNS)
def test_covering_is_transitive(a: str, b: str, c: str) -> None:
    assert covers(a, a)
    if covers(a, b) and covers(b, c):
        assert covers(a, c)


@given(a=st.text(alphabet="ab?*", max_size=4), b=st.text(alphabet="ab?*", max_size=3))
def test_intersecting_agrees_with_all_strings(a: str, b: str) -> None:
    assert intersects(a, b) is bool(strings_of(a) & strings_of(b))


@given(a=PATTERNS, b=PATTERNS)
def test_intersecting_is_symmetric_and_follows_from_covering(a: str, b: str) -> None:
    assert intersects(a, b) is intersects(b, a)
    if covers(a, b):
        assert intersects(a, b)


@given(pattern=PATTERNS)
def test_the_normal_form_is_the_same_set(pattern: str) -> None:
    assert covers(pattern, normal(pattern))
    assert covers(normal(pattern), pattern)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("s3:Get*", "s3:GetObject*", True),
        ("s3:Get*", "s3:G*", False),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/home/?", True),
        ("*", "", True),
        ("?*", "*", False),
        ("??*", "a*b", True),
    ],
)
def test_typical_patterns(a: str, b: str, *, expected: bool) -> None:
    assert covers(a, b) is expected


def test_case_is_ignored_on_request_only() -> None:
    assert matches("S3:get*", "s3:GetObject", ignore_case=True)
    assert covers("S3:get*", "s3:GetObject*", ignore_case=True)
    assert intersects("S3:get*", "s3:*Object", ignore_case=True)
    assert not matches("S3:get*", "s3:GetObject")


def test_text_may_hold_the_wildcard_characters_themselves() -> None:
    assert matches("a?c*", "a*c?")
    assert not matches("abc", "a?c")
    assert is_literal("abc")
    assert not is_literal("a*")


@pytest.mark.parametrize(
    "pair",
    [
        lambda n: ("*a" * n + "b", "a" * n),
        lambda n: ("*a?" * n + "*b", "*a" * n),
        lambda n: ("*a" + "?" * 60 + "b" + "?" * 60 + "*", "b" + "a*" * n),
        lambda n: ("?" * n + "*", "*" * n),
        lambda n: ("a" * n + "*", "*" + "a" * n),
    ],
)
def test_hostile_patterns_cost_little(pair: Callable[[int], tuple[str, str]]) -> None:
    def work(size: int) -> int:
        a, b = pair(size)
        both = ((a, b), (b, a))
        return calls(lambda: [(matches(*pair), covers(*pair), intersects(*pair)) for pair in both])

    # Twice the length may take four times the steps, never a power of it.
    assert work(1_000) <= 4.5 * work(500) + 200
