"""Dataclasses that are slotted, compared by their fields, and frozen for type checkers.

    @slotted       keyword-only fields
    @positional    fields may be positional

At run time they are not frozen: creating a frozen value takes three times as long, its class twice as long, and one
comparison creates hundreds of values in a millisecond. mypy refuses assignments to their fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def slotted(cls: type[T]) -> type[T]:
    """Make the class a dataclass with keyword-only fields."""
    return dataclass(slots=True, unsafe_hash=True, kw_only=True)(cls)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def positional(cls: type[T]) -> type[T]:
    """Make the class a dataclass whose fields may be positional."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
