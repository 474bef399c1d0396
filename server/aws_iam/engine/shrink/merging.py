"""Statements that differ in one list of alternatives as one statement with the entries of both.

merged(statements, most_actions=0)   →   the statements, and which became one
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.shrink.statement_lists import ACTION, RESOURCE, are_alternatives, folded
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.shrink.statement_lists import Place, StatementLists

# The Sids of merged statements stand side by side up to this length; a longer one helps no reader.
_LONGEST_SID = 64
_ORDERS = ((ACTION, RESOURCE), (RESOURCE, ACTION))


def merged(
    statements: Sequence[StatementLists], most_actions: int
) -> tuple[tuple[StatementLists, ...], tuple[str, ...]]:
    """The statements with those that differ in one list merged, and in words which became one.

    Lists of actions are joined first, or lists of resources, whichever is shorter. None gets more than `most_actions`; 0 is any
    number.
    """
    found = (_merged(statements, first, most_actions) for first in _ORDERS)
    return min(found, key=lambda own: sum(statement.length for statement in own[0]))


def _merged(
    statements: Sequence[StatementLists], first: Sequence[Place], most_actions: int
) -> tuple[tuple[StatementLists, ...], tuple[str, ...]]:
    groups = [_Group(statement) for statement in statements]
    before = len(groups) + 1
    while len(groups) < before:
        before = len(groups)
        places = dict.fromkeys((*first, *(at for own in groups for at in own.contents)))
        for place in places:
            groups = _joined_at(place, groups, most_actions if place == ACTION else 0)
    done = tuple(
        f"{joined([own.title for own in group.members])} as one"
        for group in groups
        if len(group.members) > 1
    )
    return tuple(group.statement for group in groups), done


class _Group:
    """Statements that became one."""

    __slots__ = ("contents", "entries", "marks", "members", "statement", "total")

    def __init__(self, statement: StatementLists, members: Sequence[StatementLists] = ()) -> None:
        self.statement = statement
        self.members = tuple(members) or (statement,)
        self.entries = dict(statement.lists)
        self.contents: Mapping[Place, frozenset[str]] = {
            place: frozenset([folded(place, entry) for entry in entries])
            for place, entries in statement.lists
        }
        self.marks = {place: hash((place, own)) for place, own in self.contents.items()}
        self.total = sum(self.marks.values())

    def can_differ_in(self, place: Place) -> bool:
        """Whether it may be merged with statements that have other entries in this list."""
        return place in self.entries and are_alternatives(place, self.entries[place])

    def apart_from(self, place: Place) -> tuple[object, ...]:
        """What statements have in common that may differ in this list alone."""
        return self.statement.effect, len(self.marks), self.total - self.marks[place]

    def differs_only_in(self, place: Place, other: _Group) -> bool:
        """Whether it is the same as another one, apart from this list."""
        return all(
            own == other.contents.get(at) for at, own in self.contents.items() if at != place
        )


def _joined_at(place: Place, groups: Sequence[_Group], most: int) -> list[_Group]:
    """The groups, those merged that differ in one list alone, of at most so many entries; each stands where its first statement stood."""
    found: list[list[_Group]] = []
    alike: dict[tuple[object, ...], list[_Group]] = {}
    for group in groups:
        together = alike.get(group.apart_from(place)) if group.can_differ_in(place) else None
        if together and together[0].differs_only_in(place, group):
            joint = (own.contents[place] for own in (*together, group))
            if not most or len(frozenset().union(*joint)) <= most:
                together.append(group)
                continue
        found.append([group])
        if group.can_differ_in(place):
            alike.setdefault(group.apart_from(place), found[-1])
    return [own[0] if len(own) == 1 else _united(place, own) for own in found]


def _united(place: Place, groups: Sequence[_Group]) -> _Group:
    """The groups as one statement with the entries of all."""
    entries: dict[str, str] = {}
    for group in groups:
        for entry in group.entries[place]:
            entries.setdefault(folded(place, entry), entry)
    members = tuple(member for group in groups for member in group.members)
    united = groups[0].statement.but(place, entries.values())
    return _Group(united.named(_sid(members)), members)


def _sid(members: Sequence[StatementLists]) -> str:
    """The Sids side by side; empty where some have none, or the text would be long."""
    sids = list(_unique(members))
    together = "".join(sids)
    return together if all(sids) and len(together) <= _LONGEST_SID else ""


def _unique(members: Sequence[StatementLists]) -> Iterator[str]:
    yield from dict.fromkeys(statement.sid for statement in members)
