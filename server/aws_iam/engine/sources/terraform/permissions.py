"""Resources that add one statement to the policy of another, without a document: `aws_lambda_permission` and the like.

https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.parsing.json_nodes import Form, Node, string
from aws_iam.engine.sources.terraform.blocks import expanded
from aws_iam.engine.sources.terraform.resource_attributes import arn_of
from aws_iam.engine.sources.terraform.values import listed, mapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.sources.terraform.expressions import Evaluator, Scope
    from aws_iam.engine.sources.terraform.syntax import Block, Body

_ACCOUNT = 12


@slotted
class PermissionRow:
    """What a resource of the type allows, on which resource, and which arguments limit it: operator and condition key."""

    type: str
    action: str
    service: str
    resource: str
    name: str
    resource_type: str
    conditions: Mapping[str, tuple[str, str]]
    default: str = ""


@cache
def permission_rows() -> Mapping[str, PermissionRow]:
    """The resources that add a statement, by type."""
    rows = resources.data("terraform-resources.json")["permissions"]
    return {row["type"]: PermissionRow(**row) for row in rows}


def permission(evaluator: Evaluator, row: PermissionRow, block: Block, scope: Scope) -> Node:
    """The policy with the statement that the resource adds."""
    at, body = block.at, block.body
    action = _argument(evaluator, body, "action", scope) or string(row.action, at)
    principal = _argument(evaluator, body, "principal", scope) or evaluator.hole("principal", at)
    statement = [
        ("Effect", string("Allow", at)),
        ("Principal", _principal(evaluator, principal)),
        ("Action", action),
        ("Resource", _resource(evaluator, row, block, scope)),
    ]
    if conditions := _conditions(evaluator, row, body, scope):
        members = (
            (test, mapped(keys.items(), next(iter(keys.values())).at))
            for test, keys in conditions.items()
        )
        statement.append(("Condition", mapped(members, at)))
    statements = listed([mapped(statement, at)], at)
    return mapped((("Version", string("2012-10-17", at)), ("Statement", statements)), at)


def _argument(evaluator: Evaluator, body: Body, name: str, scope: Scope) -> Node | None:
    expression = body.attribute(name)
    value = evaluator.value_or_hole(expression, scope) if expression is not None else None
    return None if value is None or value.form is Form.NULL else value


def _principal(evaluator: Evaluator, principal: Node) -> Node:
    text = principal.text
    if text == "*" or evaluator.is_hole(principal):
        return principal
    of_account = text.startswith("arn:") or (len(text) == _ACCOUNT and text.isdecimal())
    return mapped([("AWS" if of_account else "Service", principal)], principal.at)


def _resource(evaluator: Evaluator, row: PermissionRow, block: Block, scope: Scope) -> Node:
    name = _argument(evaluator, block.body, row.name, scope)
    text = name.text if name is not None else row.default
    if not row.service or text.startswith("arn:") or (name and evaluator.is_hole(name)):
        return name or evaluator.hole(row.name, block.at)
    arn = arn_of(row.service, row.resource, text)
    return string(arn, name.at if name else block.at) if arn else evaluator.hole(text, block.at)


def _conditions(
    evaluator: Evaluator, row: PermissionRow, body: Body, scope: Scope
) -> dict[str, dict[str, Node]]:
    found: dict[str, dict[str, Node]] = {}
    for argument, (test, key) in row.conditions.items():
        value = _argument(evaluator, body, argument, scope)
        if value is not None:
            found.setdefault(test, {})[key] = value
    for part in expanded(evaluator, body, "condition", scope):
        test_, key_, value = (
            _argument(evaluator, part.body, name, part.scope) for name in ("type", "key", "value")
        )
        if test_ is not None and key_ is not None and value is not None:
            found.setdefault(test_.text, {})[key_.text] = value
    return found
