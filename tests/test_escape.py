"""Hostile text is shown, never obeyed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.escape import escaped, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äö✓", "plain äö✓"),
        ("a\nb\rc\td", "a\\u000ab\\u000dc\\u0009d"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("line\u2028sep", "line\\u2028sep"),
        ("lone\ud800", "lone\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_invisible_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_long_text_is_cut_with_a_mark() -> None:
    assert escaped("x" * 10_000, limit=50) == "x" * 50 + "…"


def test_a_value_cannot_close_its_backticks() -> None:
    assert quoted("a`b") == "`a'b`"


@given(st.text())
def test_what_is_shown_is_one_printable_line(text: str) -> None:
    shown = escaped(text)
    assert len(shown) <= 601
    assert len(shown.splitlines()) <= 1
    shown.encode()
