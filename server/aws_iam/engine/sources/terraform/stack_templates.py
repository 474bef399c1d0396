"""Templates of CloudFormation in Terraform's stacks: `template_body` of `aws_cloudformation_stack` and of a stack set.

Their policies have the names that they have in the template, under the address of the stack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.parsing.made_nodes import placed
from aws_iam.engine.sources.containers.cloudformation import documents_with, fits
from aws_iam.engine.sources.containers.nested_templates import template_in, within
from aws_iam.engine.sources.containers.policy_places import SkippedPlace
from aws_iam.engine.sources.terraform.values import TextInFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.containers.nested_templates import Found
    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Block

TEMPLATE: Final = "template_body"
_STACKS = frozenset({"aws_cloudformation_stack", "aws_cloudformation_stack_set"})
_ELSEWHERE = "a template in another file: check that file too"
_UNREADABLE = "the template is not known or not readable"


def stack_templates(
    evaluator: Evaluator, block: Block, scope: Scope, address: str
) -> Iterator[Found]:
    """What the template of a stack holds; one that is not read is named."""
    if block.labels[0] not in _STACKS:
        return
    place = f"{address}.{TEMPLATE}"
    expression = block.body.attribute(TEMPLATE)
    if expression is None:
        if block.body.attribute("template_url") is not None:
            yield SkippedPlace(name=f"{address}.template_url", why=_ELSEWHERE)
        return
    root = _template(evaluator, evaluator.value_or_hole(expression, scope))
    if root is None:
        yield SkippedPlace(name=place, why=_UNREADABLE)
        return
    for found in documents_with(root, evaluator.placeholders):
        yield within(found, place)


def _template(evaluator: Evaluator, value: Node) -> Node | None:
    if evaluator.is_hole(value):
        return None
    evaluator.charge(len(value.text) * 8)
    offsets = value.offsets if isinstance(value, TextInFile) else None
    root = template_in(value, evaluator.placeholders, offsets)
    if root is None or not fits(root):
        return None
    return placed(root, evaluator.budget.spend) if value.form is Form.OBJECT else root
