"""Expands action patterns to known actions; each pattern is expanded once, and the total work is bounded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.language.memo import ByWord, memo_of_reference
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


@memo_of_reference(4)
def _by_entry(of_service: Callable[[str], Named]) -> ByWord[tuple[str, Action] | None]:
    """For an entry without wildcards the name of its action in lower case and the action, if it counts."""

    def action(entry: str) -> tuple[str, Action] | None:
        return next(iter(_named(entry.lower(), of_service).items()), None)

    return ByWord(action, of_reference=False)


def _named(name: str, of_service: Callable[[str], Named]) -> Named:
    prefix = name.partition(":")[0]
    action = of_service(prefix).get(name) if prefix in catalog().services else None
    return {name: action} if action else _NONE


# A kept name takes about 100 bytes.
_MOST_KEPT = 50_000
_LONGEST_KEPT = 300


class _Expansions:
    """What patterns expand to among the actions that count, for all documents: few names each, and not too many together."""

    def __init__(self, of_service: Callable[[str], Named]) -> None:
        self._of_service = of_service
        self._found: dict[str, Named] = {}
        self._room = _MOST_KEPT

    def of(self, pattern: str) -> Named:
        """The actions of a pattern in lower case; nobody may change the answer."""
        found = self._found.get(pattern)
        if found is None:
            found = self._expanded(pattern)
            size = len(found) + 1
            if size <= _MOST_KEPT and len(pattern) <= _LONGEST_KEPT:
                if size > self._room:
                    self._found.clear()
                    self._room = _MOST_KEPT
                self._room -= size
                self._found[pattern] = found
        return found

    def _expanded(self, pattern: str) -> Named:
        names = [name.lower() for name in catalog().expand(pattern)]
        found: Named = {}
        for name in names:
            found.update(_named(name, self._of_service))
        return found


_expansions = memo_of_reference(4)(_Expansions)


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
        found = self._patterns.get(pattern)
        if found is None:
            found = self._patterns[pattern] = self._expanded(pattern)
        return found

    def named(self, statement: Statement) -> Named:
        """The known actions to which a statement applies, by Action or NotAction."""
        if statement.not_action is None:
            return self.union(statement.action_words)
        key = tuple(statement.not_action_words)
        if key not in self._others:
            everything, excluded = self.pattern("*"), self.union(key)
            self.spend(len(everything))
            self._others[key] = {n: act for n, act in everything.items() if n not in excluded}
        return self._others[key]

    def among(self, statement: Statement, names: Named) -> Named:
        """Those of some actions to which a statement applies."""
        if not statement.has("NotAction"):
            named = self.named(statement)
            return {name: named[name] for name in named.keys() & names.keys()}
        excluded = self.union(statement.not_action_words)
        self.spend(len(names))
        return {name: action for name, action in names.items() if name not in excluded}

    def union(self, patterns: Iterable[str]) -> Named:
        """The known actions of several patterns."""
        key = tuple(patterns)
        if len(key) == 1:
            return self.pattern(key[0])
        found = self._lists.get(key)
        if found is None:
            found = self._lists[key] = self._united(key)
        return found

    def _united(self, patterns: tuple[str, ...]) -> Named:
        self.spend(2 * len(patterns))
        # Most entries are names, and most of them of actions that do not count.
        by_entry = _by_entry(self.of_service).__getitem__
        if is_literal("\n".join(patterns)):
            return dict(filter(None, map(by_entry, patterns)))
        found: Named = {}
        for entry in patterns:
            if is_literal(entry):
                found.update(filter(None, (by_entry(entry),)))
            else:
                part = self.pattern(entry)
                self.spend(len(part))
                found.update(part)
        return found

    def _expanded(self, pattern: str) -> Named:
        if is_literal(pattern):
            self.spend(1)
            return _named(pattern, self.of_service)
        prefix, colon, rest = pattern.partition(":")
        if _is_star(rest) or not colon:
            # Without a colon only `*` is valid.
            if _is_star(prefix):
                return _every_action(self.of_service)
            if is_literal(prefix):
                return self._service(prefix)
        self.spend(self._comparisons(prefix) * (1 + len(rest) // 20))
        return _expansions(self.of_service).of(pattern)

    def _comparisons(self, prefix: str) -> int:
        if is_literal(prefix):
            return len(self._service(prefix))
        services = [name for name in self.facts.services if matches(prefix, name)]
        return len(self.facts.services) + sum(len(self.of_service(name)) for name in services)

    def _service(self, prefix: str) -> Named:
        return self.of_service(prefix) if prefix in self.facts.services else _NONE


def _is_star(text: str) -> bool:
    return bool(text) and not text.strip("*")


def by_level(actions: Iterable[Action]) -> Mapping[str, int]:
    """The number of actions of each access level that occurs."""
    counted: Counter[str] = Counter(action.level for action in actions)
    return {level: counted[level] for level in LEVELS if counted[level]}
