"""The actions to search: one for each set of statements that apply to it, and for each way in which AWS authorizes it.

action_groups(uncovered, clauses, budget)   →   [ActionGroup(action="s3:GetObject", …), …]
group.names()                               →   ("s3:GetObject", "s3:GetObjectAcl")
"""

from __future__ import annotations

import re
from dataclasses import field
from operator import itemgetter
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.change_risks import riskiest_first
from aws_iam.engine.comparison.clauses import EVERYTHING
from aws_iam.engine.evaluation.fixed_outcomes import works_across_accounts
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.corrections import unlisted_formats
from aws_iam.engine.reference.resource_policy_scope import (
    decided_actions,
    is_decided,
    services_of,
    together,
)
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.automaton import Budget
    from aws_iam.engine.comparison.clauses import Clause
    from aws_iam.engine.reference.facts import Action

# Patterns that an action is matched with in one step of the budget.
_PATTERNS = 8
# Steps that it costs to expand a pattern with a wildcard in its service.
_EXPANSION = 10_000
_SERVICE = 2
_WELL_KNOWN = ("s3", "ec2", "sqs", "iam")
_EVERY = frozenset({"*", "*:*"})
_ACTION = re.compile(r"[a-z0-9-]+:[a-z0-9_-]+", re.IGNORECASE)
UNGOVERNED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Allowed to whoever has the credentials that they need, whatever the policies say."""

# One action for each way in which the resource's own policy must allow.
_STRICT = (
    "kms:Decrypt",
    "kms:PutKeyPolicy",
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRoleWithSAML",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
)
_STRICT_SERVICES = frozenset({"kms", "sts"})
_ROLE_ACTIONS = frozenset(
    {
        "iam:createservicelinkedrole",
        "iam:deleteservicelinkedrole",
        "iam:passrole",
        "iam:updateroledescription",
    }
)


@slotted
class _Unmentioned:
    """The actions of some services that no statement mentions, and that a representative stands for.

    `alike` says of an action which others decide like it.
    """

    services: Sequence[str]
    mentioned: Mapping[str, None]
    alike: Callable[[Action], object]
    kind: object
    scope: str | None

    _names: list[tuple[str, ...]] = field(default_factory=list, hash=False, compare=False)

    def names(self) -> tuple[str, ...]:
        """Their names."""
        if not self._names:
            self._names.append(tuple(self._listed()))
        return self._names[0]

    def _listed(self) -> Iterator[str]:
        for prefix in self.services:
            names = _names_by_kind(prefix, self.alike).get(self.kind, ())
            if self.scope is not None:
                # In their order.
                names = tuple(filter(decided_actions(prefix, self.scope).__contains__, names))
            yield from (name for name in names if name not in self.mentioned)


# Proposing smaller policies for a principal who uses every service takes 1.5 times as long without.
@memo_of_reference(2_000)
def _names_by_kind(
    prefix: str, alike: Callable[[Action], object]
) -> Mapping[object, Sequence[str]]:
    """The names of a service's actions that are searched, by what others decide alike."""
    service = catalog().service(prefix)
    found: dict[object, list[str]] = {}
    for action in service.actions.values() if service else ():
        if action.full_name not in UNGOVERNED:
            found.setdefault(alike(action), []).append(action.full_name)
    return found


@slotted
class ActionGroup:
    """Actions to which the same statements apply, represented by one of them."""

    action: str
    clauses: tuple[Clause, ...]
    mentioned: list[str] = field(default_factory=list, hash=False, compare=False)
    # By identity: there may be thousands.
    others: dict[int, _Unmentioned] = field(default_factory=dict, hash=False, compare=False)

    def add(self, name: str, others: _Unmentioned | None) -> None:
        """Add an action, and those that no statement mentions and that it stands for."""
        self.mentioned.append(name)
        if others:
            self.others[id(others)] = others


def names_of(groups: Iterable[ActionGroup]) -> tuple[str, ...]:
    """Every known action of some groups."""
    names: dict[str, None] = {}
    others: dict[int, _Unmentioned] = {}
    for group in groups:
        names |= dict.fromkeys(group.mentioned)
        others |= group.others
    for unmentioned in others.values():
        names.update(dict.fromkeys(unmentioned.names()))
    return tuple(names)


