"""What `is_covered` says by the texts alone holds for every pair of action and resource."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam import evaluate
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.repair.coverage import is_covered
from helpers.tables.examples import examples

ACTIONS = ("s3:a", "s3:ab", "s3:b", "iam:a", "iam:b")
PATTERNS = (*ACTIONS, "s3:*", "s3:a*", "*:a", "*", "*:*b")
PLACES = tuple(f"arn:aws:s3:::{name}" for name in ("a", "ab", "b", "a/b", "a/c"))
WIDE = (*PLACES, *(f"arn:aws:s3:::{name}" for name in ("*", "a*", "a/*", "*b", "?")), "*")


def entries(texts: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(texts), min_size=1, max_size=3, unique=True)


def statements() -> st.SearchStrategy[dict[str, Any]]:
    names = st.tuples(
        st.sampled_from(("Action", "Action", "NotAction")),
        st.sampled_from(("Resource", "Resource", "NotResource")),
    )
    return st.builds(
        lambda name, actions, resources: {name[0]: actions, name[1]: resources},
        names,
        entries(PATTERNS),
        entries(WIDE),
    )


def applies(statement: dict[str, Any], action: str, resource: str) -> bool:
    def takes(name: str, text: str) -> bool:
        given = statement.get(name) or statement[f"Not{name}"]
        return any(matches(own, text) for own in given) is (name in statement)

    return takes("Action", action) and takes("Resource", resource)


@given(statements(), st.lists(statements(), max_size=4))
@settings(max_examples=examples(1_500), deadline=None)
def test_a_covered_statement_has_no_pair_of_its_own(
    statement: dict[str, Any], others: list[dict[str, Any]]
) -> None:
    if is_covered(statement, others):
        for action in ACTIONS:
            for resource in PLACES:
                assert not applies(statement, action, resource) or any(
                    applies(own, action, resource) for own in others
                )


@given(statements(), st.lists(statements(), max_size=3))
@settings(max_examples=examples(300), deadline=None)
def test_a_statement_is_covered_by_itself_and_by_everything(
    statement: dict[str, Any], others: list[dict[str, Any]]
) -> None:
    assert is_covered(statement, [*others, statement])
    assert is_covered(statement, [*others, {"Action": ["*"], "Resource": ["*"]}])


@pytest.mark.parametrize(
    ("action", "layer", "other"),
    [
        ("s3:GetObject", "identity", {"Action": [], "Resource": "*"}),
        ("s3:GetObject", "identity", {"Action": "s3:*", "Resource": []}),
        ("s3:GetObject", "identity", {"Action": "s3*", "Resource": "*"}),
        ("s3:GetObject", "identity", {"Action": "s3:*"}),
        ("kms:Decrypt", "resource", {"Action": "*", "Principal": "*"}),
    ],
)
def test_a_statement_that_applies_to_nothing_covers_nothing(
    action: str, layer: str, other: dict[str, Any]
) -> None:
    resource = f"arn:aws:{action.partition(':')[0]}:eu-west-1:111122223333:key/k"
    request = {
        "principal": "arn:aws:iam::111122223333:user/u",
        "action": action,
        "resource": resource,
    }
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **other}]}
    assert evaluate(request, {layer: [policy]}).outcome != "Allowed"
    assert not is_covered({**other, "Action": action, "Resource": resource}, [other])
