"""What changes in the policies and boundaries that larger files attach and that cannot be compared: it is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.comparison.compared_policy import compared_policy
from aws_iam.engine.comparison.sides.attached_policies import attached_policies
from aws_iam.engine.comparison.sides.boundaries import boundary_name, policies_of_holders
from aws_iam.engine.comparison.sides.policy_pairs import PolicyPair
from aws_iam.engine.comparison.sides.principals_together import principals_by_policy
from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment

_BOUNDARIES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"
_ELSEWHERE = "its document is not in the file"


def without_document(attached: Iterable[PolicyAttachment]) -> tuple[PolicyAttachment, ...]:
    """Those that cannot be compared: boundaries, and policies whose documents are not at hand."""
    return tuple(own for own in attached if own.is_boundary or not own.is_known)


def attachment_changes(
    new: NamedSide,
    old: NamedSide,
    document: Sequence[Source] = (),
    baseline: Sequence[Source] = (),
) -> Iterator[UnjudgedChange]:
    """The changes of what the sides attach, and cannot compare; `document` and `baseline` are their policies, attached ones among them."""
    mine, theirs = (
        {own.identity: own for own in without_document(side.attachments)} for side in (new, old)
    )
    added = [own for key, own in sorted(mine.items()) if key not in theirs]
    gone = [own for key, own in sorted(theirs.items()) if key not in mine]
    for own in (own for own in (*added, *gone) if not own.is_boundary):
        is_new = own.identity in mine
        yield UnjudgedChange(
            place=own.place,
            says=f"the policy {quoted(own.policy)} is {'' if is_new else 'no longer '}attached at {_at(own)}, and {_ELSEWHERE}",
            widens=is_new,
            narrows=not is_new,
            source=_BOUNDARIES,
        )
    now, before = _boundaries(mine.values()), _boundaries(theirs.values())
    for place in dict.fromkeys(own.place for own in (*added, *gone) if own.is_boundary):
        if place in now and place in before:
            yield from _replaced(place, (before[place], old), (now[place], new))
        elif place in now and now[place][0].holder in old.resources:
            # Of what is new the boundary limits the policies that are compared.
            for own in now[place]:
                beyond = _beyond((own, new), old, baseline)
                # Where all that the policies allow is within it, nothing changes.
                if beyond is None or beyond:
                    yield _limited(own, new, beyond or ())
        elif place in before and before[place][0].holder in new.resources:
            # A boundary of what is gone limits nothing.
            yield from (
                _removed(own, new, old, _beyond((own, old), new, document) or ())
                for own in before[place]
            )


def _boundaries(
    attached: Iterable[PolicyAttachment],
) -> Mapping[str, tuple[PolicyAttachment, ...]]:
    """The boundaries by their places; under a condition one place may have several."""
    found: dict[str, tuple[PolicyAttachment, ...]] = {}
    for own in attached:
        if own.is_boundary:
            found[own.place] = (*found.get(own.place, ()), own)
    return found


def _limited(
    own: PolicyAttachment, new: NamedSide, beyond: Sequence[AccessChange]
) -> UnjudgedChange:
    does = f"stops {beyond[0].in_words()}" if beyond else "limits what the policies allow"
    says = (
        f"the permissions boundary {quoted(boundary_name(own, new))} is attached at {_at(own)}:"
        f" it {does}"
    )
    return UnjudgedChange(
        place=own.place,
        says=says if own.is_known else f"{says}, and {_ELSEWHERE}",
        widens=False,
        narrows=True,
        source=_BOUNDARIES,
        is_certain=True,
        loss="permissions boundary attached" if beyond else "",
    )


def _replaced(
    place: str,
    before: tuple[Sequence[PolicyAttachment], NamedSide],
    now: tuple[Sequence[PolicyAttachment], NamedSide],
) -> Iterator[UnjudgedChange]:
    attached = (*before[0], *now[0])
    if len(before[0]) == len(now[0]) == 1 and all(own.is_known for own in attached):
        # Their documents are compared.
        return
    was, is_ = (
        joined([quoted(boundary_name(own, side)) for own in listed])
        for listed, side in (before, now)
    )
    yield UnjudgedChange(
        place=place,
        says=f"the permissions boundary {was} at {quoted(place)} is replaced by {is_}",
        widens=True,
        narrows=True,
        source=_BOUNDARIES,
    )


def _beyond(
    boundary: tuple[PolicyAttachment, NamedSide], side: NamedSide, policies: Sequence[Source]
) -> tuple[AccessChange, ...] | None:
    """What the policies of the holder on one side allow beyond a boundary of the other, riskiest first; None where that is not known."""
    own, of = boundary
    owners = principals_by_policy(side, {own.holder})
    granting = policies_of_holders({own.holder}, owners, policies)
    limits = tuple(
        replace(source.content, kind=Kind.IDENTITY)
        for source in (*attached_policies((replace(own, is_boundary=False),), (), of.sources),)
        if isinstance(source.content, Policy)
    )
    if not (granting and limits):
        return None
    pair = PolicyPair(name="", change="changed", document=granting, baseline=limits)
    found = compared_policy(pair, limits)
    elsewhere = any(
        (one.holder == own.holder or own.holder in {to for _, to in owners.get(one.name, ())})
        and not one.is_known
        for one in side.attachments
    )
    later = any(one.unresolved for one in policies if one.content in granting)
    is_known = not (found.beyond.open or found.beyond.cut or elsewhere or later)
    return found.gained or (() if is_known else None)


def _removed(
    own: PolicyAttachment, new: NamedSide, old: NamedSide, beyond: Sequence[AccessChange]
) -> UnjudgedChange:
    says = (
        f"the permissions boundary {quoted(boundary_name(own, old))} of {quoted(own.holder)} is removed:"
        " it no longer limits what the policies allow"
    )
    if own.holder not in new.holders and not _may_have_policies(own.holder, new):
        says += f", and the file has none of the policies of {quoted(own.holder)}"
    if beyond:
        says += f"; beyond it they allow {beyond[0].in_words()}"
    severities = (change.risk.severity for change in beyond)
    return UnjudgedChange(
        place=own.place,
        says=says,
        widens=True,
        narrows=False,
        source=_BOUNDARIES,
        is_certain=True,
        severity=min((Severity.HIGH, *severities), key=lambda severity: severity.rank),
    )


def _may_have_policies(holder: str, side: NamedSide) -> bool:
    """Whether a policy is attached to it by its address or by a name, which may be its own."""
    start = holder.rpartition(" ")[0]
    targets = (
        *((own.holder.name, target) for own in side.sources for target in own.holder.attached_to),
        *((own.holder, own.target) for own in side.attachments if not own.is_boundary),
    )
    named = {
        f"{start} {target}".strip() for by, target in targets if by.startswith(start) and target
    }
    return holder in named or not named <= side.resources


def _at(own: PolicyAttachment) -> str:
    return f"{quoted(own.place)} to {quoted(own.target)}" if own.target else quoted(own.place)
