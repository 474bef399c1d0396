"""Turns pairs of action and resource into few, short statements.

    grouped(cells)   →   (StatementEntries(actions, resources, who, cells), …), each pair in one of them

No action is written as a wildcard, which would include actions that AWS adds later.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.repair.listed_callers import callers_of, for_callers
from aws_iam.engine.repair.requirements import covers_action
from aws_iam.engine.shrink.entries import Work, covering
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.repair.requirements import Cell


@slotted
class StatementEntries:
    """A statement before its Sid is known: all actions on all resources, for whoever `who` says; `cells` are what it is for."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    who: Mapping[str, Any]
    cells: tuple[Cell, ...] = ()


_Pairs = dict[str, set[str]]
_Entries = tuple[tuple[str, ...], tuple[str, ...]]


def grouped(cells: Iterable[Cell]) -> tuple[StatementEntries, ...]:
    """The cells as statements, in a stable order."""
    found = [row for own in by_caller(cells) for row in _of_one_caller(own)]
    return tuple(sorted(_with_joined_callers(found), key=_place))


def by_caller(cells: Iterable[Cell]) -> list[list[Cell]]:
    """The cells for the same callers and contexts."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(signature(cell.who), []).append(cell)
    return list(found.values())


def signature(who: Mapping[str, Any]) -> str:
    """Callers and contexts as text, by which equal ones are found."""
    return json.dumps(who, sort_keys=True) if who else ""


def _of_one_caller(cells: Sequence[Cell]) -> list[StatementEntries]:
    """Statements grouped by action or by resource, whichever is shorter; without repetitions."""
    wider = covering({cell.resource for cell in cells}, Work())
    asked: _Pairs = {}
    for cell in cells:
        asked.setdefault(cell.action, set()).add(cell.resource)
    above = {action: frozenset(_above(action, asked)) for action in asked}
    by_action: _Pairs = {}
    by_resource: _Pairs = {}
    for action, resources in asked.items():
        taken = set().union(*(asked[own] for own in above[action]))
        left = {
            own for own in resources - taken if not wider.get(own, _NONE) & (resources | taken)
        }
        if left:
            by_action[action] = left
        for resource in left:
            by_resource.setdefault(resource, set()).add(action)
    rows = min(
        (
            _merged(((a,), tuple(sorted(own))) for a, own in by_action.items()),
            _merged((tuple(sorted(own)), (r,)) for r, own in by_resource.items()),
        ),
        key=lambda found: sum(map(_length, found)),
    )
    at = {
        (action, resource): number
        for number, (actions, resources) in enumerate(rows)
        for action in actions
        for resource in resources
    }
    served: list[list[Cell]] = [[] for _ in rows]
    for cell in cells:
        places = (cell.resource, *sorted(wider.get(cell.resource, _NONE)))
        taking = ((a, r) for a in (cell.action, *sorted(above[cell.action])) for r in places)
        served[next((at[pair] for pair in taking if pair in at), 0)].append(cell)
    return [
        StatementEntries(actions=actions, resources=resources, who=cells[0].who, cells=tuple(own))
        for (actions, resources), own in zip(rows, served, strict=True)
    ]


_NONE: frozenset[str] = frozenset()


def _above(action: str, actions: Iterable[str]) -> Iterator[str]:
    """The patterns that take all that an action, or a pattern, does; of those that do so of each other the first one."""
    for own in actions:
        is_above = own != action and not is_literal(own) and covers_action(own, action)
        if is_above and (own < action or not covers_action(action, own)):
            yield own


def _with_joined_callers(rows: Iterable[StatementEntries]) -> Iterator[StatementEntries]:
    """The statements, those with the same actions and resources for several callers as one that lists them."""
    alike: dict[tuple[object, ...], list[StatementEntries]] = {}
    for row in rows:
        who = for_callers(row.who, ()) if callers_of(row.who) else row.who
        alike.setdefault((row.actions, row.resources, signature(who)), []).append(row)
    for same in alike.values():
        names = dict.fromkeys(name for row in same for name in callers_of(row.who))
        who = for_callers(same[0].who, list(names)) if len(same) > 1 else same[0].who
        yield replace(same[0], who=who, cells=tuple(cell for row in same for cell in row.cells))


def _merged(found: Iterable[_Entries]) -> tuple[_Entries, ...]:
    """Statements with equal resources merged, then those with equal actions."""
    by_resources: dict[tuple[str, ...], set[str]] = {}
    for actions, resources in found:
        by_resources.setdefault(resources, set()).update(actions)
    by_actions: dict[tuple[str, ...], set[str]] = {}
    for resources, own in by_resources.items():
        by_actions.setdefault(tuple(sorted(own)), set()).update(resources)
    return tuple((actions, tuple(sorted(own))) for actions, own in by_actions.items())


def _place(row: StatementEntries) -> tuple[object, ...]:
    return row.resources == ("*",), row.resources, row.actions, signature(row.who)


def _length(row: _Entries) -> int:
    """The approximate length of a statement with quotes, commas and element names."""
    texts = (*row[0], *row[1])
    return sum(map(len, texts)) + 3 * len(texts) + 80
