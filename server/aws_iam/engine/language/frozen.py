"""The dataclasses of the policy engine: slotted, equal by their fields, and frozen for whoever checks types.

    @slotted       fields are given by name
    @positional    fields may be given by their place

At run time they are not frozen: Python takes three times as long to make a frozen value, and twice as long to make its
class, and a comparison makes hundreds of values in a millisecond. mypy refuses what would change one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def slotted(cls: type[T]) -> type[T]:
    """The class as a dataclass whose fields are given by name."""
    return dataclass(slots=True, unsafe_hash=True, kw_only=True)(cls)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def positional(cls: type[T]) -> type[T]:
    """The class as a dataclass whose fields may be given by their place."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
