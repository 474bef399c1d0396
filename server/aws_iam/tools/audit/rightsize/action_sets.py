"""Sets of known actions as numbers with a bit for each: thousands of principals may have thousands of actions each."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.generation.passed_roles import PASS_ROLE, passed_to
from aws_iam.engine.language.pattern import covers
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.effective.action_expansion import Named
    from aws_iam.engine.reference.facts import Action

ActionSet = int
"""A bit for each known action that is in the set."""
# How a name begins: `Describe` in `DescribeInstances`.
_VERB = re.compile(r"[A-Z][a-z0-9]*")
_SHORTEST_LIST = 3
_READ_ONLY = frozenset({"Read", "List"})
_LONG_LIST = 25
_TAGGING = "Tagging"
_GIVEN_TAG = "aws:RequestTag/"
_TAKING_AWAY = ("Untag", "Delete", "Remove")


class ActionSets:
    """The sets of patterns and services, each computed once."""

    def __init__(self) -> None:
        everything = Expansion().pattern("*")
        self._names = tuple(action.full_name for action in everything.values())
        self._bits = {name: bit for bit, name in enumerate(everything)}
        self._patterns: dict[str, ActionSet] = {}
        self._lists: dict[ActionSet, tuple[str, ...]] = {}
        self.everything: ActionSet = (1 << len(self._names)) - 1
        self.services = {prefix: self.of(f"{prefix}:*") for prefix in sorted(catalog().services)}
        self.pass_role: ActionSet = self.of(PASS_ROLE)
        passing = {name for name, action in everything.items() if PASS_ROLE in action.dependents}
        passing |= {name.lower() for name in passed_to()}
        self.passing: ActionSet = self._of_names(passing & self._bits.keys())
        """The actions whose call is known to pass a role."""
        # AWS names no complete list of those that do: whatever changes something may be one.
        self.may_pass: ActionSet = self.passing | self._of_names(
            name for name, action in everything.items() if action.level not in _READ_ONLY
        )
        self.may_pass &= ~self.pass_role
        taking_tags = {name: action for name, action in everything.items() if _takes_tags(action)}
        self.tagging: ActionSet = self._of_names(
            name
            for name, action in taking_tags.items()
            if action.level == _TAGGING and not action.name.startswith(_TAKING_AWAY)
        )
        """The actions that give a resource tags."""
        self.creating_with_tags: ActionSet = self._of_names(
            name for name, action in taking_tags.items() if action.level != _TAGGING
        )
        """The actions that make a resource with tags: AWS then asks for the permission to tag, without a call of that name."""
        rows = resources.data("untracked-actions.json")["actions"]
        self.all_connections: ActionSet = self.of_all(
            text for row in rows for text in row["actions"]
        )
        """The actions that no call of an AWS API uses."""
        self._of_connections_alone: ActionSet = 0
        for own in self.services.values():
            if own & self.all_connections == own:
                self._of_connections_alone |= own

    def connections(self, on_purpose: ActionSet) -> ActionSet:
        """Those of all connections that count without any sign: of services that have no others, and granted on purpose."""
        return self._of_connections_alone | (self.all_connections & on_purpose)

    def of(self, pattern: str) -> ActionSet:
        """The known actions that a pattern of a policy matches."""
        key = pattern.lower()
        if key not in self._patterns:
            # Each pattern has a bound of its own, so that one account may have any number of them.
            self._patterns[key] = self._of_names(Expansion().pattern(key))
        return self._patterns[key]

    def of_all(self, patterns: Iterable[str]) -> ActionSet:
        """The known actions that any of the patterns matches."""
        found = 0
        for pattern in patterns:
            found |= self.of(pattern)
        return found

    def of_names(self, names: Iterable[str]) -> ActionSet:
        """The known ones of some names."""
        lower = (name.lower() for name in names)
        return self._of_names(name for name in lower if name in self._bits)

    def of_name(self, service: str, name: str) -> ActionSet:
        """One action; nothing where the data does not have it."""
        bit = self._bits.get(f"{service}:{name}".lower())
        return 0 if bit is None else 1 << bit

    def names(self, actions: ActionSet) -> Iterator[str]:
        """The names in the set, service by service."""
        content = actions.to_bytes((actions.bit_length() + 7) // 8, "little")
        for number, byte in enumerate(content):
            if byte:
                for bit in range(8):
                    if byte >> bit & 1:
                        yield self._names[number * 8 + bit]

    def in_services(self, actions: ActionSet) -> Iterator[tuple[str, ActionSet]]:
        """The parts of the set, service by service."""
        for service, own in self.services.items():
            if part := own & actions:
                yield service, part

    def listed(self, actions: ActionSet) -> list[str]:
        """The names in the set; `service:*` for all of a service, and in a long list patterns that mean no other action."""
        if actions not in self._lists:
            found = self._by_service(actions)
            if len(found) > _LONG_LIST:
                found = [text for part in self.in_services(actions) for text in self._verbs(*part)]
            self._lists[actions] = tuple(found)
        return list(self._lists[actions])

    def _by_service(self, actions: ActionSet) -> list[str]:
        found: list[str] = []
        for service, part in self.in_services(actions):
            found += [f"{service}:*"] if self._is_whole(service, part) else self.names(part)
        return found

    def _is_whole(self, service: str, part: ActionSet) -> bool:
        return part == self.services[service] and part.bit_count() >= _SHORTEST_LIST

    def _verbs(self, service: str, part: ActionSet) -> list[str]:
        if self._is_whole(service, part):
            return [f"{service}:*"]
        return self.patterns(service, part)

    def patterns(self, service: str, part: ActionSet, within: str = "*") -> list[str]:
        """Some actions of a service by name, or by how several begin where that means no other; all within a pattern of names."""
        by_verb: dict[str, list[str]] = {}
        for name in self.names(part):
            own = name.partition(":")[2]
            found = _VERB.match(own)
            by_verb.setdefault(found[0] if found else own, []).append(name)
        texts: list[str] = []
        for verb, names in by_verb.items():
            pattern = f"{service}:{verb}*"
            is_exact = (
                len(names) >= _SHORTEST_LIST
                and covers(within, f"{verb}*", ignore_case=True)
                and not self.of(pattern) & ~part
            )
            texts += [pattern] if is_exact else names
        return texts

    def _of_names(self, names: Iterable[str] | Named) -> ActionSet:
        bits = bytearray(len(self._names) // 8 + 1)
        for name in names:
            bit = self._bits[name]
            bits[bit >> 3] |= 1 << (bit & 7)
        return int.from_bytes(bits, "little")


def _takes_tags(action: Action) -> bool:
    keys = chain(action.condition_keys, chain.from_iterable(action.type_condition_keys.values()))
    return any(key.startswith(_GIVEN_TAG) for key in keys)


def action_sets() -> ActionSets:
    """The sets of the data in use."""
    return _action_sets(id(catalog()))


# The key is the data in use, which a refresh replaces.
@lru_cache(maxsize=1)
def _action_sets(_catalog: int) -> ActionSets:
    return ActionSets()
