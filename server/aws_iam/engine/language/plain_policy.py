"""A policy as plain JSON values, for those who write it anew with something changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import dump

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Policy

STATEMENT_ELEMENTS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
"""The elements of a statement, in the order in which they are written.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""
# Python reads no integer of more digits by default.
_MOST_DIGITS = 4000


def plain(policy: Policy) -> dict[str, Any]:
    """The policy as it would be written; an integer of thousands of digits as its text, which means the same to IAM."""
    document: dict[str, Any] = json.loads(dump(policy), parse_int=_integer)
    return document


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits
