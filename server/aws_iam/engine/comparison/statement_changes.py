"""What a changed statement is on the other side of a comparison: its counterpart, and the conditions that differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aws_iam.engine.comparison.automaton import Budget, OverBudget
from aws_iam.engine.comparison.distinct_values import Atom, distinct_values
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import covers
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.clauses import Clause
    from aws_iam.engine.language.document import Condition, Statement

_WILD = "*?"
# More resources of a statement are not compared with those that it had.
_MOST_COMPARED = 20
_SHOWN = 3
_VALUES_SHOWN = 3
_WORK = 20_000

GUARDING: Final = (
    "sts:externalid",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "kms:viaservice",
    "kms:calleraccount",
    "kms:grantisforawsresource",
    "iam:permissionsboundary",
)
"""Condition keys, in lower case, that decide who or what a permission is for."""
_OF_TOKENS = (":aud", ":sub", ":amr")


def guards_access(key: str) -> bool:
    """Whether a condition key decides who or what a permission is for."""
    lower = key.lower()
    return lower in GUARDING or lower.endswith(_OF_TOKENS)


@slotted
class ConditionChange:
    """The conditions that only one of two counterparts has: those of the baseline and those of the document."""

    was: tuple[Condition, ...] = ()
    now: tuple[Condition, ...] = ()

    def in_words(self) -> str:
        """Both in words."""
        if not self.now:
            return f"the condition {_listed(self.was)} is gone"
        if not self.was:
            return f"the condition {_listed(self.now)} is new"
        return f"the condition was {_listed(self.was)}, is {_listed(self.now)}"

    def weakened(self) -> Iterator[str]:
        """The keys whose condition holds for more requests than before, or is gone; first those that guard access."""
        names = dict.fromkeys(condition.name for condition in self.was)
        for key in sorted(names, key=guards_access, reverse=True):
            if _is_wider(key, _atoms(key, self.was), _atoms(key, self.now)):
                yield next(c.key.value for c in self.was if c.name == key)


@slotted
class ResourceChange:
    """The resources that only one of two counterparts names: those of the baseline and those of the document."""

    was: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    # Whether one of the document's is wider than what it stands for.
    is_wider: bool = False

    def in_words(self) -> str:
        """Both in words."""
        was, now = (
            joined([quoted(text) for text in own], shown=_SHOWN) for own in (self.was, self.now)
        )
        if not now:
            return f"the resource {was} is gone"
        return f"the resource was {was}, is {now}" if was else f"the resource {now} is new"


@slotted
class StatementChange:
    """What differs between two counterparts; `weakened` are the condition keys whose conditions became weaker."""

    conditions: ConditionChange | None = None
    weakened: tuple[str, ...] = ()
    resources: ResourceChange | None = None


_NO_CHANGE = StatementChange()


@dataclass(slots=True)
class Counterparts:
    """Finds the counterparts of statements, and what changed; each pair is compared once."""

    _likeness: dict[tuple[int, int], int] = field(default_factory=dict)
    _changes: dict[tuple[int, int], StatementChange] = field(default_factory=dict)
    # By identity of the statements of a side: them by effect, actions and principals.
    _by_actions: dict[int, dict[object, list[Clause]]] = field(default_factory=dict)

    def of(
        self, clause: Clause, others: Sequence[Clause], own: Iterable[Clause], action: str
    ) -> Clause | None:
        """The statement of the other side that the clause was, or became.

        It has the same Sid, or the same resources and principals; or it is the only one with the same actions and
        principals that its own side alone has.
        """
        lower = action.lower()
        near = [
            (rank, other)
            for other in others
            if other.allows is clause.allows
            and (rank := self._alike(clause, other))
            and other.ready.takes(lower)
        ]
        if near:
            return max(near, key=lambda ranked: ranked[0])[1]
        moved = self._with_actions(others, clause)
        if len(moved) != 1 or any(
            known.statement.node == moved[0].statement.node for known in own
        ):
            return None
        return moved[0]

    def _with_actions(self, others: Sequence[Clause], clause: Clause) -> Sequence[Clause]:
        """The other statements with the same effect, actions and principals."""
        if id(others) not in self._by_actions:
            found = self._by_actions[id(others)] = {}
            for other in others:
                found.setdefault(_actions(other), []).append(other)
        return self._by_actions[id(others)].get(_actions(clause), ())

    def _alike(self, one: Clause, other: Clause) -> int:
        pair = (id(one.statement), id(other.statement))
        if pair not in self._likeness:
            self._likeness[pair] = _likeness(one.statement, other.statement)
        return self._likeness[pair]

    def change(self, before: Clause | None, after: Clause | None) -> StatementChange:
        """What differs between two statements."""
        if before is None or after is None:
            return _NO_CHANGE
        pair = (id(before.statement), id(after.statement))
        if pair not in self._changes:
            found = _condition_change(before, after)
            self._changes[pair] = StatementChange(
                conditions=found,
                weakened=tuple(found.weakened()) if found else (),
                resources=_resource_change(before.statement, after.statement),
            )
        return self._changes[pair]


def _resource_change(before: Statement, after: Statement) -> ResourceChange | None:
    """The resources that differ, if any do and both statements name them in the same way."""
    if before.not_resource_words or after.not_resource_words:
        return None
    old, new = (dict.fromkeys(own.resource_words) for own in (before, after))
    was = tuple(text for text in old if text not in new)
    now = tuple(text for text in new if text not in old)
    if not was and not now:
        return None
    most = max(map(_wildcards, was), default=0)
    kept = tuple(old)[:_MOST_COMPARED]
    is_wider = any(
        (was and _wildcards(text) > most) or any(covers(text, own) for own in kept)
        for text in now[:_MOST_COMPARED]
    )
    return ResourceChange(was=was, now=now, is_wider=is_wider)


def _wildcards(text: str) -> int:
    return sum(map(text.count, _WILD))


def _condition_change(before: Clause, after: Clause) -> ConditionChange | None:
    was, now = (_by_form(clause.statement) for clause in (before, after))
    change = ConditionChange(
        was=tuple(condition for form, condition in was.items() if form not in now),
        now=tuple(condition for form, condition in now.items() if form not in was),
    )
    return change if change.was or change.now else None


def condition_in_words(conditions: Sequence[Condition]) -> str:
    """Conditions as operator, key and values."""
    return _listed(conditions)


def _likeness(one: Statement, other: Statement) -> int:
    """How alike two statements are apart from actions and conditions; 0 if they have nothing to do with each other."""
    same_sid = bool(one.sid and other.sid and one.sid.value == other.sid.value)
    names = [_principals(own) for own in (one, other)]
    targets = [{*own.resource_words, *own.not_resource_words} for own in (one, other)]
    # A statement with no principals, or without resources, has no element of that name.
    meets = [not any(sets) or bool(sets[0] & sets[1]) for sets in (names, targets)]
    equal = sum(sets[0] == sets[1] for sets in (names, targets))
    if not same_sid and not all(meets):
        return 0
    return 1 + equal + 3 * same_sid


def _actions(clause: Clause) -> object:
    statement = clause.statement
    return clause.allows, tuple(statement.action_words), frozenset(_principals(statement))


def _principals(statement: Statement) -> set[tuple[str, str]]:
    return {(p.type, p.value) for p in (*statement.principals, *statement.not_principals)}


def _by_form(statement: Statement) -> Mapping[tuple[object, ...], Condition]:
    return {
        (c.operator.value, c.name, frozenset(value.value for value in c.values)): c
        for c in statement.conditions
    }


def _atoms(key: str, conditions: Iterable[Condition]) -> tuple[Atom, ...]:
    return tuple(
        Atom(key, c.operator.value, tuple(sorted(value.value for value in c.values)))
        for c in conditions
        if c.name == key
    )


def _is_wider(key: str, before: tuple[Atom, ...], after: tuple[Atom, ...]) -> bool:
    """Whether some value, or its absence, meets the conditions after and not those before."""
    if not after:
        return True
    old, new = (1 << len(before)) - 1, ((1 << len(after)) - 1) << len(before)
    try:
        values = distinct_values(key, (*before, *after), budget=Budget(_WORK))
    except OverBudget:
        return True
    return any(value.true & new == new and value.true & old != old for value in values)


def _listed(conditions: Sequence[Condition]) -> str:
    return joined([quoted(_spelled(condition)) for condition in conditions], shown=_SHOWN)


def _spelled(condition: Condition) -> str:
    values = [value.value for value in condition.values]
    more = f" and {len(values) - _VALUES_SHOWN} more" if len(values) > _VALUES_SHOWN else ""
    return f"{condition.operator.value} {condition.key.value} {', '.join(values[:_VALUES_SHOWN])}{more}"
