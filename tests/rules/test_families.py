"""What a family is said to be about: a statement without that element keeps all of its rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.policy.document import Kind, Policy, Statement, read
from aws_iam.rules import ABOUT, POLICY_RULES

if TYPE_CHECKING:
    from aws_iam.rules.rule import Rule

WITHOUT = {"Condition": {"Condition"}, "Principal": {"Principal", "NotPrincipal"}}


def _statements(example: Any, of_statement: bool) -> list[Any]:  # noqa: FBT001 - of a rule on statements
    inside = example if of_statement else example.get("Statement", [])
    listed = inside if isinstance(inside, list) else [inside]
    return [each for each in listed if isinstance(each, dict)]


STATEMENTS = [
    statement
    for rule in POLICY_RULES
    for example in (*rule.bad, *rule.good)
    if isinstance(example, dict) and len(json.dumps(example)) < 3_000
    for statement in _statements(example, rule.on is Statement)
]


def _policies(element: str) -> list[Policy]:
    """A policy for each example, and one of all of them, the element taken out; as every kind."""
    bare = [
        {key: value for key, value in each.items() if key not in WITHOUT[element]}
        for each in STATEMENTS
    ]
    contents = [
        read({"Version": "2012-10-17", "Statement": [each]}, kind)[0].content
        for each in bare
        for kind in (Kind.IDENTITY, Kind.RESOURCE, Kind.TRUST, Kind.RCP)
    ]
    return [each for each in contents if isinstance(each, Policy)]


POLICIES = {element: _policies(element) for element in WITHOUT}


@pytest.mark.parametrize(
    "rule", [each for each in POLICY_RULES if each.code in ABOUT], ids=lambda each: each.code
)
def test_a_rule_about_an_element_is_kept_by_what_has_none(rule: Rule[Any]) -> None:
    for policy in POLICIES[ABOUT[rule.code]]:
        subjects = (policy,) if rule.on is Policy else policy.statements
        assert rule.check_each(subjects) == ()
