"""Resources that add one statement to the policy of another, without a document: `aws_lambda_permission` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, string
from aws_iam.engine.sources import resource_permissions
from aws_iam.engine.sources.containers.cloudformation_return_values import arn_of
from aws_iam.engine.sources.resource_permissions import policy_of, principal_of, statement_of
from aws_iam.engine.sources.terraform.blocks import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.sources.resource_permissions import PermissionRow
    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Block, Body


def permission_rows() -> Mapping[str, PermissionRow]:
    """The resources that add a statement, by type."""
    return resource_permissions.permission_rows("terraform")


def permission(evaluator: Evaluator, row: PermissionRow, block: Block, scope: Scope) -> Node:
    """The policy with the statement that the resource adds."""
    at, body = block.at, block.body
    action = _argument(evaluator, body, "action", scope) or string(row.action, at)
    principal = _argument(evaluator, body, "principal", scope) or evaluator.hole("principal", at)
    statement = statement_of(
        principal=principal_of(principal, is_unknown=evaluator.is_hole(principal)),
        action=action,
        resource=_resource(evaluator, row, block, scope),
        conditions=_conditions(evaluator, row, body, scope),
        at=at,
    )
    return policy_of([statement], at)


def _argument(evaluator: Evaluator, body: Body, name: str, scope: Scope) -> Node | None:
    expression = body.attribute(name)
    value = evaluator.value_or_hole(expression, scope) if expression is not None else None
    return None if value is None or value.form is Form.NULL else value


def _resource(evaluator: Evaluator, row: PermissionRow, block: Block, scope: Scope) -> Node:
    name = _argument(evaluator, block.body, row.name, scope)
    text = name.text if name is not None else row.default
    if not (name or text):
        # A resource without the name that it needs is not made: somebody gives it one.
        return evaluator.hole(row.name, block.at)
    if not row.service or (name and evaluator.is_hole(name)):
        return name or evaluator.hole(row.name, block.at)
    in_full = text.startswith("arn:")
    arn = text if in_full else arn_of(row.service, row.resource, text, evaluator.deployment)
    if arn and row.version:
        version = _argument(evaluator, block.body, row.version, scope)
        arn = f"{arn}:{version.text if version else '*'}"
    return string(arn, name.at if name else block.at) if arn else evaluator.hole(text, block.at)


def _conditions(
    evaluator: Evaluator, row: PermissionRow, body: Body, scope: Scope
) -> Iterator[tuple[str, str, Node]]:
    for argument, (operator, key) in row.conditions.items():
        value = _argument(evaluator, body, argument, scope)
        if value is not None:
            yield operator, key, value
    for part in expanded(evaluator, body, "condition", scope):
        test, named, value = (
            _argument(evaluator, part.body, name, part.scope) for name in ("type", "key", "value")
        )
        if test is not None and named is not None and value is not None:
            yield test.text, named.text, value
