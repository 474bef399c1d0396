"""How something was found: the steps of a search in order, without those that are not needed, as hops with their proofs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import positional
from aws_iam.tools.audit.paths.assuming import trust_naming
from aws_iam.tools.audit.paths.changes import UNCHANGED, WRITTEN, Change, State
from aws_iam.tools.audit.paths.hop import Hop, Path
from aws_iam.tools.audit.paths.powers import PLACE, Call, catalogued
from aws_iam.tools.audit.paths.search import actions_of, change_key
from aws_iam.tools.audit.paths.trusts import ASSUME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aws_iam.tools.audit.paths.book import PowerBook
    from aws_iam.tools.audit.paths.search import Found, Search, Step


@positional
class UsedStep:
    """A step of a search on one target, and who has more by it."""

    step: Step
    target: int
    beneficiary: int


@dataclass(slots=True)
class Derivation:
    """The steps that lead to one thing that a search found."""

    search: Search
    start: int
    used: list[UsedStep] = field(default_factory=list)
    _controlled: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, search: Search, start: int, found: Found) -> Derivation:
        """That of what a search found."""
        made = cls(search, start, _controlled={start})

        def is_found(state: State) -> bool:
            return search.goal.changed(found.number, state) is not False and (
                not search.certain or search.goal.changed(found.number, state) is True
            )

        made.have(found.number, _smallest(found.state, is_found))
        return made

    @classmethod
    def of_administrator(cls, search: Search, start: int, found: Found) -> Derivation:
        """That of an administrator that a search met."""
        made = cls(search, start, _controlled={start})
        book = search.book
        made.have(
            found.number,
            _smallest(found.state, lambda state: bool(book.is_administrator(found.number, state))),
        )
        return made

    def have(self, number: int, state: State) -> None:
        """Add the steps that lead to a principal, and to its changes."""
        self._control(number)
        for change in sorted(state, key=_order):
            self._make(change, number)

    def _control(self, number: int) -> None:
        if number in self._controlled:
            return
        self._controlled.add(number)
        step = self.search.made_by("principal", "", number)
        self._use(step, number, number)

    def _make(self, change: Change, beneficiary: int) -> None:
        step = self.search.made_by(*change_key(change), change.target)
        self._use(step, change.target, beneficiary)

    def _use(self, step: Step, target: int, beneficiary: int) -> None:
        used = UsedStep(step, target, beneficiary)
        if any(own.step is step and own.target == target for own in self.used):
            return
        self.have(step.actor, _smallest(step.state, self._still(step, target)))
        if step.trusted:
            self._make(Change(gain="trust", target=target), beneficiary)
        self.used.append(used)

    def _still(self, step: Step, target: int) -> Callable[[State], bool]:
        """Whether a step works with fewer changes."""
        book = self.search.book

        def works(state: State) -> bool:
            if step.trusted and not step.power.calls:
                return True
            if step.trusted:
                return bool(
                    book.assumable(step.actor, state)[not self.search.certain] >> target & 1
                )
            return any(
                own.gain == step.power.gain
                and own.what == step.power.what
                and own.technique == step.power.technique
                and own.targets >> target & 1
                and (own.is_certain or not self.search.certain)
                for own in self.search.powers(step.actor, state)
            )

        return works


def _smallest(state: State, works: Callable[[State], bool]) -> State:
    """The state without the changes that are not needed."""
    if len(state) > 1 or (state and works(UNCHANGED)):
        for change in sorted(state, key=_order):
            fewer = state - {change}
            if works(fewer):
                state = fewer
    return state


def _order(change: Change) -> tuple[bool, str, int, str]:
    # A group's policies are changed before somebody joins it.
    return change.gain == "group", change.gain, change.target, change.what


def path_of(derivation: Derivation, *, is_administrator: bool) -> Path:
    """The steps as a path: all that one principal does to gain another, or more of itself, is one hop."""
    book = derivation.search.book
    hops: list[Hop] = []
    for used in derivation.used:
        hop = _hop(book, used)
        if hops and (hops[-1].start, hops[-1].end) == (hop.start, hop.end):
            hops[-1] = _together(hops[-1], hop)
        else:
            hops.append(hop)
    return Path(hops=tuple(hops), is_administrator=is_administrator)


def _hop(book: PowerBook, used: UsedStep) -> Hop:
    step, arns = used.step, book.entities.arns
    power, target = step.power, arns[used.target]
    actor = book.actor(step.actor, step.state)
    trust = trust_naming(actor.principal.arn) if step.trusted else None
    proofs = [
        actor.proof(
            call.action,
            _resource(call, power.places.get(used.target, ""), target),
            call.context,
            trust if call.action == ASSUME else None,
            call.session,
        )
        for call in power.calls
    ]
    role = book.entities.role_of.get(used.target)
    of_session = arns[role] if role is not None and power.gain == "principal" else ""
    through = (power.through, power.places.get(used.target, ""), power.what, of_session)
    changed = target if used.target != used.beneficiary else ""
    statements = [
        # The trust policy that lets it in is its own, whatever the role trusts today.
        f"{WRITTEN if trust and own.layer == 'resource' else own.policy} {own.pointer}"
        for proof in proofs
        for own in (proof.proof.because if proof.proof else ())
        if own.effect == "Allow" and own.layer in {"identity", "resource"}
    ]
    why = [proof.why for proof in proofs if proof.verdict == "unknown"]
    return Hop(
        start=arns[step.actor],
        end=arns[used.beneficiary],
        actions=actions_of(step),
        technique=power.technique or _technique(actions_of(step)),
        through=tuple(dict.fromkeys(own for own in (changed, *through) if own)),
        statements=tuple(dict.fromkeys(statements)),
        conditions=tuple(dict.fromkeys(own for proof in proofs for own in proof.conditions)),
        assuming=power.assuming,
        why_unknown=power.why_unknown or next(iter(why), ""),
    )


def _resource(call: Call, place: str, target: str) -> str:
    return place if call.on == PLACE else call.on or target


def _together(one: Hop, other: Hop) -> Hop:
    actions = tuple(dict.fromkeys((*one.actions, *other.actions)))
    return Hop(
        start=one.start,
        end=one.end,
        actions=actions,
        technique=_technique(actions),
        through=tuple(dict.fromkeys((*one.through, *other.through))),
        statements=tuple(dict.fromkeys((*one.statements, *other.statements))),
        conditions=tuple(dict.fromkeys((*one.conditions, *other.conditions))),
        assuming=tuple(dict.fromkeys((*one.assuming, *other.assuming))),
        why_unknown=one.why_unknown or other.why_unknown,
    )


def _technique(actions: Iterable[str]) -> str:
    """The path of the catalogue with these actions; whoever the new trust policy names needs no permission to assume."""
    wanted = frozenset(actions)
    for tried in (wanted, wanted - {ASSUME}):
        for path in _by_actions(tried):
            return path
    return ""


def _by_actions(actions: frozenset[str]) -> Iterator[str]:
    return (path.id for path in catalogued().values() if path.actions == actions)
