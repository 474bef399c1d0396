"""The search for a request that some policies allow and others do not.

    DifferenceSearch(wanted=(new,), unwanted=(old,), …).accepted(confirm)   yields requests, or raises OverBudget

The search has three axes, actions, resources and condition keys; each is cut into the cells that the policies can
distinguish. All cells are searched that are not excluded, so no candidate means that there is no difference; a candidate
still has to be confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Generic, TypeVar

from aws_iam.engine.comparison import identity_callers
from aws_iam.engine.comparison.actions import action_groups
from aws_iam.engine.comparison.applying_clauses import allowed, applies_to_service, is_plain
from aws_iam.engine.comparison.automaton import SPENT, Budget, OverBudget
from aws_iam.engine.comparison.distinct_values import (
    distinct_value,
    distinct_values,
    from_now_on,
    has_wildcard,
    renumbered,
)
from aws_iam.engine.comparison.misspelt_names import is_misspelt_key
from aws_iam.engine.comparison.nearby_patterns import NearbyPatterns
from aws_iam.engine.comparison.resources import ResourceAxis, ResourceQuestion
from aws_iam.engine.comparison.same_resources import hindering, hindrances
from aws_iam.engine.evaluation.conditions import CLOCKS
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.actions import ActionGroup
    from aws_iam.engine.comparison.caller_cases import CallerCase
    from aws_iam.engine.comparison.clauses import Atoms, Clause, Side
    from aws_iam.engine.comparison.distinct_values import Atom, DistinctValue, Value

    _Asked = tuple[ActionGroup, Sequence[Clause]]
    _Known = Callable[[ActionGroup, Iterable[Clause]], bool]

_MOST_TRIED = 200
# Patterns of exclusions that are looked up in one step of the budget.
_CHECKED = 64
# Groups of actions of one caller that count as one step of the budget.
_GROUPS = 16
# Stands for all keys that follow from the caller of an identity policy.
_CALLER_KEYS = ""
OWNER = "aws:resourceaccount"
"""The condition key with the account that owns the resource."""

Options = tuple[tuple[tuple["Mapping[str, Value]", int], ...], int]
"""The values that some keys can have together, each with the atoms that are then true; and all atoms on those keys."""

T = TypeVar("T")


@slotted
class Candidate:
    """A request that should show the difference; `absent` are the keys that it must not have."""

    case: CallerCase
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]
    absent: tuple[str, ...]


@slotted
class Confirmed(Generic[T]):
    """What `accept` returned for a candidate, whose request it is, the actions it stands for, the uncovered clauses it meets."""

    result: T
    case: CallerCase
    group: ActionGroup
    uncovered: tuple[Clause, ...]


@slotted
class _Cell:
    """One caller, action and resource: the clauses of each side that apply, and the condition keys that matter.

    `partition` is the resource's; empty for `*`.
    """

    here: Sequence[tuple[tuple[Clause, ...], bool]]
    keys: Sequence[str]
    case: CallerCase
    partition: str
    # Of each uncovered clause that applies here the atoms that must be true; every difference meets one of them.
    needs: Sequence[int]


@dataclass(slots=True, kw_only=True)
class DifferenceSearch:
    """Searches for requests that every side of `wanted` allows and none of `unwanted`.

    `account` owns the resources where the policies do not say which does; `fixed` are key values that the scenario sets;
    `owners`, set in a search for strangers, are the fixed values in the policies' conditions.
    """

    wanted: tuple[Side, ...]
    unwanted: tuple[Side, ...]
    atoms: Atoms
    cases: tuple[CallerCase, ...]
    account: str
    fixed: Mapping[str, Value] = field(default_factory=dict)
    owners: frozenset[str] | None = None
    # Every difference meets one of these: see `uncovered_statements`.
    uncovered: Sequence[Clause]
    budget: Budget = field(default_factory=Budget)
    # The distinct values of keys, shared by searches over the same policies.
    known: dict[tuple[str, tuple[Atom, ...], bool, bool], tuple[DistinctValue, ...]] = field(
        default_factory=dict
    )
    refused: int = field(default=0, init=False)
    # Why it cannot be known whether clauses met by the search apply.
    unclear: dict[str, None] = field(default_factory=dict, init=False)
    _points: dict[tuple[str, CallerCase, str], Options] = field(default_factory=dict, init=False)
    _keys_of: dict[int, list[str]] = field(default_factory=dict, init=False)
    _excluded: dict[tuple[str, ...], NearbyPatterns] = field(default_factory=dict, init=False)
    # The uncovered clauses, numbered, by their statement.
    _pieces: dict[int, list[tuple[int, Clause]]] = field(default_factory=dict, init=False)
    # The clauses that stand in the way of a difference: all of them, and those that do wherever an uncovered one applies.
    _hindering: frozenset[int] = field(default=frozenset(), init=False)
    _hindrances: dict[int, tuple[int, ...]] = field(default_factory=dict, init=False)
    # Whether conditions rule out a difference, by caller, clauses that apply, and what the uncovered clause needs.
    _ruled_out: dict[tuple[int, frozenset[int], int], bool] = field(
        default_factory=dict, init=False
    )

    @property
    def sides(self) -> tuple[Side, ...]:
        """Every side."""
        return (*self.wanted, *self.unwanted)

    def accepted(
        self, accept: Callable[[Candidate], T | None], known: _Known
    ) -> Iterator[Confirmed[T]]:
        """What `accept` returns for candidates, at most one for each cell of actions and resources.

        When it refuses a candidate (None), others of the cell are tried; `refused` counts the refusals. Cells whose actions
        and uncovered clauses are `known` are left out.
        """
        every = [clause for side in self.sides for clause in side.clauses]
        self._hindering = frozenset(map(id, hindering(self.wanted, self.unwanted)))
        for number, piece in enumerate(self.uncovered):
            self._pieces.setdefault(id(piece.statement), []).append((number, piece))
        groups = action_groups(self.uncovered, every, self.budget)
        places = ResourceAxis(account=self.account, budget=self.budget)
        # An uncovered clause may be a part of the clause of its side.
        number_of = {id(clause.statement): id(clause) for clause in every}
        # Most groups of later scenarios are known, which is seen before anything else is asked.
        asked = [(group, self._uncovered_of(group)) for group in groups]
        for case, group, own, live in self._distinct(asked, known, every):
            question = self._resource_question(case, group, own, live)
            for resource, met in places.cells(question):
                pieces = tuple(p for p in question.uncovered if number_of[id(p.statement)] in met)
                if known(group, pieces):
                    continue
                cell = (group.action, resource, met)
                found = self._first(self._at(case, *cell, pieces), accept)
                if found is not None:
                    yield Confirmed(result=found, case=case, group=group, uncovered=pieces)
                    if known(group, question.uncovered):
                        break

    def _distinct(
        self, groups: Sequence[_Asked], known: _Known, every: Sequence[Clause]
    ) -> Iterator[tuple[CallerCase, ActionGroup, Sequence[Clause], set[int]]]:
        """Callers and actions that can be distinguished and are not known, with the clauses that apply to both."""
        alike: set[tuple[object, ...]] = set()
        # Actions that differ in their resources only are asked together where no resource matters.
        signs = [
            (frozenset(map(id, own.clauses)), own.action.lower().startswith("kms:"))
            for own, _ in groups
        ]
        for case in self.cases:
            likeness = self._likeness(case)
            met = {id(clause) for clause in every if case.meets(clause)}
            found: dict[tuple[frozenset[int], bool], frozenset[int] | None] = {}
            self.budget.spend(1 + len(groups) // _GROUPS)
            for number, ((group, pieces), sign) in enumerate(zip(groups, signs, strict=True)):
                if known(group, pieces):
                    continue
                if sign not in found:
                    self.budget.spend()
                    found[sign] = self._live(case, group, met)
                live = found[sign]
                if live is None or not case.depends_on_policy(group.action):
                    continue
                if likeness is None or (number, live, likeness) not in alike:
                    alike.add((number, live, likeness))
                    yield case, group, pieces, set(live)

    def _live(self, case: CallerCase, group: ActionGroup, met: set[int]) -> frozenset[int] | None:
        """The clauses that apply to a caller's requests for actions; None where they leave no difference on any resource."""
        applying = [
            c for c in group.clauses if id(c) in met and applies_to_service(c, group.action)
        ]
        live = set(map(id, applying))
        if not self._is_possible(live):
            return None
        pieces = (own for c in applying for own in self._pieces.get(id(c.statement), ()))
        if all(self._is_ruled_out(case, own, live) for _, own in pieces):
            return None
        return frozenset(live)

    def _uncovered_of(self, group: ActionGroup) -> Sequence[Clause]:
        """The uncovered clauses that apply to the actions, in their order."""
        lower = group.action.lower()
        pieces = (own for c in group.clauses for own in self._pieces.get(id(c.statement), ()))
        return [own for _, own in sorted(pieces, key=itemgetter(0)) if own.ready.takes(lower)]

    def _resource_question(
        self, case: CallerCase, group: ActionGroup, pieces: Sequence[Clause], live: set[int]
    ) -> ResourceQuestion:
        """Which statements and which resources matter when a caller requests an action."""
        clauses = [c for s in self.sides for c in s.clauses if id(c) in live]
        if len(self.wanted) == 1 and all(piece.allows for piece in pieces):
            # A difference meets one of these with all its conditions: it needs no other Allow.
            needed = {id(piece.statement) for piece in pieces}
            other = {id(c) for c in self.wanted[0].allows if id(c.statement) not in needed}
            clauses = [c for c in clauses if id(c) not in other]
        return ResourceQuestion(
            action=group.action,
            clauses=clauses,
            uncovered=pieces,
            excluding=frozenset(self._excluding(live)),
            within=min(self._within(live), key=len, default=None),
            is_foreign=case.is_foreign,
        )

    def _excluding(self, live: set[int]) -> Iterator[int]:
        """Statements without conditions that rule out any difference on their resources."""
        for side in self.wanted:
            yield from (id(c) for c in side.denies if id(c) in live and is_plain(c))
        for side in self.unwanted:
            if not any(id(c) in live for c in side.denies):
                yield from (id(c) for c in side.allows if id(c) in live and is_plain(c))

    def _within(self, live: set[int]) -> Iterator[tuple[str, ...]]:
        """Patterns one of which the resource of any difference matches, by each side that says so."""
        deciding = [side.denies for side in self.wanted]
        deciding += [
            side.allows for side in self.unwanted if not any(id(c) in live for c in side.denies)
        ]
        for clauses in deciding:
            left = self._left_out(clauses, live)
            if left is not None:
                yield left

    def _applies_everywhere(self, clauses: Sequence[Clause], live: set[int]) -> bool:
        """Whether at least one of the live clauses without conditions applies to each resource."""
        return self._left_out(clauses, live) == ()

    def _left_out(self, clauses: Sequence[Clause], live: set[int]) -> tuple[str, ...] | None:
        """Patterns one of which each resource matches that no live clause without conditions applies to.

        None where nothing is known of such resources; there are none where there is no pattern.
        """
        plain = [c for c in clauses if id(c) in live and is_plain(c)]
        if any(c.is_anywhere for c in plain):
            return ()
        exclusions = [c.resources or () for c in plain if c.not_resources]
        if not exclusions:
            return None
        left = min(exclusions, key=len)
        checked = 0
        for excluded in exclusions:
            checked += len(left)
            patterns = self._patterns(excluded)
            left = tuple(
                [t for t in left if t in patterns.texts or patterns.overlapping(t, self.budget)]
            )
        self.budget.spend(checked // _CHECKED)
        return left

    def _patterns(self, texts: tuple[str, ...]) -> NearbyPatterns:
        if texts not in self._excluded:
            self._excluded[texts] = NearbyPatterns(texts)
        return self._excluded[texts]

    def _likeness(self, case: CallerCase) -> tuple[object, ...] | None:
        """What callers have in common that cannot be distinguished where the same clauses apply; None for who has a policy."""
        if case.caller is None:
            return None
        true = tuple(
            distinct_value([atom], case.settled[atom.key]).true
            for atom in self.atoms.numbers
            if atom.key in case.settled
        )
        how = (
            case.caller.kind,
            case.caller.account == case.owner,
            case.required_grade,
            # Each issuer has keys of its own.
            case.provider and case.caller.arn,
        )
        return true, frozenset(case.settled), how

    def _first(
        self, candidates: Iterator[Candidate], accept: Callable[[Candidate], T | None]
    ) -> T | None:
        for number, candidate in enumerate(candidates):
            found = accept(candidate)
            if found is not None:
                return found
            self.refused += 1
            if number > _MOST_TRIED:
                raise OverBudget(SPENT)
        return None

    def _is_possible(self, live: set[int]) -> bool:
        """Whether a difference is still possible by the statements without resources and conditions."""
        for side in self.wanted:
            if not any(id(c) in live for c in side.allows) or self._applies_everywhere(
                side.denies, live
            ):
                return False
        return not any(
            self._applies_everywhere(side.allows, live)
            and not any(id(c) in live for c in side.denies)
            for side in self.unwanted
        )

    def _is_ruled_out(self, case: CallerCase, piece: Clause, live: set[int]) -> bool:
        """Whether conditions leave no difference on any of the resources to which an uncovered clause applies."""
        in_the_way = self._hindrances.get(id(piece))
        if in_the_way is None:
            found = hindrances(piece, self.wanted, self.unwanted)
            in_the_way = self._hindrances[id(piece)] = found
        certain = live.intersection(in_the_way)
        if not certain:
            return False
        met = frozenset(certain | (live - self._hindering))
        sign = (id(case), met, piece.needs)
        if sign not in self._ruled_out:
            here = self._here(met)
            keys = self._keys(here, case)
            at = _Cell(here=here, keys=keys, case=case, partition="", needs=(piece.needs,))
            self._ruled_out[sign] = next(self._search(at, 0, 0, 0, {}), None) is None
        return self._ruled_out[sign]

    def _here(self, met: frozenset[int]) -> list[tuple[tuple[Clause, ...], bool]]:
        """The clauses of each side that apply, and whether the side is wanted."""
        return [
            (tuple(c for c in side.clauses if id(c) in met), number < len(self.wanted))
            for number, side in enumerate(self.sides)
        ]

    def _at(
        self,
        case: CallerCase,
        action: str,
        resource: str,
        met: frozenset[int],
        pieces: Sequence[Clause],
    ) -> Iterator[Candidate]:
        """The requests of one cell that make the difference."""
        here = self._here(met)
        if self._decided(here, 0, 0) is False:
            return
        for clauses, _ in here:
            self.unclear |= dict.fromkeys(c.why_unclear for c in clauses if c.unclear)
        partition = resource.split(":")[1] if resource != "*" else ""
        caller = case.caller
        if partition and caller and caller.account and caller.partition != partition:
            # No request crosses partitions.
            return
        if partition and OWNER in self.fixed and self.fixed[OWNER] is None:
            return
        keys, needs = self._keys(here, case), tuple(piece.needs for piece in pieces)
        at = _Cell(here=here, keys=keys, case=case, partition=partition, needs=needs)
        for chosen in self._search(at, 0, 0, 0, {}):
            yield Candidate(
                case=case,
                action=action,
                resource=resource,
                context={key: value for key, value in chosen.items() if value is not None},
                absent=tuple(key for key, value in chosen.items() if value is None),
            )

    def _keys(
        self, here: Sequence[tuple[tuple[Clause, ...], bool]], case: CallerCase
    ) -> list[str]:
        """The condition keys that matter in a cell; those that follow from the caller of an identity policy count as one."""
        needed = 0
        for clauses, _ in here:
            for clause in clauses:
                needed |= clause.needs
        numbers = self.atoms.numbers
        found = self._keys_of.get(needed)
        if found is None:
            found = [
                key
                for key, atoms in self.atoms.by_key().items()
                if any(needed >> numbers[atom] & 1 for atom in atoms)
            ]
            self._keys_of[needed] = found
        if case.caller or identity_callers.KEYS.isdisjoint(found):
            return found
        return [_CALLER_KEYS, *(key for key in found if key not in identity_callers.KEYS)]

    def _search(
        self, place: _Cell, at: int, true: int, false: int, chosen: Mapping[str, Value]
    ) -> Iterator[Mapping[str, Value]]:
        self.budget.spend()
        if place.needs and all(needed & false for needed in place.needs):
            return
        decided = self._decided(place.here, true, false)
        if decided is True:
            yield chosen
        if decided is not None or at == len(place.keys):
            return
        options, every = self._options(place.keys[at], place)
        for values, met in options:
            yield from self._search(
                place, at + 1, true | met, false | every & ~met, {**chosen, **values}
            )

    def _options(self, key: str, place: _Cell) -> Options:
        """The values of a key, each with the atoms that are then true, and the bits of all atoms on the key."""
        known = self._points.get((key, place.case, place.partition))
        if known is None:
            keys = identity_callers.KEYS if key == _CALLER_KEYS else {key}
            atoms = [atom for atom in self.atoms.numbers if atom.key in keys]
            bits = [1 << self.atoms.numbers[atom] for atom in atoms]
            found = self._values(key, atoms, place)
            known = tuple((values, renumbered(true, bits)) for values, true in found), sum(bits)
            self._points[key, place.case, place.partition] = known
        return known

    def _values(
        self, key: str, atoms: list[Atom], place: _Cell
    ) -> Iterator[tuple[Mapping[str, Value], int]]:
        if key == _CALLER_KEYS:
            within = (place.partition or "aws*", self.account)
            for holder in identity_callers.identity_callers(
                atoms, self.fixed, within, self.budget, with_root=place.case.may_be_root
            ):
                yield holder.values, holder.true
            return
        for point in self._points_of(key, atoms, place):
            yield {key: point.value}, point.true

    def _points_of(self, key: str, atoms: list[Atom], place: _Cell) -> tuple[DistinctValue, ...]:
        case = place.case
        settled = {**case.settled, **self.fixed}
        if key in settled:
            return (distinct_value(atoms, settled[key]),)
        if case.lacks(key) or is_misspelt_key(key):
            return (distinct_value(atoms, None),)
        if key == identity_callers.ARN and case.is_service and case.caller:
            # AWS documents no value for a service; it is no user's or role's.
            return tuple(distinct_value(atoms, own) for own in (None, (case.caller.arn,)))
        admits = case.trusts(key) if self.owners is not None else None
        owners = self.owners if admits else None
        if key == OWNER and case.owner:
            own: tuple[Value, ...] = ((case.owner,),)
            return tuple(
                distinct_value(atoms, value)
                for value in (own if place.partition else (*own, None))
            )
        # A resource that has an ARN has an owner.
        present = (key == OWNER and bool(place.partition)) or case.always_has(key)
        signature = (key, tuple(atoms), present, bool(admits))
        found = self.known.get(signature)
        if found is None:
            found = distinct_values(
                key,
                atoms,
                owners=owners,
                admits=admits or has_wildcard,
                present=present,
                budget=self.budget,
            )
            if self.owners is not None and key in CLOCKS:
                found = from_now_on(atoms, found)
            self.known[signature] = found
        # Such a claim has a value, so that ForAllValues compares it.
        return (
            tuple(p for p in found if p.value and all(p.value)) if case.always_has(key) else found
        )

    def _decided(
        self, here: Sequence[tuple[tuple[Clause, ...], bool]], true: int, false: int
    ) -> bool | None:
        """Whether there is a difference (True), there can be none (False), or it is still open (None)."""
        is_open = False
        for clauses, is_wanted in here:
            decision = allowed(clauses, true, false, hopeful=is_wanted)
            if decision is None:
                is_open = True
            elif decision is not is_wanted:
                return False
        return None if is_open else True
