"""The resources that arguments name, by their addresses, where a name in AWS does not tell one from another.

by_address(held, body, scope, {"role"}, evaluator)   →   {role: "aws_iam_role.a"}, of `role = aws_iam_role.a.name`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, string
from aws_iam.engine.sources.terraform.syntax import Attribute, Body, Index, Literal, Name, Template

if TYPE_CHECKING:
    from collections.abc import Container

    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Block, Expression

# So many variables, locals and outputs lead from one to another.
_MOST_STEPS = 20
_TYPE_LABEL_ATTRIBUTE = 3


def by_address(
    held: Node, body: Body, scope: Scope, names: Container[str], evaluator: Evaluator
) -> Node:
    """The arguments; those of these names that refer to a resource are its address, if its name is not known.

    The same name may be that of another account, which a provider of its own stands for.
    """

    def named(own: Member) -> Member:
        expression = body.attribute(own.key)
        if own.key not in names or expression is None or own.value.form is not Form.STRING:
            return own
        found = _referenced(expression, scope)
        if found is None:
            return own
        address, block = found
        is_known = not evaluator.placeholders.within(own.value.text)
        if is_known and block.body.attribute("provider") is None:
            return own
        return Member.named(own.name, string(address, own.value.at))

    return held.but(members=tuple(map(named, held.members)))


def _referenced(expression: Expression, scope: Scope) -> tuple[str, Block] | None:
    """The resource that an expression refers to; None where it is more than a reference to one."""
    for _ in range(_MOST_STEPS):
        path = _path(expression)
        if path is None or path[0][0] in scope.names:
            return None
        behind = scope.module.behind([name for name, _ in path])
        if behind is None:
            return _resource(path, scope)
        part = behind.part
        if isinstance(part, Body) or len(path) != behind.length:
            return None
        expression, scope = part, behind.scope  # type: ignore[assignment]
    return None


def _resource(path: list[tuple[str, str]], scope: Scope) -> tuple[str, Block] | None:
    """The resource at a path such as `aws_iam_role.a["x"].name`."""
    if len(path) != _TYPE_LABEL_ATTRIBUTE:
        return None
    (type_, _), (label, index), _ = path
    found = scope.module.resource_named(type_, label)
    return (f"{found[0]}{index}", found[1]) if found else None


def _path(expression: Expression) -> list[tuple[str, str]] | None:
    """The names of a reference, each with its index; None for anything else."""
    if isinstance(expression, Template) and len(expression.parts) == 1:
        (part,) = expression.parts
        return _path(part) if isinstance(part, Attribute | Index | Name) else None
    parts: list[tuple[str, str]] = []
    index = ""
    while not isinstance(expression, Name):
        if isinstance(expression, Attribute):
            parts.append((expression.name, index))
            index = ""
        elif isinstance(expression, Index) and isinstance(expression.key, Literal) and not index:
            key = expression.key.value.text
            index = f"[{key}]" if key.isdecimal() else f'["{key}"]'
        else:
            return None
        expression = expression.holder
    return [(expression.name, index), *reversed(parts)]
