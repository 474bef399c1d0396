"""Resources that add one statement to the policy of another, without a document: a Lambda permission and the like.

`assets/data/resource-permissions.json` says for each what it allows, and which arguments limit it, in every format.
https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

from aws_iam import resources
from aws_iam.engine.parsing.json_nodes import string
from aws_iam.engine.parsing.made_nodes import listed, mapped
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.engine.parsing.json_nodes import Node, Place

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
    # The argument with the version of what has the name.
    version: str = ""


@cache
def permission_rows(
    file_format: Literal["terraform", "cloudformation"],
) -> Mapping[str, PermissionRow]:
    """The resources that add a statement, by type."""
    rows = resources.data("resource-permissions.json")["permissions"]
    return {
        row[file_format]["type"]: PermissionRow(
            type=row[file_format]["type"],
            action=row["action"],
            service=row["service"],
            resource=row["resource"],
            name=row[file_format]["name"],
            resource_type=row["resource_type"],
            conditions={
                own[file_format]: (own["operator"], own["key"])
                for own in row["conditions"]
                if file_format in own
            },
            default=row.get("default", ""),
            version=row[file_format].get("version", ""),
        )
        for row in rows
    }


def principal_of(value: Node, *, is_unknown: bool) -> Node:
    """The principal of the statement, which the resource names by account, ARN or service."""
    text = value.text
    if text.startswith("arn:") or (len(text) == _ACCOUNT and text.isdecimal()):
        return mapped([("AWS", value)], value.at)
    if text == "*" or (is_unknown and not text.endswith(".amazonaws.com")):
        return value
    return mapped([("Service", value)], value.at)


def statement_of(
    principal: Node,
    action: Node,
    resource: Node,
    conditions: Iterable[tuple[str, str, Node]],
    at: Place,
) -> Node:
    """The statement; the conditions are operators, keys and values."""
    statement = [
        ("Effect", string("Allow", at)),
        ("Principal", principal),
        ("Action", action),
        ("Resource", resource),
    ]
    tests: dict[str, dict[str, Node]] = {}
    for operator, key, value in conditions:
        tests.setdefault(operator, {})[key] = value
    if tests:
        members = (
            (operator, mapped(keys.items(), next(iter(keys.values())).at))
            for operator, keys in tests.items()
        )
        statement.append(("Condition", mapped(members, at)))
    return mapped(statement, at)


def policy_of(statements: Sequence[Node], at: Place) -> Node:
    """The policy with the statements."""
    version = ("Version", string("2012-10-17", at))
    return mapped((version, ("Statement", listed(statements, at))), at)
