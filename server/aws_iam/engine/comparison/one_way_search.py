"""One direction of a comparison: requests that some policies allow and others do not.

    OneWaySearch(atoms=…, policies=new, without=old).search(3)   →   Search(requests=(…), open=())

The statements are narrowed to those that can make a difference; for each scenario of the policies' variables a
`DifferenceSearch` finds candidates, and `evaluate` has to confirm each before it counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison import caller_cases, variable_values
from aws_iam.engine.comparison.action_overlap import ActionOverlap
from aws_iam.engine.comparison.automaton import Budget, OverBudget
from aws_iam.engine.comparison.clauses import (
    Atoms,
    Side,
    contain_variables,
    is_principaled,
    side_of,
)
from aws_iam.engine.comparison.differences import OWNER, DifferenceSearch
from aws_iam.engine.comparison.uncovered_statements import uncovered_statements
from aws_iam.engine.comparison.witnesses import ACCOUNT, WitnessReplay
from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.caller_cases import CallerCase
    from aws_iam.engine.comparison.clauses import Clause
    from aws_iam.engine.comparison.distinct_values import Atom, DistinctValue, Value
    from aws_iam.engine.evaluation.layers import IndexedStatement
    from aws_iam.engine.language.document import Policy

_MOST_OWNERS = 8
"""Accounts that are tried as the owner of a resource when its ARNs name none."""
_NOT_SHOWN = "a possible difference was found, but `evaluate` confirmed no request that shows it"


@slotted
class SearchResult:
    """The result of one direction; without any request, `open` says why a difference cannot be ruled out.

    Each of `requests` is {"request": …, "absent": […]}: a confirmed request, and the keys that it must not have.
    """

    requests: tuple[Mapping[str, Any], ...]
    open: tuple[str, ...] = ()
    # Whether there are more, or may be more.
    has_more: bool = False

    @property
    def is_none(self) -> bool:
        """Whether it is proved that no such request exists."""
        return not self.requests and not self.open


@slotted
class SideStatements:
    """The policies of a side, and those statements, as clauses with variables as written, that a difference can meet."""

    policies: tuple[Policy, ...] = ()
    side: Side = field(default_factory=lambda: Side(clauses=()))
    atoms: Atoms = field(default_factory=Atoms)

    @classmethod
    def of(
        cls, policies: tuple[Policy, ...], atoms: Atoms, among: Container[int] | None = None
    ) -> SideStatements:
        """The policies, their conditions numbered among the atoms; with `among` only these statements, by identity."""
        return cls(policies=policies, side=side_of(policies, atoms, None, among), atoms=atoms)

    def overlapping(self, actions: ActionOverlap) -> SideStatements:
        """Only with statements that can apply to the actions."""
        if not self.policies:
            return self
        policies = tuple([_narrowed(policy, actions) for policy in self.policies])
        known = {id(clause.statement): clause for clause in self.side.clauses}
        found = side_of(policies, self.atoms, None, known=known)
        return SideStatements(policies=policies, side=found, atoms=self.atoms)


_NOTHING = SideStatements()


def _narrowed(policy: Policy, actions: ActionOverlap) -> Policy:
    kept = actions.overlapping(policy.statements)
    return policy if len(kept) == len(policy.statements) else replace(policy, statements=kept)


@slotted
class OneWaySearch:
    """A search for requests that `policies` allow, `within` too if given, and `without` does not; with `strangers` only theirs."""

    atoms: Atoms
    policies: SideStatements
    without: SideStatements = _NOTHING
    within: SideStatements = _NOTHING
    strangers: bool = False

    def search(self, most: int, sought: int = 0) -> SearchResult:
        """Up to `most` requests that show the difference.

        By default one more is sought, to know whether there are more; `sought` sets another number.
        """
        uncovered = uncovered_statements(
            *self.sides(self.policies.side, self.without.side, self.within.side)
        )
        if not uncovered:
            return SearchResult(requests=())
        actions = ActionOverlap.of(clause.ready for clause in uncovered)
        narrowed = OneWaySearch(
            atoms=self.atoms,
            policies=self.policies.overlapping(actions),
            without=self.without.overlapping(actions),
            within=self.within.overlapping(actions),
            strangers=self.strangers,
        )
        if not narrowed.policies.side.allows:
            return SearchResult(requests=())
        uncovered = narrowed.still_uncovered(uncovered, frozenset(map(id, self._clauses)))
        if not uncovered:
            return SearchResult(requests=())
        return self._search_narrowed(narrowed, uncovered, most, sought or most + 1)

    def _search_narrowed(
        self, narrowed: OneWaySearch, uncovered: tuple[Clause, ...], most: int, sought: int
    ) -> SearchResult:
        """The requests found by the narrowed search, for each account that may own the resource."""
        owners = (
            caller_cases.owners_of(self.all_policies)
            if is_principaled(self.all_policies)
            else ("",)
        )
        # Strangers are the same for every owner.
        tried = owners[:1] if self.strangers else owners[:_MOST_OWNERS]
        budget = Budget()
        found: dict[str, Mapping[str, Any]] = {}
        open_: dict[str, None] = {}
        for owner in tried:
            # Requests are confirmed against all statements, not only the narrowed ones.
            replay = WitnessReplay(
                allowing=self.policies.policies,
                refusing=self.without.policies,
                within=self.within.policies,
                owner=owner,
            )
            scenario_search = _ScenarioSearch(
                direction=narrowed, replay=replay, owner=owner, uncovered=uncovered, budget=budget
            )
            scenario_search.collect(found, sought)
            open_ |= scenario_search.open
            if len(found) >= sought:
                break
        if len(tried) < len(owners) and not self.strangers:
            open_[
                f"the resource may belong to any of the {len(owners) - 1} accounts that the policies name"
            ] = None
        requests = tuple(found.values())
        return SearchResult(
            requests=requests[:most],
            open=() if requests else tuple(open_),
            has_more=len(requests) > most or bool(requests and open_),
        )

    def still_uncovered(
        self, uncovered: tuple[Clause, ...], seen: Container[int]
    ) -> tuple[Clause, ...]:
        """The uncovered clauses, checked again if there are clauses beyond those seen, by identity."""
        if all(id(clause) in seen for clause in self._clauses):
            return uncovered
        own, other, inner = (
            statements.side for statements in (self.policies, self.without, self.within)
        )
        return uncovered_statements(*self.sides(own, other, inner), _entries(uncovered))

    @property
    def _clauses(self) -> tuple[Clause, ...]:
        written = (self.policies, self.without, self.within)
        return tuple([clause for statements in written for clause in statements.side.clauses])

    @property
    def all_policies(self) -> tuple[Policy, ...]:
        """The policies of all sides."""
        return (*self.policies.policies, *self.without.policies, *self.within.policies)

    def sides(
        self, new: Side, old: Side, inner: Side
    ) -> tuple[tuple[Side, ...], tuple[Side, ...]]:
        """The sides that must allow a request, and those that must not."""
        wanted = (new, inner) if self.within.policies else (new,)
        return wanted, (old,) if self.without.policies else ()


@dataclass(slots=True, kw_only=True)
class _ScenarioSearch:
    """The search of a narrowed direction, scenario by scenario, within one budget.

    `owner` is the account of the resource, empty for identity policies; `uncovered` are the clauses that can make a
    difference whatever the variables stand for.
    """

    direction: OneWaySearch
    replay: WitnessReplay
    owner: str
    uncovered: Sequence[Clause]
    budget: Budget = field(default_factory=Budget)
    points: dict[tuple[str, tuple[Atom, ...], bool], tuple[DistinctValue, ...]] = field(
        default_factory=dict
    )
    # Why a difference cannot be ruled out if none is found.
    open: dict[str, None] = field(default_factory=dict)

    def collect(self, found: dict[str, Mapping[str, Any]], sought: int) -> None:
        """Add requests to `found` until there are `sought`, or all."""
        try:
            for scenario in self._scenarios():
                for request in self._requests(scenario):
                    found.setdefault(self._signature(request), request)
                    if len(found) >= sought:
                        return
        except OverBudget as why:
            self.open[str(why)] = None

    def _signature(self, shown: Mapping[str, Any]) -> str:
        """The identity of a request; for identity policies the caller does not matter."""
        request = {k: v for k, v in shown["request"].items() if self.owner or k != "principal"}
        return repr((request, shown.get("absent")))

    def _scenarios(self) -> Iterator[Mapping[str, str | None]]:
        """What the variables may stand for; keys that follow from the caller only have the callers' values."""
        every = self.direction.all_policies
        if not self.owner:
            return variable_values.variable_scenarios(every)
        atoms = Atoms()
        side_of(every, atoms, {})
        found: dict[str, dict[str | None, None]] = {OWNER: {self.owner: None, None: None}}
        for case in self._cases(tuple(atoms.numbers)):
            for key, value in case.settled.items():
                found.setdefault(key, {})[value[0] if value else None] = None
        return variable_values.variable_scenarios(
            every, {key: tuple(values) for key, values in found.items()}
        )

    def _requests(self, scenario: Mapping[str, str | None]) -> Iterator[Mapping[str, Any]]:
        """Confirmed requests in which the variables stand for what the scenario says."""
        fixed: dict[str, Value] = {
            key: None if value is None else (value,) for key, value in scenario.items()
        }
        question = self._question(scenario, fixed)
        before = set(self.open)
        found = False
        try:
            for request in question.accepted(
                lambda candidate: self.replay.confirmed(candidate, fixed)
            ):
                found = True
                yield request
        finally:
            if not found and question.refused and not question.unclear and not before:
                self.open[_NOT_SHOWN] = None
            for pointer in question.unclear if not found else ():
                self.open[f"the conditions at {pointer} cannot be evaluated"] = None

    def _question(
        self, scenario: Mapping[str, str | None], fixed: Mapping[str, Value]
    ) -> DifferenceSearch:
        atoms, found = self._settled(scenario)
        wanted, unwanted = self.direction.sides(*found)
        uncovered = self.uncovered
        if atoms is not self.direction.atoms:
            uncovered = uncovered_statements(wanted, unwanted, _entries(uncovered))
        return DifferenceSearch(
            wanted=wanted,
            unwanted=unwanted,
            atoms=atoms,
            cases=tuple(
                case
                for case in self._cases(tuple(atoms.numbers))
                if all(fixed.get(key, value) == value for key, value in case.settled.items())
                and not any(value and case.lacks(key) for key, value in fixed.items())
            ),
            account=self.owner or ACCOUNT,
            fixed=fixed,
            owners=frozenset(_fixed_texts(self.direction.all_policies))
            if self.direction.strangers
            else None,
            uncovered=uncovered,
            budget=self.budget,
            known=self.points,
        )

    def _settled(
        self, scenario: Mapping[str, str | None]
    ) -> tuple[Atoms, tuple[Side, Side, Side]]:
        """The three sides with their variables replaced."""
        direction = self.direction
        written = (direction.policies, direction.without, direction.within)
        if not scenario and not contain_variables(direction.all_policies):
            new, old, inner = (statements.side for statements in written)
            return direction.atoms, (new, old, inner)
        atoms = Atoms()
        new, old, inner = (side_of(statements.policies, atoms, scenario) for statements in written)
        return atoms, (new, old, inner)

    def _cases(self, atoms: tuple[Atom, ...]) -> tuple[CallerCase, ...]:
        if not self.owner:
            return (caller_cases.policy_holder(),)
        every = self.direction.all_policies
        if self.direction.strangers:
            return tuple(caller_cases.strangers(every, self.owner, atoms))
        return caller_cases.caller_cases(every, self.owner, atoms, self.budget)


def _entries(uncovered: Sequence[Clause]) -> Mapping[int, IndexedStatement]:
    """By the identity of each statement, the actions of it that are not covered."""
    return {id(clause.statement): clause.ready for clause in uncovered}


def _fixed_texts(policies: Sequence[Policy]) -> Iterator[str]:
    """The condition values without variables."""
    for policy in policies:
        for statement in policy.statements:
            for condition in statement.conditions:
                yield from (value.value for value in condition.values if "${" not in value.value)
