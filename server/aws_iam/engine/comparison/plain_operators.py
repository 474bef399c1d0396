"""One operator for those that compare alike, so that to write the other one is no change.

plain_operator(condition)   →   `StringEquals` of `StringLike` without wildcards, `ArnLike` of `ArnEquals`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Condition

# IAM User Guide, reference_policies_elements_condition_operators: both behave identically.
_ARN = {"ArnEquals": "ArnLike", "ArnNotEquals": "ArnNotLike"}
_LITERAL = {"StringLike": "StringEquals", "StringNotLike": "StringNotEquals"}
# A variable may stand for text that one of the operators reads otherwise.
_READ_OTHERWISE = ("*", "?", "${")


def plain_operator(condition: Condition) -> str:
    """The operator, or the one that compares these values alike."""
    written, base = condition.operator.value, condition.base
    plain = _ARN.get(base, "")
    if base in _LITERAL and not any(
        mark in value.value for value in condition.values for mark in _READ_OTHERWISE
    ):
        plain = _LITERAL[base]
    return written.replace(base, plain) if plain else written
