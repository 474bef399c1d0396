"""What is left of an access under a permissions boundary: both must allow, and the boundary grants nothing by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.effective.access import Access, Reach

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Statement


def bounded(given: Access, limit: Access) -> Access:
    """The actions that both allow, each as narrowly as the narrower of the two."""
    kept = {
        name: _narrower(reach, limit.actions[name])
        for name, reach in given.actions.items()
        if name in limit.actions
    }
    return replace(
        given, actions=kept, removed=given.removed | (given.actions.keys() - kept.keys())
    )


def _narrower(given: Reach, limit: Reach) -> Reach:
    """Where only the boundary makes conditions, its statements are those that still allow something."""
    unlimited: tuple[Statement, ...] = ()
    if given.everywhere and limit.everywhere:
        unlimited = _bound(given.unlimited, limit.unlimited)
    return Reach(
        allowed_by=_bound(given.allowed_by, limit.allowed_by),
        unlimited=unlimited,
        denied_by=(*given.denied_by, *limit.denied_by),
    )


def _bound(given: tuple[Statement, ...], limit: tuple[Statement, ...]) -> tuple[Statement, ...]:
    if all(each.conditions for each in limit) and any(not each.conditions for each in given):
        return limit
    return given
