"""A policy without the actions that nobody needs: every statement keeps its resources and conditions, and no Deny changes.

smaller_policy('{"Statement": {"Action": "s3:*", …}}', need, sets, quota)   →   SmallerPolicy(document={… "s3:GetObject" …})
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import Kind, dump
from aws_iam.engine.language.pattern import covers
from aws_iam.engine.reference.policy_quotas import size
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.tools.audit.rightsize.action_sets import ActionSet, ActionSets


@slotted
class PolicyNeed:
    """What the holders of a policy need of it together."""

    kept: ActionSet
    dropped_services: frozenset[str] = frozenset()
    """The services that none of them used: of their actions those that the data does not know go, too."""
    newer_services: frozenset[str] = frozenset()
    """The services that one of them used and the data does not know."""


@slotted
class SmallerPolicy:
    """The document without what is not needed; None if nothing of it is.

    `by_service`: single actions of a service that is used were left, for the policy would be longer than AWS allows. `fits` says
    whether it is short enough.
    """

    document: Mapping[str, Any] | None
    is_same: bool = False
    by_service: bool = False
    fits: bool = True


def smaller_policy(text: str, need: PolicyNeed, sets: ActionSets, quota: int) -> SmallerPolicy:
    """The smaller form of an identity policy, the most exact of those that are short enough."""
    found = SmallerPolicy(document=None, is_same=True)
    for by_service, negated in ((False, False), (True, False), (False, True), (True, True)):
        narrowing = _Narrowing(need, sets, by_service=by_service, negated=negated)
        found = _reduced(text, narrowing)
        if found.is_same or found.document is None or size(found.document) <= quota:
            return found
    return replace(found, fits=False)


@positional
class Granted:
    """The known actions that Allow statements name; `on_purpose` those that an entry for less than a whole service names."""

    actions: ActionSet = 0
    on_purpose: ActionSet = 0

    def with_(self, other: Granted) -> Granted:
        """Both together."""
        return Granted(self.actions | other.actions, self.on_purpose | other.on_purpose)


def granted_actions(text: str, sets: ActionSets) -> Granted:
    """What the Allow statements of a policy name."""
    found = Granted()
    for statement in statements_of(text):
        if statement["Effect"] == "Allow":
            narrow = [
                entry
                for entry in _listed(statement.get("Action", ()))
                if entry.partition(":")[2].strip("*")
            ]
            found = found.with_(Granted(_named(statement, sets), sets.of_all(narrow)))
    return found


def statements_of(text: str) -> tuple[Mapping[str, Any], ...]:
    """The statements of a policy; InputError for what is no policy."""
    statements: tuple[Mapping[str, Any], ...] = written_policy(text)["Statement"]
    return statements


# The principals of an account share policies.
@lru_cache(maxsize=4_096)
def written_policy(text: str) -> Mapping[str, Any]:
    """The policy as JSON, with its statements as a tuple; callers must not change it."""
    document = json.loads(dump(one_policy(text, Kind.IDENTITY)))
    written = document.get("Statement")
    statements = written if isinstance(written, list) else [written]
    for statement in statements:
        if not _is_statement(statement):
            raise InputError("a statement is none that AWS would have stored")
    return {**document, "Statement": tuple(statements)}


def _is_statement(statement: object) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") not in {"Allow", "Deny"}:
        return False
    named = [statement[name] for name in ("Action", "NotAction") if name in statement]
    if len(named) != 1:
        return False
    entries = named[0] if isinstance(named[0], list) else named
    return bool(entries) and all(isinstance(entry, str) for entry in entries)


def _named(statement: Mapping[str, Any], sets: ActionSets) -> ActionSet:
    if "NotAction" in statement:
        return sets.everything & ~sets.of_all(_listed(statement["NotAction"]))
    return sets.of_all(_listed(statement.get("Action", ())))


def _reduced(text: str, narrowing: _Narrowing) -> SmallerPolicy:
    document = written_policy(text)
    statements: list[Mapping[str, Any]] = []
    is_same = True
    for statement in statements_of(text):
        kept = _statement(statement, narrowing)
        is_same = is_same and kept is statement
        if kept is not None:
            statements.append(kept)
    if is_same:
        return SmallerPolicy(document=document, is_same=True)
    # A Deny that is left limits what other policies allow.
    return SmallerPolicy(
        document={**document, "Statement": statements} if statements else None,
        by_service=narrowing.by_service,
    )


def _statement(statement: Mapping[str, Any], narrowing: _Narrowing) -> Mapping[str, Any] | None:
    """The statement with the actions that are needed; itself where that is all of them, None where it is none."""
    if statement["Effect"] != "Allow":
        return statement
    entries = _listed(statement.get("Action", ()))
    if "NotAction" in statement or (narrowing.negated and not entries[0].strip("*:")):
        return _wide_statement(statement, narrowing)
    kept = [text for entry in entries for text in narrowing.entry(entry)]
    if kept == entries:
        return statement
    unique = list(dict.fromkeys(kept))
    return {**statement, "Action": unique[0] if len(unique) == 1 else unique} if unique else None


def _wide_statement(
    statement: Mapping[str, Any], narrowing: _Narrowing
) -> Mapping[str, Any] | None:
    """A statement of nearly everything with the names of what is needed, or, `negated`, of what is not."""
    granted = _named(statement, narrowing.sets)
    if not granted & ~narrowing.need.kept:
        return statement
    excluded = _listed(statement.get("NotAction", ()))
    rest = {
        name: value for name, value in statement.items() if name not in {"Action", "NotAction"}
    }
    if narrowing.negated:
        return {**rest, "NotAction": [*excluded, *narrowing.not_needed(granted)]}
    newer = [
        f"{service}:*"
        for service in sorted(narrowing.need.newer_services)
        if not any(covers(entry, f"{service}:x", ignore_case=True) for entry in excluded)
    ]
    actions = [*narrowing.texts("*", granted), *newer]
    return {**rest, "Action": actions} if actions else None


class _Narrowing:
    """Writes what is needed of an entry of Action as entries that it covers."""

    def __init__(
        self, need: PolicyNeed, sets: ActionSets, *, by_service: bool, negated: bool
    ) -> None:
        self.need = need
        self.sets = sets
        self.by_service = by_service
        self.negated = negated

    def entry(self, entry: str) -> list[str]:
        """The entries for what is needed of one."""
        granted = self.sets.of(entry)
        if not granted:
            return [entry] if self._may_be_used(entry) else []
        if not granted & ~self.need.kept:
            return [entry]
        prefix, _, rest = entry.partition(":")
        found = self.texts(rest or "*", granted)
        if not prefix.strip("*") and not (rest or "*").strip("*"):
            found += [f"{service}:*" for service in sorted(self.need.newer_services)]
        return found

    def _may_be_used(self, entry: str) -> bool:
        """Whether someone may use an action that the data does not know."""
        return entry.partition(":")[0].lower() not in self.need.dropped_services

    def texts(self, rest: str, granted: ActionSet) -> list[str]:
        """The needed ones of the granted actions; `rest` is the pattern of their names."""
        return [
            text
            for service, part in self.sets.in_services(granted & self.need.kept)
            for text in self._of_service(
                service, rest, part, granted & self.sets.services[service]
            )
        ]

    def not_needed(self, granted: ActionSet) -> list[str]:
        """The granted actions that are not needed, of services that are used only where single actions count."""
        return [
            text
            for service, part in self.sets.in_services(granted & ~self.need.kept)
            if not (self.by_service and self.sets.services[service] & granted & self.need.kept)
            for text in self._of_service(service, "*", part, part)
        ]

    def _of_service(
        self, service: str, rest: str, part: ActionSet, granted: ActionSet
    ) -> Iterator[str]:
        whole = f"{service}:{rest}"
        if self.sets.of(whole) == (granted if self.by_service else part):
            yield whole
            return
        yield from self.sets.patterns(service, part, rest)


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
