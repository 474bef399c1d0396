"""Attributes of resources and data sources: what is configured, and ARNs as far as the names in them are known.

The types with known ARNs are rows of `assets/data/terraform-resources.json`; the forms are those of the service
authorization reference.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.parsing.json_nodes import Form, Node, Place, string
from aws_iam.engine.reference.managed_policies import managed_policy
from aws_iam.engine.sources.containers.cloudformation_return_values import (
    arn_of,
)
from aws_iam.engine.sources.containers.own_names import NAMES
from aws_iam.engine.sources.terraform.provider_names import PROVIDER, other_provider
from aws_iam.engine.sources.terraform.syntax import ListExpression, Literal, Name
from aws_iam.engine.sources.terraform.values import Elsewhere
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Block

# Data sources about the account and the region that Terraform runs in.
_CALLER: Mapping[tuple[str, str], str] = {
    ("aws_caller_identity", "account_id"): "AWS::AccountId",
    ("aws_caller_identity", "id"): "AWS::AccountId",
    ("aws_partition", "partition"): "AWS::Partition",
    ("aws_partition", "id"): "AWS::Partition",
    ("aws_partition", "dns_suffix"): "AWS::URLSuffix",
    ("aws_region", "name"): "AWS::Region",
    ("aws_region", "region"): "AWS::Region",
    ("aws_region", "id"): "AWS::Region",
}
_OF_PROVIDER = frozenset({"AWS::AccountId", "AWS::Region"})


@slotted
class AttributeRow:
    """The type, its resource type in the service authorization reference, the argument that names it, and what `id` returns.

    With `path` the name in the ARN begins with the argument `path`; `strips` is what the name in the ARN lacks, and
    `suffix` what AWS adds to it after a hyphen.
    """

    type: str
    service: str
    resource: str
    name: str
    id: str
    path: bool = False
    strips: str = ""
    suffix: str = ""


@cache
def _rows() -> Mapping[str, AttributeRow]:
    rows = resources.data("terraform-resources.json")["attributes"]
    return {row["type"]: AttributeRow(**row) for row in rows}


def of_resource(  # noqa: PLR0913, PLR0917 - an instance is its block, its scope and its address
    evaluator: Evaluator, block: Block, scope: Scope, address: str, name: str, at: Place
) -> Node:
    """An attribute of an instance of a resource."""
    unknown = evaluator.hole(f"{address}.{name}", at)
    row = _rows().get(block.labels[0])
    if row and name == "id":
        name = row.id
    if row and name == "arn":
        arn = _arn(evaluator, row, block, scope, unknown)
        return unknown if arn is None else string(arn, at)
    if row and name == row.name:
        return string(_name(evaluator, row, block, scope, unknown), at)
    expression = block.body.attribute(name)
    if expression is None or name in _changed_elsewhere(block):
        return unknown
    value = evaluator.value_or_hole(expression, scope)
    return unknown if value.form is Form.NULL else value


def elsewhere(evaluator: Evaluator, type_: str, address: str, at: Place) -> Elsewhere:
    """A resource whose block is in a file that was not given."""
    return Elsewhere(
        evaluator.hole(address, at).text,
        at,
        lambda name: _of_other_file(evaluator, type_, address, name, at),
        lambda index: elsewhere(evaluator, type_, f"{address}[{index}]", at),
    )


def _of_other_file(evaluator: Evaluator, type_: str, address: str, name: str, at: Place) -> Node:
    """An attribute of such a resource: its type tells the form of its ARN.

    Who a principal is, and in which account, is not told by that.
    """
    row = _rows().get(type_)
    if row is None or row.service == "iam":
        return evaluator.hole(f"{address}.{name}", at)
    own = evaluator.hole(f"{address}.{row.name}", at)
    if name == "arn" or (name == "id" and row.id == "arn"):
        arn = _arn_named(evaluator, row, own.text, address)
        return evaluator.hole(f"{address}.arn", at) if arn is None else string(arn, at)
    is_own = name == row.name or (name == "id" and row.id == row.name)
    return own if is_own else evaluator.hole(f"{address}.{name}", at)


def _changed_elsewhere(block: Block) -> frozenset[str]:
    """The arguments whose values are changed outside of Terraform: what is written is only the first value."""
    found: set[str] = set()
    for own in block.body.blocks_named("lifecycle"):
        ignored = own.body.attribute("ignore_changes")
        items = ignored.items if isinstance(ignored, ListExpression) else (ignored,)
        for item in items:
            if isinstance(item, Name):
                found |= set(block.body.attribute_names) if item.name == "all" else {item.name}
            elif isinstance(item, Literal):
                found.add(item.value.text)
    return frozenset(found)


def _arn(
    evaluator: Evaluator, row: AttributeRow, block: Block, scope: Scope, unknown: Node
) -> str | None:
    name = _name(evaluator, row, block, scope, unknown)
    name = name.removeprefix(row.strips) if row.strips else name
    if row.path:
        path = _text(evaluator, block, "path", scope) or "/"
        name = path.removeprefix("/") + name
    return _arn_named(evaluator, row, name, evaluator.name_of(unknown).rpartition(".")[0])


def _arn_named(evaluator: Evaluator, row: AttributeRow, name: str, address: str) -> str | None:
    if row.suffix:
        name += f"-{evaluator.placeholders.placeholder(f'{address}.{row.suffix}')}"
    return arn_of(row.service, row.resource, name, evaluator.deployment)


def _name(
    evaluator: Evaluator, row: AttributeRow, block: Block, scope: Scope, unknown: Node
) -> str:
    """The name of a resource; of one that the provider makes up the prefix is known at most."""
    name = _text(evaluator, block, row.name, scope)
    if name is not None:
        return name
    prefix = _text(evaluator, block, f"{row.name}_prefix", scope) or ""
    address = evaluator.name_of(unknown).rpartition(".")[0]
    return prefix + evaluator.hole(f"{address}.{row.name}", unknown.at).text


def _text(evaluator: Evaluator, block: Block, name: str, scope: Scope) -> str | None:
    expression = block.body.attribute(name)
    value = evaluator.value_or_hole(expression, scope) if expression is not None else None
    return value.text if value is not None and value.form is Form.STRING and value.text else None


def of_data(  # noqa: PLR0913, PLR0917 - a data source is its block with its scope
    evaluator: Evaluator,
    key: tuple[str, str],
    name: str,
    at: Place,
    block: Block | None = None,
    scope: Scope | None = None,
) -> Node:
    """An attribute of a data source; those about the caller have values of the right form."""
    type_, label = key
    known = _CALLER.get((type_, name))
    if known is not None and not _is_elsewhere(known, block):
        return string(evaluator.deployment[known], at)
    if block is None or scope is None:
        return _of_other_file(evaluator, type_, f"data.{type_}.{label}", name, at)
    unknown = evaluator.hole(f"data.{type_}.{label}.{name}", at)
    if type_ == "aws_iam_policy" and name == "arn":
        return _managed(evaluator, block, scope, at) or unknown
    if type_ == "template_file" and name == "rendered":
        return _rendered(evaluator, block, scope) or unknown
    if (row := _rows().get(type_)) is not None and name == "arn":
        arn = _arn(evaluator, row, block, scope, unknown)
        return unknown if arn is None else string(arn, at)
    if row and name == "id":
        name = row.id
    expression = block.body.attribute(name)
    return unknown if expression is None else evaluator.value_or_hole(expression, scope)


def _is_elsewhere(known: str, block: Block | None) -> bool:
    """Whether it is asked by another provider: that of another account, or in another region."""
    return known in _OF_PROVIDER and bool(block and block.body.attribute(PROVIDER))


def own_name(evaluator: Evaluator, block: Block, scope: Scope) -> str:
    """What AWS knows a resource by, of one account; empty where that is not known."""
    name = _text(evaluator, block, NAMES.get(block.labels[0], ""), scope)
    if not name or evaluator.placeholders.within(name):
        return ""
    return f"{block.labels[0]} {name} {other_provider(block, scope, evaluator)}".rstrip()


def _managed(evaluator: Evaluator, block: Block, scope: Scope, at: Place) -> Node | None:
    """The ARN of an AWS managed policy that a data source looks up by name or ARN."""
    arn = _text(evaluator, block, "arn", scope)
    if arn is not None:
        return string(arn, at)
    name = _text(evaluator, block, "name", scope)
    policy = managed_policy(name) if name else None
    return string(policy.arn, at) if policy else None


def _rendered(evaluator: Evaluator, block: Block, scope: Scope) -> Node | None:
    """The text of the data source `template_file`, the predecessor of `templatefile`."""
    template = block.body.attribute("template")
    variables = block.body.attribute("vars")
    text = evaluator.value_or_hole(template, scope) if template is not None else None
    given = evaluator.value_or_hole(variables, scope) if variables is not None else None
    if text is None or text.form is not Form.STRING or evaluator.placeholders.within(text.text):
        return None
    names = {member.key: member.value for member in given.members} if given else {}
    from aws_iam.engine.parsing.json_nodes import Lines
    from aws_iam.engine.sources.terraform.parsing.native import template_in
    from aws_iam.errors import InputError

    lines = (
        text.at.lines if text.at.lines and text.at.lines.text == text.text else Lines(text.text)
    )
    try:
        return evaluator.value(template_in(text.text, 0, lines), scope.but(**names))
    except InputError:
        return None
