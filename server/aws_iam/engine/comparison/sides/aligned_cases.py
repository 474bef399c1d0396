"""Both sides case by case: what a policy is where a condition holds is compared with what it was where it held.

aligned_policies(new, old)      →   the policies of both sides, each in the same cases on both
aligned_attachments(new, old)   →   the same of what they attach

before   Prod true: `*`            Prod false: `s3:GetObject`
after    always: `*`                                            →   the policy gains `*` where Prod is false
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aws_iam.engine.language.cases import (
    FALSE,
    TRUE,
    Assumed,
    Case,
    Cases,
    cases_of,
    have_common_conditions,
    in_order,
    in_words,
    together,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment

    _Row = tuple[Case, Source | None]
    _Pair = tuple[Source | None, Source | None, set[Case]]

# A policy with more pairs of cases is compared by the names of its cases.
_MOST = 64
_LABEL = re.compile(
    r" \((?:other conditions|conditions(?: true| false|, case \d+)|[^()]* (?:true|false))\)$"
)
_ANY: Case = frozenset()


def aligned_policies(
    new: Sequence[Source], old: Sequence[Source]
) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
    """Both sides with a policy for each case in which either has another one."""
    if not any(own.cases for own in (*new, *old)):
        return tuple(new), tuple(old)
    places = _by_place(new), _by_place(old)
    mine, theirs = {}, {}
    for name in places[0].keys() & places[1].keys():
        found = _aligned_place(name, places[0][name], places[1][name])
        if found is not None:
            mine[name], theirs[name] = found
    return _in_place(new, mine), _in_place(old, theirs)


def place_of(source: Source) -> str:
    """The name of the policy in whatever case."""
    return _LABEL.sub("", source.name) if source.other_side_of else source.name


def _by_place(sources: Iterable[Source]) -> dict[str, list[Source]]:
    found: dict[str, list[Source]] = {}
    for own in sources:
        if own.name and own.name[0] != "/":
            found.setdefault(place_of(own), []).append(own)
    return found


def _in_place(
    sources: Iterable[Source], now: Mapping[str, Sequence[Source]]
) -> tuple[Source, ...]:
    """The policies, those of a place that was aligned where its first one stood."""
    found: list[Source] = []
    done: set[str] = set()
    for own in sources:
        name = place_of(own)
        if name not in now:
            found.append(own)
        elif name not in done:
            done.add(name)
            found += now[name]
    return tuple(found)


def _aligned_place(
    name: str, mine: Sequence[Source], theirs: Sequence[Source]
) -> tuple[list[Source], list[Source]] | None:
    """The policies of a place in the cases of both sides, under the same names; None where nothing needs to change."""
    if {own.name: own.cases for own in mine} == {own.name: own.cases for own in theirs}:
        return None
    now, before = _rows(mine), _rows(theirs)
    if now is None or before is None:
        return None
    pairs = _pairs(now, before) if _are_comparable(now, before) else _by_content(mine, theirs)
    if len(pairs) > _MOST:
        return None
    cells = frozenset(case for _, _, own in pairs for case in own)
    new: list[Source] = []
    old: list[Source] = []
    taken: set[str] = set()
    # A policy that has the same name on both sides keeps it.
    for one, other, own in sorted(pairs, key=_has_other_names):
        named = _free_name(name, (one, other), own, taken)
        taken.add(named)
        cases = cases_of(own, cells)
        called = partial(
            replace, name=named, cases=cases, other_side_of=name if named != name else ""
        )
        new += (called(one),) if one else ()
        old += (called(other),) if other else ()
    return new, old


def _rows(sources: Sequence[Source]) -> list[_Row] | None:
    """The policy of each case, None where there is none; nothing where several policies share a case."""
    if len(sources) == 1 and not sources[0].cases:
        return [(_ANY, sources[0])]
    rows: list[_Row] = [(case, own) for own in sources for case in in_order(own.cases.own)]
    told = Counter(case for case, _ in rows)
    if not all(own.cases for own in sources) or any(count > 1 for count in told.values()):
        return None
    every = in_order({case for own in sources for case in own.cases.every})
    return [*rows, *((case, None) for case in every if case not in told)]


def _are_comparable(now: Iterable[_Row], before: Iterable[_Row]) -> bool:
    """Whether one side has no conditions, or both have one in common: of others nothing says which go together."""
    new, old = ([case for case, _ in side if case] for side in (now, before))
    return not new or not old or have_common_conditions(new, old)


def _pairs(now: Sequence[_Row], before: Sequence[_Row]) -> list[_Pair]:
    """The policies of both sides that go together, with their cases; a case that can no longer be is nobody's loss."""
    found: dict[tuple[int, int], _Pair] = {}
    known = ({own.name for case, _ in side for own in case} for side in (now, before))
    shared = set.intersection(*known)
    for case, one in now:
        for both, other in _partners(case, before, shared):
            if one or other:
                found.setdefault((id(one), id(other)), (one, other, set()))[2].add(both)
    return list(found.values())


