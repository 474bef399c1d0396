"""Statements over several policies: whole ones where they fit, the others cut along a list of alternatives.

    split(statements, room)     →   ((statement, …), …), a group for each policy
    packed([300, 900], 1_000)   →   [[1], [0]], the numbers of the rows in each

An Allow may stand in any of the policies, for they are attached together, and a Deny in any of them binds all.
"""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.shrink.statement_lists import ACTIONS, NOT_ACTION, are_alternatives

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aws_iam.engine.shrink.statement_lists import Place, StatementLists

_COMMA = 1
# Quotes and comma of an entry.
_AROUND = 3
# Entries of a statement that are worth a statement of their own at the end of a policy.
_LEAST_ENTRIES = 3
# More than any number of policies that can be attached holds; only hostile documents come near.
_MOST_PIECES = 2_000


def packed(lengths: Sequence[int], room: int) -> list[list[int]]:
    """The numbers of the rows of each policy: each row goes into the first policy with room for it."""
    found: list[list[int]] = []
    used: list[int] = []
    for number, length in enumerate(lengths):
        at = next((at for at, own in enumerate(used) if own + length <= room), len(found))
        if at == len(found):
            found.append([])
            used.append(0)
        found[at].append(number)
        used[at] += length
    return found


def split(
    statements: Sequence[StatementLists], room: int
) -> tuple[tuple[StatementLists, ...], ...]:
    """The statements in as few groups as fit the room each; one that cannot be cut to fit is longer.

    Statements stay whole where that takes no more policies. Those that would need very many policies stay as they are.
    """
    pieces = list(islice(_all_pieces(statements, room), _MOST_PIECES + 1))
    if len(pieces) > _MOST_PIECES:
        return (tuple(statements),)
    whole = _fitted(pieces, room)
    filled = tuple(_filled(statements, room))
    return whole if len(whole) <= len(filled) else filled


def _all_pieces(statements: Sequence[StatementLists], room: int) -> Iterator[StatementLists]:
    for statement in statements:
        yield from _pieces(statement, room)


def _length(statement: StatementLists) -> int:
    return statement.length + _COMMA


def _fitted(pieces: Sequence[StatementLists], room: int) -> tuple[tuple[StatementLists, ...], ...]:
    """The longest statements first into the first policy with room; inside a policy they stand as they stood."""
    lengths = list(map(_length, pieces))
    order = sorted(range(len(pieces)), key=lambda at: -lengths[at])
    groups = packed([lengths[at] for at in order], room)
    placed = sorted(sorted(order[at] for at in group) for group in groups)
    return tuple(tuple(pieces[at] for at in group) for group in placed)


def _filled(
    statements: Sequence[StatementLists], room: int
) -> Iterator[tuple[StatementLists, ...]]:
    """The statements in their order, one policy filled after the other; what does not fit is cut."""
    here: list[StatementLists] = []
    used = 0
    waiting = list(reversed(statements))
    while waiting:
        statement = waiting.pop()
        if used + _length(statement) <= room:
            here.append(statement)
            used += _length(statement)
            continue
        parts = _cut(statement, room - used - _COMMA)
        if parts:
            first, rest = parts
            waiting.append(rest)
            here.append(first)
        elif here:
            waiting.append(statement)
        else:
            first, *others = _pieces(statement, room)
            here.append(first)
            waiting += reversed(others)
        yield tuple(here)
        here, used = [], 0
    if here:
        yield tuple(here)


def _pieces(statement: StatementLists, room: int) -> Iterator[StatementLists]:
    """The statement in about equal parts that each fit."""
    length = _length(statement)
    parts = () if length <= room else tuple(_parts(statement, max(2, -(-length // room))))
    if len(parts) > 1:
        for part in parts:
            yield from _pieces(part, room)
    else:
        yield statement


def _parts(statement: StatementLists, number: int) -> Iterator[StatementLists]:
    """The statement parted along its longest list that can be parted."""
    place = _longest_list(statement)
    entries = statement.entries(place) if place else ()
    excluded = statement.entries(NOT_ACTION)
    if _written_length(excluded) > _written_length(entries):
        for part in _excluding(excluded):
            yield statement.but(NOT_ACTION, part)
    elif place:
        number = min(len(entries), number)
        ends = [len(entries) * at // number for at in range(number + 1)]
        for start, end in pairwise(ends):
            yield statement.but(place, entries[start:end])


def _excluding(entries: Sequence[str]) -> Iterator[list[str]]:
    """The entries of NotAction as two lists, each with the names of half the services and all actions of the others.

    What both exclude is what the one list excluded, so two statements together apply to the same as the one.
    """
    by_service: dict[str, list[str]] = {}
    for entry in entries:
        by_service.setdefault(entry.partition(":")[0].lower(), []).append(entry)
    if not all(map(is_literal, by_service)):
        return
    names = {
        service: _written_length(own)
        for service, own in by_service.items()
        if own != [f"{service}:*"]
    }
    half, first = sum(names.values()) // 2, 0
    kept: set[str] = set()
    for service, length in names.items():
        if first < half and len(kept) + 1 < len(names):
            kept.add(service)
            first += length
    for part in (kept, names.keys() - kept) if kept else ():
        yield [
            entry
            for service, own in by_service.items()
            for entry in (own if service in part else [f"{service}:*"])
        ]


def _written_length(entries: Sequence[str]) -> int:
    return sum(len(entry) + _AROUND for entry in entries)


def _cut(statement: StatementLists, room: int) -> tuple[StatementLists, StatementLists] | None:
    """The statement in two, of which the first fills the room; None where that is not worth a statement."""
    place = _longest_list(statement)
    if place is None:
        return None
    entries = statement.entries(place)
    longest = _last(lambda end: statement.but(place, entries[:end]).length <= room, len(entries))
    if longest < _LEAST_ENTRIES or longest == len(entries):
        return None
    return statement.but(place, entries[:longest]), statement.but(place, entries[longest:])


def _last(holds: Callable[[int], bool], most: int) -> int:
    """The greatest number up to `most` for which it holds, as it does for all below."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _longest_list(statement: StatementLists) -> Place | None:
    """The list of alternatives that can be parted and is longest; of actions, if it is of several."""

    def length(row: tuple[Place, Sequence[str]]) -> tuple[int, bool]:
        place, entries = row
        return _written_length(entries), place in ACTIONS

    places = [
        (place, entries)
        for place, entries in statement.lists
        if len(entries) > 1 and are_alternatives(place, entries)
    ]

    longest = max(places, key=length, default=None)
    return longest[0] if longest else None
