"""Expands action patterns to known actions; each pattern is expanded once, and the total work is bounded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

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
    _services: dict[str, Named] = field(default_factory=dict)
    _patterns: dict[str, Named] = field(default_factory=dict)
    _lists: dict[tuple[str, ...], Named] = field(default_factory=dict)
    _shared: Expansion | None = None

    def another(self) -> Expansion:
        """A new one for other policies, with its own bound, that shares the list of actions."""
        return Expansion(facts=self.facts, _services=self._services, _shared=self)

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
            # Most policies are judged without the list of all actions, which takes a fifth of a second to read.
            self._patterns[pattern] = (
                self._shared.pattern("*")
                if self._shared and pattern == "*"
                else self._expanded(pattern)
            )
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
            found: Named = {}
            for pattern in key:
                part = self.pattern(pattern)
                self.spend(len(part) + 1)
                found.update(part)
            self._lists[key] = found
        return self._lists[key]

    def _expanded(self, pattern: str) -> Named:
        prefix, colon, rest = pattern.partition(":")
        if not colon:
            # Without a colon only `*` is valid.
            prefix, rest = ("*", "*") if prefix and not prefix.strip("*") else ("", "")
        if is_literal(prefix):
            prefixes = [prefix] if prefix in self.facts.services else []
        else:
            self.spend(len(self.facts.services))
            prefixes = sorted(name for name in self.facts.services if matches(prefix, name))
        found: Named = {}
        for service in prefixes:
            found.update(self._of_service(service, rest))
        return found

    def _of_service(self, prefix: str, rest: str) -> Named:
        service = self._service(prefix)
        if is_literal(rest):
            self.spend(1)
            found = service.get(f"{prefix}:{rest}")
            return {f"{prefix}:{rest}": found} if found else {}
        self.spend(len(service) * (1 + len(rest) // 20))
        if not rest.strip("*"):
            return service
        skip = len(prefix) + 1
        return {name: action for name, action in service.items() if matches(rest, name[skip:])}

    def _service(self, prefix: str) -> Named:
        if prefix not in self._services:
            service = self.facts.service(prefix)
            actions = service.actions if service else {}
            self._services[prefix] = {
                f"{prefix}:{name}": action for name, action in actions.items()
            }
        return self._services[prefix]


def fresh_expansion() -> Expansion:
    """A new one with its own bound; all of a process share the list of actions."""
    return _every_action(id(catalog())).another()


# The key is the data in use, which a refresh replaces.
@lru_cache(maxsize=1)
def _every_action(_catalog: int) -> Expansion:
    return Expansion()


def by_level(actions: Iterable[Action]) -> Mapping[str, int]:
    """The number of actions of each access level that occurs."""
    counted: Counter[str] = Counter(action.level for action in actions)
    return {level: counted[level] for level in LEVELS if counted[level]}
