"""What changes in the policies and boundaries that larger files attach and that cannot be compared: it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.unjudged_changes import UnjudgedChange
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.comparison.renamed_policies import NamedSide
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment

_BOUNDARIES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"
_ELSEWHERE = "its document is not in the file"


def without_document(attached: Iterable[PolicyAttachment]) -> tuple[PolicyAttachment, ...]:
    """Those that cannot be compared: boundaries, and policies whose documents are not at hand."""
    return tuple(own for own in attached if own.is_boundary or not own.is_known)


def attachment_changes(new: NamedSide, old: NamedSide) -> Iterator[UnjudgedChange]:
    """The changes of what the sides attach, and cannot compare."""
    mine, theirs = (
        {own.identity: own for own in without_document(side.attachments)} for side in (new, old)
    )
    yield from _added([own for key, own in mine.items() if key not in theirs], theirs.values())
    # A boundary of what is gone limits nothing.
    limits = {own.place: own for own in mine.values() if own.is_boundary}
    for key, own in sorted(theirs.items()):
        if key in mine:
            continue
        if not own.is_boundary:
            yield UnjudgedChange(
                place=own.place,
                says=f"the policy {quoted(own.policy)} is no longer attached at {_at(own)}, and {_ELSEWHERE}",
                widens=False,
                narrows=True,
                source=_BOUNDARIES,
            )
        elif own.place in limits:
            yield from _replaced(own, limits[own.place])
        elif own.holder in new.resources:
            yield _removed(own, new)


def _added(
    added: Iterable[PolicyAttachment], before: Iterable[PolicyAttachment]
) -> Iterator[UnjudgedChange]:
    limited = {own.place for own in before if own.is_boundary}
    for own in sorted(added, key=lambda attached: attached.name):
        if own.is_boundary and own.place in limited:
            continue
        what = "the permissions boundary" if own.is_boundary else "the policy"
        says = f"{what} {quoted(own.policy)} is attached at {_at(own)}"
        says += ": it limits what the policies allow" if own.is_boundary else ""
        yield UnjudgedChange(
            place=own.place,
            says=says if own.is_known else f"{says}, and {_ELSEWHERE}",
            widens=not own.is_boundary,
            narrows=own.is_boundary,
            source=_BOUNDARIES,
            is_certain=own.is_boundary,
        )


def _replaced(own: PolicyAttachment, now: PolicyAttachment) -> Iterator[UnjudgedChange]:
    if now.is_known and own.is_known:
        # Their documents are compared.
        return
    yield UnjudgedChange(
        place=own.place,
        says=f"the permissions boundary {quoted(own.policy)} at {_at(own)} is replaced by {quoted(now.policy)}",
        widens=True,
        narrows=True,
        source=_BOUNDARIES,
    )


def _removed(own: PolicyAttachment, new: NamedSide) -> UnjudgedChange:
    says = (
        f"the permissions boundary {quoted(own.policy)} of {quoted(own.holder)} is removed:"
        " it no longer limits what the policies allow"
    )
    if own.holder not in new.holders:
        says += f", and the file has none of the policies of {quoted(own.holder)}"
    return UnjudgedChange(
        place=own.place,
        says=says,
        widens=True,
        narrows=False,
        source=_BOUNDARIES,
        is_certain=True,
    )


def _at(own: PolicyAttachment) -> str:
    return f"{quoted(own.place)} to {quoted(own.target)}" if own.target else quoted(own.place)
