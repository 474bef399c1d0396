"""JSON text to nodes with places, and why a text is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.parsing.json_nodes import MAX_CHARACTERS, MAX_DEPTH, Form, Node, dump
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.errors import InputError
from helpers.folders import TESTS
from helpers.work import calls

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = json.loads((TESTS / "cases/validate/json-syntax.json").read_text(encoding="utf-8"))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


def node(text: str) -> Node:
    found = scan(text)
    assert isinstance(found, Node), found
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_text_that_is_no_json_says_where_and_what_would_work(case: dict[str, Any]) -> None:
    found = scan(case["text"])
    assert isinstance(found, Syntax)
    assert (found.where.line, found.where.column) == (case["line"], case["column"])
    assert case["says"] in f"{found.message}: {found.hint}"


def test_every_node_knows_its_pointer_line_and_column() -> None:
    root = node('{\n  "a/b": [1,\n    {"c~": null}]\n}')
    inner = root.members[0].value.items[1].members[0]
    assert str(inner.value.where) == "/a~1b/1/c~0 (line 3:12)"
    assert str(inner.name.where) == "/a~1b/1/c~0 (line 3:6)"
    assert str(root.where) == "/ (line 1:1)"


def test_repeated_keys_are_kept_and_the_last_one_counts() -> None:
    root = node('{"a": 1, "a": 2}')
    assert [member.value.text for member in root.members] == ["1", "2"]
    last = root.member("a")
    assert last is not None
    assert last.text == "2"


def test_a_number_keeps_its_digits() -> None:
    digits = "-1" + "0" * 100_000 + ".50e+10"
    assert node(f"[{digits}]").items[0].text == digits


def test_surrogate_pairs_are_joined_and_lone_ones_stay() -> None:
    assert node(r'"\ud83d\ude00"').text == "\U0001f600"
    assert node(r'"\ud83d!\ude00"').text == "\ud83d!\ude00"


def test_a_text_beyond_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(InputError, match="more than the limit of 2,000,000"):
        scan("[" * (MAX_CHARACTERS + 1))


def test_nesting_beyond_the_limit_is_refused_with_its_place() -> None:
    assert isinstance(scan("[" * MAX_DEPTH + "]" * MAX_DEPTH), Node)
    with pytest.raises(
        InputError, match="line 1:65: the document is nested deeper than 64 levels"
    ):
        scan("[" * 100_000)
    with pytest.raises(InputError, match="nested deeper"):
        scan('{"a":' * 100_000)


def test_an_endless_key_is_refused() -> None:
    with pytest.raises(InputError, match="1,025 characters"):
        scan(json.dumps({"k" * 1025: 1}))
    with pytest.raises(InputError, match="1,025 characters"):
        from_value({"k" * 1025: 1})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({1: "a"}, "is not text"),
        ({"a": {1, 2}}, "at `/a`"),
        ([float("nan")], "has no JSON form"),
        ([float("inf")], "has no JSON form"),
        ([10**5000], "has no JSON form"),
        ([b"bytes"], "has no JSON form"),
        (["x" * MAX_CHARACTERS], None),
        (["x" * (MAX_CHARACTERS + 1)], "2,000,000 characters"),
        ([[]] * 1_000_001, "1,000,000 values"),
    ],
    ids=[
        "number as key",
        "set",
        "nan",
        "infinity",
        "huge",
        "bytes",
        "long",
        "too long",
        "too many",
    ],
)
def test_a_value_that_json_cannot_write_is_refused_by_its_place(
    value: Any, says: str | None
) -> None:
    if says is None:
        assert from_value(value).items[0].form is Form.STRING
        return
    with pytest.raises(InputError, match=says):
        from_value(value)


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InputError, match="nested deeper"):
        from_value(endless)


@pytest.mark.parametrize(
    "text",
    [
        lambda n: "[" + "1," * n + "1]",
        lambda n: '["' + "\\n" * n + '"]',
        lambda n: "[" + '"\\ud800",' * n + "1]",
        lambda n: " " * n,
        lambda n: '{"a":"' + "x" * n,
        lambda n: "\n" * n + "'",
    ],
    ids=["many values", "escapes", "surrogates", "blank", "unclosed", "many lines"],
)
def test_reading_takes_no_more_than_twice_the_work_for_twice_the_text(
    text: Callable[[int], str],
) -> None:
    short, long = text(5_000), text(10_000)
    assert calls(lambda: scan(long)) <= 2.2 * calls(lambda: scan(short)) + 100


@given(JSON_VALUES)
def test_what_is_dumped_reads_as_the_same(value: Any) -> None:
    read = from_value(value)
    assert scan(dump(read)) == read
    assert json.loads(dump(read)) == json.loads(json.dumps(value))


@given(JSON_VALUES)
def test_what_pythons_json_writes_reads_as_the_value(value: Any) -> None:
    for text in (json.dumps(value, indent=1), json.dumps(value, ensure_ascii=False)):
        assert scan(text) == from_value(json.loads(text))


def _refuse(word: str) -> None:
    raise ValueError(word)


@given(st.text(alphabet='{}[]",:\\ue+-.0123456789 \n\t' + "'truefalsnl#/\x00\ud800é"))
def test_any_text_is_json_or_says_why_not_as_pythons_json_judges_it(text: str) -> None:
    found = scan(text)
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError:
        assert isinstance(found, Syntax)
        assert found.message
        assert found.hint
    else:
        assert isinstance(found, Node)
