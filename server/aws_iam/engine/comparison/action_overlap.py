"""Which statements may speak of an action that some others speak of: all that is left of a policy for a search."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.uncovered_statements import Coverage
from aws_iam.engine.evaluation.layers import Ready
from aws_iam.engine.language.pattern import is_literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.engine.language.document import Statement

_ANY = ""


@dataclass(slots=True)
class ActionOverlap:
    """The actions of some statements: names and patterns of each service, "" for patterns of any service."""

    is_open: bool = False
    names: set[str] = field(default_factory=set)
    names_of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    patterns_of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    shortcut: Coverage = field(default_factory=Coverage)

    @classmethod
    def of(cls, asked: Iterable[Ready]) -> ActionOverlap:
        """The actions that any of the statements speaks of; with NotAction it may be any action."""
        found = cls()
        for statement in asked:
            found.is_open |= statement.negated
            found.names |= statement.names
            for pattern in statement.patterns:
                found.patterns_of[_service(pattern)].append(pattern)
        for name in found.names:
            found.names_of[name.partition(":")[0]].append(name)
        return found

    def concerning(self, statements: Iterable[Statement]) -> tuple[Statement, ...]:
        """The statements that may speak of one of them."""
        return tuple([statement for statement in statements if self.meet(Ready.of(statement))])

    def meet(self, ready: Ready) -> bool:
        """Whether a statement may speak of one of them."""
        if self.is_open or ready.negated or not self.names.isdisjoint(ready.names):
            return True
        may_meet = self.shortcut.may_meet
        return (
            bool(self.patterns_of)
            and any(
                may_meet(pattern, n) for n in ready.names for pattern in self._patterns_near(n)
            )
        ) or any(may_meet(entry, p) for p in ready.patterns for entry in self._entries_near(p))

    def _patterns_near(self, name: str) -> Sequence[str]:
        own = self.patterns_of.get(name.partition(":")[0], ())
        return (*own, *self.patterns_of[_ANY]) if _ANY in self.patterns_of else own

    def _entries_near(self, pattern: str) -> Iterable[str]:
        service = _service(pattern)
        if service == _ANY:
            return (*self.names, *(p for listed in self.patterns_of.values() for p in listed))
        return (*self.names_of.get(service, ()), *self._patterns_near(pattern))


def _service(pattern: str) -> str:
    service, colon, _ = pattern.partition(":")
    return service if colon and is_literal(service) else _ANY
