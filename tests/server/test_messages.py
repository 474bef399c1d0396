"""What is a message, and which error the sender of anything else gets."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.server import messages
from helpers.folders import TESTS

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "conformance" / "messages.json").read_text("utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_message_is_read_and_anything_else_is_answered(case: dict[str, Any]) -> None:
    text = re.sub(r"REPEAT (\d+) (.)", lambda found: found[2] * int(found[1]), case["text"])
    if "code" not in case:
        assert messages.read(text.encode()).model_dump(exclude_unset=True) == json.loads(text)
        return
    with pytest.raises(messages.UnreadableMessageError) as refused:
        messages.read(text.encode())
    answer = refused.value.answer
    assert (answer.error.code, answer.id) == (case["code"], case["id"])
    assert case["said"] in answer.error.message
    assert len(answer.error.message) < 400


def test_bytes_that_are_not_utf_8_are_no_json() -> None:
    with pytest.raises(messages.UnreadableMessageError, match="UTF-8"):
        messages.read(b'{"jsonrpc":"2.0","id":3,"method":"\xff"}')


@pytest.mark.parametrize("written", [b"01", b'"a\nb"', b'"\xff"', b"-"])
def test_an_id_that_is_none_is_left_out(written: bytes) -> None:
    with pytest.raises(messages.UnreadableMessageError) as refused:
        messages.read(b'{"jsonrpc": "2.0", "id": ' + written + b"}}")
    assert refused.value.answer.id is None
    assert messages.too_long(b"", b'"id": ' + written + b"}").answer.id is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error"]), inner
        )
    ),
    max_leaves=6,
)


@given(st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_sent_there_is_a_message_or_an_answer(text: bytes) -> None:
    codes = {-32600, -32700}
    try:
        messages.read(text)
    except messages.UnreadableMessageError as error:
        codes &= {json.loads(error.answer.model_dump_json())["error"]["code"]}
    assert codes
