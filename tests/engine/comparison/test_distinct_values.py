"""Points of condition keys: whatever value a request has, some point makes the same conditions true."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.comparison.automaton import OverBudget
from aws_iam.engine.comparison.distinct_values import Atom, distinct_values
from aws_iam.engine.evaluation.conditions import holds_for
from aws_iam.engine.language.operators import OPERATORS, Family

KEY = "custom:key"
_VALUES: dict[Family, tuple[str, ...]] = {
    Family.STRING: ("a", "A", "a*", "*", "?b", "ab", "", "*b*", "K"),
    # An ARN of fewer than six fields is undecided, and a comparison leaves it open.
    Family.ARN: (
        "arn:aws:s3:::a",
        "arn:aws:s3:::*",
        "arn:*:s3:::a?",
        "*:*:*:*:*:*",
        "arn:aws:s*:::*",
    ),
    Family.NUMERIC: ("1", "2", "2.5", "-3", "nonsense", "2.50"),
    Family.DATE: ("2026-01-01T00:00:00Z", "2026-01-02", "1767225600", "nonsense"),
    Family.BOOL: ("true", "false", "True", "nonsense"),
    Family.IP: ("10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "0.0.0.0/0", "::/0", "nonsense"),
    Family.BINARY: ("YQ==", "YWI=", "nonsense!"),
    Family.NULL: ("true", "false"),
}
_GIVEN: dict[Family, tuple[str, ...]] = {
    Family.STRING: ("a", "A", "b", "ab", "xb", "", "abc", "*", "a*", "\u212a", "k"),
    Family.ARN: (
        "arn:aws:s3:::a",
        "arn:aws:s3:::ab",
        "arn:aws-cn:s3:::ab",
        "x",
        "arn:aws:sqs:r:1:q:z",
    ),
    Family.NUMERIC: ("0", "1", "1.5", "2", "2.5", "2.75", "-3", "-4", "100", "+2", "x"),
    Family.DATE: ("2025-12-31T00:00:00Z", "1767225600", "1767225601", "2026-01-02T12:00:00Z", "x"),
    Family.BOOL: ("true", "false", "TRUE", "x"),
    Family.IP: ("10.0.0.1", "10.1.2.3", "11.0.0.0", "2001:db8::1", "2001:db9::1", "x"),
    Family.BINARY: ("YQ==", "YWI=", "AAAA", "x"),
    Family.NULL: ("a",),
}


@st.composite
def conditions(draw: st.DrawFn) -> tuple[list[Atom], list[tuple[str, ...] | None]]:
    family = draw(st.sampled_from(list(Family)))
    families = [family, Family.NULL]
    if family in {Family.STRING, Family.ARN, Family.BOOL}:
        families = [Family.STRING, Family.ARN, Family.BOOL, Family.NULL]
    atoms = []
    for _ in range(draw(st.integers(1, 3))):
        base = draw(st.sampled_from([n for n, f in OPERATORS.items() if f in families]))
        qualifier = draw(st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"]))
        exists = draw(st.sampled_from(["", "IfExists"])) if base != "Null" else ""
        pool = st.sampled_from(_VALUES[OPERATORS[base]])
        wanted = tuple(sorted(set(draw(st.lists(pool, max_size=3)))))
        atoms.append(Atom(KEY, f"{qualifier}{base}{exists}", wanted))
    single = st.sampled_from([v for f in families for v in _GIVEN[f]])
    several = any(atom.qualifier for atom in atoms)
    value = st.lists(single, min_size=1, max_size=3 if several else 1).map(tuple)
    return atoms, draw(st.lists(st.one_of(st.none(), value), min_size=1, max_size=8))


def true(atoms: list[Atom], value: Any) -> int:
    return sum(1 << at for at, a in enumerate(atoms) if holds_for(a.operator, a.wanted, value))


@given(conditions())
def test_every_value_makes_true_what_some_point_makes_true(
    case: tuple[list[Atom], list[tuple[str, ...] | None]],
) -> None:
    atoms, values = case
    known = distinct_values(KEY, atoms)
    assert all(true(atoms, point.value) == point.true for point in known)
    assert len({point.true for point in known}) == len(known)
    for value in values:
        assert true(atoms, value) in {point.true for point in known}, value


@pytest.mark.parametrize(
    ("atoms", "value"),
    [
        ((("StringEquals", "a*"), ("StringLike", "a\U000f0000")), "a*"),
        ((("NumericLessThan", "10"), ("StringNotEquals", "5")), "3"),
        ((("NumericLessThan", "10"), ("StringEquals", "x")), "x"),
        (
            (("NumericGreaterThan", "9" * 50), ("NumericLessThan", "9" * 50 + ".1")),
            "9" * 50 + ".01",
        ),
        ((("NumericEquals", "1"), ("DateGreaterThan", "1970-01-01T00:00:00Z")), "1"),
        ((("ForAllValues:StringNotLike", "*"),), "a"),
    ],
)
def test_values_that_are_read_in_two_ways_have_points(
    atoms: tuple[tuple[str, str], ...], value: str
) -> None:
    made = [Atom(KEY, operator, (wanted,)) for operator, wanted in atoms]
    assert true(made, (value,)) in {point.true for point in distinct_values(KEY, made)}


def test_of_patterns_beside_numbers_nothing_is_claimed() -> None:
    atoms = [Atom(KEY, "NumericLessThan", ("10",)), Atom(KEY, "StringLike", ("0*5",))]
    with pytest.raises(OverBudget, match="custom:key"):
        distinct_values(KEY, atoms)


def test_a_key_of_every_request_is_never_absent() -> None:
    atoms = [Atom("aws:securetransport", "Bool", ("true",))]
    found = distinct_values("aws:securetransport", atoms)
    assert [point.value for point in found] == [("true",), ("false",)]
    assert distinct_values(KEY, [Atom(KEY, "Bool", ("true",))])[0].value is None


def test_many_values_of_one_key_are_too_many_rather_than_some() -> None:
    atoms = [Atom("aws:tagkeys", "ForAnyValue:StringLike", (f"{n}*",)) for n in range(30)]
    with pytest.raises(OverBudget, match="too many sets"):
        distinct_values("aws:tagkeys", atoms)
