"""Statements widened and added, so that they take what was asked and nothing else.

An entry goes into an existing statement where every pair of action and resource that it makes was asked, or is decided so already;
a principal, or a value of a condition, into the list of a statement of which every pair was asked for it. What is left becomes
statements, in each of which every pair was asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.arn_formats import may_be_asked
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.pattern import covers, intersects, is_literal
from aws_iam.engine.repair.grouping import by_caller, grouped, signature
from aws_iam.engine.repair.joined_values import is_of_value, value_of, with_value
from aws_iam.engine.repair.listed_callers import callers_of, for_callers
from aws_iam.engine.repair.requirements import (
    EVERYWHERE,
    Cell,
    Effect,
    covers_action,
    listed,
    statement_of,
)
from aws_iam.engine.repair.statement_ids import sids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.repair.draft import Draft, Part
    from aws_iam.engine.repair.judge import Judge
    from aws_iam.engine.repair.requirements import Requirement

# One caller is listed as such.
_SEVERAL = 2
_READ = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")


class AskedPairs:
    """The pairs of action and resource that were asked for the same callers and contexts.

    `standing` are statements for the same, at least, that decide so what they list already.
    """

    def __init__(self, cells: Iterable[Cell], standing: Iterable[Mapping[str, Any]] = ()) -> None:
        self._exact: set[tuple[str, str]] = set()
        self._wide: list[Cell] = []
        for cell in cells:
            self._exact.add(cell.pair)
            if not (is_literal(cell.action) and is_literal(cell.resource)):
                self._wide.append(cell)
        self._standing = [
            (listed(own.get("Action")), listed(own.get("Resource")) or [EVERYWHERE])
            for own in standing
        ]

    def has(self, action: str, resource: str) -> bool:
        """Whether all that the entries stand for was asked."""
        return (action.lower(), resource) in self._exact or any(
            covers_action(own.action, action) and covers(own.resource, resource)
            for own in self._wide
        )

    def adds_nothing(self, action: str, resource: str) -> bool:
        """Whether the pair was asked, stands already, or no request is about it: the action does not work on such a resource."""
        return (
            self.has(action, resource)
            or not may_be_asked(action, resource)
            or any(
                any(covers_action(own, action) for own in actions)
                and any(_takes_all_of(own, resource) for own in resources)
                for actions, resources in self._standing
            )
        )


def _takes_all_of(entry: str, resource: str) -> bool:
    """Whether an entry of Resource takes all that another one does, whatever its variables stand for."""
    return entry == resource or ("${" not in entry and covers(entry, resource))


def add_cells(  # noqa: PLR0913
    draft: Draft,
    effect: Effect,
    cells: Sequence[Cell],
    asked: Sequence[Cell],
    judge: Judge,
    *,
    contrary: Sequence[Requirement] = (),
) -> None:
    """Put the cells into the draft: first into statements that it has, the others as new ones.

    `asked` are all cells of the effect, those that the document meets already among them; `contrary` is what must be decided the
    other way: what a statement decides of it does not stand.
    """
    every = {signature(own[0].who): own for own in by_caller(asked)}
    uncontested = [*_uncontested(draft, effect, contrary)]
    unwritten: list[tuple[list[Cell], AskedPairs]] = []
    for own in by_caller(cells):
        who = own[0].who
        same = (*every.get(signature(who), ()), *own)
        standing = [part for part in uncontested if _applies_for(part.statement, who)]
        pairs = AskedPairs(same, [part.statement for part in standing])
        left = _widened(draft.parts, effect, own, AskedPairs(same), judge)
        unwritten.append((_with_repeats(standing, effect, left, pairs, judge), pairs))
    rest = [cell for own, _ in unwritten for cell in own]
    unlisted = frozenset(map(id, _with_lists(draft, effect, rest, (*asked, *cells), judge)))
    left = [
        cell
        for own, pairs in unwritten
        for cell in _without_joined(draft, effect, [c for c in own if id(c) in unlisted], pairs)
    ]
    if effect is Effect.ALLOW:
        left = [cell for cell in left if not _takes_value(draft, cell, (*asked, *cells), judge)]
    add_statements(draft, effect, left, judge.kind)


def _uncontested(draft: Draft, effect: Effect, contrary: Sequence[Requirement]) -> Iterator[Part]:
    """The statements of the effect of which nothing must be decided the other way."""
    for part in draft.parts:
        own = part.statement
        if own.get("Effect") == effect.value and {*own} <= {*_READ}:
            actions, resources = listed(own.get("Action")), listed(own.get("Resource"))
            if not any(_concerns(actions, resources, one) for one in contrary):
                yield part


def _applies_for(statement: Mapping[str, Any], who: Mapping[str, Any]) -> bool:
    """Whether the statement applies for all of these callers in all of these contexts."""
    condition = statement.get("Condition")
    return is_for(statement.get("Principal"), who.get("Principal")) and (
        not condition or condition == who.get("Condition")
    )


def _concerns(actions: Sequence[str], resources: Sequence[str], requirement: Requirement) -> bool:
    return any(
        intersects(own, one, ignore_case=True) for own in actions for one in requirement.actions
    ) and any(
        "${" in own or intersects(own, one)
        for own in resources or [EVERYWHERE]
        for one in requirement.resources
    )


def is_for(principals: object, one: object) -> bool:
    """Whether an element Principal names all that another one names."""
    if principals == one:
        return True
    if not isinstance(principals, dict) or not isinstance(one, dict):
        return False
    return all({*listed(own)} <= {*listed(principals.get(type_))} for type_, own in one.items())


def _widened(
    parts: Iterable[Part], effect: Effect, cells: Iterable[Cell], pairs: AskedPairs, judge: Judge
) -> list[Cell]:
    """The cells, all for the same callers and contexts, that none of the statements could take."""
    left = list(cells)
    for part in parts:
        if left and _can_take(part.statement, effect, left[0].who):
            left = _taken(part, left, pairs, judge)
    return left


def _with_repeats(
    standing: Sequence[Part],
    effect: Effect,
    cells: Iterable[Cell],
    pairs: AskedPairs,
    judge: Judge,
) -> list[Cell]:
    """The same where pairs that others of the statements decide so already may be repeated, as few as possible."""
    left: list[Cell] = []
    for cell in cells:
        shortest = sorted(standing, key=lambda part: _pairs_made(part.statement, cell))
        left += _widened(shortest, effect, (cell,), pairs, judge)
    return left


def _pairs_made(statement: Mapping[str, Any], cell: Cell) -> int:
    """How many pairs of action and resource the cell's entry makes in a statement, the fewer of which repeat others the better."""
    actions, resources = listed(statement.get("Action")), listed(statement.get("Resource"))
    is_new = not any(covers_action(own, cell.action) for own in actions)
    return len(resources) if is_new else len(actions)


