"""What the modules of rules and checks declare, collected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType


class Declared(Protocol):
    """A rule or a check."""

    @property
    def code(self) -> str:
        """The code of its findings."""


D = TypeVar("D", bound=Declared)


def declared_in(kind: type[D], modules: Iterable[ModuleType]) -> tuple[D, ...]:
    """All of one kind in the modules, in order of declaration; refuses a code declared twice."""
    found: dict[str, D] = {}
    for module in modules:
        for value in vars(module).values():
            if not isinstance(value, kind):
                continue
            if value.code in found:
                message = f"{kind.__name__.lower()} {value.code} is declared twice"
                raise TypeError(message)
            found[value.code] = value
    return tuple(found.values())
