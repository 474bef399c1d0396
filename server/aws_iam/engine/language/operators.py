"""The condition operators, and the kind of values that each compares."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Family(StrEnum):
    """The type that an operator reads its values as, named as in AWS's documentation."""

    STRING = "String"
    NUMERIC = "Numeric"
    DATE = "Date"
    BOOL = "Bool"
    BINARY = "Binary"
    IP = "IPAddress"
    ARN = "ARN"
    NULL = "Null"


_COMPARED = (
    "Equals",
    "NotEquals",
    "LessThan",
    "LessThanEquals",
    "GreaterThan",
    "GreaterThanEquals",
)

OPERATORS: Mapping[str, Family] = MappingProxyType(
    {
        "StringEquals": Family.STRING,
        "StringNotEquals": Family.STRING,
        "StringEqualsIgnoreCase": Family.STRING,
        "StringNotEqualsIgnoreCase": Family.STRING,
        "StringLike": Family.STRING,
        "StringNotLike": Family.STRING,
        **{f"Numeric{name}": Family.NUMERIC for name in _COMPARED},
        **{f"Date{name}": Family.DATE for name in _COMPARED},
        "Bool": Family.BOOL,
        "BinaryEquals": Family.BINARY,
        "IpAddress": Family.IP,
        "NotIpAddress": Family.IP,
        "ArnEquals": Family.ARN,
        "ArnNotEquals": Family.ARN,
        "ArnLike": Family.ARN,
        "ArnNotLike": Family.ARN,
        "Null": Family.NULL,
    }
)
"""The family of each operator; names without qualifier and IfExists."""

QUALIFIERS = ("ForAllValues", "ForAnyValue")
