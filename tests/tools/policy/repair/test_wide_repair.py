"""`policy repair` of patterns in policies that deny widely: all are met, and other requests are decided as before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.engine.comparison.arn_formats import may_be_asked
from aws_iam.engine.reference.catalog import catalog
from aws_iam.tools.policy.actions import tool
from helpers.repair import specifications as made
from helpers.repair.wide_specifications import ARNS, VERBS, wide_specification
from helpers.tables.examples import examples

if TYPE_CHECKING:
    from random import Random

    from aws_iam.answer import Answer


def repaired(specification: made.Specification) -> tuple[Answer, dict[str, Any]]:
    answer = tool.run({"action": "repair", **specification.arguments()})
    assert answer.facts["repaired"], answer.summary
    return answer, json.loads(answer.artifacts[0].content) if answer.artifacts else dict(
        specification.document
    )


def outcome(document: dict[str, Any], request: dict[str, str], kind: str) -> bool:
    return made.outcome(document, request, kind) == "Allowed"


def one_of(random: Random, pattern: dict[str, Any]) -> dict[str, str]:
    """A request that a pattern stands for."""
    resource = pattern["resource"].replace(":*:*:", ":eu-west-1:111122223333:").replace("*", "x")
    names = [own for own in catalog().expand(pattern["action"]) if may_be_asked(own, resource)]
    return {"action": random.choice(names), "resource": resource}


@given(st.randoms(use_true_random=True), st.integers(1, 20))
@settings(max_examples=examples(25), deadline=None)
def test_every_pattern_is_met_and_other_requests_are_decided_as_before(
    random: Random, requests: int
) -> None:
    specification = wide_specification(random, requests)
    _, new = repaired(specification)
    for patterns, wanted in ((specification.allow, True), (specification.deny, False)):
        for pattern in patterns:
            request = one_of(random, pattern)
            assert outcome(new, request, specification.kind) is wanted, request
    asked = [*specification.allow, *specification.deny]
    for _ in range(20):
        service = random.choice(list(VERBS))
        action = f"{service}:{random.choice(VERBS[service])}"
        name = random.choice(("k0", "k1", "k2", "c00", "c01", "other"))
        other = one_of(random, {"action": action, "resource": ARNS[service].format(name)})
        if not any(made.may_take(own, other) for own in asked):
            before, after = (
                outcome(document, other, specification.kind)
                for document in (specification.document, new)
            )
            assert before is after, other


@given(st.randoms(use_true_random=True))
@settings(max_examples=examples(15), deadline=None)
def test_repairing_twice_is_repairing_once(random: Random) -> None:
    specification = wide_specification(random, 8)
    _, new = repaired(specification)
    again = tool.run({"action": "repair", **specification.arguments(), "document": new})
    assert again.facts["repaired"]
    assert again.facts["edits"] == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("dynamodb:*", "arn:aws:dynamodb:*:*:table/{}*"),
        ("lambda:InvokeFunction", "arn:aws:lambda:*:*:function:{}*"),
        ("sns:Publish", "arn:aws:sns:*:*:{}*"),
    ],
)
def test_names_without_colons_are_apart_in_patterns_over_regions_and_accounts(
    action: str, resource: str
) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [everything]}
    specification = made.Specification(kind="identity", document=document)
    specification.allow.append({"action": action, "resource": resource.format("orders")})
    specification.deny.append({"action": action, "resource": resource.format("users")})
    _, new = repaired(specification)
    assert new["Statement"][1]["Resource"] == resource.format("users")


def test_a_qualified_function_counts_as_one_of_a_pattern() -> None:
    """An Allow for every version of a function is not met where one version is denied."""
    function = "arn:aws:lambda:eu-west-1:111122223333:function:orders"
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "lambda:InvokeFunction", "Resource": f"{function}:7"},
        ],
    }
    specification = made.Specification(kind="identity", document=document)
    specification.allow.append({"action": "lambda:InvokeFunction", "resource": f"{function}*"})
    answer, new = repaired(specification)
    assert answer.facts["edits"]
    assert outcome(
        new, {"action": "lambda:InvokeFunction", "resource": f"{function}:7"}, "identity"
    )
