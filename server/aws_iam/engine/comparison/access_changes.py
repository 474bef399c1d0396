"""What a comparison found, as rows: the actions that each statement newly allows, or no longer allows, riskiest first.

access_changes(found, risks)   →   (AccessChange(actions=("iam:AttachUserPolicy",), …), …)
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.action_names import WHOLE, action_entries, gravity, worst_first
from aws_iam.engine.comparison.actions import is_kms_or_sts, names_of
from aws_iam.engine.comparison.affected_principals import (
    EVERYONE,
    ROOT_USER,
    affected,
    bound_by_one,
    limiting,
    named_principals,
    opens,
)
from aws_iam.engine.comparison.arn_formats import may_be_asked
from aws_iam.engine.comparison.change_risks import (
    JudgedAccess,
    Risk,
    Widening,
    at_most_high,
    widened,
    without_deny,
)
from aws_iam.engine.comparison.clauses import as_written
from aws_iam.engine.comparison.limited_resources import left_by_limit
from aws_iam.engine.comparison.statement_changes import (
    Counterparts,
    actions_in_words,
    condition_in_words,
    guards_access,
)
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from aws_iam.answer import Where
    from aws_iam.engine.comparison.actions import ActionGroup
    from aws_iam.engine.comparison.change_risks import ChangeRisks
    from aws_iam.engine.comparison.clauses import Clause, Side
    from aws_iam.engine.comparison.one_way_search import Difference, SearchResult
    from aws_iam.engine.comparison.statement_changes import (
        ConditionChange,
        ResourceChange,
        StatementChange,
    )
    from aws_iam.engine.language.document import Condition, Statement

_UNKNOWN = "unknown"
_LEVELS = (WHOLE, "Permissions management", "Write", "Tagging", "Read", "List", _UNKNOWN)
_OTHERS = "other policies of the principal"
# Of more resources than this a row names all.
_MOST_MATCHED = 100
_FEW_TYPES = 2
# Where a word begins in a name such as `AccountInOrganization`.
_WORDS = re.compile("(?<=[a-z])(?=[A-Z])")
_WILD = re.compile(r"[*?]")
_SHOWN = 3


@slotted
class _Place:
    """What a row is about, apart from its actions: the changed statement, the resources and the principals."""

    clause: Clause
    resources: tuple[str, ...]
    excluded: tuple[str, ...]
    principals: tuple[str, ...]
    # The resources by which the risk is judged.
    judged: tuple[str, ...]
    # The same statement on the other side, and the conditions that differ.
    other: Clause | None
    conditions: ConditionChange | None
    resource_change: ResourceChange | None
    beside: str
    widening: Widening
    # The conditions of the Allow by which it is for everyone, and the Denies that keep some out.
    limits: tuple[Condition, ...]
    limited_by: tuple[str, ...]
    # Whether only other policies of the principal allow it.
    by_others: bool
    owner: str


@slotted
class AccessChange:
    """Actions of one access level and one risk that a statement newly allows, or no longer allows.

    `actions` are names, and `service:*` for all of a service; `names` are the known actions that they stand for. The
    statement is the Allow that changed, else the Deny.
    """

    actions: tuple[str, ...]
    names: tuple[str, ...]
    access_level: str
    resources: tuple[str, ...]
    excluded: tuple[str, ...]
    principals: tuple[str, ...]
    conditions: Mapping[str, Any] | None
    risk: Risk
    statement: str
    where: Where
    is_allow: bool
    # Whether the statement is one of the baseline, and its conditions on the other side, if they differ.
    of_baseline: bool
    other_conditions: Mapping[str, Any] | None
    condition_change: ConditionChange | None
    resource_change: ResourceChange | None
    # What else changed in the statement, in words.
    beside: str
    # The entry of Action that its first action matches, if that is a pattern in the middle or front of the name.
    pattern: str
    # The conditions of the statement that allows everyone.
    limits: tuple[Condition, ...]
    # The Denies, by pointer, that keep some of everyone out.
    limited_by: tuple[str, ...]
    # Whether a Deny changed what other policies of the principal allow it, and these policies nothing.
    by_others: bool
    # The account that has to own the resource, where nothing says which does.
    owner: str
    # The rank of the severity, should the other policies allow it.
    gravity: int
    # The identity of the statement, by which its policy is found among several.
    statement_id: int = 0
    # The policy's name, where several are compared, and whether it only limits others.
    policy: str = ""
    is_limit: bool = False
    # Of what a limit no longer stops, whether policies that it limits allow it.
    is_granted: bool = False

    def of(self, policy: str, *, is_limit: bool) -> AccessChange:
        """The change of a policy of that name; what a limit allows may still be allowed by nothing else."""
        risk = at_most_high(self.risk) if is_limit and not self.is_granted else self.risk
        return replace(self, policy=policy, is_limit=is_limit, risk=risk)

    def row(self) -> dict[str, Any]:
        """The change as JSON, without empty fields."""
        fields = {
            "policy": self.policy,
            "actions": list(self.actions),
            "access_level": self.access_level,
            "resources": list(self.resources),
            "except_resources": list(self.excluded),
            "principals": list(self.principals),
            "allowed_by": _OTHERS if self.by_others else "",
            "conditions": self.conditions,
            f"conditions_{'after' if self.of_baseline else 'before'}": self.other_conditions,
            "risk": self.risk.name or "none known",
            "severity": self.risk.severity.value,
            "statement": self.statement,
            # A pointer without it is one into the document.
            "statement_of": "baseline" if self.of_baseline else "",
        }
        return {name: value for name, value in fields.items() if value}

    def names_of(self, action: str) -> Sequence[str]:
        """The known actions that one of its actions stands for."""
        if action == "*":
            return self.names
        start = action.removesuffix("*")
        exact = not action.endswith(":*")
        return [n for n in self.names if (n == action if exact else n.startswith(start))]

    @property
    def order(self) -> tuple[bool, int, bool, int, int, tuple[int, int], int]:
        """Riskiest first; last what only a limit was wider for, as nobody gains it now."""
        unused = self.is_limit and not self.is_granted
        return (
            unused,
            self.risk.severity.rank,
            self.by_others,
            self.gravity,
            self.risk.order,
            gravity(self.actions[0], self.risk.name),
            _LEVELS.index(self.access_level),
        )

    def in_words(self) -> str:
        """Its first action, with the pattern that it matches, its resources and principals, and its risk."""
        to = joined([_quoted(principal) for principal in self.principals], shown=_SHOWN)
        risk = f" ({self.risk.in_words})" if self.risk.name else ""
        by = f" (by {quoted(self.pattern)})" if self.pattern else ""
        what = f"{quoted(self.actions[0])}{by}{self._on()}{f' to {to}' if to else ''}"
        return f"{what}{risk}{self.when()}"

    def when(self) -> str:
        """What has to hold, too: the conditions of access for everyone, or an Allow in another policy."""
        if self.by_others:
            return " where other policies of the principal allow it"
        if self.owner:
            return f" without a policy of its own, if {self.owner} owns the resource"
        limits = f" with {condition_in_words(self.limits)}" if self.limits else ""
        if not self.limited_by:
            return limits
        return f"{limits} unless denied at {joined(self.limited_by, 'or', shown=_SHOWN)}"

    def _on(self) -> str:
        """Its resources in words."""
        if not self.resources:
            return ""
        excluded = joined([quoted(text) for text in self.excluded], shown=_SHOWN)
        if "*" in self.resources and self.principals not in {(), (ROOT_USER,)}:
            # In the policy of a resource `*` is that resource, in one of an endpoint everything.
            return f" on everything except {excluded}" if excluded else self._on_itself()
        if "*" not in self.resources:
            return f" on {joined([quoted(text) for text in self.resources], shown=_SHOWN)}"
        known = catalog().action(self.actions[0])
        if known is not None and not known.resource_types:
            return ""
        listed = (known.required or known.resource_types) if known else ()
        # What is reached through an access point is the same object.
        types = [own for own in listed if own.removeprefix("accesspoint") not in {*listed} - {own}]
        what = (
            joined([_WORDS.sub(" ", name).lower() for name in types], "or")
            if 0 < len(types) <= _FEW_TYPES
            else "resource"
        )
        return f" on every {what}{f' except {excluded}' if excluded else ''}"

    def _on_itself(self) -> str:
        known = catalog().action(self.actions[0])
        is_single = known is None or not known.resource_types or is_kms_or_sts(known.full_name)
        return "" if is_single else " on `*`"


def _quoted(principal: str) -> str:
    return principal if " " in principal or principal == EVERYONE else quoted(principal)


def level_counts(changes: Iterable[AccessChange]) -> dict[str, int]:
    """The number of actions of each access level that occurs."""
    names = dict.fromkeys(name for change in changes for name in change.names)
    counted = Counter(_level(name) for name in names)
    return {level: counted[level] for level in _LEVELS if counted[level]}


def _level(name: str) -> str:
    known = catalog().action(name)
    return known.level if known else _UNKNOWN


def access_changes(
    found: SearchResult,
    risks: ChangeRisks,
    decisive: Container[int],
    among: Callable[[str], bool] = bool,
) -> tuple[AccessChange, ...]:
    """The rows of one direction of a comparison; `decisive` are the statements, by identity, that one side lacks.

    They are of those actions that are `among` the wanted ones.
    """
    changed = {id(clause.statement): clause for clause in found.changed}
    counterparts = Counterparts(decisive)
    groups: dict[object, tuple[_Place, dict[int, ActionGroup]]] = {}
    for difference in found.differences:
        for clause in _causes(difference, changed):
            place = _place(clause, difference, found, risks, counterparts)
            other = place.other and id(place.other.statement)
            key = (
                id(clause.statement),
                place.resources,
                place.excluded,
                place.principals,
                place.by_others,
                place.owner,
                other,
                tuple(map(id, place.limits)),
            )
            groups.setdefault(key, (place, {}))[1][id(difference.group)] = difference.group
    rows = [
        change
        for place, own in groups.values()
        for change in _rows(place, tuple(filter(among, names_of(own.values()))), risks)
    ]
    return tuple(sorted(rows, key=lambda change: change.order))


def _causes(difference: Difference, changed: Mapping[int, Clause]) -> Sequence[Clause]:
    """The changed statements behind a difference: Allow statements, else the Deny that differs."""
    met = [changed.get(id(clause.statement), clause) for clause in difference.clauses]
    return [clause for clause in met if clause.allows] or met[:1]


def _place(
    clause: Clause,
    difference: Difference,
    found: SearchResult,
    risks: ChangeRisks,
    counterparts: Counterparts,
) -> _Place:
    """Where a difference belongs: the resources of the statement on which its actions work, and the principals."""
    granting = clause if clause.allows else _granting(difference, found) or clause
    # The resources that a Deny covered, unless it covered all.
    named = clause if clause.allows or not clause.is_anywhere else granting
    listed = tuple(map(as_written, named.resources or ()))
    resources = listed
    excluded: tuple[str, ...] = ()
    action = difference.group.action
    lower = action.lower()
    if named.not_resources:
        resources, excluded = ("*",), listed
    elif "*" not in listed and len(listed) <= _MOST_MATCHED:
        # The actions of a group are of the same resource types.
        resources = tuple(text for text in listed if may_be_asked(action, text)) or listed
    if resources == ("*",) and not excluded:
        resources = tuple(left_by_limit(action, found.within)) or resources
    request = difference.request["request"]
    of_resource = clause.has_principals
    sides = (found.other, found.own) if clause.allows else (found.own, found.other)
    other = counterparts.of(clause, sides[0].clauses, sides[1].clauses, action)
    # What the document allows and the baseline not is gained by an Allow of the one, or a Deny of the other.
    of_baseline = clause.allows is risks.of_loss
    before, after = (clause, other) if of_baseline else (other, clause)
    change = counterparts.change(before, after)
    moved, weakened = change.resources, change.weakened
    # Where several Denies come from one, this one does not tell alone who is still bound, and on what.
    split = not clause.allows and any(
        not own.allows and own is not other and own.ready.takes(lower)
        for own in filter(counterparts.is_changed, sides[0].clauses)
    )
    kept_deny = other if other and not split else None
    beside = change.beside or _other_actions(clause, sides, counterparts, of_baseline=of_baseline)
    if resources == ("*",) and not excluded and _still_denies(clause, kept_deny, change):
        kept = map(as_written, kept_deny.resources if kept_deny and kept_deny.resources else ())
        excluded = tuple(text for text in kept if may_be_asked(action, text))
    is_new, gains = clause.allows and other is None, clause.allows and not risks.of_loss
    case = difference.case
    # Its own callers are allowed by the account's policies, too.
    owner = case.owner if found.assumes_owner and case.is_unpermitted else ""
    named_now = named_principals(clause, found) if gains and not owner else ()
    rebound = kept_deny if _applies_to_others(clause, kept_deny, change) else None
    principals = tuple(affected(clause, difference, found, rebound))
    return _Place(
        clause=clause,
        resources=resources,
        excluded=excluded,
        principals=principals,
        limits=_limits(clause, difference, found) if EVERYONE in principals or is_new else (),
        limited_by=tuple(limiting(difference, found))
        if clause.allows and EVERYONE in principals
        else (),
        judged=(request["resource"],) if of_resource else resources or ("*",),
        other=other,
        conditions=change.conditions,
        resource_change=moved if moved and (moved.was or moved.now) else None,
        beside=beside,
        by_others="needs" in difference.request
        and (not of_resource or not any(" " in name for name in principals)),
        owner=owner if clause.allows else "",
        widening=Widening(
            is_foreign=risks.is_foreign(named_now, newly=not weakened),
            at_large=risks.is_at_large(clause.statement, named_now),
            unless_own=risks.unless_own(named_now),
            keys=weakened if gains else (),
            opens=gains and opens(clause, found),
            is_wider=gains and moved is not None and moved.is_wider,
            guarding=gains and any(map(guards_access, weakened)),
        ),
    )


def _other_actions(
    clause: Clause, sides: Sequence[Side], counterparts: Counterparts, *, of_baseline: bool
) -> str:
    """That a Deny has other actions on the other side, in words."""
    other = counterparts.deny_with_other_actions(clause, sides[0].clauses, sides[1].clauses)
    if other is None:
        return ""
    before, after = (clause, other) if of_baseline else (other, clause)
    return actions_in_words(before.statement, after.statement)


def _applies_to_others(clause: Clause, other: Clause | None, change: StatementChange) -> bool:
    """Whether a Deny applies to other principals than its counterpart, and that alone explains a difference."""
    if other is None:
        return False
    only = change.conditions is None and change.resources is None
    return only and not clause.allows and any(bound_by_one(clause.statement, other.statement))


def _still_denies(clause: Clause, other: Clause | None, change: StatementChange) -> bool:
    """Whether a Deny is still there, under the same conditions and for the same principals, on some named resources."""
    if other is None or clause.allows or other.allows or other.not_resources:
        return False
    if "*" in (other.resources or "*"):
        return False
    same = not any(bound_by_one(clause.statement, other.statement))
    return same and change.conditions is None and not change.beside


def _limits(clause: Clause, difference: Difference, found: SearchResult) -> tuple[Condition, ...]:
    """The conditions under which it is allowed: those of the changed Allow, or of what a Deny stopped."""
    if clause.allows:
        return clause.statement.conditions
    pointers = difference.request["granted_by"]
    granting = [own.statement for own in found.own.allows if own.pointer in pointers]
    limits = [own.conditions for own in granting]
    return limits[0] if limits and all(limits) else ()


def _granting(difference: Difference, found: SearchResult) -> Clause | None:
    """The first statement that allows the request."""
    pointers = difference.request["granted_by"]
    return next((c for c in found.own.allows if c.pointer in pointers), None)


def _rows(place: _Place, names: Sequence[str], risks: ChangeRisks) -> Iterator[AccessChange]:
    """The actions of a place by access level and risk; whole services apart."""
    clause = place.clause
    conditions = _conditions(clause.statement)
    found: dict[tuple[str, Risk], dict[str, Sequence[str]]] = {}
    for level, action, own in action_entries(clause, names, is_limited=bool(risks.within)):
        for name, risk in _risks(place, action, own, risks):
            found.setdefault((level or _level(name), risk), {})[name] = own if level else (name,)
    for (level, risk), actions in found.items():
        listed = worst_first(actions, risk.name)
        yield AccessChange(
            actions=listed,
            pattern=_inner_pattern(clause, listed[0]),
            names=tuple(chain.from_iterable(actions.values())),
            access_level=level,
            resources=place.resources,
            excluded=place.excluded,
            principals=place.principals,
            conditions=conditions,
            risk=at_most_high(risk) if place.by_others else risk,
            statement=clause.pointer,
            where=clause.statement.place(),
            is_allow=clause.allows,
            of_baseline=clause.allows is risks.of_loss,
            other_conditions=_conditions(place.other.statement)
            if place.other and place.conditions
            else None,
            condition_change=place.conditions,
            resource_change=place.resource_change,
            beside=place.beside,
            limits=place.limits,
            limited_by=place.limited_by,
            by_others=place.by_others,
            owner=place.owner,
            gravity=risk.severity.rank,
            statement_id=id(clause.statement),
        )


def _inner_pattern(clause: Clause, action: str) -> str:
    """The entry of an Allow that the action matches, if its wildcard is not at the end: nobody sees what it covers."""
    lower = action.lower()
    if not clause.allows or clause.ready.negated or lower in clause.ready.names:
        return ""
    own = clause.ready.near(lower)
    inner = [p for p in own if _WILD.search(p[:-1].partition(":")[2]) and matches(p, lower)]
    return next((w for w in clause.statement.action_words if inner and w.lower() == inner[0]), "")


def _risks(
    place: _Place, action: str, names: Sequence[str], risks: ChangeRisks
) -> Iterator[tuple[str, Risk]]:
    """The risk of an entry, or of each of its names."""
    clause = place.clause
    judged = JudgedAccess(
        statement=id(clause.statement),
        resources=place.judged,
        conditions=_conditions(clause.statement),
        of_resource=clause.has_principals,
        is_allow=clause.allows,
    )
    if action == "*":
        own = [(action, names, risks.of_everything(judged))]
    elif action:
        service = action.partition(":")[0]
        own = [(action, names, risks.of_service(service, names, judged))]
    else:
        own = [(name, (name,), risk) for name, risk in risks.of_actions(names, judged)]
    for name, stood_for, risk in own:
        graver = widened(risk, stood_for, place.widening)
        freed = not clause.allows and not risks.of_loss
        yield name, without_deny(graver, stood_for) if freed else graver


def _conditions(statement: Statement) -> dict[str, dict[str, list[str]]] | None:
    found: dict[str, dict[str, list[str]]] = {}
    for condition in statement.conditions:
        values = [value.value for value in condition.values]
        found.setdefault(condition.operator.value, {})[condition.key.value] = values
    return found or None
