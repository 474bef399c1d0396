"""The smallest edit of a policy after which every requirement is met, proved, with nothing gained or lost beside what was asked.

    repair(document, requirements, judge)  →  Repair: the new document, its edits, or the conflicts

    conflicts ─▶ Denies in the way narrowed ─▶ Allows widened, then added ─▶ Allows narrowed, then Denies added
              ─▶ needless edits taken back ─▶ every requirement decided again, both documents compared

What meets all requirements already comes back unchanged, so that repairing twice is repairing once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.pattern import intersects
from aws_iam.engine.repair.additions import add_cells
from aws_iam.engine.repair.conflicts import Conflict, conflicts_of
from aws_iam.engine.repair.contested import Contested
from aws_iam.engine.repair.draft import Draft, condition_keys, statements_of
from aws_iam.engine.repair.dropped_values import drop_values, kept_keys
from aws_iam.engine.repair.edits import Edit, edits_of
from aws_iam.engine.repair.exemption import exemption
from aws_iam.engine.repair.joined_values import takes_others, values_of
from aws_iam.engine.repair.judge import DOCUMENT, Judge
from aws_iam.engine.repair.out_of_reach import out_of_reach
from aws_iam.engine.repair.proof import gained, lost
from aws_iam.engine.repair.removals import take_out
from aws_iam.engine.repair.requirements import (
    OF_RESOURCES,
    CannotBeWritten,
    Cell,
    Effect,
    cells_of,
    may_concern,
    statement_for,
)
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.repair.draft import Part
    from aws_iam.engine.repair.requirements import Requirement


@slotted
class OtherLayers:
    """The other layers that refuse a request which must be allowed, whatever the document says."""

    requirement: Requirement
    layers: tuple[str, ...]
    # The statements there that deny it, each with the pointer of its policy.
    statements: tuple[str, ...] = ()


@slotted
class Repair:
    """The repaired document with its edits; unchanged where there are conflicts. `unproved` says what could not be shown."""

    document: Mapping[str, Any]
    edits: tuple[Edit, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    other_layers: tuple[OtherLayers, ...] = ()
    unproved: tuple[str, ...] = ()
    # Condition keys of given statements, or of requests, on which what is newly allowed does not depend.
    freed_from: tuple[str, ...] = ()
    # Condition keys of requests of which the conditions of widened statements take other values, too.
    other_values: tuple[str, ...] = ()
    # Condition keys of requests on which what is newly denied does not depend.
    denied_whatever: tuple[str, ...] = ()
    # The Denies for other contexts than that of an allowed pattern, to which it stays subject.
    limited_by: tuple[str, ...] = ()

    @property
    def is_repaired(self) -> bool:
        """Whether every requirement is met, and it is proved that nothing else changes."""
        return not (self.conflicts or self.other_layers or self.unproved)


def repair(
    document: Mapping[str, Any], requirements: Sequence[Requirement], judge: Judge
) -> Repair:
    """The repaired document, or why there is none."""
    return _Work(document, requirements, judge).repaired()


class _Stuck(Exception):  # noqa: N818 - not an error: the answer is a conflict
    """A requirement that no edit meets."""

    def __init__(self, conflict: Conflict) -> None:
        self.conflict = conflict


class _Work:
    """One repair: the draft and what is asked of it."""

    def __init__(
        self, document: Mapping[str, Any], requirements: Sequence[Requirement], judge: Judge
    ) -> None:
        self.judge = judge
        self.draft = Draft.of(document)
        self.given = judge.policy(self.draft.statements)
        self.requirements = requirements
        self.allow = [own for own in requirements if own.effect is Effect.ALLOW]
        self.deny = [own for own in requirements if own.effect is Effect.DENY]
        self.contested = Contested(requirements, judge)
        self.freed_from: dict[str, str] = {}
        self.other_values: dict[str, str] = {}
        self.denied_whatever: dict[str, str] = {}

    @property
    def policy(self) -> Policy:
        """The draft, parsed."""
        return self.judge.policy(self.draft.statements)

    def repaired(self) -> Repair:
        """The result."""
        given = self.draft.given
        found = conflicts_of(self.allow, self.deny, self.judge)
        if found:
            return Repair(document=given, conflicts=found)
        unmet = self.judge.unmet(self.given, self.requirements)
        found = tuple(self._out_of_reach(unmet))
        if found:
            return Repair(document=given, conflicts=found)
        if not unmet:
            return Repair(document=given, limited_by=tuple(self._limits()))
        try:
            self._refuse_undecidable(unmet)
            self._allow([own for own in unmet if own.effect is Effect.ALLOW])
            self._deny()
        except _Stuck as stuck:
            return Repair(document=given, conflicts=(stuck.conflict,))
        self._take_back_needless()
        self.draft.with_distinct_sids()
        return self._proved()

    def _out_of_reach(self, unmet: Sequence[Requirement]) -> Iterator[Conflict]:
        """What no policy of the kind denies: a request that nothing else denies, and every pattern, which is judged by its text."""
        if self.judge.kind is Kind.RCP:
            allowed = {id(own) for own in unmet}
            yield from out_of_reach(o for o in self.deny if o.is_pattern or id(o) in allowed)

    def _refuse_undecidable(self, unmet: Iterable[Requirement]) -> None:
        """Stop at a request that AWS decides whatever the policies say."""
        for own in unmet:
            if own.is_pattern:
                continue
            verdict, _ = self.judge.verdict(self.given, own)
            if verdict.reason and verdict.outcome != "Unknown":
                sides = _sides(own)
                raise _Stuck(Conflict(why=f"no policy decides this: {verdict.reason}", **sides))

    # What must be allowed

    def _allow(self, unmet: Sequence[Requirement]) -> None:
        self._narrow_denies(unmet)
        policy = self.policy
        cells: list[tuple[Requirement, list[Cell]]] = []
        for own in unmet:
            if self.judge.is_met(policy, own) is True or self._is_for_others(policy, own):
                continue
            cells.append((own, list(self._separated(own))))
        # Of one that others of its pair must be denied beside, not the whole pair was asked.
        asked = self._cells([own for own in self.allow if not self.contested.others(own)])
        new = [cell for _, own in cells for cell in own]
        add_cells(self.draft, Effect.ALLOW, new, asked, self.judge, contrary=self.deny)
        for own, _ in cells:
            for part in self._made_for(own):
                self._free_from(_lost_keys(own, condition_keys(part.statement.get("Condition"))))
                self.other_values |= {key.lower(): key for key in self._loose_keys(own, part)}

    def _made_for(self, requirement: Requirement) -> Iterator[Part]:
        """The Allows that were added or widened for a request."""
        for part in self.draft.parts:
            is_allow = part.statement.get("Effect") == Effect.ALLOW.value
            if is_allow and any(own is requirement for own in part.serves.values()):
                yield part

    def _loose_keys(self, requirement: Requirement, part: Part) -> Iterator[str]:
        """The keys of a request that a statement looks at, but takes with values that nobody asked for."""
        same = [
            own
            for own in self.allow
            if (own.actions, own.resources, own.caller)
            == (requirement.actions, requirement.resources, requirement.caller)
        ]
        condition = part.statement.get("Condition")
        # By a value of its own: for the others it was so before.
        joined = set(self._joined_keys(part))
        for key in _lost_keys(requirement, ()):
            asked = {value for own in same for value in values_of(own, key)}
            looked_at = {own.lower() for own in condition_keys(condition)}
            if key.lower() in looked_at - joined and takes_others(condition, key, asked):
                yield key

    def _joined_keys(self, part: Part) -> Iterator[str]:
        """The keys, in lower case, of which a given statement takes more values, and nothing else more."""
        if part.origin is None:
            return
        given = statements_of(self.draft.given)[part.origin]
        if {**part.statement, "Condition": None} != {**given, "Condition": None}:
            return
        before = given.get("Condition") or {}
        for operator, keys in (part.statement.get("Condition") or {}).items():
            was = before.get(operator, {})
            yield from (key.lower() for key, own in keys.items() if own != was.get(key))

    def _free_from(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.freed_from.setdefault(key.lower(), key)

    def _is_for_others(self, policy: Policy, requirement: Requirement) -> bool:
        """Whether only other layers refuse the request now, and no statement of the document would change that."""
        if self.judge.others is None:
            return False
        if requirement.is_pattern:
            return not self._helps_to_allow(requirement)
        verdict, hits = self.judge.verdict(policy, requirement)
        effects = {hit.statement.allows for hit in hits if hit.placed.pointer == DOCUMENT}
        if self.judge.kind not in OF_RESOURCES and effects == {True}:
            # The document allows already: another level or policy of its layer does not.
            return True
        if self.judge.layer in verdict.blocked_by or not verdict.blocked_by:
            return False
        return not self._helps_to_allow(requirement)

    def _helps_to_allow(self, requirement: Requirement) -> bool:
        """Whether statements for the requirement would meet it."""
        more = [statement_for(cell, self.judge.kind) for cell in self._cells([requirement])]
        wider = self.judge.policy([*self.draft.statements, *more])
        return self.judge.is_met(wider, requirement) is True

    def _narrow_denies(self, unmet: Sequence[Requirement]) -> None:
        """Exempt the requests from each Deny that applies to them."""
        in_the_way: dict[int, list[Requirement]] = {}
        for own in unmet:
            for number in self._denying(own):
                in_the_way.setdefault(number, []).append(own)
        parts = list(self.draft.parts)
        for number, exempt in in_the_way.items():
            self._narrow(parts[number], number, exempt)

    def _denying(self, requirement: Requirement) -> Iterator[int]:
        denies = [
            number
            for number, own in enumerate(self.given.statements)
            if own.denies and may_concern(own, requirement)
        ]
        if requirement.is_pattern:
            for number in denies:
                if self.judge.overlaps(self.draft.statements[number], requirement):
                    yield number
            return
        _, hits = self.judge.verdict(self.given, requirement)
        for hit in hits:
            if hit.placed.pointer == DOCUMENT and hit.statement.denies:
                yield int(hit.statement.node.where.pointer.rpartition("/")[2])

    def _narrow(self, part: Part, number: int, exempt: Sequence[Requirement]) -> None:
        found = exemption(part.statement, exempt, self.judge, self.contested)
        at = f"/Statement/{number}"
        if found.left is None or found.why_not:
            own, ask = exempt[0], ""
            if found.left:
                entry = found.left.beyond[0]
                own = _first_within(exempt, entry)
                ask = f": ask for all of {quoted(entry)}, or change what it denies"
            why = f"the Deny at {at} {found.why_not}{ask}"
            raise _Stuck(Conflict(allowed=own, statement=at, why=why))
        self.judge.is_of_own_resources |= found.left.of_own_resources
        self.judge.taken_apart += found.left.taken_apart
        if not self.judge.own_resources:
            self.judge.on_arns_only |= dict.fromkeys(found.left.on_arns_only)
        left = self.judge.policy(found.left.statements).statements
        # What is left of the Deny for other values of a key tells the exempt requests by it.
        told = [
            key.lower()
            for key in found.left.of_fields
            if all(any(self.judge.tells_by(key.lower(), s, own) for s in left) for own in exempt)
        ]
        lost = condition_keys(part.statement.get("Condition"))
        self._free_from(key for key in lost if key.lower() not in told)
        for own, kept in zip(exempt, found.kept, strict=True):
            # One that was to tell requests apart, and does not where another exempt request differs by it alone, is lost.
            told = [k for k in kept if any(self.judge.tells_by(k.lower(), s, own) for s in left)]
            self._free_from(_lost_keys(own, told))
        part.serve(*exempt)
        self.draft.replace(part, found.left.statements)

    # What must be denied

    def _deny(self) -> None:
        changed_for = unmet = self.judge.unmet(self.policy, self.deny)
        if not unmet:
            return
        plain = [own for own in unmet if not self.contested.others(own)]
        statements = [(part, part.statement, dict(part.serves)) for part in self.draft.parts]
        removed = dict(self.draft.removed)
        drop_values(self.draft, self._cells(plain))
        dropped = {id(own): own for own in plain if self.judge.is_met(self.policy, own) is True}
        take_out(self.draft, self._cells(o for o in plain if id(o) not in dropped), self.judge)
        if not self.draft.parts or not self._keeps_allowed():
            # A policy must have a statement; and nothing that must be allowed may go.
            self._restore(statements)
            self.draft.removed = removed
        unmet = self.judge.unmet(self.policy, unmet)
        cells = [cell for own in unmet for cell in self._separated(own)]
        for own in changed_for:
            kept = {*_keys_of(cell for cell in cells if cell.requirement is own)}
            kept |= {key for cell in self._cells([own]) for key in kept_keys(self.draft, cell)}
            self.denied_whatever |= {key.lower(): key for key in _lost_keys(own, kept)}
        asked = self._cells([own for own in self.deny if not self.contested.others(own)])
        add_cells(self.draft, Effect.DENY, cells, asked, self.judge, contrary=self.allow)

    def _keeps_allowed(self) -> bool:
        policy = self.policy
        return all(self.judge.is_met(policy, own) is not False for own in self.allow)

    def _restore(
        self, statements: Iterable[tuple[Part, dict[str, Any], dict[str, Requirement]]]
    ) -> None:
        self.draft.parts = []
        for part, statement, serves in statements:
            part.statement, part.serves = statement, serves
            self.draft.parts.append(part)

    def _cells(self, requirements: Iterable[Requirement]) -> list[Cell]:
        found = (cells_of(own, self.judge.kind) for own in requirements)
        return [cell for own in found if isinstance(own, tuple) for cell in own]

    def _separated(self, requirement: Requirement) -> Iterator[Cell]:
        """The cells of a requirement, with conditions where a statement for them would take requests of the other side."""
        found = cells_of(requirement, self.judge.kind)
        if isinstance(found, CannotBeWritten):
            raise _Stuck(Conflict(why=found.why, **_sides(requirement)))
        for cell in found:
            apart = self.contested.apart(cell)
            if not isinstance(apart, Cell):
                sides = {**_sides(requirement), **_sides(apart)}
                raise _Stuck(Conflict(why="no condition tells the requests apart", **sides))
            yield apart

    # What the edits prove

    def _take_back_needless(self) -> None:
        """Take back each edit without which everything is met all the same."""
        origins = [part.origin for part in self.draft.parts if part.origin is not None]
        # What one edit was needless for, another one may be needed for.
        left: dict[str, Requirement] = {}
        for number in (*dict.fromkeys(origins), *self.draft.removed):
            self._try_original(number, left)
        for part in [own for own in self.draft.parts if own.origin is None]:
            at = self.draft.parts.index(part)
            del self.draft.parts[at]
            if part.serves and self._all_met({**left, **part.serves}.values()):
                left |= part.serves
            else:
                self.draft.parts.insert(at, part)

    def _try_original(self, number: int, left: dict[str, Requirement]) -> None:
        original = statements_of(self.draft.given)[number]
        own = [part for part in self.draft.parts if part.origin == number]
        if [part.statement for part in own] == [original]:
            return
        before, removed = list(self.draft.parts), dict(self.draft.removed)
        served = {key: r for part in own for key, r in part.serves.items()}
        served |= {f"{r.effect}{r.pointer}": r for r in removed.get(number, ())}
        at = next(
            (
                n
                for n, part in enumerate(before)
                if (part.origin or 0) >= number or part.origin is None
            ),
            len(before),
        )
        kept = [part for part in before if part.origin != number]
        kept.insert(at, Draft.of({"Statement": original}).parts[0])
        kept[at].origin = number
        self.draft.parts = kept
        self.draft.removed.pop(number, None)
        if served and self._all_met({**left, **served}.values()):
            left |= served
        else:
            self.draft.parts, self.draft.removed = before, removed

    def _all_met(self, requirements: Iterable[Requirement]) -> bool:
        policy = self.policy
        return all(self.judge.is_met(policy, own) is True for own in requirements)

    def _proved(self) -> Repair:
        new = self.policy
        unproved: list[str] = []
        blocked: list[OtherLayers] = []
        for own in self.judge.unmet(new, self.requirements):
            other = self._other_layers(new, own)
            if other:
                blocked.append(other)
            else:
                unproved.append(f"{own.pointer}: whether it is met is unknown")
        for name, search, asked in (("gained", gained, self.allow), ("lost", lost, self.deny)):
            found = search(self.judge, self.draft, self._cells(asked))
            if found.differences:
                request = found.differences[0].request["request"]
                unproved.append(
                    f"{name} besides: {quoted(request['action'])} on {quoted(request['resource'])}"
                )
            elif not found.is_none:
                unproved.append(f"what is {name} besides is unknown: {'; '.join(found.open)}")
        return Repair(
            document=self.draft.document,
            edits=edits_of(self.draft),
            other_layers=tuple(blocked),
            unproved=tuple(unproved),
            freed_from=tuple(self.freed_from.values()),
            other_values=tuple(self.other_values.values()),
            denied_whatever=tuple(self.denied_whatever.values()),
            limited_by=tuple(self._limits()),
        )

    def _limits(self) -> Iterator[str]:
        """The places of the Denies for other contexts than those of the allowed patterns."""
        patterns = [own for own in self.allow if own.is_pattern]
        for number, statement in enumerate(self.policy.statements):
            if statement.denies and any(
                may_concern(statement, own) and self.judge.limits(statement, own)
                for own in patterns
            ):
                yield f"/Statement/{number}"

    def _other_layers(self, policy: Policy, requirement: Requirement) -> OtherLayers | None:
        """The other layers, if only they keep a request from being allowed."""
        if self.judge.others is None or requirement.effect is Effect.DENY:
            return None
        if requirement.is_pattern:
            # The document cannot allow it: another policy of its level denies some of it.
            is_theirs = not self._helps_to_allow(requirement)
            layers = (self.judge.layer,)
            return OtherLayers(requirement=requirement, layers=layers) if is_theirs else None
        verdict, hits = self.judge.verdict(policy, requirement)
        own = any(hit.placed.pointer == DOCUMENT and hit.statement.denies for hit in hits)
        if own or verdict.outcome == "Unknown":
            return None
        denies = (hit for hit in hits if hit.statement.denies and hit.placed.pointer != DOCUMENT)
        places = tuple(hit.placed.pointer + hit.statement.node.at.pointer for hit in denies)
        return OtherLayers(requirement=requirement, layers=verdict.blocked_by, statements=places)


def _keys_of(cells: Iterable[Cell]) -> Iterator[str]:
    """The condition keys of statements for the cells."""
    for own in cells:
        yield from condition_keys(own.who.get("Condition"))


def _lost_keys(requirement: Requirement, kept: Iterable[str]) -> Iterator[str]:
    """The keys of a request's context that are not among those that are kept."""
    if requirement.is_pattern or requirement.request is None:
        return
    lower = {key.lower() for key in kept}
    yield from (
        key for key in requirement.request.given.get("context", {}) if key.lower() not in lower
    )


def _sides(requirement: Requirement) -> dict[str, Any]:
    name = "allowed" if requirement.effect is Effect.ALLOW else "denied"
    return {name: requirement}


def _first_within(exempt: Sequence[Requirement], entry: str) -> Requirement:
    """The first requirement of which a resource is among those of an entry."""
    return next(
        (own for own in exempt if any(intersects(entry, r) for r in own.resources)), exempt[0]
    )
