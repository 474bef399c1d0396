"""The arguments and blocks of Terraform that lead to the role that something runs under, by how they are written.

RoleArguments.of("aws_iot_topic_rule").within(body)   →   "sns", "error_action"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.sources.containers.workload_roles import (
    RoleNames,
    names_of_roles,
)
from aws_iam.engine.sources.terraform.syntax import Literal, ObjectExpression, parts_within
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.terraform.syntax import Body, Expression

_DYNAMIC, _CONTENT = "dynamic", "content"


@positional
class RoleArguments:
    """Those of the resources of a type."""

    names: RoleNames

    @classmethod
    def of(cls, type_: str) -> RoleArguments | None:
        """Those of a type; None where it has none."""
        names = names_of_roles(type_)
        return cls(names) if names else None

    def within(self, body: Body, block: str = "") -> Iterator[str]:
        """The names of the arguments and blocks in a body, which is that of a block or of the resource itself."""
        if self.names.is_document(block):
            yield from body.names
            return
        for name, expression in body.attributes.items():
            if self.names.may_have(name, block) or self._is_in(expression, name):
                yield name
        for name, node in body.members.items():
            if self.names.may_have(name, block) or self._is_in_json(node, name):
                yield name
        for inner in body.blocks:
            if not inner.labels and self._leads(inner.body, inner.type, block):
                yield inner.type
        for inner in body.blocks_named(_DYNAMIC, 1):
            name = inner.labels[0]
            contents = inner.body.blocks_named(_CONTENT)
            if any(self._leads(content.body, name, block) for content in contents):
                yield name

    def _leads(self, body: Body, name: str, within: str) -> bool:
        return self.names.may_have(name, within) or any(self.within(body, name))

    def _is_in(self, expression: Expression, within: str) -> bool:
        """Whether an object is written in the expression that names a role."""
        return any(
            isinstance(key, Literal) and self.names.may_have(key.value.text, within)
            for part in parts_within(expression)
            if isinstance(part, ObjectExpression)
            for key, _ in part.members
        )

    def _is_in_json(self, value: Node, within: str) -> bool:
        todo = [(value, within)]
        while todo:
            node, name = todo.pop()
            if any(self.names.may_have(member.key, name) for member in node.members):
                return True
            todo += ((member.value, member.key) for member in node.members)
            todo += ((item, name) for item in node.items)
        return False
