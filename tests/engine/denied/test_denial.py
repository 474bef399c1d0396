"""AccessDenied messages taken apart: every form that AWS documents, and whatever stands around it."""

from __future__ import annotations

import json
import textwrap
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.answer import to_json
from aws_iam.engine.denied.message import Denial, denials
from aws_iam.engine.denied.message_patterns import MOST
from aws_iam.errors import InputError
from helpers.folders import TESTS
from helpers.tables.each import for_each
from helpers.work import calls

CASES = TESTS / "cases/denied"
MESSAGES = json.loads((CASES / "messages.json").read_text(encoding="utf-8"))
REFUSED = json.loads((CASES / "refused.json").read_text(encoding="utf-8"))

PIECES = (
    "User: ",
    "arn:aws:iam::111122223333:user/dev",
    " is not authorized to perform: ",
    "s3:GetObject",
    " on resource: ",
    '"arn:aws:s3:::b/k',
    " because no ",
    "session policy",
    " with an explicit deny in a ",
    "Encoded authorization failure message: ",
    "An error occurred (AccessDenied) when calling the ",
    "Access Denied",
    '{"message":"',
    '"}',
    "\n",
    "\u202e`|",
)


def _told(denial: Denial, names: dict[str, Any]) -> dict[str, Any]:
    return {name: to_json(getattr(denial, name)) for name in names}


@for_each(MESSAGES, name=lambda case: case["name"])
def test_a_message_is_taken_apart(case: dict[str, Any]) -> None:
    found = denials(case["message"])
    assert len(found) == len(case["expect"])
    for denial, expected in zip(found, case["expect"], strict=True):
        assert _told(denial, expected) == expected


def _wrapped(text: str, width: int, before: str = "") -> str:
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(before + line for line in lines)


SHAPES = {
    "lines of 72 characters": lambda text: _wrapped(text, 72),
    "lines of 40 characters, indented": lambda text: _wrapped(text, 40, "    "),
    "Terraform's frame": lambda text: _wrapped(text, 76, "│ "),
    "a quotation": lambda text: f"> {text}",
    "lines of Windows": lambda text: f"{text}\r\n",
    "colours": lambda text: f"\x1b[31m{text}\x1b[0m",
    "JSON in JSON": lambda text: json.dumps({"log": json.dumps({"error": text})}),
    "JSON in a log": lambda text: f"level=error {json.dumps({'error': text})}",
    "broken at 80 characters": lambda text: "\n".join(
        text[at : at + 80] for at in range(0, len(text), 80)
    ),
}
SHAPED = [
    message["message"]
    for message in MESSAGES
    if message["name"].startswith(("no allow in", "a deny in"))
]


@for_each(list(product(SHAPED, SHAPES)))
def test_the_shape_of_a_message_changes_nothing(case: tuple[str, str]) -> None:
    text, shape = case

    def content(message: str) -> list[tuple[str, ...]]:
        return [
            (d.principal, d.action, d.resource, d.policy_type, d.policy_arn, str(d.explicit))
            for d in denials(message)
        ]

    assert content(SHAPES[shape](text)) == content(text)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_what_is_no_denial_is_refused_with_what_it_is(case: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        denials(case["message"])
    assert case["says"] in str(refused.value)


@given(st.text())
def test_any_text_is_a_denial_or_an_input_error(text: str) -> None:
    try:
        found = denials(text)
    except InputError:
        return
    assert found


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_pieces_of_messages_in_any_order_are_a_denial_or_an_input_error(text: str) -> None:
    try:
        found = denials(text)
    except InputError:
        return
    assert all(denial.layer or not denial.policy_type for denial in found)


@given(
    st.recursive(
        st.sampled_from(PIECES) | st.none() | st.booleans() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ("allowed", "context", "eventName", "errorCode", "message", "items")
                ),
                inner,
            )
        ),
    )
)
def test_json_of_any_shape_is_a_denial_or_an_input_error(value: Any) -> None:
    try:
        found = denials(json.dumps(value))
    except InputError:
        return
    assert found


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_text_of_one_piece_takes_work_that_grows_with_its_length(piece: str) -> None:
    def work(count: int) -> int:
        text = "Access Denied " + piece * (count * 100 // len(piece))
        return calls(lambda: denials(text))

    assert work(400) <= 8 * work(100) + 1_000


def test_no_more_messages_are_taken_than_anybody_reads() -> None:
    many = "\n".join(
        f"User: {number} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k"
        for number in range(MOST + 10)
    )
    assert len(denials(many)) == MOST


def test_a_text_that_is_too_long_is_refused_with_its_length() -> None:
    with pytest.raises(InputError, match=r"300,000 characters"):
        denials("x" * 300_000)


def test_a_message_says_what_it_leaves_open() -> None:
    (whole,) = denials(MESSAGES[0]["message"])
    (bare,) = denials("Access Denied")
    assert "layer" not in whole.untold
    assert {"principal", "action", "resource", "layer"} <= set(bare.untold)
