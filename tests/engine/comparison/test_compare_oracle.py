"""z3 as an oracle: inclusion of patterns, and whole policies without variables, decided by a solver as well."""

from __future__ import annotations

import re
from typing import Any

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam import compare
from aws_iam.engine.comparison.pattern_combinations import combinations, wildcard_pattern
from helpers.tables.examples import examples

pytestmark = pytest.mark.growth

PATTERNS = st.text(alphabet="ab:*?", max_size=6)
MILLISECONDS = 2_000
OBJECTS = "arn:aws:s3:::"


def expression(pattern: str) -> Any:
    """A wildcard pattern as a regular expression of the solver."""
    every = z3.AllChar(z3.ReSort(z3.StringSort()))
    parts = [z3.Star(every) if c == "*" else every if c == "?" else z3.Re(c) for c in pattern]
    return z3.Concat(z3.Re(""), z3.Re(""), *parts)


def possible(formula: Any) -> bool | None:
    """Whether something satisfies the formula; None when the solver gives up."""
    solver = z3.Solver()
    solver.set("timeout", MILLISECONDS)
    solver.add(formula)
    return {"sat": True, "unsat": False}.get(str(solver.check()))


@settings(max_examples=examples(20), deadline=None)
@given(PATTERNS, PATTERNS)
def test_a_solver_finds_the_same_cells_of_two_patterns(one: str, other: str) -> None:
    text = z3.String("text")
    first, second = (z3.InRe(text, expression(pattern)) for pattern in (one, other))
    found = combinations([wildcard_pattern(one), wildcard_pattern(other)])
    for cell, formula in (
        (0b01, z3.And(first, z3.Not(second))),
        (0b10, z3.And(second, z3.Not(first))),
        (0b11, z3.And(first, second)),
    ):
        assert possible(formula) in {cell in found, None}


ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
KEYS = ("aws:PrincipalTag/t", "aws:SourceVpce")
OPERATORS = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike")


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    tails = st.text(alphabet="ab/*?", min_size=1, max_size=4)
    names = st.lists(tails.map(lambda t: f"{OBJECTS}b/{t}"), min_size=1, max_size=2)
    made: dict[str, Any] = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        "Action": draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2, unique=True)),
        draw(st.sampled_from(["Resource"] * 3 + ["NotResource"])): draw(names),
    }
    if draw(st.booleans()):
        operator = draw(st.sampled_from(OPERATORS)) + draw(st.sampled_from(["", "IfExists"]))
        values = st.lists(st.text(alphabet="ab*", min_size=1, max_size=2), min_size=1, max_size=2)
        made["Condition"] = {operator: {draw(st.sampled_from(KEYS)): draw(values)}}
    return made


def policies() -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(statements(), min_size=1, max_size=3)


class World:
    """One request, as the solver sees it: an action, an object's ARN, two keys that may be absent."""

    def __init__(self) -> None:
        self.action = z3.String("action")
        self.resource = z3.String("resource")
        self.values = {key: z3.String(key) for key in KEYS}
        self.present = {key: z3.Bool(f"has {key}") for key in KEYS}

    def possible(self) -> Any:
        """An object of a bucket: the bucket's name holds neither colon nor slash, the key is not empty."""
        every = z3.AllChar(z3.ReSort(z3.StringSort()))
        plain = z3.Diff(every, z3.Union(z3.Re(":"), z3.Re("/")))
        objects = z3.Concat(z3.Re(OBJECTS), z3.Plus(plain), z3.Re("/"), z3.Plus(every))
        known = z3.Or([self.action == action for action in ACTIONS])
        return z3.And(known, z3.InRe(self.resource, objects))

    def allows(self, policy: list[dict[str, Any]]) -> Any:
        return z3.And(self.met(policy, "Allow"), z3.Not(self.met(policy, "Deny")))

    def met(self, policy: list[dict[str, Any]], effect: str) -> Any:
        return z3.Or([self.meets(s) for s in policy if s["Effect"] == effect])

    def beyond(self, one: list[dict[str, Any]], other: list[dict[str, Any]]) -> Any:
        """What only the one allows, by itself or beside other policies of the principal that allow everything."""
        freed = z3.And(z3.Not(self.met(one, "Deny")), self.met(other, "Deny"))
        return z3.Or(z3.And(self.allows(one), z3.Not(self.allows(other))), freed)

    def meets(self, statement: dict[str, Any]) -> Any:
        listed = [self.action == name for name in statement["Action"]]
        negated = "NotResource" in statement
        named = statement["NotResource" if negated else "Resource"]
        there = z3.Or([z3.InRe(self.resource, expression(resource)) for resource in named])
        conditions = [
            self.holds(operator, key, values)
            for operator, block in statement.get("Condition", {}).items()
            for key, values in block.items()
        ]
        return z3.And(z3.Or(listed), z3.Not(there) if negated else there, *conditions)

    def holds(self, operator: str, key: str, values: list[str]) -> Any:
        base = operator.removesuffix("IfExists")
        like = "Like" in base
        value = self.values[key]
        options = [z3.InRe(value, expression(v)) if like else value == v for v in values]
        matched = z3.And(self.present[key], z3.Or(options))
        if re.search("Not", base):
            return z3.Not(matched)
        return z3.Or(matched, z3.Not(self.present[key])) if base != operator else matched


@settings(max_examples=examples(8), deadline=None)
@given(policies(), policies())
def test_a_solver_gives_the_same_relation_of_two_policies(
    new: list[dict[str, Any]], old: list[dict[str, Any]]
) -> None:
    world = World()
    more = possible(z3.And(world.possible(), world.beyond(new, old)))
    less = possible(z3.And(world.possible(), world.beyond(old, new)))
    if more is None or less is None:
        return
    expected = {(True, True): "incomparable", (True, False): "more", (False, True): "less"}
    version = {"Version": "2012-10-17"}
    found = compare({**version, "Statement": new}, {**version, "Statement": old})
    assert found.relation == expected.get((more, less), "equal")