def action_groups(
    uncovered: Sequence[Clause], clauses: Sequence[Clause], budget: Budget
) -> list[ActionGroup]:
    """Known actions to which an uncovered statement applies, one for each set of statements that apply.

    Where a statement names resources, actions that are authorized on different resource types count as different.
    """
    if not uncovered:
        return []
    principaled = any(clause.has_principals for clause in clauses)
    scope = together({c.scope for c in clauses} - {EVERYTHING}) if principaled else None
    found: dict[tuple[object, ...], ActionGroup] = {}
    speakers = _ClausesByAction(clauses)
    # Candidates come from the uncovered statements, unless these are open-ended.
    askers = _ClausesByAction(uncovered) if _is_open_ended(uncovered) else None
    for name, others in _candidates(uncovered, clauses, budget, scope):
        if scope is not None and not is_decided(name, scope):
            continue
        lower = name.lower()
        speaking = speakers.of(lower)
        budget.spend(speakers.steps)
        if not speaking or (askers and not askers.of(lower)):
            continue
        named = any(not c.is_anywhere for c in speaking)
        # Of STS it depends on the caller which actions anybody can be allowed.
        is_apart = named or principaled or lower.startswith("sts:")
        apart = decided_by_aws_rule(name) if is_apart else ""
        sign = (tuple(map(id, speaking)), _types(name) if named else (), apart)
        if sign not in found:
            found[sign] = ActionGroup(action=name, clauses=speaking)
        found[sign].add(name, others)
    return list(found.values())


class _ClausesByAction:
    """Finds the clauses that apply to an action; most clauses list plain names, or say nothing on a service."""

    __slots__ = ("_listing", "_near", "_others", "steps")

    def __init__(self, clauses: Sequence[Clause]) -> None:
        plain = [c for c in clauses if not (c.ready.patterns or c.ready.negated)]
        self._listing = [(clause, clause.ready.names) for clause in plain]
        # With the services of the names that a clause lists beside patterns, or leaves out.
        self._others = [
            (clause, frozenset([name.partition(":")[0] for name in clause.ready.names]))
            for clause in clauses
            if clause.ready.patterns or clause.ready.negated
        ]
        # By service: the clauses that apply to all of its actions, and those that have to be asked.
        self._near: dict[str, tuple[list[Clause], list[Clause]]] = {}
        # Steps of the budget that the last action took.
        self.steps = 0

    def of(self, action: str) -> tuple[Clause, ...]:
        """The clauses that apply to an action, given in lower case."""
        always, asked = self._of_service(action.partition(":")[0])
        self.steps = 1 + (len(self._listing) + len(asked)) // _PATTERNS
        listing = [clause for clause, names in self._listing if action in names]
        return (*listing, *always, *[clause for clause in asked if clause.ready.takes(action)])

    def _of_service(self, service: str) -> tuple[list[Clause], list[Clause]]:
        known = self._near.get(service)
        if known is None:
            start = f"{service}:"
            always: list[Clause] = []
            asked: list[Clause] = []
            for clause, named in self._others:
                ready = clause.ready
                if service in named or not _EVERY.issuperset(ready.near(start)):
                    asked.append(clause)
                elif ready.negated is not bool(ready.near(start)):
                    always.append(clause)
            known = self._near[service] = always, asked
        return known


def _types(action: str) -> tuple[object, ...]:
    known = catalog().action(action)
    return (known.service, *known.resource_types, bool(known.required)) if known else ()


def _candidates(
    uncovered: Sequence[Clause],
    clauses: Sequence[Clause],
    budget: Budget,
    scope: str | None,
) -> Iterator[tuple[str, _Unmentioned | None]]:
    """Known actions that represent all others: any set of statements that applies to some action applies to one of them."""
    open_ended = _is_open_ended(uncovered)
    principaled = any(clause.has_principals for clause in clauses)
    mentioned: dict[str, None] = {}
    for clause in clauses if open_ended else uncovered:
        statement = clause.statement
        left = {*clause.ready.names, *clause.ready.patterns} - _EVERY
        for word in statement.not_action_words or statement.action_words:
            if (entry := word.lower()) in left:
                if entry in clause.ready.anywhere:
                    budget.spend(_EXPANSION)
                mentioned |= dict.fromkeys(matching_actions(word))
    for name in UNGOVERNED:
        mentioned.pop(name, None)
    # The first of its kind is the one whose request is shown.
    yield from ((name, None) for name in riskiest_first(mentioned))
    if not open_ended:
        return
    if principaled:
        yield from _strict_actions(mentioned, scope)
    by_place = any(not clause.is_anywhere for clause in clauses)
    named = _services_named(clauses) if by_place else set()
    yield from _unmentioned_actions(named, mentioned, scope, principaled=principaled)


def _is_open_ended(uncovered: Sequence[Clause]) -> bool:
    return any(c.ready.negated or not _EVERY.isdisjoint(c.ready.patterns) for c in uncovered)


def _strict_actions(
    mentioned: Mapping[str, None], scope: str | None
) -> Iterator[tuple[str, _Unmentioned | None]]:
    for name in _STRICT:
        if name not in mentioned:
            service = name.partition(":")[0]
            yield (
                name,
                _Unmentioned(
                    services=(service,),
                    mentioned=mentioned,
                    alike=_rule,
                    kind=decided_by_aws_rule(name),
                    scope=scope,
                ),
            )


