"""Statements widened and added, so that they take what was asked and nothing else.

An entry goes into an existing statement where every pair of action and resource that it makes was asked; what is left becomes
statements, in each of which every pair was asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.arn_formats import may_be_asked
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.pattern import covers, is_literal
from aws_iam.engine.repair.grouping import by_caller, grouped, signature
from aws_iam.engine.repair.narrowed_deny import listed
from aws_iam.engine.repair.requirements import (
    EVERYWHERE,
    Cell,
    Effect,
    covers_action,
    statement_of,
)
from aws_iam.engine.repair.statement_ids import sids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.engine.repair.draft import Draft, Part
    from aws_iam.engine.repair.judge import Judge

_READ = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")


class AskedPairs:
    """The pairs of action and resource that were asked for the same callers and contexts."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._exact: set[tuple[str, str]] = set()
        self._wide: list[Cell] = []
        for cell in cells:
            self._exact.add(cell.pair)
            if not (is_literal(cell.action) and is_literal(cell.resource)):
                self._wide.append(cell)

    def has(self, action: str, resource: str) -> bool:
        """Whether all that the entries stand for was asked."""
        return (action.lower(), resource) in self._exact or any(
            covers_action(own.action, action) and covers(own.resource, resource)
            for own in self._wide
        )

    def adds_nothing(self, action: str, resource: str) -> bool:
        """Whether the pair was asked, or no request is about it: the action does not work on such a resource."""
        return self.has(action, resource) or not may_be_asked(action, resource)


def add_cells(
    draft: Draft, effect: Effect, cells: Sequence[Cell], asked: Sequence[Cell], judge: Judge
) -> None:
    """Put the cells into the draft: first into statements that it has, the others as new ones.

    `asked` are all cells of the effect, those that the document meets already among them.
    """
    every = {signature(own[0].who): own for own in by_caller(asked)}
    left = [
        cell
        for own in by_caller(cells)
        for cell in _widened(draft, effect, own, every.get(signature(own[0].who), ()), judge)
    ]
    add_statements(draft, effect, left, judge.kind)


def _widened(
    draft: Draft, effect: Effect, cells: Sequence[Cell], asked: Sequence[Cell], judge: Judge
) -> list[Cell]:
    """The cells, all for the same callers and contexts, that no statement could take."""
    left = list(cells)
    pairs = AskedPairs((*asked, *cells))
    for part in draft.parts:
        if left and _can_take(part.statement, effect, left[0].who):
            left = _taken(part, left, pairs, judge)
    return left


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


def _taken(part: Part, cells: list[Cell], asked: AskedPairs, judge: Judge) -> list[Cell]:
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
        elif new_action or new_resource or extra:
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
