"""Structures as query engines print them are read as they were, or refused."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.trail.struct_text import structure
from helpers.work import calls

_NAMES = st.from_regex(r"[a-z_][a-z0-9_.-]{0,8}", fullmatch=True)
# Commas, equals signs and colons, as session names and ARNs have them.
_WORDS = st.from_regex(r"[A-Za-z0-9:/@+=,.-]{1,20}", fullmatch=True).filter(
    lambda word: word != "null"
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _WORDS | st.none(),
    lambda inner: st.dictionaries(_NAMES, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


def printed(value: Any) -> str:
    """The value as Athena prints it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={printed(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(printed, value)) + "]"
    return "null" if value is None else value


@given(st.dictionaries(_NAMES, _VALUES, max_size=5))
def test_a_printed_structure_is_read_as_it_was(value: dict[str, Any]) -> None:
    assert structure(printed(value)) == value


@given(st.text(alphabet='{}[]=, "ab1:\\\n', max_size=40))
def test_any_text_is_a_value_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        structure(text)


@pytest.mark.parametrize(
    "text",
    ["", "x", "{", "{a=", "{a=b", "{a=b}}", "{a=b} c", "{a={b=c}", "[a", "{a=b,c=d"],
)
def test_what_is_cut_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        structure(text)


@pytest.mark.parametrize("text", ["{a=" * 500, '{a={"b":' + "[" * 100_000, "[" * 100_000])
def test_a_structure_nested_without_end_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|expected"):
        structure(text)


@pytest.mark.parametrize("part", ["a=b, ", ", a", "a=, ", "x" * 10])
def test_the_work_grows_with_the_text_and_no_faster(part: str) -> None:
    def cost(number: int) -> int:
        def read() -> None:
            with contextlib.suppress(ValueError):
                structure("{" + part * number + "z=1}")

        return calls(read)

    assert cost(4_000) < 12 * cost(500)


def test_json_is_read_as_json() -> None:
    assert structure('{"a": {"b": 1}}') == {"a": {"b": 1}}
    assert structure('{a={"b": ["c, d=e"]}, f=g}') == {"a": {"b": ["c, d=e"]}, "f": "g"}
