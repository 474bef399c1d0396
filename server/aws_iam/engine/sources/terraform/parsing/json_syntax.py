"""Terraform's JSON syntax (`.tf.json`): objects are blocks or arguments, texts are templates.

https://developer.hashicorp.com/terraform/language/syntax/json
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Lines, Node, Place, string
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.sources.terraform.parsing.native import template_in
from aws_iam.engine.sources.terraform.syntax import (
    Body,
    Expression,
    ListExpression,
    Literal,
    ObjectExpression,
    Template,
)
from aws_iam.engine.sources.terraform.values import clean
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEMPLATE = ("${", "%{")


def parsed_json(text: str, file: str | None = None) -> Body:
    """The body of a file."""
    root = scan(text)
    if isinstance(root, Syntax):
        place = f"line {root.where.line}:{root.where.column}: " if root.where.line else ""
        raise InputError(f"{place}{root.message}", hint=root.hint)
    if root.form is not Form.OBJECT:
        raise InputError("the file is not an object")
    lines = Lines(text, file)
    members: Mapping[str, Node] = {
        member.key: _in_file(member.value, lines) for member in root.members
    }
    return Body(at=Place(spot=0, lines=lines), members=members, expression=expression_of)


def _in_file(node: Node, lines: Lines) -> Node:
    """The node with places that know the file."""
    return Node(
        form=node.form,
        stand=Place(spot=node.at.offset, lines=lines),
        value=clean(node.value),
        items=tuple(_in_file(item, lines) for item in node.items),
        members=tuple(
            type(member).named(
                string(clean(member.key), Place(spot=member.name.at.offset, lines=lines)),
                _in_file(member.value, lines),
            )
            for member in node.members
        ),
    )


def expression_of(node: Node) -> Expression:
    """The expression that a value of the JSON syntax is."""
    if node.form is Form.STRING:
        return _text(node)
    if node.form is Form.ARRAY:
        return ListExpression(node.at, tuple(map(expression_of, node.items)))
    if node.form is Form.OBJECT:
        members = ((_text(member.name), expression_of(member.value)) for member in node.members)
        return ObjectExpression(node.at, tuple(members))
    return Literal(node.at, node)


def _text(node: Node) -> Expression:
    if not any(mark in node.text for mark in _TEMPLATE):
        return Literal(node.at, node)
    template = template_in(node.text, 0, _OnePlace(node))
    return Template(node.at, template.parts)


class _OnePlace(Lines):
    """All of a text stands where its value begins: its offsets differ from the file's, whose escapes it lacks."""

    __slots__ = ("_at",)

    def __init__(self, node: Node) -> None:
        lines = node.at.lines
        super().__init__(node.text, lines.file if lines else None)
        self._at = lines.at(node.at.offset) if lines else (1, 1)

    def at(self, offset: int) -> tuple[int, int]:  # noqa: ARG002
        """The place of the value."""
        return self._at
