"""What a principal can do: services and access levels in effect, the risky actions by name, and on what.

    effective_access(book, number)   →   (ServiceAccess(service="s3", levels=("Read",), …), …)

Its identity policies within its boundary and the organization's policies, plus what policies of resources in its account add.
Conditions count as met: they are left open, but for those on tags of the principal that nobody can change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, reduce
from typing import TYPE_CHECKING, Any

from aws_iam.engine.effective.access import access, within_boundary
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.effective.escalation import escalation_paths
from aws_iam.engine.effective.targets import Targets
from aws_iam.engine.explain.action_risks import risky_actions
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.tools.audit.paths.example_resources import takes_resource
from aws_iam.tools.audit.principals.organization_policies import (
    Tags,
    levels_for_principal,
    policy_for_principal,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.effective.access import Access
    from aws_iam.engine.language.document import Statement
    from aws_iam.tools.audit.access.estate import Principal
    from aws_iam.tools.audit.paths.book import PowerBook

LEVELS = ("Permissions management", "Write", "Tagging", "Read", "List")
_MOST_RESOURCES = 50
_MOST_NAMED = 20


@dataclass(slots=True)
class ServiceAccess:
    """The access to one service; `given_by` are resources whose own policies give a part of it."""

    service: str
    levels: set[str] = field(default_factory=set)
    actions: dict[str, None] = field(default_factory=dict)
    resources: dict[str, None] = field(default_factory=dict)
    given_by: dict[str, None] = field(default_factory=dict)
    is_conditional: bool = True
    """Whether every statement behind it has conditions."""

    def row(self) -> dict[str, Any]:
        """The service as a row of the answer."""
        resources = list(self.resources)
        left_out = len(resources) - _MOST_RESOURCES
        return {
            "service": self.service,
            "levels": [level for level in LEVELS if level in self.levels],
            "actions": sorted(self.actions),
            "resources": ["*"] if "*" in resources else resources[:_MOST_RESOURCES],
            **({"resources_left_out": left_out} if left_out > 0 and "*" not in resources else {}),
            **({"under_conditions": True} if self.is_conditional else {}),
            **({"given_by": list(self.given_by)} if self.given_by else {}),
        }


def effective_access(book: PowerBook, number: int) -> tuple[ServiceAccess, ...]:
    """The services that a principal has access to, those with the gravest levels first."""
    principal = book.entities.principals[number]
    found: dict[str, ServiceAccess] = {}
    for name, reach in sorted(
        _within_limits(principal, book.tags.callers.get(principal.arn)).actions.items()
    ):
        action = catalog().action(name)
        if action is None:
            continue
        own = found.setdefault(action.service, ServiceAccess(action.service))
        own.levels.add(action.level)
        own.is_conditional &= not reach.unconditional
        if name in _risky() or action.level == LEVELS[0]:
            own.actions[action.full_name] = None
        for statement in reach.allowed_by:
            own.resources |= dict.fromkeys(_words(statement))
    for service, action_name, resource, is_conditional in _given_by_resources(book, principal):
        own = found.setdefault(service, ServiceAccess(service))
        action = catalog().action(action_name)
        own.levels |= {action.level} if action else set()
        if action_name.lower() in _risky():
            own.actions[action_name] = None
        own.resources[resource] = None
        own.given_by[resource] = None
        own.is_conditional &= is_conditional
    return tuple(sorted(found.values(), key=_rank))


def _rank(own: ServiceAccess) -> tuple[int, str]:
    return min(LEVELS.index(level) for level in own.levels), own.service


@cache
def _risky() -> frozenset[str]:
    """The actions that the lists of risks and the paths of privilege escalation name, in lower case."""
    listed = {name for own in risky_actions() for name in own.by_key}
    return frozenset(listed) | {
        action.lower() for path in escalation_paths() for action in path.actions
    }


def _within_limits(principal: Principal, tags: Tags | None) -> Access:
    """What its policies allow within its boundary, its session policies and every level of the organization's policies."""
    guardrails, held, arn = principal.member.guardrails, principal.held, principal.arn
    expansion = Expansion()
    targets = Targets.of(expansion)

    def of(texts: Iterable[str], kind: Kind) -> Access:
        known = [
            policy_for_principal(text, arn, guardrails.organization, kind, tags) for text in texts
        ]
        return access(_readable(known, kind), Expansion(), targets)

    found = of((own.text for own in held.policies), Kind.IDENTITY)
    if held.boundary is not None:
        found = within_boundary(found, of((held.boundary.text,), Kind.IDENTITY))
    limit = principal.session
    if limit is not None and not limit.unread:
        found = within_boundary(found, of((own.text for own in limit.policies), Kind.SESSION))
    levels = levels_for_principal(guardrails.scps, arn, guardrails.organization, tags)
    return reduce(within_boundary, (of(level, Kind.SCP) for level in levels), found)


def _readable(texts: Iterable[str], kind: Kind) -> Iterator[Any]:
    for text in texts:
        try:
            yield one_policy(text, kind)
        except InputError:
            # The answer says that the policy could not be read.
            continue


def _words(statement: Statement) -> tuple[str, ...]:
    if statement.has("NotResource"):
        return tuple(f"all but {text}" for text in statement.not_resource_words)
    return tuple(statement.resource_words) or ("*",)


def _given_by_resources(
    book: PowerBook, principal: Principal
) -> Iterator[tuple[str, str, str, bool]]:
    """A service, an action and a resource whose policy lets the principal, by name or as everyone; and whether under conditions."""
    for resource in principal.member.resources:
        arn = Arn.of(resource)
        text = principal.member.resources.of(resource).text
        if arn is None or arn.service == "iam" or not text:
            continue
        for policy in _readable((text,), Kind.RESOURCE):
            for statement in policy.statements:
                names = {own.value for own in statement.principals}
                if statement.allows and names & {"*", principal.arn}:
                    for action in _worth_asking(statement):
                        place = _place(action, resource)
                        if not place:
                            continue
                        decided = book.decider.decide(principal, action, place)
                        if decided.is_possible:
                            yield arn.service, action, resource, bool(decided.conditions)


def _worth_asking(statement: Statement) -> list[str]:
    """The risky actions of a statement, and one of each level."""
    named = dict.fromkeys(name for own in statement.actions for name in _expanded(own.value))
    by_level: dict[str, str] = {}
    risky = []
    for name in named:
        action = catalog().action(name)
        if action:
            by_level.setdefault(action.level, name)
            risky += [name] if name.lower() in _risky() else []
    return list(dict.fromkeys((*risky[:_MOST_NAMED], *by_level.values())))


def _expanded(text: str) -> tuple[str, ...]:
    if "*" in text or "?" in text:
        return catalog().expand(text)
    known = catalog().action(text)
    return (known.full_name,) if known else ()


def _place(action: str, resource: str) -> str:
    """The resource, or something in it, on which the action is asked."""
    for place in (resource, f"{resource}/x"):
        if takes_resource(action, place):
            return place
    return ""
