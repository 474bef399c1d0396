"""What changes in the policies and boundaries that larger files attach and that cannot be compared: it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.language.frozen import slotted
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator

    from aws_iam.engine.sources.containers.attachments import PolicyAttachment

_BOUNDARIES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"
_ELSEWHERE = "its document is not in the file"


@slotted
class AttachmentChange:
    """A policy or a permissions boundary that only one side attaches, and what that may do to the access."""

    place: str
    says: str
    widens: bool
    narrows: bool

    def finding(self) -> Finding | None:
        """The change as gained access, if it may be one."""
        if not self.widens:
            return None
        if self.narrows or not self.says.startswith("the permissions boundary"):
            return Finding(
                code="ACCESS_GAINED",
                title="Whether access is gained is unknown",
                severity=Severity.HIGH,
                status=Status.UNKNOWN,
                reason=self.says,
                resource=self.place,
                source=_BOUNDARIES,
            )
        return Finding(
            code="ACCESS_GAINED",
            title="Access is gained: permissions boundary removed",
            severity=Severity.HIGH,
            status=Status.FAIL,
            message=self.says,
            resource=self.place,
            fix="Keep the permissions boundary, or say why the policies need no limit.",
            source=_BOUNDARIES,
        )


def without_document(attached: Iterable[PolicyAttachment]) -> tuple[PolicyAttachment, ...]:
    """Those that cannot be compared: boundaries, and policies whose documents are not at hand."""
    return tuple(own for own in attached if own.is_boundary or not own.is_known)


def attachment_changes(
    new: Collection[PolicyAttachment], old: Collection[PolicyAttachment], holders: Container[str]
) -> tuple[AttachmentChange, ...]:
    """The changes; `holders` are the resources of the new side, by which a boundary of what is gone does not count."""
    mine, theirs = set(without_document(new)), set(without_document(old))
    return tuple(_changes(mine, theirs, holders))


def _changes(
    new: Collection[PolicyAttachment], old: Collection[PolicyAttachment], holders: Container[str]
) -> Iterator[AttachmentChange]:
    limited = {own.place for own in old if own.is_boundary}
    limits = {own.place: own for own in new if own.is_boundary}
    for own in sorted(set(new) - set(old), key=lambda attached: attached.name):
        if own.is_boundary and own.place in limited:
            continue
        what = "the permissions boundary" if own.is_boundary else "the policy"
        says = f"{what} {quoted(own.policy)} is attached at {quoted(own.place)}{_to(own)}"
        yield AttachmentChange(
            place=own.place,
            says=says if own.is_known else f"{says}, and {_ELSEWHERE}",
            widens=not own.is_boundary,
            narrows=own.is_boundary,
        )
    for own in sorted(set(old) - set(new), key=lambda attached: attached.name):
        at = f"{quoted(own.place)}{_to(own)}"
        now = limits.get(own.place) if own.is_boundary else None
        if now is not None:
            if now.is_known and own.is_known:
                # Their documents are compared.
                continue
            yield AttachmentChange(
                place=own.place,
                says=f"the permissions boundary {quoted(own.policy)} at {at} is replaced by {quoted(now.policy)}",
                widens=True,
                narrows=True,
            )
        elif own.is_boundary and own.holder in holders:
            yield AttachmentChange(
                place=own.place,
                says=f"the permissions boundary {quoted(own.policy)} of {quoted(own.holder)} is removed:"
                " it no longer limits what the policies allow",
                widens=True,
                narrows=False,
            )
        elif not own.is_boundary:
            yield AttachmentChange(
                place=own.place,
                says=f"the policy {quoted(own.policy)} is no longer attached at {at}, and {_ELSEWHERE}",
                widens=False,
                narrows=True,
            )


def _to(own: PolicyAttachment) -> str:
    return f" to {quoted(own.target)}" if own.target else ""
