"""The context of a request: condition key to values, names without regard to case; what was asked for is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Context:
    """The keys of one request. An absent key has no entry; a key of several values has a list, which may be empty."""

    __slots__ = ("_values", "asked")

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        # Keys that a decision looked at: lower case to the first spelling met, in order.
        self.asked: dict[str, str] = {}

    def get(self, name: str) -> tuple[str, ...] | None:
        """The values of a key, None when it is absent."""
        lower = name.lower()
        if lower not in self.asked:
            self.asked[lower] = name
        return self._values.get(lower)

    def peek(self, name: str) -> tuple[str, ...] | None:
        """The values of a key; looking is not remembered."""
        return self._values.get(name.lower())

    def with_key(self, name: str, value: str) -> Context:
        """The same keys and one more; nothing of it was looked at yet."""
        return Context({**self._values, name: (value,)})

    def has(self, name: str) -> bool:
        """Whether the key is in the request; looking is not remembered."""
        return name.lower() in self._values
