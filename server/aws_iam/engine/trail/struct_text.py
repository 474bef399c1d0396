"""Structures as query engines print them: `{type=AssumedRole, arn=arn:aws:…, sessioncontext={…}}`.

Athena and CloudTrail Lake print a column of type struct, map or array in this way. The form has no quotes: a text
that cannot be read without doubt is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any

_DEEPEST = 20
_TOO_DEEP = "it is nested too deeply"
_KEY = re.compile(r"[A-Za-z_][\w.:/-]*=")
_NEXT_KEY = re.compile(r", (?=[A-Za-z_][\w.:/-]*=)")
_END = re.compile(r"[}\]]|" + _NEXT_KEY.pattern)
_END_OF_ITEM = re.compile(r"[}\]]|, ")


def structure(text: str) -> Any:
    """The value of a text that is JSON or a printed structure; ValueError if it is neither."""
    try:
        return json.loads(text)
    except ValueError:
        return _printed(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def _printed(text: str) -> Any:
    try:
        value, end = _value(text, 0, 0)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if end != len(text):
        message = f"unexpected text after character {end}"
        raise ValueError(message)
    return value


def _value(text: str, at: int, depth: int, end_of_word: re.Pattern[str] = _END) -> tuple[Any, int]:
    if depth > _DEEPEST:
        raise ValueError(_TOO_DEEP)
    first, second = text[at : at + 1], text[at + 1 : at + 2]
    if first == "{" and second != '"':
        return _members(text, at + 1, depth)
    if first == "[" and second != '"':
        return _items(text, at + 1, depth)
    if first in {"{", "["}:
        value, end = json.JSONDecoder().raw_decode(text, at)
        return value, end
    if not depth:
        message = "it is neither JSON nor a printed structure"
        raise ValueError(message)
    found = end_of_word.search(text, at)
    end = found.start() if found else len(text)
    word = text[at:end]
    return (None if word == "null" else word), end


def _members(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    if text.startswith("}", at):
        return members, at + 1
    while key := _KEY.match(text, at):
        value, at = _value(text, key.end(), depth + 1)
        members[key.group()[:-1]] = value
        if text.startswith("}", at):
            return members, at + 1
        if not text.startswith(", ", at):
            break
        at += 2
    message = f"expected `}}` or a name at character {at}"
    raise ValueError(message)


def _items(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    if text.startswith("]", at):
        return items, at + 1
    while True:
        value, at = _value(text, at, depth + 1, _END_OF_ITEM)
        items.append(value)
        if text.startswith("]", at):
            return items, at + 1
        if not text.startswith(", ", at):
            message = f"expected `]` at character {at}"
            raise ValueError(message)
        at += 2
