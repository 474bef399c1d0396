"""Entries taken out of Allow statements: actions, resources and principals for which all that they allow was asked to be denied.

Only what was asked is lost: an action leaves a statement where it was asked to be denied on each of the statement's resources, a
resource where each of the actions was, a principal where both are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.pattern import intersects
from aws_iam.engine.repair.additions import AskedPairs
from aws_iam.engine.repair.requirements import EVERYWHERE, OF_RESOURCES, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.repair.draft import Draft
    from aws_iam.engine.repair.judge import Judge
    from aws_iam.engine.repair.requirements import Cell


def take_out(draft: Draft, denied: Sequence[Cell], judge: Judge) -> None:
    """Take out of the Allow statements what only allows denied cells."""
    for part in list(draft.parts):
        if part.statement.get("Effect") != "Allow":
            continue
        before = part.statement
        after = _without(before, denied, judge)
        if after == before:
            continue
        part.serve(*(own.requirement for own in denied if _concerns(before, own)))
        if after is None:
            draft.replace(part, ())
        else:
            part.statement = after


def _without(
    statement: Mapping[str, Any], denied: Sequence[Cell], judge: Judge
) -> dict[str, Any] | None:
    """The statement without what was asked to be denied; None when nothing is left of it."""
    if judge.kind in OF_RESOURCES:
        return _without_principals(statement, denied)
    return _without_pairs(statement, [own for own in denied if not own.who])


def _without_pairs(statement: Mapping[str, Any], denied: Sequence[Cell]) -> dict[str, Any] | None:
    asked = AskedPairs(denied)
    actions = listed(statement.get("Action"))
    resources = listed(statement.get("Resource")) or [EVERYWHERE]
    if "NotAction" in statement or "NotResource" in statement:
        return _with_more_left_out(statement, denied, asked)
    kept = [own for own in actions if not all(asked.has(own, r) for r in resources)]
    left = [own for own in resources if not all(asked.has(a, own) for a in kept)]
    if not kept or not left:
        return None
    found = dict(statement)
    if kept != actions:
        found["Action"] = kept
    if left != resources:
        found["Resource"] = left
    return found


def _with_more_left_out(
    statement: Mapping[str, Any], denied: Sequence[Cell], asked: AskedPairs
) -> dict[str, Any]:
    """The statement with more entries in NotAction or NotResource, where it has one of the two."""
    found = dict(statement)
    if "NotAction" in statement and "NotResource" in statement:
        return found
    name = "NotAction" if "NotAction" in statement else "NotResource"
    given = listed(statement[name])
    more: dict[str, None] = {}
    for own in denied:
        if name == "NotAction":
            others = listed(statement.get("Resource")) or [EVERYWHERE]
            if all(asked.has(own.action, other) for other in others):
                more[own.action] = None
        elif all(asked.has(other, own.resource) for other in listed(statement.get("Action"))):
            more[own.resource] = None
    new = [own for own in more if not any(own.lower() == old.lower() for old in given)]
    return {**found, name: [*given, *new]} if new else found


def _without_principals(
    statement: Mapping[str, Any], denied: Sequence[Cell]
) -> dict[str, Any] | None:
    """The same for a policy with principals: a statement for one of them loses pairs, one for several that principal."""
    everyone = [own for own in denied if own.who == {"Principal": "*"}]
    found: dict[str, Any] | None = _without_pairs(statement, everyone)
    named = statement.get("Principal")
    if found is None or not isinstance(named, dict):
        return found
    entries = [(type_, own) for type_, owns in named.items() for own in listed(owns)]
    if len(entries) == 1:
        (type_, own), *_ = entries
        return _without_pairs(found, _of_principal(denied, type_, own))
    kept: dict[str, Any] = {}
    for type_, own in entries:
        if _without_pairs(found, _of_principal(denied, type_, own)) is not None:
            kept.setdefault(type_, []).append(own)
    if not kept:
        return None
    return {**found, "Principal": _as_before(kept, named)}


def _as_before(kept: Mapping[str, list[str]], named: Mapping[str, Any]) -> dict[str, Any]:
    return {
        type_: named[type_] if listed(named[type_]) == owns else owns
        for type_, owns in kept.items()
    }


def _of_principal(denied: Sequence[Cell], type_: str, name: str) -> list[Cell]:
    """The cells of exactly this principal, in every context."""
    return [
        own
        for own in denied
        if own.who.get("Principal") == {type_: name} and not own.who.get("Condition")
    ]


def _concerns(statement: Mapping[str, Any], cell: Cell) -> bool:
    return any(
        intersects(own, cell.action, ignore_case=True)
        for own in listed(statement.get("Action")) or [EVERYWHERE]
    ) and any(
        intersects(own, cell.resource) for own in listed(statement.get("Resource")) or [EVERYWHERE]
    )
