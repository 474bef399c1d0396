"""Policy documents in texts: JSON with placeholders, and where its parts stand in the file."""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, Place
from aws_iam.engine.sources.containers.embedded_documents import embedded
from aws_iam.engine.sources.terraform.values import TextInFile

if TYPE_CHECKING:
    from aws_iam.engine.parsing.json_text import Syntax
    from aws_iam.engine.sources.terraform.expressions import Evaluator

_PRIVATE = re.compile(r"\\u(?:[eE][0-9a-fA-F]{3}|[fF][0-8][0-9a-fA-F]{2})")


def document_in(node: Node, evaluator: Evaluator) -> Node | Syntax | None:
    """The document that a value is or holds as text; None where it holds none."""
    if node.form is not Form.STRING:
        return node if node.form is Form.OBJECT else None
    evaluator.charge(len(node.text) * 8)
    offsets = node.offsets if isinstance(node, TextInFile) else None
    # Private-use characters stand for values that are not known: an escape may not write one.
    text = _PRIVATE.sub(r"\\ufffd", node.text)
    if evaluator.placeholders.within(text):
        if evaluator.is_hole(node):
            return None
        text, offsets = _quoted_holes(text, offsets, node.at, evaluator)
    plain = Node(Form.STRING, Place(spot=node.at.offset, lines=node.at.lines), text)
    return embedded(plain, offsets)


def _quoted_holes(
    text: str, offsets: array[int] | None, at: Place, evaluator: Evaluator
) -> tuple[str, array[int]]:
    """The text with quotes around placeholders that stand where a JSON value should."""
    begin, end = evaluator.placeholders.begin, evaluator.placeholders.end
    known = offsets or array("l", [at.offset] * (len(text) + 1))
    parts: list[str] = []
    places = array("l")
    quoted = False
    number = 0
    while number < len(text):
        character = text[number]
        length = 1
        if character == begin:
            length = text.find(end, number) + 1 - number
            piece = text[number : number + length]
            if not quoted:
                piece = f'"{piece}"'
        elif character == "\\" and quoted:
            length = 2
            piece = text[number : number + length]
        else:
            quoted ^= character == '"'
            piece = character
        parts.append(piece)
        if len(piece) == length:
            places.extend(known[number : number + len(piece)])
        else:
            places.extend([known[number]] * len(piece))
        number += length
    places.append(known[len(text)])
    return "".join(parts), places
