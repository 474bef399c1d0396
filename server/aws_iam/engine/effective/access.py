"""What policies allow, action by action: their Allow statements minus what their Deny statements certainly take away.

    access(policies)        Access
      .actions              {"s3:getobject": Reach, …}: known actions for which some request can be allowed
      .removed              actions that an Allow names and a Deny takes away entirely

Conditions are not evaluated: an Allow with conditions counts, and a Deny with conditions takes away only a part. A statement
that AWS would reject is ignored; so is, for an action, a condition key that its requests never carry. Whatever is missing
here is certainly not allowed by these policies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING

from aws_iam.engine.effective.action_expansion import Expansion, Named
from aws_iam.engine.effective.ineffective_statements import actions_lacking_key, rejection_reasons
from aws_iam.engine.effective.targets import Targets, is_on_all, regions_of
from aws_iam.engine.reference.resource_policy_scope import is_decided, scope_of
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.engine.language.document import Policy, Statement
    from aws_iam.engine.reference.catalog import Action


@slotted
class ActionReach:
    """How one action is allowed.

    `allowed_by` are the statements that still allow it for some requests, `unlimited` those that do so on every resource,
    `regional` those that do so on every resource of a Region, `denied_by` the Deny statements that take a part away.
    `confined_by` are those of them that leave only the resources that their NotResource names: then no statement is
    unlimited or regional.
    """

    allowed_by: tuple[Statement, ...]
    unlimited: tuple[Statement, ...] = ()
    regional: tuple[Statement, ...] = ()
    denied_by: tuple[Statement, ...] = ()
    confined_by: tuple[Statement, ...] = ()

    @property
    def everywhere(self) -> bool:
        """Whether a statement allows it on every resource, conditions and partial denials ignored."""
        return bool(self.unlimited)

    @property
    def unconditional(self) -> bool:
        """Whether a statement allows it without conditions."""
        return any(not statement.conditions for statement in self.allowed_by)

    @property
    def free(self) -> bool:
        """Whether it is allowed on every resource, without conditions and without a partial Deny."""
        return not self.denied_by and any(not statement.conditions for statement in self.unlimited)


@slotted
class Access:
    """The allowed actions by full name in lower case, and the entirely denied ones.

    `by_reach` has the different ways in which actions are allowed, each with its actions: a policy has few, however many
    actions share them.
    """

    actions: Mapping[str, ActionReach]
    by_reach: Sequence[tuple[ActionReach, list[str]]]
    facts: Mapping[str, Action]
    removed: frozenset[str]

    def reach(self, action: str) -> ActionReach | None:
        """How an action is allowed; None when it is not allowed."""
        return self.actions.get(action.lower())


def access(
    policies: Iterable[Policy],
    expansion: Expansion | None = None,
    targets: Targets | None = None,
) -> Access:
    """What the policies of one principal, or of one resource, allow together."""
    expansion = expansion or Expansion()
    work = _AccessComputation(expansion=expansion, targets=targets or Targets.of(expansion))
    allows: list[tuple[Statement, Named]] = []
    denies: list[Statement] = []
    for policy in policies:
        scope = scope_of(policy)
        for statement in policy.statements:
            if statement.denies:
                denies += () if rejection_reasons(statement, policy.kind) else (statement,)
                continue
            # Most statements are about none of the actions that count here, which is quickly known.
            named = expansion.named(statement)
            if scope is not None:
                named = {n: own for n, own in named.items() if is_decided(own.full_name, scope)}
            if named and not rejection_reasons(statement, policy.kind):
                allows.append((statement, named))
    return work.access(allows, denies)


Numbers = tuple[int, ...]
_NONE: Mapping[str, Numbers] = MappingProxyType({})


@dataclass(slots=True, kw_only=True)
class _AccessComputation:
    """One computation; statements are referred to by number, and equal questions are answered once."""

    expansion: Expansion
    targets: Targets
    allows: list[Statement] = field(default_factory=list)
    denies: list[Statement] = field(default_factory=list)
    everywhere: dict[Numbers, ActionReach | None] = field(default_factory=dict)
    """How any action is allowed that only these Allow statements name, if all of them are on every resource."""
    reaches: dict[object, ActionReach | None] = field(default_factory=dict)
    denied: dict[tuple[int, int], bool] = field(default_factory=dict)

    def access(self, allows: list[tuple[Statement, Named]], denies: list[Statement]) -> Access:
        self.allows = [statement for statement, _ in allows]
        facts: dict[str, Action] = {}
        effective = [self._effective(statement, named) for statement, named in allows]
        for named in effective:
            facts |= named
        denying = _NONE
        if denies and facts:
            # Nobody asks what else they deny: a NotAction names nearly everything.
            about = [(deny, self.expansion.among(deny, facts)) for deny in denies]
            about = [(deny, named) for deny, named in about if named]
            self.denies = [deny for deny, _ in about]
            denying = self._numbers([self._effective(deny, named) for deny, named in about])
        found: dict[str, ActionReach] = {}
        groups: dict[int, tuple[ActionReach, list[str]]] = {}
        removed = set()
        for numbers, names in self._groups(effective, facts):
            free = self._everywhere(numbers)
            if free and not denying:
                found |= dict.fromkeys(names, free)
                groups.setdefault(id(free), (free, []))[1].extend(names)
                continue
            for name in names:
                cuts = denying.get(name, ())
                reach = (not cuts and free) or self._reach(facts[name], numbers, cuts)
                if reach and reach.allowed_by:
                    found[name] = reach
                    groups.setdefault(id(reach), (reach, []))[1].append(name)
                elif reach:
                    removed.add(name)
        return Access(
            actions=found,
            by_reach=tuple(groups.values()),
            facts=facts,
            removed=frozenset(removed),
        )

    def _groups(
        self, named: list[Named], facts: Mapping[str, Action]
    ) -> Iterable[tuple[Numbers, Iterable[str]]]:
        """The actions by the numbers of the statements that allow them."""
        if len(facts) == sum(map(len, named)):
            # In most policies no two statements allow the same action.
            return [((number,), own) for number, own in enumerate(named)]
        numbers = self._numbers(named)
        return [(own, tuple(group)) for own, group in groupby(numbers, numbers.__getitem__)]

    def _numbers(self, statements: list[Named]) -> dict[str, Numbers]:
        """The numbers of the statements that name each action."""
        found: dict[str, Numbers] = {}
        for number, named in enumerate(statements):
            if not found or found.keys().isdisjoint(named):
                found |= dict.fromkeys(named, (number,))
                continue
            earlier = {name: found[name] for name in found.keys() & named.keys()}
            # Actions of the same statements share their numbers.
            extended = {numbers: (*numbers, number) for numbers in set(earlier.values())}
            self.expansion.spend(len(earlier) + sum(map(len, extended)))
            found |= dict.fromkeys(named, (number,))
            found |= {name: extended[numbers] for name, numbers in earlier.items()}
        return found

    def _effective(self, statement: Statement, named: Named) -> Named:
        """Those of the actions that a statement names whose requests can meet its conditions."""
        self.expansion.spend(len(named))
        if not statement.conditions:
            return named
        lacking_key = actions_lacking_key(statement, named, self.expansion.spend)
        if not lacking_key:
            return named
        return {name: action for name, action in named.items() if name not in lacking_key}

    def _everywhere(self, numbers: Numbers) -> ActionReach | None:
        if numbers not in self.everywhere:
            allowed = tuple([self.allows[n] for n in numbers])
            self.everywhere[numbers] = (
                ActionReach(allowed_by=allowed, unlimited=allowed)
                if all(map(is_on_all, allowed))
                else None
            )
        return self.everywhere[numbers]

    def _reach(self, action: Action, allowing: Numbers, denying: Numbers) -> ActionReach | None:
        key = (action.service, action.resource_types, action.required, allowing, denying)
        if key in self.reaches:
            return self.reaches[key]
        self.expansion.spend(len(allowing) * (len(denying) + 1))
        found = self.reaches[key] = self._remaining(action, allowing, denying)
        return found

    def _remaining(
        self, action: Action, allowing: Numbers, denying: Numbers
    ) -> ActionReach | None:
        """What the Deny statements leave of the Allow statements; None when these match no resource of the action."""
        left = [n for n in allowing if self.targets.meets(self.allows[n], action)]
        if not left:
            return None
        cuts = [n for n in denying if self.targets.meets(self.denies[n], action)]
        if cuts:
            if any(self._takes_all(n, action) for n in cuts):
                return ActionReach(allowed_by=())
            left = [n for n in left if not any(self._denies_all_of(cut, n) for cut in cuts)]
        allowed = tuple([self.allows[n] for n in left])
        denied = tuple([self.denies[n] for n in cuts])
        confined = tuple([s for s in denied if self._confines(s, action)])
        if confined:
            return ActionReach(allowed_by=allowed, denied_by=denied, confined_by=confined)
        unlimited = tuple([s for s in allowed if self.targets.is_everywhere(s, action, allowed)])
        return ActionReach(
            allowed_by=allowed,
            unlimited=unlimited,
            regional=self._regional(allowed, unlimited, action),
            denied_by=denied,
        )

    def _regional(
        self, allowed: tuple[Statement, ...], unlimited: tuple[Statement, ...], action: Action
    ) -> tuple[Statement, ...]:
        if len(unlimited) == len(allowed):
            return ()
        return tuple(
            [
                s
                for s in allowed
                if regions_of(s)
                and s not in unlimited
                and self.targets.is_regional(s, action, allowed)
            ]
        )

    def _confines(self, deny: Statement, action: Action) -> bool:
        return _is_certain(deny) and self.targets.leaves_named(deny, action)

    def _takes_all(self, number: int, action: Action) -> bool:
        deny = self.denies[number]
        return _is_certain(deny) and self.targets.is_everything(deny, action)

    def _denies_all_of(self, deny: int, allow: int) -> bool:
        """Whether the Deny covers all resources of the Allow."""
        key = (deny, allow)
        if key not in self.denied:
            self.denied[key] = _is_certain(self.denies[deny]) and self.targets.includes(
                self.denies[deny], self.allows[allow]
            )
        return self.denied[key]


def _is_certain(deny: Statement) -> bool:
    """Whether the Deny applies to every request for its actions and resources, whoever sends it."""
    if deny.conditions or deny.has("NotPrincipal"):
        return False
    return not deny.has("Principal") or any(principal.is_everyone for principal in deny.principals)


def within_boundary(given: Access, limit: Access) -> Access:
    """The access that a permissions boundary leaves: both must allow, and the boundary grants nothing by itself."""
    kept: dict[str, ActionReach] = {}
    # Thousands of actions share a few reaches: so do they afterwards.
    narrowed: dict[tuple[int, int], tuple[ActionReach, list[str]]] = {}
    for name, reach in given.actions.items():
        bound = limit.actions.get(name)
        if bound is None:
            continue
        pair = id(reach), id(bound)
        if pair not in narrowed:
            narrowed[pair] = (_narrower(reach, bound), [])
        kept[name], names = narrowed[pair]
        names.append(name)
    return Access(
        actions=kept,
        by_reach=tuple(narrowed.values()),
        facts=given.facts,
        removed=given.removed | (given.actions.keys() - kept.keys()),
    )


def _narrower(given: ActionReach, limit: ActionReach) -> ActionReach:
    """Both limits together; where only the boundary has conditions, its statements are the ones to show."""
    unlimited: tuple[Statement, ...] = ()
    regional: tuple[Statement, ...] = ()
    if given.everywhere and limit.everywhere:
        unlimited = _limiting_statements(given.unlimited, limit.unlimited)
    elif (given.everywhere or given.regional) and (limit.everywhere or limit.regional):
        regional = _limiting_statements(
            given.unlimited or given.regional, limit.unlimited or limit.regional
        )
    return ActionReach(
        allowed_by=_limiting_statements(given.allowed_by, limit.allowed_by),
        unlimited=unlimited,
        regional=regional,
        denied_by=(*given.denied_by, *limit.denied_by),
        confined_by=(*given.confined_by, *limit.confined_by),
    )


def _limiting_statements(
    given: tuple[Statement, ...], limit: tuple[Statement, ...]
) -> tuple[Statement, ...]:
    if all(statement.conditions for statement in limit) and any(
        not statement.conditions for statement in given
    ):
        return limit
    return given
