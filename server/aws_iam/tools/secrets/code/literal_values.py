"""Terraform's expressions as far as they stand in the file: what comes from elsewhere is a reference, which is no secret.

literal_object(body)   →   {"environment": [{"variables": {"STAGE": "prod", "DB": "${…}"}}], …}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, string
from aws_iam.engine.sources.terraform.syntax import (
    Call,
    Conditional,
    If,
    ListExpression,
    Literal,
    ObjectExpression,
    Template,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.parsing.json_nodes import Place
    from aws_iam.engine.sources.terraform.syntax import Body, Expression, Part

REFERENCE = "${…}"
"""What stands for a value that comes from elsewhere."""
# Their result says the same as their argument.
_TRANSPARENT = frozenset(
    {
        "jsonencode", "yamlencode", "base64encode", "base64gzip", "tostring", "tomap", "tolist", "toset", "sensitive",
        "nonsensitive", "trimspace", "chomp", "templatestring",
    }
)  # fmt: skip
_TOGETHER = frozenset({"merge", "concat", "setunion"})
# Their result is one of the arguments, or made of them.
_ONE_OF = frozenset({"coalesce", "try", "format", "join", "one", "element", "lookup"})


def literal_object(body: Body) -> Node:
    """The arguments and blocks of a block; blocks of one type are a list."""
    members: dict[str, list[Node]] = {}
    for name in body.attribute_names:
        expression = body.attribute(name)
        if expression is not None:
            members.setdefault(name, []).append(_literal(expression))
    for block in body.blocks:
        name, content = block.type, block.body
        if name == "dynamic" and block.labels:
            name = block.labels[0]
            content = next((own.body for own in block.body.blocks_named("content")), content)
        members.setdefault(name, []).append(literal_object(content))
    return _object(
        body.at,
        [
            (name, own[0] if len(own) == 1 else Node(Form.ARRAY, body.at, items=tuple(own)))
            for name, own in members.items()
        ],
    )


def _literal(expression: Expression) -> Node:  # noqa: PLR0911 - one for each kind of expression
    at = expression.at
    match expression:
        case Literal():
            return expression.value
        case Template():
            return string("".join(_texts(expression.parts)), at)
        case ListExpression():
            return Node(Form.ARRAY, at, items=tuple(map(_literal, expression.items)))
        case ObjectExpression():
            return _object(
                at, [(_literal(key).text, _literal(value)) for key, value in expression.members]
            )
        case Conditional():
            return Node(Form.ARRAY, at, items=(_literal(expression.yes), _literal(expression.no)))
        case Call() if expression.arguments and expression.function in _TRANSPARENT:
            return _literal(expression.arguments[0])
        case Call() if expression.function in _TOGETHER:
            return _together(at, list(map(_literal, expression.arguments)))
        case Call() if expression.function in _ONE_OF:
            return Node(Form.ARRAY, at, items=tuple(map(_literal, expression.arguments)))
        case _:
            return string(REFERENCE, at)


def _texts(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Text):
            yield part.value
        elif isinstance(part, If):
            yield from _texts((*part.yes, *part.no))
        else:
            yield REFERENCE


def _together(at: Place, values: list[Node]) -> Node:
    if any(own.form is Form.OBJECT for own in values):
        return Node(Form.OBJECT, at, members=tuple(m for own in values for m in own.members))
    return Node(Form.ARRAY, at, items=tuple(item for own in values for item in own.listed()))


def _object(at: Place, members: list[tuple[str, Node]]) -> Node:
    named = (Member.named(string(name, value.at), value) for name, value in members)
    return Node(Form.OBJECT, at, members=tuple(named))
