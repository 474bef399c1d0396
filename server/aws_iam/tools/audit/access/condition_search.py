"""The search over open condition keys: what a request for one resource must meet so that it is allowed.

    ConditionSearch(request, layers, is_open, …).found()   →   Openings: alternatives such as (`aws:SourceVpce` is `vpce-1`,)

For each combination of Allow statements that is enough, the keys get values that meet their conditions and those of no Deny.
The values of a key are those that conditions can distinguish, so a complete search that finds nothing proves that there is
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.automaton import Budget, OverBudget
from aws_iam.engine.comparison.distinct_values import (
    Atom,
    distinct_value,
    distinct_values,
    from_now_on,
)
from aws_iam.engine.evaluation.conditions import (
    CLOCKS,
    has_wildcards,
    holds_for,
    is_short_arn,
)
from aws_iam.engine.evaluation.context import substituted
from aws_iam.engine.evaluation.decision_flow import LayerDecisions, verdict_on
from aws_iam.engine.evaluation.matching import Hit, Matcher
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.frozen import positional, slotted
from aws_iam.tools.audit.access.condition_words import Need, Needs
from aws_iam.tools.audit.access.variable_scenarios import VariableScenarios

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.distinct_values import DistinctValue
    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Condition

_MOST_STEPS = 20_000
_MOST_ALTERNATIVES = 50
# Values that one step of the budget compares.
_COMPARED = 256
_FILLED = (Family.STRING, Family.ARN)
# Whoever calls can choose these: what asks for them limits nobody.
_AT_WILL = {"aws:securetransport": "true", "s3:tlsversion": "1.3", "aws:sourceip": "198.51.100.1"}
# Of these whoever calls has some value only: it limits nobody where all values are asked for.
_EVERY_VALUE = {"aws:sourceip": "0.0.0.0/0"}

Values = dict[tuple[str, tuple[Atom, ...]], "tuple[DistinctValue, ...]"]
"""The distinct values of a key under some atoms, kept for all searches of one question."""


@positional
class _Candidate:
    """A statement that applies to the request if its conditions on open keys hold."""

    hit: Hit
    needs: tuple[Need, ...]
    # Whether one of its conditions cannot be read, so that nobody knows whether it holds.
    unreadable: bool

    @property
    def sure(self) -> bool:
        return self.hit.sure and not self.unreadable


@positional
class _Domains:
    """The values that each open key may have, and the bit of each atom in them."""

    values: Mapping[str, tuple[DistinctValue, ...]]
    bits: Mapping[Atom, int]

    def meeting(self, *needs: Need) -> _Domains | None:
        """The values that meet the needs; None where a key has none left."""
        values = dict(self.values)
        for need in needs:
            key = need.atom.key
            values[key] = tuple(own for own in values[key] if self.meets(own, need))
            if not values[key]:
                return None
        return _Domains(values, self.bits)

    def meets(self, value: DistinctValue, need: Need) -> bool:
        """Whether a value of its key meets the need."""
        return bool(value.true & self.bits[need.atom]) is need.holds

    @property
    def size(self) -> int:
        """The number of values of all keys."""
        return sum(map(len, self.values.values()))

    def excludes(self, need: Need) -> bool:
        """Whether no value that is left meets the need."""
        return not any(self.meets(value, need) for value in self.values[need.atom.key])

    def at_will(self, key: str) -> DistinctValue | None:
        """The value that whoever calls can always choose; None where it is not among those left."""
        if key not in _AT_WILL:
            return None
        atoms = [atom for atom in self.bits if atom.key == key]
        if key in _EVERY_VALUE and any(_EVERY_VALUE[key] not in atom.wanted for atom in atoms):
            return None
        chosen = distinct_value(atoms, (_AT_WILL[key],))
        return next((own for own in self.values[key] if own.true == chosen.true), None)


@slotted
class Openings:
    """The alternatives under one of which the request is allowed, with a request that meets the first of them.

    Where the search was not `complete`, there may be others.
    """

    alternatives: tuple[Needs, ...] = ()
    request: Request | None = None
    complete: bool = True
    why: str = ""


@dataclass(slots=True, kw_only=True)
class ConditionSearch:
    """The search for one request. `friendly` reads whatever cannot be known in favour of the caller.

    `now` is the time of the request at the earliest, in seconds since 1970.
    """

    request: Request
    layers: Layers
    hits: Sequence[Hit]
    is_open: Callable[[str], bool]
    now: int
    values: Values
    # What all searches of one question may still cost.
    budget: Budget
    friendly: bool = False
    _budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self._budget = Budget(min(_MOST_STEPS, self.budget.left))

    def found(self) -> Openings:
        """The openings."""
        given = self._budget.left
        openings = self._found()
        self.budget.left -= given - max(0, self._budget.left)
        return openings

    def _found(self) -> Openings:
        found: dict[Needs, dict[Needs, Request]] = {}
        number, why = 0, ""
        try:
            scenarios = VariableScenarios(self.request, self.hits, self.is_open, self._budget)
            for request, words in scenarios.requests():
                number += 1
                scenario = frozenset(
                    Need(Atom(key, "", (text,)), value=text) for key, text in words.items()
                )
                for needs, opened in self._in_scenario(request, scenarios.names):
                    places = found.setdefault(needs, {})
                    places.setdefault(scenario, opened)
                if len(found) > _MOST_ALTERNATIVES:
                    why = "there are too many ways to meet its conditions"
                    break
        except OverBudget as over:
            why = str(over)
        return self._openings(found, number, why)

    def _openings(
        self, found: Mapping[Needs, Mapping[Needs, Request]], scenarios: int, why: str
    ) -> Openings:
        """The alternatives, smallest first, without those that ask for more than another."""
        opened: dict[Needs, Request] = {}
        for needs, places in found.items():
            # What holds in every scenario does not depend on the variables.
            in_all = not why and len(places) == scenarios
            for scenario, request in places.items():
                opened.setdefault(needs if in_all else needs | scenario, request)
        ordered = sorted(opened, key=len)
        kept = [
            own for at, own in enumerate(ordered) if not any(less <= own for less in ordered[:at])
        ]
        return Openings(
            alternatives=tuple(kept),
            request=opened[kept[0]] if kept else None,
            complete=not why,
            why=why,
        )

    def _in_scenario(
        self, request: Request, settled: Container[str]
    ) -> Iterator[tuple[Needs, Request]]:
        names = {
            condition.name: condition.key.value
            for hit in self.hits
            for condition in hit.statement.conditions
            if self.is_open(condition.name) and condition.name not in settled
        }
        hits = Matcher(request, self.layers, dict.fromkeys(names, True)).hits()
        candidates = [_candidate(hit, request, names) for hit in hits]
        # What is not known counts for the caller, or against.
        allows = [c for c in candidates if c.hit.statement.allows and (self.friendly or c.sure)]
        denies = [
            c
            for c in candidates
            if c.hit.statement.denies
            and not (self.friendly and not c.sure)
            and self._binds(request, c.hit)
        ]
        if not all(own.needs for own in denies):
            return
        domains = self._domains((*allows, *denies))
        for chosen in self._grants(request, allows):
            needs = frozenset(need for own in chosen for need in own.needs)
            start = domains.meeting(*needs)
            for more, left in self._past(denies, start) if start else ():
                every = needs | more
                self._budget.spend(len(every) * len(every) * domains.size // _COMPARED)
                yield _simplified(every, domains), _opened(request, left, names)

    def _binds(self, request: Request, hit: Hit) -> bool:
        """Whether a Deny counts for this caller and this resource."""
        return bool(LayerDecisions(request=request, layers=self.layers, hits=(hit,)).denying)

    def _domains(self, candidates: Iterable[_Candidate]) -> _Domains:
        """The values of each key that the conditions distinguish."""
        atoms: dict[str, dict[Atom, None]] = {}
        for own in candidates:
            for need in own.needs:
                atoms.setdefault(need.atom.key, {})[need.atom] = None
        values: dict[str, tuple[DistinctValue, ...]] = {}
        bits: dict[Atom, int] = {}
        for key, held in atoms.items():
            listed = tuple(held)
            bits |= {atom: 1 << at for at, atom in enumerate(listed)}
            if (key, listed) not in self.values:
                found = distinct_values(key, listed, budget=self._budget)
                if key in CLOCKS:
                    found = from_now_on(listed, found, self.now)
                self.values[key, listed] = found
            values[key] = self.values[key, listed]
        return _Domains(values, bits)

    def _grants(
        self, request: Request, allows: Sequence[_Candidate]
    ) -> Iterator[tuple[_Candidate, ...]]:
        """The combinations of Allow statements that are enough, but for conditions: one of each layer at most."""
        groups: dict[tuple[str, int], list[_Candidate]] = {}
        for own in allows:
            groups.setdefault((own.hit.placed.layer, own.hit.level), []).append(own)
        options: list[Sequence[_Candidate | None]] = []
        for listed in groups.values():
            best = _undominated(listed)
            # An Allow without conditions costs nothing.
            is_free = len(best) == 1 and not best[0].needs
            options.append(best if is_free else [None, *best])
        for choice in product(*options):
            self._budget.spend()
            chosen = tuple(own for own in choice if own)
            decisions = LayerDecisions(
                request=request,
                layers=self.layers,
                hits=tuple(own.hit for own in chosen),
                friendly=self.layers.unreadable if self.friendly else frozenset(),
            )
            if verdict_on(decisions).outcome == "Allowed":
                yield chosen

    def _past(
        self, denies: Sequence[_Candidate], left: _Domains, more: Needs = frozenset()
    ) -> Iterator[tuple[Needs, _Domains]]:
        """The ways past every Deny: the conditions that must fail, and the values that are left."""
        self._budget.spend(1 + len(denies) * left.size // _COMPARED)
        for number, deny in enumerate(denies):
            if any(left.excludes(need) for need in deny.needs):
                continue
            for need in deny.needs:
                failing = replace(need, holds=False)
                smaller = left.meeting(failing)
                if smaller is not None:
                    yield from self._past(denies[number + 1 :], smaller, more | {failing})
            return
        yield more, left


def _candidate(hit: Hit, request: Request, names: Container[str]) -> _Candidate:
    needs: dict[Need, None] = {}
    unreadable = False
    for condition in hit.statement.conditions:
        if condition.name in names:
            atom = _atom(condition, request, variables=hit.placed.has_variables)
            if atom is None:
                unreadable = True
            else:
                needs[Need(atom, condition=condition)] = None
    return _Candidate(hit, tuple(needs), unreadable)


def _atom(condition: Condition, request: Request, *, variables: bool) -> Atom | None:
    """The condition with its variables filled in; None where AWS does not say what it means."""
    family = OPERATORS.get(condition.base)
    wanted = tuple(value.value for value in condition.values)
    if variables and any("${" in text for text in wanted):
        if family is Family.BOOL:
            return None
        if family in _FILLED:
            escaped = has_wildcards(condition.base)
            filled = (substituted(text, request.context, escaped=escaped) for text in wanted)
            wanted = tuple(text for text in filled if text is not None)
    operator = condition.operator.value
    is_short = family is Family.ARN and any(map(is_short_arn, wanted))
    return (
        None
        if is_short or holds_for(operator, wanted, None) is None
        else Atom(condition.name, operator, wanted)
    )


def _undominated(listed: Sequence[_Candidate]) -> list[_Candidate]:
    """The statements of a layer without those that ask for more than another and give no more."""
    ordered = sorted(listed, key=lambda own: (len(own.needs), -own.hit.grade))
    kept: list[_Candidate] = []
    for own in ordered:
        if not any(
            other.hit.grade >= own.hit.grade and set(other.needs) <= set(own.needs)
            for other in kept
        ):
            kept.append(own)
    return kept


def _simplified(needs: Needs, domains: _Domains) -> Needs:
    """The needs without those that the others imply, and without what whoever calls can choose."""
    kept = set(needs)
    by_key: dict[str, list[Need]] = {}
    for need in sorted(needs, key=lambda own: (own.holds, own.atom.operator)):
        by_key.setdefault(need.atom.key, []).append(need)
    for key, listed in by_key.items():
        met = domains.meeting(*listed)
        if met is None or met.at_will(key):
            kept.difference_update(listed)
            continue
        for need in listed:
            others = [own for own in listed if own in kept and own != need]
            wider = domains.meeting(*others)
            if wider is not None and wider.values[key] == met.values[key]:
                kept.discard(need)
    return frozenset(kept)


def _opened(request: Request, left: _Domains, names: Mapping[str, str]) -> Request:
    """The request with the simplest values that are left."""
    for key, values in left.values.items():
        chosen = left.at_will(key) or values[0]
        if chosen.value is not None:
            request = request.with_key(names[key], *chosen.value)
    return request
