"""The JSON-RPC messages that clients send: read in one place for stdio and HTTP, and what is none is answered."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from mcp import types
from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE
from pydantic import ValidationError
from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_BYTES = DEFAULT_MAX_REQUEST_BODY_SIZE
_SHAPE = (
    'a message is an object with `"jsonrpc": "2.0"` and, for a request, `id` (text or an integer), `method` (text) '
    "and `params` (an object)"
)
_ADVICE = {
    "surrogate": "write the character itself, or both halves of its surrogate pair",
    "hex escape": "write the character itself, or both halves of its surrogate pair",
    "recursion limit": "send a deeply nested document as text, or check it on the command line",
    "out of range": "send a number of thousands of digits as text",
    "unicode": "encode the message as UTF-8",
    "": "send each message as one JSON object on a line of its own, with line breaks inside strings as `\\n`",
}


class UnreadableMessageError(Exception):
    """What was sent is no message; `answer` tells the sender."""

    def __init__(self, code: int, text: str, request_id: str | int | None = None) -> None:
        super().__init__(text)
        self.answer = types.JSONRPCError(
            jsonrpc="2.0", id=request_id, error=types.ErrorData(code=code, message=text)
        )


def read(text: bytes) -> types.JSONRPCMessage:
    """The message in the text, a line of stdio or the body of a POST; raises UnreadableMessageError."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise UnreadableMessageError(
            types.PARSE_ERROR, _parse_error(str(error)), _request_id(text)
        ) from None
    if isinstance(value, list):
        raise UnreadableMessageError(
            types.INVALID_REQUEST, "batches are not supported: send each message by itself"
        )
    request_id = value.get("id") if isinstance(value, dict) else None
    valid = isinstance(request_id, str | int) and not isinstance(request_id, bool)
    if isinstance(value, dict) and (valid or "id" not in value or "method" not in value):
        try:
            return types.jsonrpc_message_adapter.validate_python(value, by_name=False)
        except ValidationError:
            pass
    raise UnreadableMessageError(
        types.INVALID_REQUEST,
        f"not a JSON-RPC message: {_SHAPE}",
        request_id if valid else None,
    )


def too_long(start: bytes, end: bytes) -> UnreadableMessageError:
    """The error for a message that was not kept; clients write the id first or last."""
    last = _LAST_ID.search(end)
    return UnreadableMessageError(
        types.INVALID_REQUEST,
        f"the message is longer than {MOST_BYTES} bytes: send less, or use the command line",
        _identifier(last[1]) if last else _request_id(start),
    )


def _parse_error(reason: str) -> str:
    advice = next(advice for words, advice in _ADVICE.items() if words in reason)
    return f"the message is not valid JSON: {reason}; {advice}"


_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|[{}\[\]]', re.DOTALL)
_ID = re.compile(rb'"id"\s*:\s*(-?\d{1,18}|"[^"\\]{1,200}")')
_LAST_ID = re.compile(_ID.pattern + rb"\s*\}\s*\Z")
_DEPTH = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
_MOST_TOKENS = 100_000


def _identifier(text: bytes) -> str | int | None:
    try:
        found: Any = json.loads(text)
    except ValueError:  # 01, a text with a line break, bytes that are no UTF-8
        return None
    return found if isinstance(found, str | int) else None


def _request_id(text: bytes) -> str | int | None:
    """The id of the outermost object, so that its sender need not wait for an answer that never comes."""
    depth = 0
    tokens: Iterable[re.Match[bytes]] = islice(_TOKEN.finditer(text), _MOST_TOKENS)
    for token in tokens:
        depth += _DEPTH.get(token[0], 0)
        if depth == 1 and (own := _ID.match(text, token.start())):
            return _identifier(own[1])
    return None
