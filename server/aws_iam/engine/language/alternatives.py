"""Values that a policy may have at deployment in place of what was read: the other entries of a map, the branch not taken.

A policy is the same on both sides of a comparison only where these are the same too: what stands behind
`local.actions[var.env]` may become `*` while everything that was read stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable


@slotted
class Alternative:
    """A value by what it is called and a digest of what it says; `is_read`: the policy was read with it.

    Where one variable alone chooses, `chooser` is its name, and `keys` are the values of it that choose this; without keys any other
    value does.
    """

    what: str
    digest: str
    is_read: bool = False
    chooser: str = ""
    keys: tuple[str, ...] = ()


def other_alternatives(
    new: Iterable[Alternative], old: Iterable[Alternative]
) -> tuple[Alternative, ...]:
    """Those of either side that were not read, and that the other side has not.

    What the other side was read with is compared: another default only chooses another one of the same values.
    """
    sides = (set(new), set(old))
    known = [{own.digest for own in side} for side in sides]
    read = [{own.digest for own in side if own.is_read} for side in sides]
    found = {
        own
        for number, side in enumerate(sides)
        for own in side
        if own.digest not in read[number] and own.digest not in known[1 - number]
    }
    return tuple(sorted(found, key=lambda own: (own.what, own.digest)))


def unread_alternatives(found: Iterable[Alternative]) -> tuple[Alternative, ...]:
    """Those that the policy was not read with, and that say something else than what was read."""
    return other_alternatives(found, ())
