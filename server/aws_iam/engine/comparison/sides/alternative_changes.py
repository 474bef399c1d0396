"""Policies that may have another value at deployment than they were read with, where that other value changes or is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.policy_pairs import by_key
from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.language.alternatives import other_alternatives, unread_alternatives
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide, Sides
    from aws_iam.engine.language.alternatives import Alternative

    _Places = dict[str, tuple[str, frozenset[Alternative]]]

_SHOWN = 3


def alternative_changes(sides: Sides, told: Container[str]) -> Iterator[UnjudgedChange]:
    """One change for each policy or attachment of the new side, but for those places of which an unknown change is `told`."""
    mine, theirs = (
        {key: (own.name, own.alternatives) for key, own in by_key(side).items()}
        for side in (sides.document, sides.baseline)
    )
    yield from _changes(mine, theirs, told)
    yield from _changes(_attached(sides.new), _attached(sides.old), told)


def _attached(side: NamedSide) -> _Places:
    found: _Places = {}
    for own in side.attachments:
        _, before = found.get(own.place, ("", frozenset()))
        found[own.place] = (own.place, before | own.alternatives)
    return found


def _changes(mine: _Places, theirs: _Places, told: Container[str]) -> Iterator[UnjudgedChange]:
    for key, (place, alternatives) in mine.items():
        if place in told:
            continue
        is_new = key not in theirs
        others = (
            unread_alternatives(alternatives)
            if is_new
            else other_alternatives(alternatives, theirs[key][1])
        )
        if others:
            whats = joined(list(dict.fromkeys(own.what for own in others)), shown=_SHOWN)
            where = f" in {quoted(place)}" if place else ""
            how = "is" if is_new else "is changed and"
            yield UnjudgedChange(
                place=place,
                says=f"{whats}{where} {how} known only at deployment",
                widens=True,
                narrows=not is_new,
                source=EVALUATION_LOGIC,
                others=others,
            )
