"""One direction of a comparison: requests that some policies allow and others do not.

    OneWaySearch(atoms=…, policies=new, without=old).search(3)      →   SearchResult(differences=(…), open=())
    OneWaySearch(atoms=…, policies=new, without=old).search()       →   one difference for each action and changed statement

The statements are narrowed to those that can make a difference; for each scenario of the policies' variables a
`DifferenceSearch` finds candidates, and `evaluate` has to confirm each before it counts.
"""

from __future__ import annotations

from collections import Counter
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
from aws_iam.engine.comparison.named_accounts import owners_of
from aws_iam.engine.comparison.narrowed_to_limit import narrowed_to
from aws_iam.engine.comparison.permissive_policies import allow_all
from aws_iam.engine.comparison.uncovered_statements import uncovered_statements
from aws_iam.engine.comparison.witnesses import ACCOUNT, WitnessReplay
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.actions import ActionGroup
    from aws_iam.engine.comparison.caller_cases import CallerCase
    from aws_iam.engine.comparison.clauses import Clause
    from aws_iam.engine.comparison.differences import Candidate, Confirmed
    from aws_iam.engine.comparison.distinct_values import Atom, DistinctValue, Value
    from aws_iam.engine.evaluation.layers import IndexedStatement
    from aws_iam.engine.language.document import Policy

_MOST_OWNERS = 8
"""Accounts that are tried as the owner of a resource when its ARNs name none."""
# Requests for the same actions that may show no further statement.
_MOST_FRUITLESS = 8
# Statements that are weighed in one step of the budget.
_WEIGHED = 8
_MOST_DOUBTS = 3
_NOT_SHOWN = "a possible difference was found, but `evaluate` confirmed no request that shows it"


@slotted
class Difference:
    """A confirmed request, {"request": …, "absent": […], "granted_by": […]}, and the actions that it stands for.

    `clauses` are the changed statements that it meets; `case` is who sends it.
    """

    request: Mapping[str, Any]
    group: ActionGroup
    clauses: tuple[Clause, ...]
    case: CallerCase


@slotted
class SearchResult:
    """The result of one direction; without any difference, `open` says why one cannot be ruled out."""

    differences: tuple[Difference, ...] = ()
    open: tuple[str, ...] = ()
    # Why there may be more differences than were found.
    cut: tuple[str, ...] = ()
    # The changed statements, variables as written, without the entries that the other side has too.
    changed: tuple[Clause, ...] = ()
    # Whether the owner of the resource is only assumed, a different one in different requests.
    assumes_owner: bool = False
    # The statements of both sides that matter.
    own: Side = field(default_factory=lambda: Side(clauses=()))
    other: Side = field(default_factory=lambda: Side(clauses=()))
    # Those of what only limits the policies.
    within: Side = field(default_factory=lambda: Side(clauses=()))

    @property
    def requests(self) -> tuple[Mapping[str, Any], ...]:
        """The confirmed requests."""
        return tuple(difference.request for difference in self.differences)

    @property
    def is_none(self) -> bool:
        """Whether it is proved that no such request exists."""
        return not self.differences and not self.open


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


@dataclass(slots=True)
class _Differences:
    """The differences found so far, at most `most` if that is set; else one for each action group and changed statement."""

    most: int | None
    by_request: dict[str, Difference] = field(default_factory=dict)
    # By the representative of the group: the statements, by identity, and how many requests showed no further one.
    _shown: dict[str, set[int]] = field(default_factory=dict)
    _fruitless: Counter[str] = field(default_factory=Counter)
    # The same for Denies that alone make a difference.
    _lifted: dict[str, set[int]] = field(default_factory=dict)

    @property
    def are_enough(self) -> bool:
        return self.most is not None and len(self.by_request) >= self.most

    def are_shown(self, group: ActionGroup, clauses: Iterable[Clause]) -> bool:
        """Whether requests for these actions that meet these changed statements need not be searched any more."""
        shown = self._shown.get(group.action) if self.most is None else None
        if not shown:
            return False
        return self._fruitless[group.action] >= _MOST_FRUITLESS or all(
            id(clause.statement) in shown for clause in clauses
        )

    def are_lifted(self, group: ActionGroup, denies: Iterable[Clause]) -> bool:
        """Whether it is shown already that these Denies no longer stop these actions."""
        lifted = self._lifted.get(group.action, ()) if self.most is None else ()
        return bool(lifted) and all(id(deny.statement) in lifted for deny in denies)

    def add(self, signature: str, difference: Difference) -> None:
        self.by_request.setdefault(signature, difference)
        name = difference.group.action
        shown = self._shown.setdefault(name, set())
        before = len(shown)
        ids = {id(clause.statement) for clause in difference.clauses}
        shown |= ids
        self._fruitless[name] += len(shown) == before
        if not any(clause.allows for clause in difference.clauses):
            self._lifted.setdefault(name, set()).update(ids)


