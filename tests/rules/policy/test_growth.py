"""The work of each rule grows no faster than the policy: counted in calls, on shapes made from the rule's own examples."""

from __future__ import annotations

import copy
import json
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.engine.language.document import Policy, Statement
from aws_iam.engine.sources.gather import sources_of
from aws_iam.rules.policy.catalogue import POLICY_RULES
from helpers.tables.each import for_each
from helpers.work import calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.rules.check import Check

pytestmark = pytest.mark.growth

RULES = [rule for rule in POLICY_RULES if rule.on in {Policy, Statement}]
FEW = 20
BEYOND_BOUNDS = 250
# An example that is long by itself says nothing about growth, and takes its time.
LONGEST = 2_000


def statements_of(rule: Check[Any]) -> list[Any]:
    """A statement of each of the rule's examples, bad ones first."""
    found = []
    for example in (*rule.bad, *rule.good):
        if not isinstance(example, dict) or len(json.dumps(example)) > LONGEST:
            continue
        inside = example if rule.on is Statement else example.get("Statement")
        found += inside if isinstance(inside, list) else [inside]
    return [statement for statement in found if isinstance(statement, dict)]


def same_statements(statement: dict[str, Any], numbers: range) -> list[Any]:
    return [statement] * len(numbers)


def numbered_statements(statement: dict[str, Any], numbers: range) -> list[Any]:
    """Statements that differ in every text that may."""
    return [{**numbered(statement, number), "Sid": f"S{number}"} for number in numbers]


def longer_lists(statement: dict[str, Any], numbers: range) -> list[Any]:
    """One statement, whose every list, and every text that could be one, has a value for each number."""
    return [grown(statement, numbers)]


def longer_conditions(statement: dict[str, Any], numbers: range) -> list[Any]:
    """One statement, whose every condition asks a key for each number."""
    large = copy.deepcopy(statement)
    blocks = large.get("Condition")
    for block in blocks.values() if isinstance(blocks, dict) else ():
        if isinstance(block, dict):
            block |= {f"{key}{at}": value for key, value in [*block.items()] for at in numbers}
    return [large]


def numbered(value: Any, number: int) -> Any:
    if isinstance(value, dict):
        return {key: numbered(member, number) for key, member in value.items()}
    if isinstance(value, list):
        return [numbered(entry, number) for entry in value]
    plain = isinstance(value, str) and value not in {"Allow", "Deny", "*", "true", "false"}
    return f"{value}{number}" if plain else value


def grown(value: Any, numbers: range) -> Any:
    if isinstance(value, dict):
        return {
            key: member if key in {"Effect", "Sid"} else grown(member, numbers)
            for key, member in value.items()
        }
    listed = value if isinstance(value, list) else [value]
    return [numbered(entry, number) for number in numbers for entry in listed] + listed


SHAPES: tuple[Callable[[dict[str, Any], range], list[Any]], ...] = (
    same_statements,
    numbered_statements,
    longer_lists,
    longer_conditions,
)


def policy_of(rule: Check[Any], statements: list[Any]) -> Policy:
    document = {"Version": "2012-10-17", "Statement": statements}
    kind = min(rule.kinds) if rule.kinds and not rule.resource_type else None
    content = sources_of(document, kind, rule.resource_type)[0].content
    assert isinstance(content, Policy)
    return content


def check(rule: Check[Any], policy: Policy) -> None:
    """As `validate` does, but for one rule."""
    rule.findings(*((policy,) if rule.on is Policy else policy.statements))


def work(rule: Check[Any], statements: list[Any]) -> int:
    return calls(partial(check, rule, policy_of(rule, statements)))


@for_each(list(product(RULES, SHAPES)), name=lambda case: f"{case[0].code}, {case[1].__name__}")
def test_twice_as_much_of_a_policy_takes_about_twice_the_work(
    case: tuple[Check[Any], Callable[[dict[str, Any], range], list[Any]]],
) -> None:
    rule, shape = case
    for statement in statements_of(rule)[:1]:
        make = partial(shape, statement)
        # What is read once is read before.
        check(rule, policy_of(rule, make(range(FEW))))
        # What is compared with everything else is compared up to a bound: beyond it the growth must show.
        assert grows_evenly(rule, make, FEW) or grows_evenly(rule, make, BEYOND_BOUNDS)


def grows_evenly(rule: Check[Any], make: Callable[[range], list[Any]], few: int) -> bool:
    # Other numbers each time, so that no answer is remembered.
    numbers = (range(10_000, 10_000 + few), range(20_000, 20_000 + 2 * few))
    less, more = (work(rule, make(number)) for number in numbers)
    return more <= 2.5 * less + 500
