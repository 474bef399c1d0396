"""The search for a request that some policies allow and others do not.

    Question(wanted=(new,), unwanted=(old,), …).answers(replayed)   yields requests, or raises OverBudget

Three axes, each cut into the cells that the policies can tell apart: actions, resources, condition keys. Whatever is not
excluded is searched, so that no candidate means that there is none; a candidate still has to be replayed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from aws_iam.engine.comparison import identity_callers
from aws_iam.engine.comparison.actions import action_groups
from aws_iam.engine.comparison.automaton import SPENT, Budget, OverBudget
from aws_iam.engine.comparison.distinct_values import TRUSTED_KEYS, distinct_value, distinct_values
from aws_iam.engine.comparison.resources import ResourceAxis, ResourceQuestion
from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.actions import ActionGroup
    from aws_iam.engine.comparison.caller_cases import CallerCase
    from aws_iam.engine.comparison.clauses import Atoms, Clause, Side
    from aws_iam.engine.comparison.distinct_values import Atom, DistinctValue, Value


_MOST_TRIED = 200
# Stands for the keys that follow from the holder of an identity policy.
_HOLDER = ""
OWNER = "aws:resourceaccount"
"""The key of the account that owns the resource."""

Options = tuple[tuple[tuple["Mapping[str, Value]", int], ...], int]
"""The values that some keys can have together, each with its true atoms; and all atoms on those keys."""

T = TypeVar("T")


@slotted
class Candidate:
    """A request that should show the difference: who, what, where, with which keys (absent ones left out)."""

    actor: CallerCase
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]
    absent: tuple[str, ...]


@slotted
class _Cell:
    """A cell of actors, actions and resources: the clauses of each side that meet there, and the keys that matter.

    `partition` is the resource's, empty when it has none.
    """

    here: Sequence[tuple[tuple[Clause, ...], bool]]
    keys: Sequence[str]
    actor: CallerCase
    partition: str


@dataclass(slots=True, kw_only=True)
class DifferenceSearch:
    """Whether there is a request that every side of `wanted` allows and none of `unwanted`.

    `account` owns the resources where the policies do not say; `fixed` are values of keys that the scenario settles;
    `owners`, when it asks for callers whom the policies do not know, are the texts that they give as fixed.
    """

    wanted: tuple[Side, ...]
    unwanted: tuple[Side, ...]
    atoms: Atoms
    actors: tuple[CallerCase, ...]
    account: str
    fixed: Mapping[str, Value] = field(default_factory=dict)
    owners: frozenset[str] | None = None
    # What every difference meets one of, as `remainder` finds it.
    asked: Sequence[Clause]
    budget: Budget = field(default_factory=Budget)
    # The points of keys: whoever asks several questions about the same policies hands them on.
    known: dict[tuple[str, tuple[Atom, ...], bool], tuple[DistinctValue, ...]] = field(
        default_factory=dict
    )
    refused: int = 0
    # Clauses whose conditions cannot be read and that were met on the way.
    unclear: dict[str, None] = field(default_factory=dict)
    _points: dict[tuple[str, CallerCase, str], Options] = field(default_factory=dict)
    _keys_of: dict[int, list[str]] = field(default_factory=dict)

    @property
    def sides(self) -> tuple[Side, ...]:
        """Every side."""
        return (*self.wanted, *self.unwanted)

    def answers(self, accept: Callable[[Candidate], T | None]) -> Iterator[T]:
        """What `accept` makes of candidates, at most one for each cell of actions and resources.

        A candidate that it refuses (None) is followed by others of the cell; `refused` counts them.
        """
        every = [clause for side in self.sides for clause in side.clauses]
        groups = action_groups(self.asked, every, self.budget)
        places = ResourceAxis(account=self.account, budget=self.budget)
        alike: set[tuple[object, ...]] = set()
        for actor in self.actors:
            for number, group in enumerate(groups):
                self.budget.spend()
                if not actor.may_ask(group.action):
                    continue
                live = {
                    id(c)
                    for c in group.clauses
                    if actor.meets(c) and _applies_to_service(c, group.action)
                }
                if not self._is_possible(live) or self._is_like(actor, number, live, alike):
                    continue
                for resource, met in places.cells(self._ground(actor, group, live)):
                    found = self._first(self._at(actor, group.action, resource, met), accept)
                    if found is not None:
                        yield found

    def _ground(self, actor: CallerCase, group: ActionGroup, live: set[int]) -> ResourceQuestion:
        """The statements that matter to a caller's asking for an action, and which resources do."""
        lower = group.action.lower()
        pieces = [clause for clause in self.asked if clause.ready.takes(lower)]
        clauses = [c for s in self.sides for c in s.clauses if id(c) in live]
        if len(self.wanted) == 1 and all(piece.allows for piece in pieces):
            # A difference meets one of the pieces with all its conditions: no other Allow is needed for it.
            needed = {id(piece.statement) for piece in pieces}
            other = {id(c) for c in self.wanted[0].allows if id(c.statement) not in needed}
            clauses = [c for c in clauses if id(c) not in other]
        return ResourceQuestion(
            action=group.action,
            clauses=clauses,
            asked=pieces,
            excluding=frozenset(self._excluding(live)),
            is_foreign=actor.is_foreign,
        )

    def _excluding(self, live: set[int]) -> Iterator[int]:
        """The statements that ask for no condition and shut out every difference on their resources."""
        for side in self.wanted:
            yield from (id(c) for c in side.denies if id(c) in live and _is_plain(c))
        for side in self.unwanted:
            if not any(id(c) in live for c in side.denies):
                yield from (id(c) for c in side.allows if id(c) in live and _is_plain(c))

    def _is_like(
        self, actor: CallerCase, group: int, live: set[int], alike: set[tuple[object, ...]]
    ) -> bool:
        """Whether nothing tells the actor from one before, for these actions."""
        if actor.caller is None:
            return False
        true = tuple(
            distinct_value([atom], actor.settled[atom.key]).true
            for atom in self.atoms.numbers
            if atom.key in actor.settled
        )
        settled = frozenset(actor.settled)
        how = (actor.caller.kind, actor.caller.account == actor.owner, actor.least)
        sign = (group, frozenset(live), true, settled, how)
        known = sign in alike
        alike.add(sign)
        return known

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
        """Whether statements that ask for neither place nor condition leave the difference open."""
        for side in self.wanted:
            if not any(id(c) in live for c in side.allows) or _applies_everywhere(
                side.denies, live
            ):
                return False
        return not any(
            _applies_everywhere(side.allows, live) and not any(id(c) in live for c in side.denies)
            for side in self.unwanted
        )

    def _at(
        self, actor: CallerCase, action: str, resource: str, met: frozenset[int]
    ) -> Iterator[Candidate]:
        """The first request of one cell that makes the difference."""
        here = [
            (tuple(c for c in side.clauses if id(c) in met), number < len(self.wanted))
            for number, side in enumerate(self.sides)
        ]
        if self._decided(here, 0, 0) is False:
            return
        for clauses, _ in here:
            self.unclear |= dict.fromkeys(c.pointer for c in clauses if c.unclear)
        partition = resource.split(":")[1] if resource != "*" else ""
        caller = actor.caller
        if partition and caller and caller.account and caller.partition != partition:
            # Nobody reaches from one partition into another.
            return
        if partition and OWNER in self.fixed and self.fixed[OWNER] is None:
            return
        at = _Cell(here=here, keys=self._keys(here, actor), actor=actor, partition=partition)
        for chosen in self._search(at, 0, 0, 0, {}):
            yield Candidate(
                actor=actor,
                action=action,
                resource=resource,
                context={key: value for key, value in chosen.items() if value is not None},
                absent=tuple(key for key, value in chosen.items() if value is None),
            )

    def _keys(
        self, here: Sequence[tuple[tuple[Clause, ...], bool]], actor: CallerCase
    ) -> list[str]:
        """The condition keys that matter in a cell; those that follow from the holder of a policy as one."""
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
        if actor.caller or identity_callers.KEYS.isdisjoint(found):
            return found
        return [_HOLDER, *(key for key in found if key not in identity_callers.KEYS)]

    def _search(
        self, place: _Cell, at: int, true: int, false: int, chosen: Mapping[str, Value]
    ) -> Iterator[Mapping[str, Value]]:
        self.budget.spend()
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
        """The values of a key, each with the atoms that are true then, and the bits of all atoms on the key."""
        known = self._points.get((key, place.actor, place.partition))
        if known is None:
            keys = identity_callers.KEYS if key == _HOLDER else {key}
            atoms = [atom for atom in self.atoms.numbers if atom.key in keys]
            bits = [1 << self.atoms.numbers[atom] for atom in atoms]
            found = self._values(key, atoms, place)
            known = tuple((values, _spread(true, bits)) for values, true in found), sum(bits)
            self._points[key, place.actor, place.partition] = known
        return known

    def _values(
        self, key: str, atoms: list[Atom], place: _Cell
    ) -> Iterator[tuple[Mapping[str, Value], int]]:
        if key == _HOLDER:
            within = (place.partition or "aws*", self.account)
            for holder in identity_callers.identity_callers(
                atoms, self.fixed, within, self.budget
            ):
                yield holder.values, holder.true
            return
        for point in self._points_of(key, atoms, place):
            yield {key: point.value}, point.true

    def _points_of(self, key: str, atoms: list[Atom], place: _Cell) -> tuple[DistinctValue, ...]:
        settled = {**place.actor.settled, **self.fixed}
        if key in settled:
            return (distinct_value(atoms, settled[key]),)
        if place.actor.lacks(key):
            return (distinct_value(atoms, None),)
        owners = self.owners if key in TRUSTED_KEYS else None
        if key == OWNER and place.actor.owner:
            own: tuple[Value, ...] = ((place.actor.owner,),)
            return tuple(
                distinct_value(atoms, value)
                for value in (own if place.partition else (*own, None))
            )
        # A resource with an ARN has an owner.
        present = key == OWNER and bool(place.partition)
        asked = (key, tuple(atoms), present)
        found = self.known.get(asked)
        if found is None:
            found = distinct_values(key, atoms, owners=owners, present=present, budget=self.budget)
            self.known[asked] = found
        return found

    def _decided(
        self, here: Sequence[tuple[tuple[Clause, ...], bool]], true: int, false: int
    ) -> bool | None:
        """Whether the difference is there (True), cannot be any more (False), or is still open."""
        is_open = False
        for clauses, is_wanted in here:
            allowed = _allowed(clauses, true, false, hopeful=is_wanted)
            if allowed is None:
                is_open = True
            elif allowed is not is_wanted:
                return False
        return None if is_open else True


