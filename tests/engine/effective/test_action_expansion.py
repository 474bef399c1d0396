"""What action patterns name: as the catalogue says, each read once, the work bounded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.engine.effective.action_expansion import Expansion, by_level
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from helpers.tables.examples import examples

PATTERNS = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            ["s3", "sq", "*", "?", ":", "Get", "get", "Object", "s", "Bucket", "nope"]
        ),
        min_size=1,
        max_size=6,
    ),
)


def names(found: object) -> list[str]:
    return sorted(action.full_name for action in found.values())  # type: ignore[attr-defined]


@given(pattern=PATTERNS)
@settings(max_examples=examples(60), deadline=None)
def test_a_pattern_names_what_the_catalogue_expands_it_to(pattern: str) -> None:
    assert names(Expansion().pattern(pattern)) == sorted(catalog().expand(pattern))


@given(patterns=st.lists(PATTERNS, min_size=1, max_size=3))
@settings(max_examples=examples(30), deadline=None)
def test_not_action_names_exactly_the_rest(patterns: list[str]) -> None:
    expansion = Expansion()
    statement = {"Effect": "Allow", "NotAction": patterns, "Resource": "*"}
    rest = expansion.named(one_policy({"Statement": statement}).statements[0])
    excluded = expansion.union(patterns)
    assert rest.keys().isdisjoint(excluded)
    assert rest.keys() | excluded.keys() == expansion.pattern("*").keys()


def test_levels_are_counted_in_reading_order() -> None:
    found = Expansion().pattern("sqs:*").values()
    assert list(by_level(found)) == ["Read", "Write", "Tagging", "Permissions management"]
    assert sum(by_level(found).values()) == len(catalog().expand("sqs:*"))


def test_work_beyond_the_bound_is_refused() -> None:
    with pytest.raises(InputError, match="too many wildcards"):
        Expansion().spend(10**9)
