"""Arithmetic and comparisons of Terraform's numbers."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.terraform.values import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.engine.parsing.json_nodes import Node

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
# A number of so many digits is no count, no port and no age.
_MOST_DIGITS = 40
_LARGEST = 1e30


def number_of(node: Node) -> float:
    """The number that a value is; raises Invalid where it is none."""
    text = node.text
    if node.form not in {Form.NUMBER, Form.STRING} or len(text) > _MOST_DIGITS:
        raise Invalid
    try:
        value = int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        raise Invalid from None
    if not abs(value) < _LARGEST:
        raise Invalid
    return value
