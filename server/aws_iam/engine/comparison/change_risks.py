"""How risky gained access is: by its actions, resources and conditions, by the paths it completes, by whom it lets in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_iam.answer import Severity
from aws_iam.engine.effective.access import access
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.effective.escalation import escalation_paths, open_paths
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.explain.gravest_risk import gravest_risk
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Policy

    Conditions = Mapping[str, Any] | None

# More resources hardly change the risk.
_MOST_RESOURCES = 20
# With more resources in the policies each action is judged alone.
_MOST_ANALYZED = 1_000
# More actions of one service are judged together.
_MOST_SINGLE = 100


@slotted
class Risk:
    """A risk in words, such as `privilege escalation`; empty where none is known."""

    name: str
    severity: Severity


NO_RISK: Final = Risk(name="", severity=Severity.INFO)


def without_deny(risk: Risk) -> Risk:
    """The risk of access that a Deny stopped until now: somebody had a reason to write it."""
    return _gravest(risk, Risk(name=risk.name or "protection removed", severity=Severity.MEDIUM))


@dataclass(slots=True)
class ChangeRisks:
    """Judges what `policies` allow beyond `before`; `exposed` are the actions that strangers gain."""

    policies: Sequence[Policy]
    before: Sequence[Policy]
    exposed: frozenset[str] = frozenset()
    _completed: Mapping[str, Risk] | None = field(default=None, init=False)

    def of_everything(self, resources: Sequence[str], conditions: Conditions) -> Risk:
        """The risk of every action of every service."""
        if self.exposed:
            return self._exposure
        bounded = "*" not in resources or bool(conditions)
        severity = Severity.HIGH if bounded else Severity.CRITICAL
        return Risk(name="administrator", severity=severity)

    def of_service(
        self, service: str, names: Sequence[str], resources: Sequence[str], conditions: Conditions
    ) -> Risk:
        """The gravest risk of all actions of a service."""
        whole = _risk((f"{service}:*",), resources, conditions)
        return _gravest(whole, *(self._beyond_itself(name) for name in names))

    def of_actions(
        self, names: Sequence[str], resources: Sequence[str], conditions: Conditions
    ) -> Iterator[tuple[str, Risk]]:
        """The gravest risk of each of some actions of a service."""
        together = _risk(tuple(names), resources, conditions)
        apart = together is not NO_RISK and 1 < len(names) <= _MOST_SINGLE
        for name in names:
            own = _risk((name,), resources, conditions) if apart else together
            yield name, _gravest(own, self._beyond_itself(name))

    def _beyond_itself(self, action: str) -> Risk:
        """The risk of an action by whom it is allowed to, or together with other actions."""
        if action in self.exposed:
            return self._exposure
        if not any(map(self._allows_all, _companions().get(action, ()))):
            return NO_RISK
        if self._completed is None:
            self._completed = self._completed_paths()
        return self._completed.get(action, NO_RISK)

    def _allows_all(self, actions: Iterable[str]) -> bool:
        """Whether some statements allow all of these actions, resources and conditions ignored."""
        return all(
            any(
                statement.allows and IndexedStatement.of(statement).takes(action)
                for policy in self.policies
                for statement in policy.statements
            )
            for action in actions
        )

    @property
    def _exposure(self) -> Risk:
        trust = any(policy.kind is Kind.TRUST for policy in self.policies)
        return Risk(
            name="resource exposure", severity=Severity.CRITICAL if trust else Severity.HIGH
        )

    def _completed_paths(self) -> Mapping[str, Risk]:
        """The actions of the escalation paths that are open and were not before, each with its gravest risk."""
        if any(policy.kind is not Kind.IDENTITY for policy in self.policies):
            return {}
        statements = [s for p in (*self.policies, *self.before) for s in p.statements]
        if sum(len(s.resource_words) for s in statements) > _MOST_ANALYZED:
            return {}
        try:
            opened, known = (
                open_paths(access(policies, Expansion()))
                for policies in (self.policies, self.before)
            )
        except InputError:
            # Too many wildcards to analyze; each action is judged alone.
            return {}
        before = {path.path.id for path in known}
        found: dict[str, Risk] = {}
        for path in opened:
            names = tuple(need.action for need in path.path.required)
            risk = NO_RISK if path.path.id in before else _risk(names, ("*",), None)
            for name in names:
                found[name] = _gravest(found.get(name, NO_RISK), risk)
        return found


def _gravest(*risks: Risk) -> Risk:
    return min(risks, key=lambda risk: risk.severity.rank)


@cache
def _companions() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """By action, the others, in lower case, with which it leads to more permissions."""
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for path in escalation_paths():
        names = [need.action for need in path.required]
        for name in names:
            others = tuple(other.lower() for other in names if other != name)
            if others:
                found[name] = (*found.get(name, ()), others)
    return found


def _risk(actions: tuple[str, ...], resources: Sequence[str], conditions: Conditions) -> Risk:
    condition = json.dumps(conditions, sort_keys=True) if conditions else ""
    return _known_risk(actions, tuple(resources[:_MOST_RESOURCES]), condition)


# Versions of a policy gain the same again and again; judging one action takes 0.2 ms.
@memo_of_reference(10_000)
def _known_risk(actions: tuple[str, ...], resources: tuple[str, ...], condition: str) -> Risk:
    try:
        found = gravest_risk(actions, resources, json.loads(condition) if condition else None)
    except InputError:
        return NO_RISK
    if found is None:
        return NO_RISK
    return Risk(name=found.code.lower().replace("_", " "), severity=found.severity)
