"""Laws of Terraform's values, for any JSON value."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.language.document import Policy
from aws_iam.engine.language.document import dump as dumped
from aws_iam.engine.sources.gather import gathered

POLICY = 'resource "aws_iam_policy" "p" {{\n  policy = jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = "s3:GetObject", Resource = {} }}] }})\n}}'
# Private-use characters may stand for values that are not known.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Co", "Cc", "Cs", "Zl", "Zp")), max_size=8
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=5)


def written(value: Any) -> str:
    """The value in Terraform's language."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("${", "$${").replace("%{", "%%{")


def evaluated(expression: str) -> Any:
    (source,) = gathered(POLICY.format(expression)).sources
    assert isinstance(source.content, Policy)
    assert not source.unresolved
    return json.loads(dumped(source.content))["Statement"][0]["Resource"]


@given(VALUES)
def test_a_literal_is_its_value(value: Any) -> None:
    assert evaluated(written(value)) == value


@given(VALUES)
def test_jsondecode_reverses_jsonencode(value: Any) -> None:
    assert evaluated(f"jsondecode(jsonencode({written(value)}))") == value
    assert evaluated(f'jsondecode("${{jsonencode({written([value])})}} ")') == [value]


@given(WORDS, WORDS)
def test_sets_are_sorted_unions(first: list[str], second: list[str]) -> None:
    union = f"setunion({written(first)}, {written(second)})"
    assert evaluated(union) == sorted({*first, *second})
    assert evaluated(f"toset(concat({written(first)}, {written(second)}))") == evaluated(union)


@given(WORDS, WORDS)
def test_merge_takes_the_last(first: list[str], second: list[str]) -> None:
    one, two = ({word: number + len(words) for number, word in enumerate(words)} for words in (first, second))  # fmt: skip
    assert evaluated(f"merge({written(one)}, {written(two)})") == one | two
