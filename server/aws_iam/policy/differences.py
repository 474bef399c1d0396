"""The search for a request that some policies allow and others do not.

    Question(wanted=(new,), unwanted=(old,), …).answers(replayed)   yields requests, or raises OverBudget

Three axes, each cut into the cells that the policies can tell apart: actions, resources, condition keys. Whatever is not
excluded is searched, so that no candidate means that there is none; a candidate still has to be replayed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from aws_iam.policy import axes
from aws_iam.policy.points import point, points
from aws_iam.policy.venn import Budget, OverBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.policy.axes import Actor
    from aws_iam.policy.clauses import Atoms, Clause, Side
    from aws_iam.policy.points import Atom, Point, Value


_MOST_TRIED = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A request that should show the difference: who, what, where, with which keys (absent ones left out)."""

    actor: Actor
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]
    absent: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Question:
    """Whether there is a request that every side of `wanted` allows and none of `unwanted`.

    `account` owns the resources where the policies do not say; `fixed` are values of keys that the scenario settles; `strangers` asks for callers whom the policies do not know.
    """

    wanted: tuple[Side, ...]
    unwanted: tuple[Side, ...]
    atoms: Atoms
    actors: tuple[Actor, ...]
    account: str
    fixed: Mapping[str, Value] = field(default_factory=dict)
    strangers: bool = False
    budget: Budget = field(default_factory=Budget)
    refused: int = 0
    # Clauses whose conditions cannot be read and that were met on the way.
    unclear: dict[str, None] = field(default_factory=dict)
    _diagrams: dict[tuple[tuple[str, ...], tuple[str, ...]], Mapping[int, str]] = field(
        default_factory=dict
    )
    _points: dict[tuple[str, Actor], tuple[tuple[Point, ...], int]] = field(default_factory=dict)

    @property
    def sides(self) -> tuple[Side, ...]:
        """Every side."""
        return (*self.wanted, *self.unwanted)

    def answers(self, accept: Callable[[Candidate], T | None]) -> Iterator[T]:
        """What `accept` makes of candidates, at most one for each cell of actions and resources.

        A candidate that it refuses (None) is followed by others of the cell; `refused` counts them.
        """
        every = [clause for side in self.sides for clause in side.clauses]
        groups = axes.action_groups(self._asked(), every, self.budget)
        for actor in self.actors:
            for group in groups:
                live = {id(clause) for clause in group.clauses if actor.meets(clause)}
                if not self._is_possible(live):
                    continue
                clauses = [c for s in self.sides for c in s.clauses if id(c) in live]
                for resource, met in axes.resources(group, clauses, self._cells, self.account):
                    found = self._first(self._at(actor, group.action, resource, met), accept)
                    if found is not None:
                        yield found

    def _first(
        self, candidates: Iterator[Candidate], accept: Callable[[Candidate], T | None]
    ) -> T | None:
        for number, candidate in enumerate(candidates):
            found = accept(candidate)
            if found is not None:
                return found
            self.refused += 1
            if number > _MOST_TRIED:
                raise OverBudget
        return None

    def _cells(self, texts: tuple[str, ...], formats: tuple[str, ...]) -> Mapping[int, str]:
        """The diagram of some resource patterns, once for all actions that are authorised on the same."""
        found = self._diagrams.get((texts, formats))
        if found is None:
            found = axes.diagram(texts, formats, self.budget)
            self._diagrams[texts, formats] = found
        return found

    def _asked(self) -> list[Clause]:
        """The Allow statements of the wanted sides that may grant something new."""
        if len(self.wanted) > 1:
            return list(self.wanted[0].allows)
        denied = self.wanted[0].denies
        old = [c for side in self.unwanted if _is_subset(side.denies, denied) for c in side.allows]
        return [each for each in self.wanted[0].allows if not any(_within(each, c) for c in old)]

    def _is_possible(self, live: set[int]) -> bool:
        """Whether statements that ask for neither place nor condition leave the difference open."""
        for side in self.wanted:
            if not any(id(c) in live for c in side.allows) or _plainly(side.denies, live):
                return False
        return not any(
            _plainly(side.allows, live) and not any(id(c) in live for c in side.denies)
            for side in self.unwanted
        )

    def _at(
        self, actor: Actor, action: str, resource: str, met: frozenset[int]
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
        keys = self._keys(here)
        for chosen in self._search(here, keys, 0, 0, 0, {}, actor):
            yield Candidate(
                actor=actor,
                action=action,
                resource=resource,
                context={key: value for key, value in chosen.items() if value is not None},
                absent=tuple(key for key, value in chosen.items() if value is None),
            )

    def _keys(self, here: Sequence[tuple[tuple[Clause, ...], bool]]) -> list[str]:
        """The condition keys that matter in a cell."""
        needed = 0
        for clauses, _ in here:
            for clause in clauses:
                needed |= clause.needs
        numbers = self.atoms.numbers
        return [
            key
            for key, atoms in self.atoms.by_key().items()
            if any(needed >> numbers[atom] & 1 for atom in atoms)
        ]

    def _search(  # noqa: PLR0913, PLR0917 - one step of a search hands on all it knows
        self,
        here: Sequence[tuple[tuple[Clause, ...], bool]],
        keys: Sequence[str],
        at: int,
        true: int,
        false: int,
        chosen: dict[str, Value],
        actor: Actor,
    ) -> Iterator[dict[str, Value]]:
        self.budget.spend()
        decided = self._decided(here, true, false)
        if decided is True:
            yield dict(chosen)
        if decided is not None or at == len(keys):
            return
        key = keys[at]
        options, every = self._options(key, actor)
        for each in options:
            chosen[key] = each.value
            yield from self._search(
                here, keys, at + 1, true | each.true, false | every & ~each.true, chosen, actor
            )
            del chosen[key]

    def _options(self, key: str, actor: Actor) -> tuple[tuple[Point, ...], int]:
        """The points of a key with their atoms as bits of all atoms, and the bits of all atoms on the key."""
        known = self._points.get((key, actor))
        if known is None:
            atoms = [atom for atom in self.atoms.numbers if atom.key == key]
            found = self._points_of(key, atoms, actor)
            bits = [1 << self.atoms.numbers[atom] for atom in atoms]
            spread = tuple(each.spread(bits) for each in found)
            known = (spread, sum(bits))
            self._points[key, actor] = known
        return known

    def _points_of(self, key: str, atoms: list[Atom], actor: Actor) -> tuple[Point, ...]:
        settled = {**actor.settled, **self.fixed}
        if key in settled:
            return (point(atoms, settled[key]),)
        strangers = self.strangers and key in axes.TRUSTED_KEYS
        return points(key, atoms, strangers=strangers, budget=self.budget)

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


def _plainly(clauses: Sequence[Clause], live: set[int]) -> bool:
    return any(id(c) in live and c.is_anywhere and not c.needs and not c.unclear for c in clauses)


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


def _within(new: Clause, old: Clause) -> bool:
    """Whether every request that the one meets is met by the other: plainly, by its elements."""
    if old.unclear or new.unclear or old.needs & ~new.needs:
        return False
    return (
        axes.actions_within(new, old)
        and axes.resources_within(new, old)
        and axes.principals_within(new, old)
    )


def _is_subset(fewer: Sequence[Clause], more: Sequence[Clause]) -> bool:
    """Whether each Deny of the first is there in the second, so that it refuses nothing more."""
    return all(any(_within(each, other) for other in more) for each in fewer)
