"""The statements of one side of a comparison that no statement of the other side covers.

A request that one side allows and the other does not meets an Allow that no Allow of the other side covers, or a Deny of the
other side that no Deny covers. Only such clauses, without their covered entries, have to be searched; most changes of a
policy leave very few. Coverage is checked pair by pair, up to a limit; what is not found to be covered stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.pattern import covers, intersects, is_literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.engine.comparison.clauses import Clause, Side
    from aws_iam.engine.language.document import Principal

_HOLE = re.compile(r"\$\{[^}]*\}")


_MOST_PAIRS = 100_000
_MOST_PAIRS_OF_STATEMENTS = 500_000
# A pattern with `?` and more stars than this is not compared here: it needs a search.
_FEW_STARS = 3
# One principal is named by one clause or by none.
_FEWEST_PRINCIPALS = 2
# Pairs that a comparison with `?` and `*` counts for.
_INTRICATE = 20


def uncovered_statements(
    wanted: Sequence[Side],
    unwanted: Sequence[Side],
    only: Mapping[int, IndexedStatement] | None = None,
) -> tuple[Clause, ...]:
    """Clauses, without their covered entries, one of which every difference meets.

    Clauses may contain variables: the result then holds whatever the variables stand for. `only` are the statements, by
    identity, and the actions of each that were left by an earlier run.
    """
    coverage = Coverage()
    # Of two wanted sides the last is the narrower one; where there is an unwanted one, it only limits the first.
    new = wanted[0] if unwanted else wanted[-1]
    left = list(_limited_to(new.allows, only))
    for old in unwanted:
        others, same = old.allows, frozenset(map(_elements, old.allows))
        left = [
            part
            for clause in left
            if _elements(clause) not in same
            for part in coverage.without_covered(clause, others)
        ]
    denies, same = new.denies, frozenset(map(_elements, new.denies))
    extra = [
        deny
        for old in unwanted
        for deny in _limited_to(old.denies, only)
        if _elements(deny) not in same and not coverage.is_within(deny, denies)
    ]
    return (*left, *extra)


def _elements(clause: Clause) -> tuple[object, ...]:
    """What two clauses have in common that apply to the same requests: most statements of a change are as they were."""
    ready, statement = clause.ready, clause.statement
    return (
        *(frozenset(ready.names), frozenset(ready.patterns), ready.negated),
        *(None if clause.resources is None else frozenset(clause.resources), clause.not_resources),
        *(clause.needs, clause.unread, clause.has_principals, statement.has("NotPrincipal")),
        frozenset((p.type, p.value) for p in statement.principals),
        frozenset((p.type, p.value) for p in statement.not_principals),
    )


def new_principals(clause: Clause, others: Iterable[Clause]) -> tuple[Principal, ...]:
    """The principals to which no other clause allows all that this one allows."""
    coverage = Coverage()
    covering = [other for other in others if coverage.within(clause, other, anyone=True)]
    named = {(p.type, p.value) for other in covering for p in other.statement.principals}
    if any(p.is_everyone for other in covering for p in other.statement.principals):
        return ()
    return tuple(p for p in clause.statement.principals if (p.type, p.value) not in named)


def _limited_to(
    clauses: Iterable[Clause], only: Mapping[int, IndexedStatement] | None
) -> Iterable[Clause]:
    if only is None:
        return clauses
    return (
        replace(clause, ready=ready)
        for clause in clauses
        if (ready := only.get(id(clause.statement)))
    )


@dataclass(slots=True)
class Coverage:
    """Checks which entries of statements others cover, for a limited number of pairs of entries, and of statements."""

    left: int = _MOST_PAIRS
    statements_left: int = _MOST_PAIRS_OF_STATEMENTS
    # By the identity of a statement the names in its Principal; none with NotPrincipal.
    _names: dict[int, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def is_within(self, clause: Clause, others: Sequence[Clause]) -> bool:
        """Whether others apply to every request to which the clause applies: one of them, or one for each of its principals.

        Also False where that takes too long.
        """
        return self._may_compare(others) and (
            any(self.within(clause, other) for other in others)
            or self._is_within_by_principals(clause, others)
        )

    def _is_within_by_principals(self, clause: Clause, others: Iterable[Clause]) -> bool:
        """Whether each principal of the clause is one of another clause that applies to all that this one does."""
        left = self._principals(clause)
        if len(left) < _FEWEST_PRINCIPALS:
            return False
        for other in others:
            names = self._principals(other)
            if not left.isdisjoint(names) and self.within(clause, other, anyone=True):
                left = left - names
                if not left:
                    return True
        return False

    def _principals(self, clause: Clause) -> frozenset[tuple[str, str]]:
        own = clause.statement
        found = self._names.get(id(own))
        if found is None:
            named = () if own.has("NotPrincipal") else own.principals
            found = self._names[id(own)] = frozenset((p.type, p.value) for p in named)
        return found

    def _may_compare(self, others: Sequence[Clause]) -> bool:
        self.statements_left -= len(others)
        return self.statements_left >= 0

    def without_covered(self, clause: Clause, others: Sequence[Clause]) -> Iterable[Clause]:
        """The clause without the entries that another clause covers; nothing when no entry is left."""
        if not self._may_compare(others):
            return (clause,)
        near = [
            o
            for o in others
            if _conditions_within(clause, o) and self._principals_within(clause, o)
        ]
        if any(
            self._actions_within(clause, o) and self._resources_within(clause, o) for o in near
        ) or self._is_within_by_principals(clause, others):
            return ()
        if clause.ready.negated or clause.not_resources or not near:
            return (clause,)
        left = self._left(clause, near)
        if not left:
            return ()
        resources = frozenset().union(*left.values())
        kept = (
            None
            if clause.resources is None
            else tuple(r for r in clause.resources if r in resources)
        )
        ready = IndexedStatement.with_entries(clause.statement, tuple(left))
        anywhere = kept is None or "*" in kept
        return (replace(clause, ready=ready, resources=kept, is_anywhere=anywhere),)

    def _left(self, clause: Clause, near: Sequence[Clause]) -> Mapping[str, frozenset[str]]:
        """The entries of the clause that the others do not cover, each with the resources that are left."""
        whole = frozenset(clause.resources or ())
        full, partial = [], []
        for other in near:
            covered = self._covered_resources(whole, other)
            if covered is None or (covered and covered == whole):
                full.append(other)
            elif covered:
                partial.append((other, covered))
        left: dict[str, frozenset[str]] = {}
        for entry in self._not_taken(clause.ready, full):
            rest = whole
            for other, resources in partial:
                if resources & rest and self._takes_all(other, entry):
                    rest -= resources
            if rest or clause.resources is None:
                left[entry] = rest
        return left

    def _not_taken(self, ready: IndexedStatement, others: Sequence[Clause]) -> list[str]:
        """The entries of a statement that none of the others covers entirely."""
        # Versions of a policy share most names.
        names = ready.names.difference(*(o.ready.names for o in others if not o.ready.negated))
        wider = [o for o in others if o.ready.negated or o.ready.patterns]
        entries = [*names, *ready.patterns]
        return [e for e in entries if not any(self._takes_all(other, e) for other in wider)]

    def _covered_resources(self, whole: frozenset[str], other: Clause) -> frozenset[str] | None:
        """The resources to which the other clause applies; None when it applies to all resources."""
        if other.is_anywhere:
            return None
        if other.not_resources or other.resources is None:
            return frozenset()
        same = whole.intersection(other.resources)
        wide = [o for o in other.resources if not is_literal(o)]
        if not wide:
            return same
        return same | {
            resource
            for resource in whole - same
            if self.left > 0 and any(self._covers(o, resource) for o in wide)
        }

    def _takes_all(self, clause: Clause, entry: str) -> bool:
        """Whether the clause applies to all actions of an entry."""
        ready = clause.ready
        if ready.negated:
            return not any(self.may_overlap(own, entry) for own in (*ready.names, *ready.patterns))
        return self._listed(ready, entry)

    def within(self, new: Clause, old: Clause, *, anyone: bool = False) -> bool:
        """Whether the old clause applies to every request to which the new one applies, element by element.

        With `anyone` their principals are not compared.
        """
        return (
            _conditions_within(new, old)
            and self._actions_within(new, old)
            and self._resources_within(new, old)
            and (anyone or self._principals_within(new, old))
        )

    def _principals_within(self, new: Clause, old: Clause) -> bool:
        """Whether the old statement names everyone, or all principals that the new one names."""
        if new.has_principals and old.has_principals:
            mine, theirs = self._principals(new), self._principals(old)
            if mine and theirs and mine <= theirs:
                return True
        return principals_within(new, old)

    def _actions_within(self, new: Clause, old: Clause) -> bool:
        """Whether all actions of the new statement are actions of the old one."""
        mine, theirs = new.ready, old.ready
        if mine.negated:
            if not theirs.negated:
                return bool({"*", "*:*"} & {*theirs.patterns})
            return all(self._listed(mine, entry) for entry in (*theirs.names, *theirs.patterns))
        if not theirs.negated:
            # Versions of a policy share most names.
            rest = (*(mine.names - theirs.names), *mine.patterns)
            return not rest or all(self._listed(theirs, entry) for entry in rest)
        return all(self._takes_all(old, entry) for entry in (*mine.names, *mine.patterns))

    def _listed(self, ready: IndexedStatement, entry: str) -> bool:
        if entry in ready.names:
            return True
        if not ready.patterns:
            return False
        near = ready.near(entry) if is_literal(entry.partition(":")[0]) else ready.anywhere
        return entry in near or any(self._covers(pattern, entry) for pattern in near)

    def _resources_within(self, new: Clause, old: Clause) -> bool:
        """Whether all resources of the new statement are resources of the old one."""
        if old.is_anywhere:
            return True
        if new.resources is None or old.resources is None:
            return False
        if new.not_resources is not old.not_resources:
            return False
        inner, outer = (old, new) if new.not_resources else (new, old)
        same = frozenset(outer.resources or ())
        return all(
            resource in same
            or (self.left > 0 and any(self._covers(o, resource) for o in outer.resources or ()))
            for resource in inner.resources or ()
        )

    def _covers(self, outer: str, inner: str) -> bool:
        """Whether a pattern covers another, whatever variables stand for; also False where that takes too long."""
        if outer == inner:
            return True
        intricate = "?" in outer and "*" in outer
        self.left -= _INTRICATE if intricate else 1
        if self.left < 0 or (intricate and outer.count("*") > _FEW_STARS):
            return False
        return "${" not in outer and covers(
            outer, _HOLE.sub("*", inner) if "${" in inner else inner
        )

    def may_overlap(self, one: str, other: str) -> bool:
        """Whether two patterns can match the same text; also True where that takes too long."""
        self.left -= 1
        return self.left < 0 or intersects(one, other)


def _conditions_within(new: Clause, old: Clause) -> bool:
    """Whether the new statement has every condition of the old one, those that cannot be evaluated included."""
    return not old.needs & ~new.needs and old.unread <= new.unread


def principals_within(new: Clause, old: Clause) -> bool:
    """Whether the old statement names everyone, or all principals that the new one names."""
    if not old.has_principals and not new.has_principals:
        return True
    mine, theirs = new.statement, old.statement
    if any(principal.is_everyone for principal in theirs.principals):
        return True
    return (
        {(p.type, p.value) for p in mine.principals}
        <= {(p.type, p.value) for p in theirs.principals}
        and mine.has("NotPrincipal") is theirs.has("NotPrincipal")
        and {(p.type, p.value) for p in mine.not_principals}
        == {(p.type, p.value) for p in theirs.not_principals}
    )
