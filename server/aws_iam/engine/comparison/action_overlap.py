"""Which statements can apply to the same actions as some others: only these matter to a search."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.uncovered_statements import Coverage
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.pattern import is_literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.engine.language.document import Statement

_ANY = ""


@dataclass(slots=True)
class ActionOverlap:
    """The actions of some statements, by service; "" holds the patterns with a wildcard in the service."""

    is_open: bool = False
    names: set[str] = field(default_factory=set)
    names_of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    patterns_of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    coverage: Coverage = field(default_factory=Coverage)

    @classmethod
    def of(cls, uncovered: Iterable[IndexedStatement]) -> ActionOverlap:
        """The actions to which any of the statements applies; with NotAction that can be any action."""
        found = cls()
        for statement in uncovered:
            found.is_open |= statement.negated
            found.names |= statement.names
            for pattern in statement.patterns:
                found.patterns_of[_service(pattern)].append(pattern)
        for name in found.names:
            found.names_of[name.partition(":")[0]].append(name)
        return found

    def overlapping(self, statements: Iterable[Statement]) -> tuple[Statement, ...]:
        """The statements that can apply to one of the actions."""
        return tuple(
            [
                statement
                for statement in statements
                if self.overlaps(IndexedStatement.of(statement))
            ]
        )

    def overlaps(self, ready: IndexedStatement) -> bool:
        """Whether a statement can apply to one of the actions."""
        if self.is_open or ready.negated or not self.names.isdisjoint(ready.names):
            return True
        may_overlap = self.coverage.may_overlap
        if self.patterns_of and any(
            may_overlap(pattern, name)
            for name in ready.names
            for pattern in self._patterns_near(name.partition(":")[0])
        ):
            return True
        for service, patterns in ready.by_service.items():
            entries = (*self.names_of.get(service, ()), *self._patterns_near(service))
            if entries and any(may_overlap(entry, own) for own in patterns for entry in entries):
                return True
        return bool(ready.anywhere) and any(
            may_overlap(entry, own) for own in ready.anywhere for entry in self._entries()
        )

    def _patterns_near(self, service: str) -> Sequence[str]:
        own = self.patterns_of.get(service, ())
        return (*own, *self.patterns_of[_ANY]) if _ANY in self.patterns_of else own

    def _entries(self) -> Iterable[str]:
        return (*self.names, *(p for listed in self.patterns_of.values() for p in listed))


def _service(pattern: str) -> str:
    service, colon, _ = pattern.partition(":")
    return service if colon and is_literal(service) else _ANY
