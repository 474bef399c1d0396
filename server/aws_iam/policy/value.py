"""What the policy engine's values are: slotted dataclasses with named fields, frozen for whoever checks types.

    @value
    class Hit: ...

At run time they are not frozen: Python takes three times as long to make a frozen value, and twice as long to make its
class, and a comparison makes hundreds of values in a millisecond. mypy refuses what would change one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """The class as a dataclass whose values are compared and hashed by their fields, which are given by name."""
    return dataclass(slots=True, unsafe_hash=True, kw_only=True)(cls)
