"""Where the characters of a text stand in its file: in a JSON string behind escapes, in a YAML block behind indentation."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_iam.engine.language.json_nodes import Node

_UNIT = 6
"""The characters of `\\\\u0041`."""


def offsets(node: Node) -> array[int] | None:
    """The place in the file of each character of the node's text, None where only the text's start can be told."""
    if node.at.lines is None:
        return None
    raw, start = node.at.lines.text, node.at.offset
    first = raw[start : start + 1]
    if first == '"':
        found = _in_json(raw, start + 1)
        return found if len(found) == len(node.text) + 1 else None
    if first == "|":
        return _in_block(raw, start, node.text)
    begin = start + (first == "'")
    if raw.startswith(node.text, begin):
        return array("l", range(begin, begin + len(node.text) + 1))
    return None


def _in_json(raw: str, at: int) -> array[int]:
    found = array("l")
    while at < len(raw):
        found.append(at)
        if raw[at] == '"':
            break
        at += _escape(raw, at) if raw[at] == "\\" else 1
    return found


def _escape(raw: str, at: int) -> int:
    """The length of the escape of one character."""
    if raw[at + 1 : at + 2] != "u":
        return 2
    high = raw[at + 2 : at + 4].lower() in {"d8", "d9", "da", "db"}
    low = raw[at + _UNIT : at + _UNIT + 4].lower() in {"\\udc", "\\udd", "\\ude", "\\udf"}
    return 2 * _UNIT if high and low else _UNIT


def _in_block(raw: str, start: int, text: str) -> array[int] | None:
    """A literal block: each line of the text ends a line of the file."""
    found = array("l")
    line = raw.find("\n", start) + 1
    for each in text.splitlines(keepends=True):
        end = raw.find("\n", line)
        end = len(raw) if end < 0 else end
        begin = end - len(each.rstrip("\n"))
        if not line or begin < line or raw[begin:end] != each.rstrip("\n"):
            return None
        found.extend(range(begin, begin + len(each)))
        line = end + 1
    found.append(line - 1)
    return found
