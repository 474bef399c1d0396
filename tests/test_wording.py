"""Counted nouns and joined lists read as people write them."""

from __future__ import annotations

import pytest

from aws_iam.wording import counted, joined, separated


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "policy", "1 policy"),
        (2, "policy", "2 policies"),
        (0, "key", "0 keys"),
        (1_234, "access key", "1,234 access keys"),
        (3, "match", "3 matches"),
        (2, "address", "2 addresses"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, text: str) -> None:
    assert counted(number, noun) == text


def test_a_list_names_the_first_entries_and_counts_the_rest() -> None:
    assert joined([]) == ""
    assert joined(["a"]) == "a"
    assert joined(["a", "b", "c"]) == "a, b and c"
    assert joined(["a", "b"], last="or") == "a or b"
    assert joined(["a", "b", "c", "d"], shown=2) == "a, b and 2 more"


def test_entries_with_commas_are_kept_apart() -> None:
    assert separated(["a", "b"]) == "a, b"
    assert separated(["a, b", "c"]) == "a, b; c"
