"""How something was found: the steps of a search in order, without those that are not needed, as hops with their proofs.

    Derivations(search, start).of_goal(found)   →   Derivation(used=(UsedStep(…),), path=Path(…))

What needs what is a graph, one for all that a search found. networkx puts its steps in order, however many there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.frozen import positional
from aws_iam.tools.audit.paths.assuming import trust_naming
from aws_iam.tools.audit.paths.changes import UNCHANGED, WRITTEN, Change, State
from aws_iam.tools.audit.paths.hop import Hop, Path
from aws_iam.tools.audit.paths.powers import PLACE, Call, catalogued
from aws_iam.tools.audit.paths.search import actions_of
from aws_iam.tools.audit.paths.trusts import ASSUME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from networkx import DiGraph

    from aws_iam.tools.audit.paths.book import PowerBook
    from aws_iam.tools.audit.paths.search import Found, Search, Step


@positional
class UsedStep:
    """A step of a search on one target, and who has more by it."""

    step: Step
    target: int
    beneficiary: int


@positional
class Derivation:
    """The steps that lead to one thing that a search found, and the path that they make."""

    used: tuple[UsedStep, ...]
    path: Path


@positional
class _Gained:
    """A change, or control of a principal, and who has more by it."""

    change: Change
    beneficiary: int


def _empty_graph() -> DiGraph[Found | _Gained]:
    # Imported here: most answers find no path.
    import networkx as nx

    return nx.DiGraph()


@dataclass(slots=True)
class Derivations:
    """Those of what one search from a principal found."""

    search: Search
    start: int
    _graph: DiGraph[Found | _Gained] = field(default_factory=_empty_graph)
    """From everything to what it needs."""
    _hops: dict[_Gained, Hop] = field(default_factory=dict)

    def of_goal(self, found: Found) -> Derivation:
        """How the search came to what it looked for."""
        goal, certain = self.search.goal, self.search.certain

        def is_found(state: State) -> bool:
            reaches = goal.changed(found.number, state)
            return reaches is True if certain else reaches is not False

        return self._of(found, is_found)

    def of_administrator(self, found: Found) -> Derivation:
        """How the search came to somebody whom it met, who may be an administrator by it."""
        book = self.search.book
        return self._of(found, lambda state: bool(book.is_administrator(found.number, state)))

    def _of(self, found: Found, works: Callable[[State], bool]) -> Derivation:
        book = self.search.book
        used: dict[tuple[int, int], UsedStep] = {}
        hops: list[Hop] = []
        for gained in self._in_order(found, works):
            own = self._used(gained)
            # A change that serves two principals is made once, for the first.
            if used.setdefault((id(own.step), own.target), own) is not own:
                continue
            if gained not in self._hops:
                self._hops[gained] = hop_of(book, own)
            hop = self._hops[gained]
            if hops and (hops[-1].start, hops[-1].end) == (hop.start, hop.end):
                hops[-1] = _together(hops[-1], hop)
            else:
                hops.append(hop)
        is_administrator = book.has_full_access(found.number, found.state)
        path = Path(hops=tuple(hops), is_administrator=is_administrator)
        return Derivation(tuple(used.values()), path)

    def _in_order(self, found: Found, works: Callable[[State], bool]) -> Iterator[_Gained]:
        """All that is needed, each after what it needs itself."""
        import networkx as nx

        graph = self._graph
        graph.add_node(found)
        needed = list(self._having(found.number, _smallest(found.state, works)))
        graph.add_edges_from((found, own) for own in needed)
        while needed:
            gained = needed.pop()
            if not graph[gained]:
                more = list(self._needs(gained))
                graph.add_edges_from((gained, own) for own in more)
                needed += more
        for own in nx.dfs_postorder_nodes(graph, found):
            if isinstance(own, _Gained):
                yield own

    def _having(self, number: int, state: State) -> Iterator[_Gained]:
        """Control of a principal, and its changes."""
        if number != self.start:
            yield _Gained(Change(gain="principal", target=number), number)
        for change in sorted(state, key=_order):
            yield _Gained(change, number)

    def _needs(self, gained: _Gained) -> Iterator[_Gained]:
        """Whoever makes the step, as changed as the step needs it; for a rewritten trust policy, the rewriting."""
        step, target = self.search.made_by(gained.change), gained.change.target
        yield from self._having(step.actor, _smallest(step.state, self._still(step, target)))
        if step.trusted:
            yield _Gained(Change(gain="trust", target=target), gained.beneficiary)

    def _used(self, gained: _Gained) -> UsedStep:
        change = gained.change
        return UsedStep(self.search.made_by(change), change.target, gained.beneficiary)

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


def hop_of(book: PowerBook, used: UsedStep) -> Hop:
    """A step as a hop with its proofs."""
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
