"""Action names as wildcards that match exactly the names in the list, among all that the service reference knows.

    exact_wildcards(statements)   →   Wildcard(pattern="s3:GetBucket*", stands_for=("s3:GetBucketAcl", …), …), what saves most first
    with_wildcards(statements, found[:2])

A name is often the beginning of another one, so every pattern is checked against the whole service. What AWS adds later matches, too.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from heapq import heapify, heappop, heappush, merge
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.shrink.statement_lists import ACTIONS
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.shrink.statement_lists import Place, StatementLists

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^A-Za-z\d]+")
# Quotes and comma of an entry.
_AROUND = 3
_LEAST_NAMES = 2
# Words at which a name is parted for patterns such as `Describe*Attribute`.
_MOST_WORDS = 8


@slotted
class Wildcard:
    """A pattern in place of names in one list of a statement, and the characters that it saves."""

    statement: int
    place: Place
    pattern: str
    stands_for: tuple[str, ...]
    saved: int


def exact_wildcards(statements: Sequence[StatementLists]) -> tuple[Wildcard, ...]:
    """Every wildcard that shortens a list of actions without adding one, those that save most first."""
    lists = [
        _of_service(number, place, service, names, entries)
        for number, statement in enumerate(statements)
        for place, entries in statement.lists
        if place in ACTIONS
        for service, names in _by_service(entries).items()
    ]
    return tuple(merge(*lists, key=lambda own: -own.saved))


def with_wildcards(
    statements: Sequence[StatementLists], found: Sequence[Wildcard]
) -> tuple[StatementLists, ...]:
    """The statements with these wildcards, each where the first of its names stood."""
    changed = list(statements)
    for own in found:
        statement = changed[own.statement]
        gone = frozenset(own.stands_for)
        entries = [
            own.pattern if entry == own.stands_for[0] else entry
            for entry in statement.entries(own.place)
            if entry not in gone or entry == own.stands_for[0]
        ]
        changed[own.statement] = statement.but(own.place, entries)
    return tuple(changed)


def _by_service(entries: Sequence[str]) -> Mapping[str, list[str]]:
    """The entries by service, of services of which two or more names are listed."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        service, _, name = entry.partition(":")
        if name and is_literal(entry):
            found.setdefault(service.lower(), []).append(entry)
    return {service: own for service, own in found.items() if len(own) >= _LEAST_NAMES}


def _of_service(
    number: int, place: Place, service: str, names: Sequence[str], entries: Sequence[str]
) -> list[Wildcard]:
    """The wildcards for the names of one service in a list, chosen by what each saves beside those before it."""
    known = _known(service)
    listed = {entry.lower().partition(":")[2]: entry for entry in names}
    left = {name: entry for name, entry in listed.items() if name in known}
    granted = left.keys() | {
        name
        for pattern in entries
        if not is_literal(pattern)
        for name in _matched(service, pattern, known)
    }
    found: list[Wildcard] = []
    for saved, pattern, covered in _chosen(_candidates(granted, known), left, len(service) + 1):
        prefix = covered[0].partition(":")[0]
        found.append(
            Wildcard(
                statement=number,
                place=place,
                pattern=f"{prefix}:{pattern}",
                stands_for=covered,
                saved=saved,
            )
        )
    return found


def _chosen(
    candidates: Mapping[str, Sequence[str]], names: Mapping[str, str], service: int
) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """The patterns that save most, one after the other, each with the entries that none before it stands for."""
    left = dict(names)

    def row(pattern: str) -> tuple[int, int, str]:
        own = [len(left[name]) + _AROUND for name in candidates[pattern] if name in left]
        saved = sum(own) - _AROUND - service - len(pattern)
        return (-saved if len(own) >= _LEAST_NAMES else 0), len(pattern), pattern

    # What a pattern saves only falls while others are chosen.
    rows = [row(pattern) for pattern in candidates]
    heapify(rows)
    while rows and rows[0][0] < 0:
        best = heappop(rows)
        now = row(best[-1])
        if now != best:
            heappush(rows, now)
            continue
        pattern = best[-1]
        own = frozenset(candidates[pattern])
        yield -best[0], pattern, tuple(entry for name, entry in left.items() if name in own)
        left = {name: entry for name, entry in left.items() if name not in own}


def _known(service: str) -> Mapping[str, str]:
    """The names of a service's actions, those that AWS does not document included, by lower-case name."""
    row = catalog().service(service)
    if row is None:
        return {}
    return {name.lower(): name for name in (*row.action_names, *row.undocumented)}


def _matched(service: str, pattern: str, known: Collection[str]) -> Iterator[str]:
    low = pattern.lower()
    prefix, _, rest = low.partition(":")
    if low == "*" or matches(prefix, service):
        yield from (name for name in known if low == "*" or matches(rest, name))


def _candidates(granted: Collection[str], known: Mapping[str, str]) -> dict[str, list[str]]:
    """Patterns at the words of the names, each with what it matches, all of which is granted."""
    names = sorted(known)
    found: dict[str, list[str]] = {}
    for head, tail in dict.fromkeys(_parts(known[name] for name in granted if name in known)):
        start, end = head.lower(), tail.lower()
        covered: list[str] = []
        for name in _starting(names, start):
            if name.endswith(end) and len(name) >= len(start) + len(end):
                if name not in granted:
                    covered = []
                    break
                covered.append(name)
        if len(covered) >= _LEAST_NAMES:
            found[f"{head}*{tail}"] = covered
    return found


def _starting(names: Sequence[str], start: str) -> Iterator[str]:
    for at in range(bisect_left(names, start), len(names)):
        if not names[at].startswith(start):
            return
        yield names[at]


def _parts(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What stands before and after a wildcard at the words of each name."""
    for name in names:
        ends = [match.end() for match in _WORDS.finditer(name)][:_MOST_WORDS]
        for start in (0, *ends[:-1]):
            yield name[:start], ""
            yield from ((name[:start], name[end:]) for end in ends[:-1] if end > start)