def _by_content(mine: Sequence[Source], theirs: Sequence[Source]) -> list[_Pair]:
    """The same policies, then those of the same name: that the conditions are others is said where they stand."""
    left = list(theirs)
    found: list[_Pair] = []
    alone: list[Source] = []
    for own in mine:
        same = next((other for other in left if other.content == own.content), None)
        if same is None:
            alone.append(own)
        else:
            left.remove(same)
            found.append((own, same, set(own.cases.own)))
    by_name = {other.name: other for other in left}
    found += [(own, by_name.pop(own.name, None), set(own.cases.own)) for own in alone]
    found += ((None, other, set(other.cases.own)) for other in by_name.values())
    return found


def _partners(case: Case, rows: Sequence[_Row], shared: Collection[str]) -> Iterator[_Row]:
    """What the other side has in a case; where it does not know the case, what it has where no condition holds."""
    met = [
        (both, own, other) for other, own in rows if (both := together(case, other)) is not None
    ]
    if _holds_alone(case, shared):
        # A new value of a parameter stands beside what held for none, not beside a value that is gone.
        plain = [row for row in met if not _holds_alone(row[2], shared)]
        met = plain or met
    if not met and any(own.value not in {TRUE, FALSE} for own in case):
        none = frozenset(Assumed(own.name, FALSE, own.says) for own in case)
        met = [(case, own, other) for other, own in rows if together(none, other) is not None]
    yield from ((both, own) for both, own, _ in met)
    if not met:
        yield case, None


def _holds_alone(case: Case, shared: Collection[str]) -> bool:
    """Whether a condition holds that only one side has."""
    return any(own.value == TRUE and own.name not in shared for own in case)


def _has_other_names(pair: _Pair) -> bool:
    one, other, _ = pair
    return one is None or other is None or one.name != other.name


def _free_name(
    place: str, pair: tuple[Source | None, Source | None], cases: Iterable[Case], taken: set[str]
) -> str:
    """The name that both policies have, else the place with what the case is called, else one of theirs."""
    own = list(dict.fromkeys(source.name for source in pair if source))
    called = sorted(filter(None, map(in_words, cases)), key=lambda text: (len(text), text))
    named = [f"{place} ({text})" for text in called]
    named = [*own, *named] if len(own) == 1 else [*named, *own]
    named += [f"{place} (conditions, case {number})" for number in range(1, _MOST + 2)]
    return next(name for name in named if name not in taken)


# Attachments


def aligned_attachments(
    new: Sequence[PolicyAttachment], old: Sequence[PolicyAttachment]
) -> tuple[tuple[PolicyAttachment, ...], tuple[PolicyAttachment, ...]]:
    """The attachments, apart where both sides attach the same policy in other cases."""
    if not any(own.cases for own in (*new, *old)):
        return tuple(new), tuple(old)
    mine, theirs = _by_identity(new), _by_identity(old)
    now: dict[int, tuple[PolicyAttachment, ...]] = {}
    for key in mine.keys() & theirs.keys():
        one, other = mine[key], theirs[key]
        if one.cases != other.cases and not one.is_boundary:
            now[id(one)], now[id(other)] = _split(one, other)
    return (
        tuple(part for own in new for part in now.get(id(own), (own,))),
        tuple(part for own in old for part in now.get(id(own), (own,))),
    )


def _by_identity(side: Sequence[PolicyAttachment]) -> dict[object, PolicyAttachment]:
    """The attachments that their identity tells apart."""
    told = Counter(own.identity for own in side)
    return {own.identity: own for own in side if told[own.identity] == 1}


def _split(
    one: PolicyAttachment, other: PolicyAttachment
) -> tuple[tuple[PolicyAttachment, ...], tuple[PolicyAttachment, ...]]:
    """Both attachments where both sides have them, and apart where one side has its own alone."""
    if one.cases and other.cases and not have_common_conditions(one.cases.own, other.cases.own):
        return (one,), (other,)
    cells: dict[tuple[bool, bool], set[Case]] = {}
    for mine, is_mine in _states(one.cases):
        for theirs, is_theirs in _states(other.cases):
            both = together(mine, theirs)
            if both is not None:
                cells.setdefault((is_mine, is_theirs), set()).add(both)
    every = frozenset(case for own in cells.values() for case in own)
    parts = {state: cases_of(own, every) for state, own in cells.items()}
    shared = parts.get((True, True))
    return _parts(one, shared, parts.get((True, False))), _parts(
        other, shared, parts.get((False, True))
    )


def _states(cases: Cases) -> Iterator[tuple[Case, bool]]:
    if not cases:
        yield _ANY, True
    yield from ((case, True) for case in cases.own if cases)
    yield from ((case, False) for case in cases.others)


def _parts(
    own: PolicyAttachment, shared: Cases | None, alone: Cases | None
) -> tuple[PolicyAttachment, ...]:
    found = (replace(own, cases=shared),) if shared is not None else ()
    if alone is None:
        return found
    called = sorted(map(in_words, alone.own), key=lambda text: (not text, len(text), text))
    return (*found, replace(own, cases=alone, when=called[0] or "in a case of its own"))