def _without_joined(
    draft: Draft, effect: Effect, cells: Sequence[Cell], pairs: AskedPairs
) -> list[Cell]:
    """The cells, all for the same callers and contexts, left when their principal has joined statements for other ones."""
    left = list(cells)
    for part in draft.parts:
        own = part.statement
        if not left or own.get("Effect") != effect.value or not {*own} <= {*_READ}:
            continue
        who = left[0].who
        if (own.get("Condition") or {}) != (who.get("Condition") or {}):
            continue
        principals = _joined(own.get("Principal"), who.get("Principal"))
        if principals is None:
            continue
        actions, resources = listed(own.get("Action")), listed(own.get("Resource")) or [EVERYWHERE]
        met = [
            cell
            for cell in left
            if any(covers_action(one, cell.action) for one in actions)
            and any(_takes_all_of(one, cell.resource) for one in resources)
        ]
        if met and all(pairs.adds_nothing(a, r) for a in actions for r in resources):
            part.statement = {**own, "Principal": principals}
            part.serve(*(cell.requirement for cell in met))
            left = [cell for cell in left if cell not in met]
    return left


def _takes_value(draft: Draft, cell: Cell, asked: Sequence[Cell], judge: Judge) -> bool:
    """Whether a statement took the cell by one more value of a condition, with which all of its pairs were asked."""
    anytime = {name: own for name, own in cell.who.items() if name != "Condition"}
    for part in draft.parts:
        own = part.statement
        if not own.get("Condition") or not _can_take(own, Effect.ALLOW, anytime):
            continue
        actions, resources = listed(own.get("Action")), listed(own.get("Resource")) or [EVERYWHERE]
        for key, wider in with_value(own, cell.requirement):
            value = value_of(cell.requirement, key)
            if not is_of_value(cell.who.get("Condition"), key, value):
                continue
            same = [
                one
                for one in asked
                if one.who == cell.who and value_of(one.requirement, key) == value
            ]
            pairs = AskedPairs(same)
            if all(pairs.adds_nothing(a, r) for a in actions for r in resources) and judge.applies(
                wider, cell.requirement, surely=True
            ):
                part.statement = wider
                part.serve(cell.requirement)
                return True
    return False


