"""What a changed statement is on the other side of a comparison: its counterpart, and the conditions that differ."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from aws_iam.engine.comparison.affected_principals import binding_in_words
from aws_iam.engine.comparison.automaton import Budget, OverBudget
from aws_iam.engine.comparison.distinct_values import Atom, distinct_values
from aws_iam.engine.comparison.plain_operators import plain_operator
from aws_iam.engine.language.arn import as_short_form
from aws_iam.engine.language.operators import OPERATORS
from aws_iam.engine.language.pattern import covers
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

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
        """Both in words; of a list of values only those that differ."""
        if not self.now:
            return f"the condition {_listed(self.was)} is gone"
        if not self.was:
            return f"the condition {_listed(self.now)} is new"
        if len(self.was) == len(self.now) == 1 and (values := _value_change(*self.was, *self.now)):
            return values
        return f"the condition was {_listed(self.was)}, is {_listed(self.now)}"

    def rest_in_words(self, *, of_baseline: bool) -> str:
        """The side that the conditions of the baseline, or of the document, do not show."""
        if not (self.was and self.now):
            return self.in_words()
        if of_baseline:
            return f"the condition is {_listed(self.now)} now"
        return f"the condition was {_listed(self.was)}"

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

    # Whether these are exceptions, before and now.
    was_excluded: bool = False
    is_excluded: bool = False

    def in_words(self, *, of_baseline: bool) -> str:
        """Both in words; where one are exceptions, only those that a change of this side does not name."""
        was, now = (
            joined([quoted(as_short_form(text)) for text in own], shown=_SHOWN)
            for own in (self.was, self.now)
        )
        if self.was_excluded and self.is_excluded:
            rest = [
                f"{now} is excepted" if now else "",
                f"{was} is no longer excepted" if was else "",
            ]
            return f"of the resources {' and '.join(filter(None, rest))}"
        was = f"everything except {was}" if self.was_excluded else was
        now = f"everything except {now}" if self.is_excluded else now
        if self.was_excluded is not self.is_excluded:
            return f"the resource is {now} now" if of_baseline else f"the resource was {was}"
        if not now:
            return f"the resource {was} is gone"
        return f"the resource was {was}, is {now}" if was else f"the resource {now} is new"


@slotted
class StatementChange:
    """What differs between two counterparts; `weakened` are the condition keys whose conditions became weaker."""

    conditions: ConditionChange | None = None
    weakened: tuple[str, ...] = ()
    resources: ResourceChange | None = None
    # What else differs, in words: the effect, or whether `${…}` is a variable.
    beside: str = ""


_NO_CHANGE = StatementChange()


@dataclass(slots=True)
class Counterparts:
    """Finds the counterparts of statements, and what changed; each pair is compared once.

    `changed` are the statements, by identity, that only one side contains.
    """

    changed: Container[int]
    _likeness: dict[tuple[int, int], int] = field(default_factory=dict)
    _changes: dict[tuple[int, int], StatementChange] = field(default_factory=dict)
    # By identity of the statements of a side: them by effect, actions and principals.
    _by_actions: dict[int, dict[object, list[Clause]]] = field(default_factory=dict)

    def of(
        self, clause: Clause, others: Sequence[Clause], own: Iterable[Clause], action: str
    ) -> Clause | None:
        """The statement of the other side that the clause was, or became.

        It has the same Sid, or the same resources and principals; or it is the only one with the same actions and
        principals that its own side alone has; or it has the opposite effect. A Deny that is still there was no other.
        """
        lower = action.lower()
        near = [
            (rank, other)
            for other in others
            if other.allows is clause.allows
            and (other.allows or self.is_changed(other))
            and (rank := self._alike(clause, other))
            and other.ready.takes(lower)
        ]
        if near:
            rank, best = max(near, key=lambda ranked: ranked[0])
            nearer = not clause.allows and any(
                self._alike(known, best) > rank
                for known in own
                if not known.allows and known is not clause and self.is_changed(known)
            )
            return None if nearer else best
        moved = self._with_actions(others, clause)
        if len(moved) != 1 or not self.is_changed(moved[0]):
            return self._of_opposite_effect(clause, others)
        return moved[0]

    def is_changed(self, clause: Clause) -> bool:
        """Whether only one side contains the statement."""
        return id(clause.statement) in self.changed

    def deny_with_other_actions(
        self, clause: Clause, others: Iterable[Clause], own: Iterable[Clause]
    ) -> Clause | None:
        """The Deny that a Deny is on the other side, where it has other actions there and all else is the same."""
        if clause.allows:
            return None
        form = _form_but_for_actions(clause.statement)
        mine, theirs = (
            [
                known
                for known in side
                if not known.allows
                and self.is_changed(known)
                and _form_but_for_actions(known.statement) == form
            ]
            for side in (own, others)
        )
        return theirs[0] if len(mine) == len(theirs) == 1 else None

    def _of_opposite_effect(self, clause: Clause, others: Iterable[Clause]) -> Clause | None:
        """The changed statement that is the same but for its effect."""
        opposite = (
            other
            for other in others
            if other.allows is not clause.allows
            and self.is_changed(other)
            and _is_same_but_for_effect(clause.statement, other.statement)
        )
        return next(opposite, None)

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
            self._changes[pair] = self._change(before, after)
        return self._changes[pair]

    def _change(self, before: Clause, after: Clause) -> StatementChange:
        conditions = _condition_change(before, after)
        weakened = tuple(conditions.weakened()) if conditions else ()
        resources = _resource_change(before.statement, after.statement)
        if before.allows is not after.allows:
            now = "an Allow" if after.allows else "a Deny"
            return StatementChange(beside=f"the same statement is {now} now")
        if not (self.is_changed(before) and self.is_changed(after)):
            # Another statement that is still there was not changed.
            return StatementChange(
                weakened=weakened,
                resources=resources and replace(resources, was=(), now=()),
            )
        return StatementChange(
            conditions=conditions,
            weakened=weakened,
            resources=resources,
            beside=_variables_in_words(before, after)
            or binding_in_words(before.statement, after.statement),
        )


def _resource_change(before: Statement, after: Statement) -> ResourceChange | None:
    """The resources that differ, if any do."""
    were_excluded, are_excluded = (bool(own.not_resource_words) for own in (before, after))
    old, new = (
        dict.fromkeys(own.not_resource_words or own.resource_words) for own in (before, after)
    )
    if were_excluded is not are_excluded:
        return ResourceChange(
            was=tuple(old),
            now=tuple(new),
            was_excluded=were_excluded,
            is_excluded=are_excluded,
            is_wider=are_excluded or "*" in new,
        )
    was = tuple(text for text in old if text not in new)
    now = tuple(text for text in new if text not in old)
    if not was and not now:
        return None
    if are_excluded:
        return ResourceChange(
            was=was, now=now, was_excluded=True, is_excluded=True, is_wider=bool(was)
        )
    most = max(map(_wildcards, was), default=0)
    kept = tuple(old)[:_MOST_COMPARED]
    is_wider = any(
        (was and _wildcards(text) > most) or any(covers(text, own) for own in kept)
        for text in now[:_MOST_COMPARED]
    )
    return ResourceChange(was=was, now=now, is_wider=is_wider)


def _wildcards(text: str) -> int:
    return sum(map(text.count, _WILD))


def _variables_in_words(before: Clause, after: Clause) -> str:
    """Whether `${…}` in equal statements is a variable on one side only: the Version decides."""
    if before.has_variables is after.has_variables or "${" not in _texts(after.statement):
        return ""
    if after.has_variables:
        return "`${…}` is a variable now, with Version 2012-10-17"
    return "`${…}` is plain text now: it is a variable with Version 2012-10-17 only"


def _texts(statement: Statement) -> str:
    values = [value.value for c in statement.conditions for value in c.values]
    return "\n".join((*statement.resource_words, *statement.not_resource_words, *values))


def _is_same_but_for_effect(one: Statement, other: Statement) -> bool:
    same_sid = bool(one.sid and other.sid and one.sid.value == other.sid.value)
    return same_sid or (
        _action_words(one) == _action_words(other)
        and _targets(one) == _targets(other)
        and _principals(one) == _principals(other)
    )


def _action_words(statement: Statement) -> frozenset[str]:
    """The entries of Action, or of NotAction, in lower case."""
    return frozenset(w.lower() for w in statement.action_words or statement.not_action_words)


def _form_but_for_actions(statement: Statement) -> object:
    """To whom, to what and under which conditions the statement applies."""
    return (
        frozenset(_targets(statement)),
        bool(statement.not_resource_words),
        frozenset(_principals(statement)),
        statement.has("NotPrincipal"),
        frozenset(_by_form(statement)),
    )


def actions_in_words(before: Statement, after: Statement) -> str:
    """The actions that a Deny applied to, and applies to now; of two lists only those that differ."""
    old, new = (
        {word.lower(): word for word in own.not_action_words or own.action_words}
        for own in (before, after)
    )
    negated = [bool(own.not_action_words) for own in (before, after)]
    if old.keys() == new.keys() and negated[0] is negated[1]:
        return ""
    if negated[0] is negated[1] and not old.keys().isdisjoint(new):
        gone, added = (
            _words([word for name, word in own.items() if name not in other])
            for own, other in ((old, new), (new, old))
        )
        subject, verb = ("the Deny", "excepts") if all(negated) else ("the Deny's actions", "list")
        parts = [
            f"now {verb} {added}" if added else "",
            f"no longer {verb} {gone}" if gone else "",
        ]
        return f"{subject} {' and '.join(filter(None, parts))}"
    was, now = (
        f"{'everything except ' if is_negated else ''}{_words(own.values())}"
        for own, is_negated in zip((old, new), negated, strict=True)
    )
    return f"the Deny's actions were {was}, are {now}"


def _words(words: Iterable[str]) -> str:
    return joined([quoted(word) for word in words], shown=_SHOWN)


def _targets(statement: Statement) -> set[str]:
    return {*statement.resource_words, *statement.not_resource_words}


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
    targets = [_targets(own) for own in (one, other)]
    # A statement with no principals, or without resources, has no element of that name.
    meets = [not any(sets) or bool(sets[0] & sets[1]) for sets in (names, targets)]
    equal = sum(sets[0] == sets[1] for sets in (names, targets))
    words = [_action_words(own) for own in (one, other)]
    # A Deny may apply to quite other principals than before.
    meets[0] |= one.denies and targets[0] == targets[1] and words[0] == words[1]
    if not same_sid and not all(meets):
        return 0
    is_negated = [bool(own.not_action_words) for own in (one, other)]
    shared = is_negated[0] is is_negated[1] and bool(words[0] & words[1])
    return 1 + equal + 4 * same_sid + shared + (shared and words[0] == words[1])


def _actions(clause: Clause) -> object:
    statement = clause.statement
    return clause.allows, tuple(statement.action_words), frozenset(_principals(statement))


def _principals(statement: Statement) -> set[tuple[str, str]]:
    return {(p.type, p.value) for p in (*statement.principals, *statement.not_principals)}


def _by_form(statement: Statement) -> Mapping[tuple[object, ...], Condition]:
    return {
        (plain_operator(c), c.name, frozenset(value.value for value in c.values)): c
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
    if not all(atom.base in OPERATORS for atom in (*before, *after)):
        # Of an operator that AWS does not have nothing is known; the policy is refused.
        return False
    if not after:
        return True
    old, new = (1 << len(before)) - 1, ((1 << len(after)) - 1) << len(before)
    try:
        values = distinct_values(key, (*before, *after), budget=Budget(_WORK))
    except OverBudget:
        return True
    return any(value.true & new == new and value.true & old != old for value in values)


def _value_change(was: Condition, now: Condition) -> str:
    """The values that differ, where both conditions are a list on the same key; else empty."""
    old, new = ([value.value for value in own.values] for own in (was, now))
    gone, added = (
        joined([quoted(text) for text in own if text not in other], shown=_SHOWN)
        for own, other in ((old, new), (new, old))
    )
    same = (plain_operator(was), was.name) == (plain_operator(now), now.name)
    if not same or set(old).isdisjoint(new):
        return ""
    of = quoted(f"{now.operator.value} {now.key.value}")
    parts = [f"now lists {added}" if added else "", f"no longer lists {gone}" if gone else ""]
    return f"the condition {of} {' and '.join(filter(None, parts))}"


def _listed(conditions: Sequence[Condition]) -> str:
    return joined([quoted(_spelled(condition)) for condition in conditions], shown=_SHOWN)


def _spelled(condition: Condition) -> str:
    values = [value.value for value in condition.values]
    more = f" and {len(values) - _VALUES_SHOWN} more" if len(values) > _VALUES_SHOWN else ""
    return f"{condition.operator.value} {condition.key.value} {', '.join(values[:_VALUES_SHOWN])}{more}"
