"""The values that are tried in a document outside CloudFormation that has holes of a template or functions of CloudFormation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.sources.containers.cloudformation_values import Resolver
from aws_iam.engine.sources.containers.placeholders import (
    Placeholders,
    Variants,
    has_function,
    texts_in,
    with_placeholders,
)

if TYPE_CHECKING:
    from aws_iam.engine.parsing.json_nodes import Node


def template_variants(node: Node, own: Placeholders | None = None) -> Variants:
    """The variants of a document with `{{ … }}`, functions of CloudFormation or its `own` placeholders; empty for any other."""
    if own is not None:
        node = function_values(node, own) or node
        return Variants() if own.in_none_of(node) else own.variants(node)
    if not (has_function(node) or any("{{" in text for text in texts_in(node))):
        return Variants()
    placeholders = Placeholders.unused_in(node)
    known = function_values(node, placeholders)
    return placeholders.variants(with_placeholders(known or node, placeholders))


def function_variants(node: Node) -> Variants:
    """The same for a policy by itself: what stands in it like `{{ … }}` is its text, a function of CloudFormation never is."""
    if not has_function(node):
        return Variants()
    placeholders = Placeholders.unused_in(node)
    known = function_values(node, placeholders)
    return placeholders.variants(known) if known else Variants()


def function_values(node: Node, placeholders: Placeholders) -> Node | None:
    """The document with what the functions of CloudFormation in it return, as far as a template is not needed; None without any."""
    return Resolver(node, placeholders).value(node) if has_function(node) else None