def _unmentioned_actions(
    named: set[str], mentioned: Mapping[str, None], scope: str | None, *, principaled: bool
) -> Iterator[tuple[str, _Unmentioned]]:
    """Actions that no statement mentions: they differ only in their resource types and in who must allow them."""
    for prefix in sorted(named):
        for action in _of_each_kind(prefix, mentioned):
            yield (
                action.full_name,
                _Unmentioned(
                    services=(prefix,),
                    mentioned=mentioned,
                    alike=_kind,
                    kind=_kind(action),
                    scope=scope,
                ),
            )
    # One service represents all others: the same statements apply to their resources.
    apart = named | _STRICT_SERVICES if principaled else named
    own = services_of(scope) if scope else ()
    others = tuple(p for p in own or sorted(catalog().services) if p not in apart)
    kinds: dict[bool, _Unmentioned] = {}
    for prefix in others if own else dict.fromkeys((*_WELL_KNOWN, *others)):
        if prefix in named:
            continue
        for action in _of_each_kind(prefix, mentioned):
            if scope is not None and not is_decided(action.full_name, scope):
                continue
            kind = _has_types(action)
            if kind not in kinds:
                kinds[kind] = _Unmentioned(
                    services=others,
                    mentioned=mentioned,
                    alike=_has_types,
                    kind=kind,
                    scope=scope,
                )
            yield action.full_name, kinds[kind]
        if len(kinds) > 1:
            return


def _services_named(clauses: Sequence[Clause]) -> set[str]:
    """The services whose resources the statements name; a pattern for all ARNs of a partition, or for no ARN, names none."""
    texts = dict.fromkeys(
        resource
        for c in clauses
        for resource in c.resources or ()
        if resource != "*" and ("*" in resource or ":" in resource)
    )
    parts = (text.split(":") for text in texts)
    fields = {
        part[_SERVICE] if len(part) > _SERVICE else "*"
        for part in parts
        if set(part[_SERVICE:]) != {"*"}
    }
    return {prefix for field in fields for prefix in catalog().naming(field)}


def _of_each_kind(prefix: str, mentioned: Mapping[str, None]) -> Iterator[Action]:
    """The first of each kind that is not mentioned, in the order of the reference."""
    firsts = [
        next((row for row in alike if row[1].full_name not in mentioned), None)
        for alike in _by_kind(prefix)
    ]
    yield from (action for _, action in sorted(filter(None, firsts), key=itemgetter(0)))


@memo_of_reference(2_000)
def _by_kind(prefix: str) -> tuple[tuple[tuple[int, Action], ...], ...]:
    """The numbered actions of a service that are searched, those of each kind together."""
    service = catalog().service(prefix)
    found: dict[object, list[tuple[int, Action]]] = {}
    for number, action in enumerate(service.actions.values() if service else ()):
        if action.full_name not in UNGOVERNED:
            found.setdefault(_kind(action), []).append((number, action))
    return tuple(map(tuple, found.values()))


def _kind(action: Action) -> object:
    return action.resource_types, bool(action.required), _rule(action)


def _rule(action: Action) -> str:
    return decided_by_aws_rule(action.full_name)


def _has_types(action: Action) -> bool:
    return bool(action.resource_types)


def is_kms_or_sts(action: str) -> bool:
    """Whether the action belongs to KMS or STS, whose resource policies must allow even callers of the same account."""
    return action.lower().startswith(("kms:", "sts:"))


# Without the memo a comparison takes 1.1 times as long.
@memo_of_reference(20_000)
def decided_by_aws_rule(action: str) -> str:
    """Which of AWS's own rules, apart from policies, decide on the action; the same text for actions under the same rules."""
    service = action.partition(":")[0].lower()
    if unlisted_formats(action):
        return action.lower()
    if service == "sts":
        return action.lower()
    if service == "kms":
        across = "across" if works_across_accounts(action) else "within"
        return action.lower() if "alias" in action.lower() else across
    if service == "iam":
        known = catalog().action(action)
        plain = known is not None and action.lower() not in _ROLE_ACTIONS
        return known.level if known and plain else action.lower()
    return ""


def matching_actions(entry: str) -> tuple[str, ...]:
    """The known actions that an entry of Action matches, in AWS's spelling."""
    if "*" in entry or "?" in entry:
        return catalog().expand(entry)
    known = catalog().action(entry)
    if known is None and not _ACTION.fullmatch(entry):
        # Not the form of an action: no request has it.
        return ()
    # A name that the reference lacks may still be an action: it is kept as written, on any resource.
    return (known.full_name if known else entry,)