def _spread(true: int, bits: Sequence[int]) -> int:
    """Atoms numbered among themselves as atoms of all: bit i becomes `bits[i]`."""
    return sum(bit for at, bit in enumerate(bits) if true >> at & 1)


def _applies_to_service(clause: Clause, action: str) -> bool:
    """A statement of a key policy without Resource has no effect; that of a role means the role."""
    return clause.resources is not None or not action.lower().startswith("kms:")


def _applies_everywhere(clauses: Sequence[Clause], live: set[int]) -> bool:
    return any(id(c) in live and c.is_anywhere and _is_plain(c) for c in clauses)


def _is_plain(clause: Clause) -> bool:
    return not clause.needs and not clause.unclear


def _allowed(clauses: Sequence[Clause], true: int, false: int, *, hopeful: bool) -> bool | None:
    """Whether the clauses of a side allow; a clause that cannot be read counts as the search would like it to be."""
    granted: bool | None = False
    refused: bool | None = False
    for clause in clauses:
        if clause.needs & false:
            continue
        holds: bool | None = True if not clause.needs & ~true else None
        # Hoped for: an Allow of a wanted side holds and its Deny does not; of an unwanted side the reverse.
        if clause.unclear and clause.allows is not hopeful:
            continue
        if clause.allows:
            granted = True if granted or holds else None
        else:
            refused = True if refused or holds else None
    if refused or granted is False:
        return False
    return None if refused is None or granted is None else True
