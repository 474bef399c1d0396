"""The blocks of a body, with what `dynamic` blocks make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.parsing.made_nodes import mapped
from aws_iam.engine.sources.terraform.syntax import Literal, Name
from aws_iam.engine.sources.terraform.values import Invalid
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.parsing.json_nodes import Node, Place
    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Block, Body, Expression


@slotted
class Expanded:
    """A block with the scope of its expressions."""

    body: Body
    scope: Scope
    at: Place


def expanded(evaluator: Evaluator, body: Body, type_: str, scope: Scope) -> Iterator[Expanded]:
    """The blocks of a type, written out and dynamic.

    A dynamic block over what is not known is taken as one block on one side, as none on the other.
    """
    for block in body.blocks_named(type_):
        yield Expanded(body=block.body, scope=scope, at=block.at)
    for block in body.blocks_named("dynamic", 1):
        if block.labels[0] == type_:
            yield from _dynamic(evaluator, block, scope)


def _dynamic(evaluator: Evaluator, block: Block, scope: Scope) -> Iterator[Expanded]:
    for_each = block.body.attribute("for_each")
    content = next(block.body.blocks_named("content"), None)
    if for_each is None or content is None:
        return
    written = block.body.attribute("iterator")
    iterator = block.labels[0]
    if isinstance(written, Name):
        iterator = written.name
    elif isinstance(written, Literal):
        iterator = written.value.text
    holder = evaluator.value_or_hole(for_each, scope)
    try:
        entries = None if holder.form is Form.NULL else evaluator.entries(holder, block.at)
    except Invalid:
        entries = None
    if entries is None or any(evaluator.is_rest(value) for _, value in entries):
        known = (
            [(key, value) for key, value in entries if not evaluator.is_rest(value)]
            if entries
            else []
        )
        evaluator.conditional = True
        entries = [*known, _unknown(evaluator, iterator, block.at)] if evaluator.side else known
    _note(evaluator, for_each, content.body, scope, is_read=bool(entries))
    for key, value in entries:
        evaluator.budget.spend()
        names = {iterator: mapped((("key", key), ("value", value)), block.at)}
        yield Expanded(body=content.body, scope=scope.but(**names), at=content.at)


def _note(
    evaluator: Evaluator, for_each: Expression, body: Body, scope: Scope, *, is_read: bool
) -> None:
    """Note the content where a default decides whether there are blocks."""
    evaluator.note_condition(for_each, (body, ()), scope, holds=is_read)


def _unknown(evaluator: Evaluator, iterator: str, at: Place) -> tuple[Node, Node]:
    return evaluator.hole(f"{iterator}.key", at), evaluator.hole(f"{iterator}.value", at)
