"""`policy validate` meets ten thousand spoilt policies, and answers each with findings or one clear error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.iam.aws_managed_policies import aws_managed_policies_data

from aws_iam import validate
from aws_iam.answer import Finding
from aws_iam.engine.language.document import Statement
from aws_iam.errors import InputError
from aws_iam.rules.policy.catalogue import POLICY_RULES
from helpers.mutations import Spoiler, nested
from helpers.tables.examples import examples

pytestmark = pytest.mark.growth

# Every rule's own examples, so that every rule is met, and some of AWS's policies, so that real ones are.
EXAMPLES = [
    (
        None if rule.resource_type else min(rule.kinds, default=None),
        rule.resource_type,
        {"Version": "2012-10-17", "Statement": [example]} if rule.on is Statement else example,
    )
    for rule in POLICY_RULES
    for example in (*rule.bad, *rule.good)
    if not isinstance(example, str) and len(json.dumps(example)) < 2_000
]
MANAGED = [
    ("identity", None, load["Document"])
    for load in list(json.loads(aws_managed_policies_data).values())[::25]
    if len(json.dumps(load["Document"])) < 3_000
]
OTHERS = (*EXAMPLES, *MANAGED)
SEEDS = st.integers(min_value=0, max_value=2**60)


def judged(document: Any, kind: str | None = None, attached: str | None = None) -> None:
    """Findings with a place and words each, or one error with words; whatever else is raised fails the test."""
    try:
        found = validate(document, kind, attached)
    except InputError as refused:
        said = [refused.message]
    else:
        assert all(isinstance(finding, Finding) and finding.where is not None for finding in found)
        said = [finding.message for finding in found]
    for message in said:
        assert message
        assert len(message) < 2_000
        assert "\n" not in message


def fuzz(cases: int) -> settings:
    return settings(
        max_examples=examples(cases),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@fuzz(800)
@given(SEEDS)
def test_a_spoilt_policy_given_as_a_value_is_judged_or_refused(seed: int) -> None:
    spoiler = Spoiler(seed, OTHERS)
    judged(spoiler.value(), spoiler.kind(), spoiler.attached())


@fuzz(500)
@given(SEEDS)
def test_a_spoilt_policy_given_as_text_is_judged_or_refused(seed: int) -> None:
    spoiler = Spoiler(seed, OTHERS)
    judged(spoiler.text(), spoiler.kind(), spoiler.attached())


@fuzz(300)
@given(st.text(max_size=60) | st.text(alphabet="{}[]\",:\\ \n\t0e-/*tfn'", max_size=60))
def test_any_text_is_judged_or_refused(text: str) -> None:
    judged(text)


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers() | st.none(), inner, max_size=3)
    ),
    max_leaves=8,
)


@fuzz(200)
@given(ODD)
def test_any_value_of_the_language_is_judged_or_refused(value: Any) -> None:
    judged(value)
    judged({"Version": "2012-10-17", "Statement": value})
    judged({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": value}]})


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
def test_a_value_nested_deeply_is_judged_or_refused(depth: int) -> None:
    judged(nested(depth, "x"))
    judged({"Statement": {"Effect": "Allow", "Condition": nested(depth, "x")}})


@pytest.mark.parametrize("opening", ["[", '{"Statement":', '{"Statement":[', "[[{}],"])
def test_a_text_nested_deeply_is_judged_or_refused(opening: str) -> None:
    judged(opening * 100_000)


def test_a_value_that_holds_itself_is_judged_or_refused() -> None:
    own: dict[str, Any] = {"Version": "2012-10-17"}
    own["Statement"] = [own]
    judged(own)
