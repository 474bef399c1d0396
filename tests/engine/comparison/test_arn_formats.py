"""ARNs that are had by filling a resource pattern into a format, beside those that a search finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.comparison.arn_formats import format_pattern, shortest_arn
from aws_iam.engine.comparison.automaton import Budget
from aws_iam.engine.comparison.pattern_combinations import (
    Region,
    group_combinations,
    wildcard_pattern,
)
from aws_iam.engine.language.pattern import matches

ROLE = "arn:aws:iam::${Account}:role/${RoleNameWithPath}"
OBJECT = "arn:aws:s3:::${BucketName}/${ObjectName}"
STACK = "arn:aws:cloudformation:${Region}:${Account}:stack/${StackName}/${Id}"
FIELDS = st.sampled_from(["*", "", "a", "a*", "*a"])
PARTS = st.lists(st.sampled_from(["*", "stack", "role", "/", "a", ":", "?"]), max_size=4)


@pytest.mark.parametrize(
    ("template", "text", "arn"),
    [
        (ROLE, "arn:aws:iam::*:role/app-*", "arn:aws:iam::111111111111:role/app-"),
        (ROLE, "arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:role/app"),
        (STACK, "arn:aws:cloudformation:*:*:*", "arn:aws:cloudformation:x:111111111111:stack/x/x"),
        (STACK, "arn:aws:cloudformation:*:*:stack/x*", None),
        (STACK, "arn:aws:cloudformation:*::stack/a/b", None),
        (OBJECT, "arn:aws:s3:::*", "arn:aws:s3:::x/x"),
        (OBJECT, "arn:aws:s3:::bucket/*", None),
        (OBJECT, "arn:aws:s3:::bucket", None),
        (OBJECT, "*", None),
    ],
)
def test_a_pattern_is_filled_into_a_format_where_that_gives_an_arn_of_both(
    template: str, text: str, arn: str | None
) -> None:
    assert shortest_arn(template, text) == arn


@given(st.sampled_from([ROLE, OBJECT, STACK]), FIELDS, FIELDS, PARTS)
def test_what_is_filled_in_is_as_short_as_what_a_search_finds(
    template: str, region: str, account: str, parts: list[str]
) -> None:
    service = template.split(":")[2]
    text = f"arn:aws:{service}:{region}:{account}:{''.join(parts)}"
    region_of_both = Region((format_pattern(template), wildcard_pattern(text)))
    found = group_combinations([], region_of_both, Budget())
    arn = shortest_arn(template, text)
    if arn is not None:
        assert matches(text, arn)
        assert len(arn) == len(found[0])
