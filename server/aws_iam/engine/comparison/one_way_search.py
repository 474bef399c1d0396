"""One direction of a comparison: requests that some policies allow, within others if asked, and further ones do not.

    Direction(atoms=…, policies=new, without=old).search()   →   Search(requests=(…), open=())

The statements are narrowed to those that can make a difference; for each scenario of the policies' variables a `Question`
finds candidates, and each is replayed before it counts.
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
    from aws_iam.engine.evaluation.layers import Ready
    from aws_iam.engine.language.document import Policy

_MOST_OWNERS = 8
"""Accounts that are tried as the owner of a resource whose ARNs do not tell."""
_NOT_SHOWN = "a difference was found that no single request showed in the replay"


@slotted
class Search:
    """The outcome of one direction; `open` says why nothing can be claimed without any request.

    Each of `requests` is {"request": …, "absent": […]}: a replayed request, and the keys that it must not have.
    """

    requests: tuple[Mapping[str, Any], ...]
    open: tuple[str, ...] = ()
    # Whether there are further ones, or may be.
    has_more: bool = False

    @property
    def is_none(self) -> bool:
        """Whether it is proved that there is no such request."""
        return not self.requests and not self.open


@slotted
class SideStatements:
    """The policies of a side, and statements of them as clauses, variables unsettled: those one of which a difference meets."""

    policies: tuple[Policy, ...] = ()
    side: Side = field(default_factory=lambda: Side(clauses=()))
    atoms: Atoms = field(default_factory=Atoms)

    @classmethod
    def of(
        cls, policies: tuple[Policy, ...], atoms: Atoms, among: Container[int] | None = None
    ) -> SideStatements:
        """The policies, their conditions numbered among the atoms; with `among` a difference meets one of these."""
        return cls(policies=policies, side=side_of(policies, atoms, None, among), atoms=atoms)

    def concerning(self, actions: ActionOverlap) -> SideStatements:
        """With all those statements that may speak of the actions."""
        if not self.policies:
            return self
        policies = tuple([_narrowed(policy, actions) for policy in self.policies])
        known = {id(clause.statement): clause for clause in self.side.clauses}
        found = side_of(policies, self.atoms, None, known=known)
        return SideStatements(policies=policies, side=found, atoms=self.atoms)


_NOTHING = SideStatements()


def _narrowed(policy: Policy, actions: ActionOverlap) -> Policy:
    kept = actions.concerning(policy.statements)
    return policy if len(kept) == len(policy.statements) else replace(policy, statements=kept)


@slotted
class OneWaySearch:
    """What `policies` allow, `within` allows if given, and `without` does not; of `strangers` alone if so asked."""

    atoms: Atoms
    policies: SideStatements
    without: SideStatements = _NOTHING
    within: SideStatements = _NOTHING
    strangers: bool = False

    def search(self, most: int, sought: int = 0) -> Search:
        """Up to so many requests that show the difference.

        One more is sought, which tells whether there are more; `sought` gives another number, where nobody asks for that.
        """
        asked = uncovered_statements(
            *self.sides(self.policies.side, self.without.side, self.within.side)
        )
        if not asked:
            return Search(requests=())
        actions = ActionOverlap.of(clause.ready for clause in asked)
        narrowed = OneWaySearch(
            atoms=self.atoms,
            policies=self.policies.concerning(actions),
            without=self.without.concerning(actions),
            within=self.within.concerning(actions),
            strangers=self.strangers,
        )
        if not narrowed.policies.side.allows:
            return Search(requests=())
        asked = narrowed.still(asked, frozenset(map(id, self._clauses)))
        if not asked:
            return Search(requests=())
        return self._hunted(narrowed, asked, most, sought or most + 1)

    def _hunted(
        self, narrowed: OneWaySearch, asked: tuple[Clause, ...], most: int, sought: int
    ) -> Search:
        """What is found in the narrowed direction, whichever account owns the resource."""
        owners = caller_cases.owners_of(self.every) if is_principaled(self.every) else ("",)
        # A stranger is one to every owner.
        tried = owners[:1] if self.strangers else owners[:_MOST_OWNERS]
        budget = Budget()
        found: dict[str, Mapping[str, Any]] = {}
        open_: dict[str, None] = {}
        for owner in tried:
            # Replayed are all statements, those too that have nothing to do with a difference.
            replay = WitnessReplay(
                allowing=self.policies.policies,
                refusing=self.without.policies,
                within=self.within.policies,
                owner=owner,
            )
            hunt = _ScenarioSearch(
                direction=narrowed, replay=replay, owner=owner, asked=asked, budget=budget
            )
            hunt.collect(found, sought)
            open_ |= hunt.open
            if len(found) >= sought:
                break
        if len(tried) < len(owners) and not self.strangers:
            open_[
                f"the resource may be of any of the {len(owners) - 1} accounts that are named"
            ] = None
        requests = tuple(found.values())
        return Search(
            requests=requests[:most],
            open=() if requests else tuple(open_),
            has_more=len(requests) > most or bool(requests and open_),
        )

    def still(self, asked: tuple[Clause, ...], seen: Container[int]) -> tuple[Clause, ...]:
        """What is still asked for when further clauses than those seen, by identity, may cover some of it."""
        if all(id(clause) in seen for clause in self._clauses):
            return asked
        own, other, inner = (
            statements.side for statements in (self.policies, self.without, self.within)
        )
        return uncovered_statements(*self.sides(own, other, inner), _entries(asked))

    @property
    def _clauses(self) -> tuple[Clause, ...]:
        written = (self.policies, self.without, self.within)
        return tuple([clause for statements in written for clause in statements.side.clauses])

    @property
    def every(self) -> tuple[Policy, ...]:
        """All policies."""
        return (*self.policies.policies, *self.without.policies, *self.within.policies)

    def sides(
        self, new: Side, old: Side, inner: Side
    ) -> tuple[tuple[Side, ...], tuple[Side, ...]]:
        """The sides that must allow, and those that must not."""
        wanted = (new, inner) if self.within.policies else (new,)
        return wanted, (old,) if self.without.policies else ()


@dataclass(slots=True, kw_only=True)
class _ScenarioSearch:
    """The search of a narrowed direction, scenario by scenario, within one budget.

    `owner` is the account of the resource, empty for policies of principals; `asked` are the clauses that can make a
    difference, cut to what is not covered whatever the variables stand for.
    """

    direction: OneWaySearch
    replay: WitnessReplay
    owner: str
    asked: Sequence[Clause]
    budget: Budget = field(default_factory=Budget)
    points: dict[tuple[str, tuple[Atom, ...], bool], tuple[DistinctValue, ...]] = field(
        default_factory=dict
    )
    # Why nothing can be claimed if nothing is found.
    open: dict[str, None] = field(default_factory=dict)

    def collect(self, found: dict[str, Mapping[str, Any]], sought: int) -> None:
        """Add requests until there are so many, or all."""
        try:
            for scenario in self._scenarios():
                for request in self._requests(scenario):
                    found.setdefault(self._sign(request), request)
                    if len(found) >= sought:
                        return
        except OverBudget as why:
            self.open[str(why)] = None

    def _sign(self, shown: Mapping[str, Any]) -> str:
        """What makes a request one of its own: whoever has an identity policy may be anyone."""
        request = {k: v for k, v in shown["request"].items() if self.owner or k != "principal"}
        return repr((request, shown.get("absent")))

    def _scenarios(self) -> Iterator[Mapping[str, str | None]]:
        """What the variables may stand for; those that follow from the caller only as the callers have them."""
        every = self.direction.every
        if not self.owner:
            return variable_values.variable_scenarios(every)
        atoms = Atoms()
        side_of(every, atoms, {})
        found: dict[str, dict[str | None, None]] = {OWNER: {self.owner: None, None: None}}
        for actor in self._actors(tuple(atoms.numbers)):
            for key, value in actor.settled.items():
                found.setdefault(key, {})[value[0] if value else None] = None
        return variable_values.variable_scenarios(
            every, {key: tuple(values) for key, values in found.items()}
        )

    def _requests(self, scenario: Mapping[str, str | None]) -> Iterator[Mapping[str, Any]]:
        """Replayed requests in which the variables stand for what the scenario says."""
        fixed: dict[str, Value] = {
            key: None if value is None else (value,) for key, value in scenario.items()
        }
        question = self._question(scenario, fixed)
        before = set(self.open)
        found = False
        try:
            for request in question.answers(lambda candidate: self.replay.shown(candidate, fixed)):
                found = True
                yield request
        finally:
            if not found and question.refused and not question.unclear and not before:
                self.open[_NOT_SHOWN] = None
            for pointer in question.unclear if not found else ():
                self.open[f"the conditions at {pointer} cannot be read"] = None

    def _question(
        self, scenario: Mapping[str, str | None], fixed: Mapping[str, Value]
    ) -> DifferenceSearch:
        atoms, found = self._settled(scenario)
        wanted, unwanted = self.direction.sides(*found)
        asked = self.asked
        if atoms is not self.direction.atoms:
            asked = uncovered_statements(wanted, unwanted, _entries(asked))
        return DifferenceSearch(
            wanted=wanted,
            unwanted=unwanted,
            atoms=atoms,
            actors=tuple(
                actor
                for actor in self._actors(tuple(atoms.numbers))
                if all(fixed.get(key, value) == value for key, value in actor.settled.items())
                and not any(value and actor.lacks(key) for key, value in fixed.items())
            ),
            account=self.owner or ACCOUNT,
            fixed=fixed,
            owners=frozenset(_fixed_texts(self.direction.every))
            if self.direction.strangers
            else None,
            asked=asked,
            budget=self.budget,
            known=self.points,
        )

    def _settled(
        self, scenario: Mapping[str, str | None]
    ) -> tuple[Atoms, tuple[Side, Side, Side]]:
        """The three sides with their variables settled."""
        asked = self.direction
        written = (asked.policies, asked.without, asked.within)
        if not scenario and not contain_variables(asked.every):
            new, old, inner = (statements.side for statements in written)
            return asked.atoms, (new, old, inner)
        atoms = Atoms()
        new, old, inner = (side_of(statements.policies, atoms, scenario) for statements in written)
        return atoms, (new, old, inner)

    def _actors(self, atoms: tuple[Atom, ...]) -> tuple[CallerCase, ...]:
        if not self.owner:
            return (caller_cases.policy_holder(),)
        every = self.direction.every
        if self.direction.strangers:
            return tuple(caller_cases.strangers(every, self.owner, atoms))
        return caller_cases.caller_cases(every, self.owner, atoms, self.budget)


def _entries(asked: Sequence[Clause]) -> Mapping[int, Ready]:
    """The statements, by identity, with the actions of each that are asked for."""
    return {id(clause.statement): clause.ready for clause in asked}


def _fixed_texts(policies: Sequence[Policy]) -> Iterator[str]:
    """The values of conditions that hold no variable."""
    for policy in policies:
        for statement in policy.statements:
            for condition in statement.conditions:
                yield from (value.value for value in condition.values if "${" not in value.value)
