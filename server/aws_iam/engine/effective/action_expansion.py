"""Expands action patterns to known actions; each pattern is expanded once, and the total work is bounded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.catalog import Action, Catalog, catalog
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.engine.language.document import Statement

LEVELS = ("Read", "List", "Write", "Tagging", "Permissions management")
"""AWS's access levels, in display order."""

_MOST_STEPS = 6_000_000
"""Comparisons for one document: a few seconds, far more than any policy that AWS accepts needs."""

Named = dict[str, Action]
"""Known actions by their full name in lower case."""


@dataclass(slots=True, kw_only=True)
class Expansion:
    """Expands the patterns of one document and keeps the results."""

    facts: Catalog = field(default_factory=catalog)
    _left: int = _MOST_STEPS
    _patterns: dict[str, Named] = field(default_factory=dict)
    _lists: dict[tuple[str, ...], Named] = field(default_factory=dict)

    def spend(self, steps: int) -> None:
        """Count work; raises InputError for a document that costs too much."""
        self._left -= steps
        if self._left < 0:
            raise InputError(
                "the policies have too many wildcards and statements to analyze",
                hint="pass the policies one by one, or use fewer and broader patterns",
            )

    def pattern(self, text: str) -> Named:
        """The known actions that a pattern such as `s3:Get*` matches."""
        pattern = text.lower()
        if pattern not in self._patterns:
            self._patterns[pattern] = self._expanded(pattern)
        return self._patterns[pattern]

    def named(self, statement: Statement) -> Named:
        """The known actions to which a statement applies, by Action or NotAction."""
        if statement.has("NotAction"):
            excluded = self.union(statement.not_action_words)
            everything = self.pattern("*")
            self.spend(len(everything))
            return {name: action for name, action in everything.items() if name not in excluded}
        return self.union(statement.action_words)

    def union(self, patterns: Iterable[str]) -> Named:
        """The known actions of several patterns."""
        key = tuple(patterns)
        if len(key) == 1:
            return self.pattern(key[0])
        if key not in self._lists:
            self._lists[key] = self._united(key)
        return self._lists[key]

    def _united(self, patterns: tuple[str, ...]) -> Named:
        found: Named = {}
        for text in patterns:
            if is_literal(text):
                # Most entries are plain names: a dictionary for each takes twice as long.
                self.spend(2)
                name = text.lower()
                action = _named(name)
                if action:
                    found[name] = action
            else:
                part = self.pattern(text)
                self.spend(len(part) + 1)
                found.update(part)
        return found

    def _expanded(self, pattern: str) -> Named:
        if is_literal(pattern):
            self.spend(1)
            action = _named(pattern)
            return {pattern: action} if action else {}
        prefix, colon, rest = pattern.partition(":")
        if _is_star(rest) or not colon:
            # Without a colon only `*` is valid.
            if _is_star(prefix):
                return _every_action()
            if is_literal(prefix):
                return _of_service(prefix)
        self.spend(self._comparisons(prefix) * (1 + len(rest) // 20))
        names = map(str.lower, self.facts.expand(pattern))
        return {name: action for name in names if (action := _named(name))}

    def _comparisons(self, prefix: str) -> int:
        if is_literal(prefix):
            return len(_of_service(prefix))
        services = [name for name in self.facts.services if matches(prefix, name)]
        return len(self.facts.services) + sum(len(_of_service(name)) for name in services)


def _is_star(text: str) -> bool:
    return bool(text) and not text.strip("*")


def _named(name: str) -> Action | None:
    """The known action with this full name in lower case."""
    return _of_service(name.partition(":")[0]).get(name)


def _of_service(prefix: str) -> Named:
    """The actions of a service, which nobody may change; empty for an unknown one."""
    return _known_service(prefix) if prefix in catalog().services else _NONE


_NONE: Named = {}


@memo_of_reference(1024)
def _known_service(prefix: str) -> Named:
    service = catalog().service(prefix)
    actions = service.actions if service else {}
    return {f"{prefix}:{name}": action for name, action in actions.items()}


@memo_of_reference(1)
def _every_action() -> Named:
    """The actions of all services."""
    found: Named = {}
    for prefix in sorted(catalog().services):
        found.update(_known_service(prefix))
    return found


def by_level(actions: Iterable[Action]) -> Mapping[str, int]:
    """The number of actions of each access level that occurs."""
    counted: Counter[str] = Counter(action.level for action in actions)
    return {level: counted[level] for level in LEVELS if counted[level]}