class _EachAsked:
    """The pairs that were asked for each of several callers."""

    def __init__(self, pairs: Sequence[AskedPairs]) -> None:
        self._pairs = pairs

    def adds_nothing(self, action: str, resource: str) -> bool:
        return all(own.adds_nothing(action, resource) for own in self._pairs)


def _with_lists(
    draft: Draft, effect: Effect, cells: list[Cell], asked: Sequence[Cell], judge: Judge
) -> list[Cell]:
    """The cells that no statement for several callers could take: what was asked for each of them widens it."""
    left = cells
    for part in draft.parts:
        names = callers_of(part.statement)
        if len(names) < _SEVERAL or not left:
            continue
        ones = [for_callers(part.statement, [name]) for name in names]
        own = [[c for c in left if _can_take(one, effect, c.who)] for one in ones]
        pairs = [AskedPairs(c for c in asked if _can_take(one, effect, c.who)) for one in ones]
        common = [c for c in own[0] if all(one.has(c.action, c.resource) for one in pairs)]
        if not common:
            continue
        left_out = {c.pair for c in _taken(part, common, _EachAsked(pairs), judge)}
        taken = {c.pair for c in common} - left_out
        served = [c for of_one in own for c in of_one if c.pair in taken]
        part.serve(*(c.requirement for c in served))
        left = [c for c in left if not any(c is one for one in served)]
    return left


def _joined(principals: object, more: object) -> dict[str, Any] | None:
    """The element Principal with other ones of a type that it lists; None where that would not be a longer list of one type."""
    if not isinstance(principals, dict) or not isinstance(more, dict) or len(more) != 1:
        return None
    ((type_, names),) = more.items()
    given = listed(principals.get(type_))
    new = [own for own in listed(names) if own not in given]
    if not given or not new or EVERYWHERE in given:
        return None
    return {**principals, type_: [*given, *new]}


def _can_take(statement: Mapping[str, Any], effect: Effect, who: Mapping[str, Any]) -> bool:
    if statement.get("Effect") != effect.value or not {*statement} <= {*_READ}:
        return False
    if statement.get("Principal") != who.get("Principal"):
        return False
    condition = statement.get("Condition") or {}
    # An Allow may have conditions besides; a request that meets them needs no other statement.
    return condition == who.get("Condition", {}) or (
        effect is Effect.ALLOW and not who.get("Condition")
    )


def _taken(
    part: Part, cells: list[Cell], asked: AskedPairs | _EachAsked, judge: Judge
) -> list[Cell]:
    """Put cells into the statement while all pairs that this makes were asked; returns the others."""
    extra = part.statement.get("Condition") != cells[0].who.get("Condition")
    left: list[Cell] = []
    for cell in cells:
        actions = listed(part.statement.get("Action"))
        resources = listed(part.statement.get("Resource")) or [EVERYWHERE]
        new_action = not any(covers_action(own, cell.action) for own in actions)
        new_resource = not any(covers(own, cell.resource) for own in resources)
        wider = dict(part.statement)
        if (
            new_action
            and not new_resource
            and all(asked.adds_nothing(cell.action, r) for r in resources)
        ):
            wider["Action"] = [*actions, cell.action]
        elif (
            new_resource
            and not new_action
            and all(asked.adds_nothing(a, cell.resource) for a in actions)
        ):
            wider["Resource"] = [*resources, cell.resource]
        elif new_action or new_resource:
            left.append(cell)
            continue
        if extra and (
            cell.requirement.is_pattern or not judge.applies(wider, cell.requirement, surely=True)
        ):
            left.append(cell)
            continue
        part.statement = wider
        part.serve(cell.requirement)
    return left


def add_statements(draft: Draft, effect: Effect, cells: Sequence[Cell], kind: Kind) -> None:
    """Put cells into the draft as new statements."""
    rows = grouped(cells)
    prefix = "Deny" if effect is Effect.DENY else ""
    for row, sid in zip(rows, sids([(r.actions, r.resources) for r in rows], prefix), strict=True):
        resources = () if kind is Kind.TRUST else row.resources
        statement = statement_of(effect, row.who, row.actions, resources)
        served = [cell.requirement for cell in row.cells]
        draft.add({"Sid": draft.free_sid(sid), **statement}, served)
