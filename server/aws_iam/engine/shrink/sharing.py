"""Statements that share a part of one list as one statement with that part, and one with the rest of each.

shared_parts(statements, most_actions, work)   →   the statements, and which were parted

    s3:GetObject on 1, …, 100, p          s3:GetObject and s3:PutObject on 1, …, 100
    s3:PutObject on 1, …, 100, q     →    s3:GetObject on p
                                          s3:PutObject on q

The two may differ in one more list, of which the shared part gets the entries of both; in everything else they are alike.
"""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from itertools import permutations
from typing import TYPE_CHECKING

from aws_iam.engine.shrink.statement_lists import (
    ACTION,
    PRINCIPAL,
    RESOURCE,
    are_alternatives,
    folded,
)
from aws_iam.frozen import slotted
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from aws_iam.engine.shrink.entries import Work
    from aws_iam.engine.shrink.statement_lists import Place, StatementLists

# The list that may be shared, and the one of which the shared part gets all entries.
_LISTS = tuple(permutations((RESOURCE, ACTION, PRINCIPAL), 2))
# What finding an entry in two statements takes, and judging a pair of them, in characters of patterns compared.
_COST_OF_ENTRY = 4
_COST_OF_PAIR = 40
# Quotes and comma of an entry.
_AROUND = 3
_COMMA = 1


def shared_parts(
    statements: Sequence[StatementLists], most_actions: int, work: Work
) -> tuple[tuple[StatementLists, ...], tuple[str, ...]]:
    """The statements with what two of them share written once, what saves most first, and in words which.

    None gets more than `most_actions`; 0 is any number.
    """
    found = _Sharing(most_actions, work)
    for number, statement in enumerate(statements):
        found.add((number,), statement)
    done = tuple(found.parted())
    rows = sorted(found.rows.values(), key=lambda row: row.position)
    return tuple(row.statement for row in rows), done


@slotted
class _Row:
    """A statement, and where it stands: what comes of the third one at `(2, 0)` and `(2, 1)`."""

    position: tuple[int, ...]
    statement: StatementLists
    # Each entry by how it is compared.
    entries: Mapping[Place, Mapping[str, str]]


class _Sharing:
    """Statements, and the pairs of them that share entries, by what parting them saves."""

    def __init__(self, most_actions: int, work: Work) -> None:
        self.most_actions = most_actions
        self.work = work
        self.rows: dict[int, _Row] = {}
        self._next = 0
        # For statements that are alike in all other lists: which of them have an entry.
        self._having: dict[object, dict[str, list[int]]] = {}
        self._pairs: list[tuple[int, int, int, Place, Place]] = []

    def add(self, position: tuple[int, ...], statement: StatementLists) -> None:
        """One more statement, beside each of those before it that share enough with it."""
        entries = {
            place: {folded(place, entry): entry for entry in own} for place, own in statement.lists
        }
        number = self._next
        self._next += 1
        self.rows[number] = _Row(position=position, statement=statement, entries=entries)
        kept = {place: frozenset(own) for place, own in entries.items()}
        for shared, united in _LISTS:
            if not (_may_be_parted(shared, statement) and _may_be_parted(united, statement)):
                continue
            others = frozenset(row for row in kept.items() if row[0] not in {shared, united})
            having = self._having.setdefault((shared, united, statement.effect, others), {})
            common = self._common(entries[shared], having, number)
            if common:
                frame = statement.but(shared, ("",)).but(united, ("",)).named("").length + _COMMA
                for other, both in common.items():
                    if saved := self._saved((other, number), shared, united, both, frame):
                        heappush(self._pairs, (-saved, other, number, shared, united))

    def _common(
        self, entries: Collection[str], having: dict[str, list[int]], number: int
    ) -> Mapping[int, list[str]]:
        """The entries that other statements have too; the statement is noted for those to come."""
        common: dict[int, list[str]] = defaultdict(list)
        for entry in entries:
            if not self.work.is_done:
                return {}
            those = [other for other in having.get(entry, ()) if other in self.rows]
            self.work.left -= _COST_OF_ENTRY * (1 + len(those))
            for other in those:
                common[other].append(entry)
            having[entry] = [*those, number]
        self.work.left -= _COST_OF_PAIR * len(common)
        return common

    def _saved(
        self, pair: tuple[int, int], shared: Place, united: Place, both: Sequence[str], frame: int
    ) -> int:
        """About how many characters parting saves, brackets and escapes apart; 0 for none, or where it may not be."""
        rows = [self.rows[number].entries for number in pair]
        all_united = rows[0][united].keys() | rows[1][united].keys()
        if united == ACTION and self.most_actions and len(all_united) > self.most_actions:
            return 0
        saved = _written_length(both) - frame - _written_length(all_united)
        for row in rows:
            if len(row[shared]) == len(both):
                saved += frame + _written_length(row[united])
        return max(0, saved)

    def parted(self) -> list[str]:
        """Part one pair after the other while that shortens the policy; in words which."""
        done: list[str] = []
        while self._pairs:
            _, one, other, shared, united = heappop(self._pairs)
            if one not in self.rows or other not in self.rows:
                continue
            first, second = sorted(
                (self.rows[one], self.rows[other]), key=lambda row: row.position
            )
            new = _parts(first, second, shared, united)
            before = first.statement.length + second.statement.length + 2 * _COMMA
            if sum(statement.length + _COMMA for _, statement in new) >= before:
                continue
            del self.rows[one], self.rows[other]
            for position, statement in new:
                self.add(position, statement)
            number = counted(len(new[0][1].entries(shared)), "entry")
            titles = f"{first.statement.title} and {second.statement.title}"
            done.append(f"{number} of {shared[0]} that {titles} share")
        return done


def _may_be_parted(place: Place, statement: StatementLists) -> bool:
    entries = statement.entries(place)
    return bool(entries) and are_alternatives(place, entries)


def _written_length(entries: Collection[str]) -> int:
    return sum(map(len, entries)) + _AROUND * len(entries)


def _parts(
    first: _Row, second: _Row, shared: Place, united: Place
) -> list[tuple[tuple[int, ...], StatementLists]]:
    """The shared part, then what is left of each statement, with where it stands.

    The Sid of a statement of which nothing is left goes to the shared part, else that of the first one does; none is lost.
    """
    mine, yours = first.entries[shared], second.entries[shared]
    together = {**second.entries[united], **first.entries[united]}
    both = first.statement.but(shared, [mine[own] for own in mine if own in yours])
    ordered = dict.fromkeys((*first.entries[united], *second.entries[united]))
    both = both.but(united, [together[own] for own in ordered])
    left = first.statement.but(shared, [mine[own] for own in mine if own not in yours])
    right = second.statement.but(shared, [yours[own] for own in yours if own not in mine])
    takes_second = bool(left.entries(shared)) and not right.entries(shared)
    both = both.named(second.statement.sid if takes_second else first.statement.sid)
    found = [((*first.position, 0), both)]
    if left.entries(shared):
        found.append(((*first.position, 1), left if takes_second else left.named("")))
    if right.entries(shared):
        found.append((second.position, right))
    return found
