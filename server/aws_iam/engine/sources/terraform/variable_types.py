"""The types of variables: what they make of a value, and the defaults of optional attributes.

https://developer.hashicorp.com/terraform/language/expressions/type-constraints
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, string
from aws_iam.engine.parsing.made_nodes import listed, mapped
from aws_iam.engine.sources.terraform import values
from aws_iam.engine.sources.terraform.syntax import Call, Literal, Name, ObjectExpression

if TYPE_CHECKING:
    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Expression


def converted(  # noqa: PLR0911 - a return for each type
    evaluator: Evaluator, value: Node, type_: Expression | None, scope: Scope
) -> Node:
    """The value as one of the type."""
    evaluator.budget.spend()
    if type_ is None or value.form is Form.NULL or evaluator.is_hole(value):
        return value
    if isinstance(type_, Name) and type_.name == "string":
        scalar = value.form in {Form.NUMBER, Form.BOOLEAN}
        return string(value.text, value.at) if scalar else value
    if not isinstance(type_, Call) or not type_.arguments:
        return value
    inner = type_.arguments[0]
    if type_.function in {"list", "set"} and value.form is Form.ARRAY:
        items = [converted(evaluator, item, inner, scope) for item in value.items]
        if type_.function == "set":
            return values.sorted_set(items, value.at)
        return listed(items, value.at)
    if type_.function == "map" and value.form is Form.OBJECT:
        members = (
            (member.key, converted(evaluator, member.value, inner, scope))
            for member in value.members
        )
        return mapped(members, value.at)
    if type_.function == "object" and isinstance(inner, ObjectExpression):
        return _object(evaluator, value, inner, scope)
    return value


def _object(evaluator: Evaluator, value: Node, type_: ObjectExpression, scope: Scope) -> Node:
    if value.form is not Form.OBJECT:
        return value
    members: list[tuple[str, Node]] = []
    for key, own in type_.members:
        name = key.value.text if isinstance(key, Literal) else ""
        found = value.member(name)
        inner, default = own, None
        if isinstance(own, Call) and own.function == "optional" and own.arguments:
            inner = own.arguments[0]
            default = own.arguments[1] if len(own.arguments) > 1 else None
        if (found is None or found.form is Form.NULL) and default is not None:
            found = evaluator.value_or_hole(default, scope)
        missing = found if found is not None else values.null(value.at)
        members.append((name, converted(evaluator, missing, inner, scope)))
    return mapped(members, value.at)