def _narrowed(policy: Policy, actions: ActionOverlap) -> Policy:
    kept = actions.overlapping(policy.statements)
    return policy if len(kept) == len(policy.statements) else replace(policy, statements=kept)


@slotted
class OneWaySearch:
    """A search for requests that `policies` allow, `within` too if given, and `without` does not; with `strangers` only theirs.

    Beside a side `without`, `within` only limits what `policies` allow, as a permissions boundary does.
    """

    atoms: Atoms
    policies: SideStatements
    without: SideStatements = _NOTHING
    within: SideStatements = _NOTHING
    strangers: bool = False
    # What several searches may cost together; without one each has its own.
    budget: Budget | None = field(default=None, hash=False)

    def search(self, most: int | None = None) -> SearchResult:
        """Up to `most` requests that show the difference; without a number one for each action and changed statement."""
        uncovered = uncovered_statements(
            *self.sides(self.policies.side, self.without.side, self.within.side)
        )
        if not uncovered:
            return SearchResult()
        actions = ActionOverlap.of(clause.ready for clause in uncovered)
        narrowed = OneWaySearch(
            atoms=self.atoms,
            policies=self.policies.overlapping(actions),
            without=self.without.overlapping(actions),
            within=self.within.overlapping(actions),
            strangers=self.strangers,
        )
        if not narrowed.policies.side.allows and not self.frees_callers(uncovered):
            return SearchResult()
        uncovered = narrowed.still_uncovered(uncovered, frozenset(map(id, self._clauses)))
        if not uncovered:
            return SearchResult()
        return self._search_narrowed(narrowed, uncovered, most)

    def _search_narrowed(
        self, narrowed: OneWaySearch, uncovered: tuple[Clause, ...], most: int | None
    ) -> SearchResult:
        """The requests found by the narrowed search, for each account that may own the resource."""
        owners = owners_of(self.all_policies) if is_principaled(self.all_policies) else ("",)
        # Strangers are the same for every owner.
        tried = owners[:1] if self.strangers else owners[:_MOST_OWNERS]
        budget = self.budget or Budget()
        found = _Differences(most)
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
            scenario_search.collect(found)
            open_ |= scenario_search.open
            if found.are_enough:
                break
        if len(tried) < len(owners) and not self.strangers:
            open_[
                f"the resource may belong to any of the {len(owners) - 1} accounts that the policies name"
            ] = None
        differences = tuple(found.by_request.values())
        return SearchResult(
            differences=differences,
            open=() if differences else tuple(open_),
            cut=tuple(open_) if differences else (),
            changed=uncovered,
            assumes_owner=len(owners) > 1,
            own=narrowed.policies.side,
            other=narrowed.without.side,
            within=narrowed.within.side,
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

    def frees_callers(self, uncovered: Iterable[Clause]) -> bool:
        """Whether a Deny is gone that limited what other policies of the callers allow them."""
        compares = bool(self.without.policies) and not self.strangers
        return compares and any(not clause.allows for clause in uncovered)

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
    points: dict[tuple[str, tuple[Atom, ...], bool, bool], tuple[DistinctValue, ...]] = field(
        default_factory=dict
    )
    # Why a difference cannot be ruled out if none is found.
    open: dict[str, None] = field(default_factory=dict)
    # Who has the policies, in every scenario, where nothing says who calls.
    holder: tuple[CallerCase, ...] = ()

    def collect(self, found: _Differences) -> None:
        """Add differences to `found` until they are enough, or all."""
        try:
            for scenario in self._scenarios():
                for difference in self._differences(scenario, found):
                    found.add(self._signature(difference.request), difference)
                    if found.are_enough:
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

    def _differences(
        self, scenario: Mapping[str, str | None], found: _Differences
    ) -> Iterator[Difference]:
        """Confirmed requests in which the variables stand for what the scenario says."""
        fixed: dict[str, Value] = {
            key: None if value is None else (value,) for key, value in scenario.items()
        }
        before = set(self.open)
        shown: set[str] = set()
        questions = self._questions(scenario, fixed), (found.are_shown, found.are_lifted)
        for question, known in zip(*questions, strict=False):
            try:
                for confirmed in question.accepted(
                    lambda candidate: self._confirmed(candidate, fixed), known
                ):
                    shown.add(confirmed.result["request"]["action"])
                    yield Difference(
                        request=confirmed.result,
                        group=confirmed.group,
                        clauses=_causes(confirmed),
                        case=confirmed.case,
                    )
            finally:
                self.open |= dict.fromkeys(self._why_open(question, shown, is_first=not before))

    def _confirmed(
        self, candidate: Candidate, fixed: Mapping[str, Value]
    ) -> Mapping[str, Any] | None:
        """The candidate as a request; each weighs all statements, which adds up where many of them are changed."""
        statements = sum(len(policy.statements) for policy in self.direction.all_policies)
        self.budget.spend(statements // _WEIGHED)
        return self.replay.confirmed(candidate, fixed)

    def _why_open(
        self, question: DifferenceSearch, shown: Collection[str], *, is_first: bool
    ) -> Iterator[str]:
        """Why there may be differences for actions that are not shown."""
        doubts = [why for action, why in self.replay.doubts.items() if action not in shown]
        if question.unclear:
            yield from question.unclear if not shown else ()
        elif doubts:
            yield from doubts[:_MOST_DOUBTS]
        elif question.refused and not shown and is_first:
            yield _NOT_SHOWN

    def _questions(
        self, scenario: Mapping[str, str | None], fixed: Mapping[str, Value]
    ) -> Iterator[DifferenceSearch]:
        """What the policies grant; and where a Deny is gone, what callers can do whose other policies allow everything."""
        atoms, found = self._settled(scenario)
        uncovered, is_settled = self.uncovered, atoms is not self.direction.atoms
        if self.direction.within.policies:
            new, old, inner = found
            narrower = narrowed_to(inner, new, self.budget), narrowed_to(inner, old, self.budget)
            is_settled |= narrower != (new, old)
            found = (*narrower, inner)
        wanted, unwanted = self.direction.sides(*found)
        if is_settled:
            uncovered = uncovered_statements(wanted, unwanted, _entries(uncovered))
        owners = (
            frozenset((*_fixed_texts(self.direction.all_policies), *_texts_of_owner(scenario)))
            if self.direction.strangers
            else None
        )
        question = DifferenceSearch(
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
            owners=owners,
            uncovered=uncovered,
            budget=self.budget,
            known=self.points,
        )
        yield question
        if self.direction.frees_callers(uncovered):
            principaled = is_principaled(self.direction.all_policies)
            own = side_of((allow_all(principaled=principaled),), atoms, scenario)
            yield replace(
                question,
                # What only limits the policies limits the others, too.
                wanted=(own.beside(wanted[0]), *wanted[1:]),
                unwanted=tuple(map(own.beside, unwanted)),
                cases=caller_cases.permitted_callers(question.cases),
                uncovered=tuple(clause for clause in uncovered if not clause.allows),
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
        every = self.direction.all_policies
        if not self.owner:
            if not self.holder:
                # Of the narrowed policies not all statements are left.
                every = (*self.replay.allowing, *self.replay.refusing)
                self.holder = (caller_cases.policy_holder(every),)
            return self.holder
        if self.direction.strangers:
            return tuple(caller_cases.strangers(every, self.owner, atoms))
        return caller_cases.caller_cases(every, self.owner, atoms, self.budget)


def _causes(confirmed: Confirmed[Mapping[str, Any]]) -> tuple[Clause, ...]:
    """The changed statements that decide on a confirmed request, on one side or the other."""
    deciding = {
        True: confirmed.result["granted_by"],
        False: confirmed.result.get("denied_by", ()),
    }
    causes = [c for c in confirmed.uncovered if c.pointer in deciding[c.allows]]
    return tuple(causes) or confirmed.uncovered


def _entries(uncovered: Sequence[Clause]) -> Mapping[int, IndexedStatement]:
    """By the identity of each statement, the actions of it that are not covered."""
    return {id(clause.statement): clause.ready for clause in uncovered}


def _texts_of_owner(scenario: Mapping[str, str | None]) -> Iterator[str]:
    """What the variables of the resource stand for: no stranger has them."""
    for key in ("aws:resourceaccount", "aws:resourceorgid"):
        if value := scenario.get(key):
            yield value


def _fixed_texts(policies: Sequence[Policy]) -> Iterator[str]:
    """The condition values without variables."""
    for policy in policies:
        for statement in policy.statements:
            for condition in statement.conditions:
                yield from (value.value for value in condition.values if "${" not in value.value)
