"""Filter patterns are judged by what they match."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.account.reading.snapshot import account_of
from aws_iam.tools.audit.controls.benchmark import controls
from aws_iam.tools.audit.evidence.filter_pattern import ABSENT, Clause, Some, parse_pattern
from aws_iam.tools.audit.evidence.sample_records import complete_records
from helpers.folders import TESTS
from helpers.tables.each import for_each

CASES = json.loads((TESTS / "cases/cis/filter-patterns.json").read_text("utf-8"))
ALARMS = [control for control in controls().values() if control.key.startswith("alarm_")]
LISTS = [control for control in ALARMS if len(control.witnesses) > 4]


def covered(pattern: str, key: str) -> bool | None:
    read = parse_pattern(pattern)
    if read is None:
        return None
    records = [
        record
        for witness in controls()[key].witnesses
        for record in complete_records(witness, account_of())
    ]
    answers = [read.matches(record) for record in records]
    if False in answers:
        return False
    return None if None in answers else True


@for_each(CASES, name=lambda case: case["name"])
def test_a_filter_covers_what_it_matches(case: dict[str, Any]) -> None:
    assert covered(case["pattern"], case["control"]) is case["matches"]


@pytest.mark.parametrize("control", ALARMS, ids=lambda control: control.key)
def test_the_pattern_of_each_remediation_matches_every_witness(control: Any) -> None:
    assert covered(control.pattern, control.key) is True
    assert control.pattern in control.fix
    assert len(control.pattern) <= 1024


def names_pattern(names: list[str], joint: str = "||") -> str:
    return "{ " + f" {joint} ".join(f"($.eventName = {name})" for name in names) + " }"


@pytest.mark.parametrize("control", LISTS, ids=lambda control: control.key)
@given(data=st.data())
def test_the_order_of_clauses_is_free_but_each_is_needed(
    control: Any, data: st.DataObject
) -> None:
    names = data.draw(st.permutations([witness["eventName"] for witness in control.witnesses]))
    assert covered(names_pattern(names), control.key) is True
    assert covered(names_pattern(names[1:]), control.key) is False
    assert covered(names_pattern(names, "&&"), control.key) is False


def test_and_binds_before_or() -> None:
    read = parse_pattern("{ $.a = 1 || $.b = 1 && $.c = 1 }")
    assert isinstance(read, Some)
    assert read.matches({"a": 1}) is True
    assert read.matches({"a": 2, "b": 1, "c": 2}) is False
    assert read.matches({"a": 2, "b": 1, "c": 1}) is True


@pytest.mark.parametrize(
    ("pattern", "record", "expected"),
    [
        ("{ $.a[1].b = x }", {"a": [{}, {"b": "x"}]}, True),
        ("{ $.a[2].b = x }", {"a": [{}, {"b": "x"}]}, False),
        ("{ $.code = 4* }", {"code": 404}, True),
        ("{ $.code >= 400 }", {"code": 404}, True),
        ("{ $.code < 4e2 }", {"code": 404}, False),
        ("{ $.code > many }", {"code": 404}, None),
        ("{ $.code > 1 }", {"code": "404"}, False),
        ("{ $.code = 404.0 }", {"code": 404}, True),
        ("{ $.a = true }", {"a": False}, False),
        ("{ $.code = *4 }", {"code": 405}, False),
        ("{ $.a IS NULL }", {"a": None}, True),
        ("{ $.a IS NULL }", {"a": ABSENT}, False),
        ("{ $.a = x }", {"a": ABSENT}, False),
        ("{ $.a.b = * }", {"a": ABSENT}, False),
        ("{ $.a > 1 }", {"a": ABSENT}, False),
        ("{ $.a != x }", {"a": ABSENT}, None),
        ("{ $.a NOT EXISTS }", {"a": ABSENT}, True),
        ("{ $.a = x }", {}, None),
        ("{ $.a.b != x }", {}, None),
        ("{ $.a > 1 }", {}, None),
        ("{ $.a IS NULL }", {}, None),
        ("{ $.a IS TRUE }", {"a": {}}, False),
        ("{ $.a.b IS TRUE }", {"a": {}}, None),
        ("{ $.a NOT EXISTS }", {}, None),
        ("{ $.a = x && $.b = 1 }", {"b": 2}, False),
        ("{ $.a IS TRUE }", {"a": True}, True),
        ("{ $.a is false }", {"a": False}, True),
        ("{ $.a = true }", {"a": True}, True),
        ("{ $.a NOT EXISTS }", {"a": None}, False),
        ("{ $.a.b NOT EXISTS }", {"a": "text"}, True),
        ('{ $.a = "say \\"hi\\"" }', {"a": 'say "hi"'}, True),
        ("{ $.a = a*b*c }", {"a": "aXbYbc"}, True),
        ("{ $.a = ab*ba }", {"a": "aba"}, False),
        ("{ $.a = a*x*c }", {"a": "abc"}, False),
        ("{ $.a = x }", {"a": ["x"]}, False),
        ("{ $.a != x }", {"a": "y"}, True),
        ("{ $.b = 1 && $.a != x }", {"b": 2}, False),
        ("{ $.b = 1 || $.a != x }", {"b": 1}, True),
    ],
)
def test_one_clause_at_a_time(pattern: str, record: dict[str, Any], expected: bool | None) -> None:  # noqa: FBT001
    read = parse_pattern(pattern)
    assert read is not None
    assert read.matches(record) is expected


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{ }",
        "{ $.a }",
        "{ $.a = }",
        "{ = x }",
        "{ $.a = x",
        "{ $.a = x } trailing",
        "{ ($.a = x }",
        "{ $.a IS BLUE }",
        "{ $.a ( x }",
        "{ $.a = ( }",
        "{ $.a = x | $.b = y }",
        '{ $.a = "open }',
        "{ !($.a = x) }",
        "{" * 5000,
        "{ " + "(" * 2000 + "$.a = x" + ")" * 2000 + " }",
        "{ " + "(" * 60 + "$.a = x" + ")" * 60 + " }",
    ],
)
def test_what_is_not_understood_is_no_pattern(text: str) -> None:
    assert parse_pattern(text) is None


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    read = parse_pattern("{" + text + "}")
    if read is not None:
        read.matches({"eventName": "CreateTrail"})


def test_many_wildcards_cost_one_pass() -> None:
    value = "a*" * 1000
    read = parse_pattern("{ $.eventName = " + value + "b }")
    assert read == Clause(("eventName",), "=", value + "b")
    assert read.matches({"eventName": "a" * 100_000}) is False
