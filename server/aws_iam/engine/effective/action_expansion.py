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
    from collections.abc import Callable, Iterable, Mapping

    from aws_iam.engine.language.document import Statement

LEVELS = ("Read", "List", "Write", "Tagging", "Permissions management")
"""AWS's access levels, in display order."""

_MOST_STEPS = 6_000_000
"""Comparisons for one document: a few seconds, far more than any policy that AWS accepts needs."""

Named = dict[str, Action]
"""Known actions by their full name in lower case."""


_NONE: Named = {}


@memo_of_reference(1024)
def actions_of_service(prefix: str) -> Named:
    """The actions of a service; nobody may change the answer."""
    service = catalog().service(prefix)
    actions = service.actions if service else {}
    return {f"{prefix}:{name}": action for name, action in actions.items()}


@memo_of_reference(4)
def _every_action(of_service: Callable[[str], Named]) -> Named:
    """The actions of all services."""
    found: Named = {}
    for prefix in sorted(catalog().services):
        found.update(of_service(prefix))
    return found


@dataclass(slots=True, kw_only=True)
class Expansion:
    """Expands the patterns of one document and keeps the results.

    `of_service` gives the actions of a service that count: all, unless a question is about some of them only.
    """

    facts: Catalog = field(default_factory=catalog)
    of_service: Callable[[str], Named] = actions_of_service
    _left: int = _MOST_STEPS
    _patterns: dict[str, Named] = field(default_factory=dict)
    _lists: dict[tuple[str, ...], Named] = field(default_factory=dict)
    _others: dict[tuple[str, ...], Named] = field(default_factory=dict)

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
        if not statement.has("NotAction"):
            return self.union(statement.action_words)
        key = tuple(statement.not_action_words)
        if key not in self._others:
            everything, excluded = self.pattern("*"), self.union(key)
            self.spend(len(everything))
            self._others[key] = {n: act for n, act in everything.items() if n not in excluded}
        return self._others[key]

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
        # Most entries are plain names of one service: a dictionary for each takes twice as long.
        prefix, service = "", _NONE
        self.spend(2 * len(patterns))
        for text in patterns:
            name = text.lower()
            if not is_literal(name):
                part = self.pattern(name)
                self.spend(len(part))
                found.update(part)
                continue
            if not (prefix and name.startswith(prefix)):
                prefix = name[: name.find(":") + 1]
                service = self._service(prefix[:-1])
            if name in service:
                found[name] = service[name]
        return found

    def _expanded(self, pattern: str) -> Named:
        if is_literal(pattern):
            self.spend(1)
            action = self._action(pattern)
            return {pattern: action} if action else {}
        prefix, colon, rest = pattern.partition(":")
        if _is_star(rest) or not colon:
            # Without a colon only `*` is valid.
            if _is_star(prefix):
                return _every_action(self.of_service)
            if is_literal(prefix):
                return self._service(prefix)
        self.spend(self._comparisons(prefix) * (1 + len(rest) // 20))
        names = map(str.lower, self.facts.expand(pattern))
        return {name: action for name in names if (action := self._action(name))}

    def _comparisons(self, prefix: str) -> int:
        if is_literal(prefix):
            return len(self._service(prefix))
        services = [name for name in self.facts.services if matches(prefix, name)]
        return len(self.facts.services) + sum(len(self.of_service(name)) for name in services)

    def _action(self, name: str) -> Action | None:
        """The action with this full name in lower case, if it counts."""
        return self._service(name.partition(":")[0]).get(name)

    def _service(self, prefix: str) -> Named:
        return self.of_service(prefix) if prefix in self.facts.services else _NONE


def _is_star(text: str) -> bool:
    return bool(text) and not text.strip("*")


def by_level(actions: Iterable[Action]) -> Mapping[str, int]:
    """The number of actions of each access level that occurs."""
    counted: Counter[str] = Counter(action.level for action in actions)
    return {level: counted[level] for level in LEVELS if counted[level]}
