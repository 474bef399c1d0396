"""What permissions boundaries make of a comparison: what they stop, and what they open to those they limit.

stopped_actions(whole, left)   →   ("iam:PassRole",), what policies newly allow and a boundary stops altogether
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.actions import names_of
from aws_iam.engine.comparison.change_risks import riskiest_first
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.one_way_search import SearchResult
    from aws_iam.engine.comparison.sides.policy_limit import PolicyLimit

_SHOWN = 3
_ALLOWED = "policies that it limits allow it"
_ALLOWED_BY_NONE = "none of the policies that it limits allows it"


def stopped_actions(whole: SearchResult, left: SearchResult) -> tuple[str, ...]:
    """The actions that policies newly allow and a boundary stops altogether, riskiest first."""
    allowed, kept = (
        dict.fromkeys(names_of(own.group for own in found.differences)) for found in (whole, left)
    )
    return tuple(riskiest_first(name for name in allowed if name not in kept))


def judged_by_limited(
    gained: Callable[[Callable[[str], bool]], Sequence[AccessChange]], allowed: SearchResult
) -> Iterator[AccessChange]:
    """What a boundary no longer stops, with whether policies that it limits allow it: the search found what they do.

    `gained` has the changes of some of the actions.
    """
    names = frozenset(names_of(own.group for own in allowed.differences))
    for change in gained(names.__contains__):
        yield replace(_saying(change, _ALLOWED), is_granted=True)
    for change in gained(lambda name: name not in names):
        is_open = bool(allowed.open or allowed.cut)
        yield change if is_open else _saying(change, _ALLOWED_BY_NONE)


def perhaps_stopped(change: AccessChange, limit: PolicyLimit) -> AccessChange:
    """A gain beside a boundary of which it is not known what it leaves."""
    listed = joined(list(map(quoted, limit.names)), "or", shown=_SHOWN)
    says = f"the permissions boundary {listed} may stop it: {limit.why}"
    return _saying(change, says)


def _saying(change: AccessChange, says: str) -> AccessChange:
    return replace(change, beside="; ".join(filter(None, (change.beside, says))))
