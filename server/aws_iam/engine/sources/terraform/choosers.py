"""Which variable alone chooses between branches or among entries, so that each of its values can be tried.

chooser_of(expression, scope)    →   "var.env" for `var.env`, for a local that is that, and for "${var.env}"
choice_of(condition, scope)      →   Choice("var.env", yes=("prod",), no=()) for `var.env == "prod"`; any other value chooses `no`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.terraform.syntax import (
    Attribute,
    Call,
    ListExpression,
    Literal,
    Name,
    Operation,
    Template,
    Text,
)
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Expression

WORKSPACE = ("terraform", "workspace")
"""What chooses in every module alike."""
_MOST_STEPS = 20
_VARIABLE = 2


@positional
class Choice:
    """The variable that decides a condition, and the values with which it holds and with which not; without any, all others."""

    chooser: str = ""
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()


_UNKNOWN = Choice()


def chooser_of(expression: object, scope: Scope) -> str:
    """The variable of a root folder that the expression is, whatever its value; empty for anything else."""
    for _ in range(_MOST_STEPS):
        if isinstance(expression, Template) and len(expression.parts) == 1:
            expression = expression.parts[0]
            continue
        path = _path(expression)
        if path == WORKSPACE:
            return ".".join(path)
        if not path or path[0] in scope.names:
            return ""
        found = scope.module.behind(path)
        is_variable = len(path) == _VARIABLE and path[0] == "var"
        is_root = scope.module.folder == scope.module.root_folder
        if is_variable and is_root and (found is None or found.is_default):
            return ".".join(path)
        if found is None or found.is_default or found.length != len(path):
            return ""
        expression, scope = found.part, found.scope
    return ""


def choice_of(condition: Expression, scope: Scope) -> Choice:
    """What decides a condition that compares one variable, or is one."""
    if isinstance(condition, Operation) and condition.operator == "!":
        own = choice_of(condition.operands[0], scope)
        return Choice(chooser=own.chooser, yes=own.no, no=own.yes)
    if isinstance(condition, Operation) and condition.operator in {"==", "!="}:
        own = _compared(condition.operands, scope)
        return own if condition.operator == "==" else Choice(own.chooser, own.no, own.yes)
    if isinstance(condition, Call) and condition.function == "contains":
        return _contained(condition.arguments, scope)
    chooser = chooser_of(condition, scope)
    return Choice(chooser, ("true",), ("false",)) if chooser else _UNKNOWN


def _compared(operands: tuple[Expression, ...], scope: Scope) -> Choice:
    for variable, other in (operands, operands[::-1]):
        chooser = chooser_of(variable, scope)
        value = _literal(other)
        if chooser and value is not None:
            opposite = {"true": ("false",), "false": ("true",)}
            return Choice(chooser, (value,), opposite.get(value, ()))
    return _UNKNOWN


def _contained(arguments: tuple[Expression, ...], scope: Scope) -> Choice:
    listed, *rest = arguments
    chooser = chooser_of(rest[0], scope) if len(rest) == 1 else ""
    values = [_literal(own) for own in listed.items] if isinstance(listed, ListExpression) else []
    known = tuple(own for own in values if own is not None)
    return Choice(chooser, known) if chooser and known and len(known) == len(values) else _UNKNOWN


def _literal(expression: Expression) -> str | None:
    if isinstance(expression, Template) and len(expression.parts) == 1:
        (part,) = expression.parts
        return part.value if isinstance(part, Text) else None
    if isinstance(expression, Literal) and expression.value.form is not Form.NULL:
        return expression.value.text
    return None


def _path(expression: object) -> tuple[str, ...]:
    names: list[str] = []
    while isinstance(expression, Attribute):
        names.append(expression.name)
        expression = expression.holder
    return (expression.name, *reversed(names)) if isinstance(expression, Name) else ()
