"""What was found about use, as findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status
from aws_iam.escape import quoted
from aws_iam.tools.audit.principals.unused_access import UNUSED_PAGE, not_judged
from aws_iam.tools.audit.rightsize.action_sets import action_sets
from aws_iam.tools.audit.rightsize.unused_principals import why_for_emergencies
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.errors import NotCollected
    from aws_iam.tools.audit.rightsize.judged_principals import JudgedPrincipal
    from aws_iam.tools.audit.rightsize.recorded_use import Window

_UNUSED_PERMISSIONS = "Permissions that nobody uses"
_UNUSED = {"role": "A role that nobody assumes", "user": "A user that does nothing"}
_MOST_NAMED = 3


def findings(principals: Iterable[JudgedPrincipal], window: Window) -> Iterator[Finding]:
    """A finding for each principal that has more than it uses, or of which that is not known."""
    for own in principals:
        name = f"{own.kind} {quoted(own.identity.name)}"
        if own.verdict == "unknown":
            yield _unknown(own, name)
        elif own.verdict == "unused":
            yield _unused(own, name, window)
        elif own.verdict in {"smaller", "stays", "manual"}:
            yield _too_much(own, name, window)


def nothing_read(missing: NotCollected) -> Finding:
    """The finding where no user and no role could be read."""
    return not_judged("UNUSED_PERMISSIONS", _UNUSED_PERMISSIONS, None, missing, Severity.LOW)


def _unknown(own: JudgedPrincipal, name: str) -> Finding:
    arn = own.identity.arn
    if own.missing is not None:
        return not_judged(
            "UNUSED_PERMISSIONS", _UNUSED_PERMISSIONS, arn, own.missing, Severity.LOW
        )
    return Finding(
        code="UNUSED_PERMISSIONS",
        title=_UNUSED_PERMISSIONS,
        severity=Severity.LOW,
        status=Status.UNKNOWN,
        message=f"{name} could not be judged: {own.why}",
        reason=own.why,
        resource=arn,
        source=UNUSED_PAGE,
    )


def _unused(own: JudgedPrincipal, name: str, window: Window) -> Finding:
    if own.last_used:
        when = f"was last used on {own.last_used:%Y-%m-%d}"
    else:
        when = f"was not used since {window.tracked_since:%Y-%m-%d}, as far back as AWS keeps it"
    kept = why_for_emergencies(own.identity)
    return Finding(
        code=f"UNUSED_{own.kind.upper()}",
        title=_UNUSED[own.kind],
        severity=Severity.INFO if kept else Severity.LOW,
        status=Status.MANUAL if kept else Status.FAIL,
        message=f"{name} {when}{f'; {kept}' if kept else ''}",
        resource=own.identity.arn,
        fix="Try it, and let its use raise an alarm."
        if kept
        else "Disable it first, then watch, as its steps say: an attempt to use it shows although it is denied.",
        source=UNUSED_PAGE,
    )


def _too_much(own: JudgedPrincipal, name: str, window: Window) -> Finding:
    access = own.access
    unused = access.unused if access else 0
    sets = action_sets()
    services = [service for service, _ in sets.in_services(unused)]
    what = f"{counted(unused.bit_count(), 'action')} of {joined(services, shown=_MOST_NAMED)}"
    parts = [f"{name} did not use {what} since {window.since:%Y-%m-%d}"]
    if own.lost.worst:
        parts.append(f"the riskiest is {own.lost.worst}")
    if own.verdict != "smaller":
        why = own.why or joined([change.why for change in own.changes if change.why], shown=1)
        parts.append(f"it keeps them: {why}")
    fixes = {
        "smaller": "Remove its policies: AWS recorded no use of them; the format `cli` has the commands."
        if not own.documents
        else f"Give it the smaller policy in {own.kind}-{own.identity.name}.json; the format `cli` has the commands.",
        "manual": "Change its permission set in IAM Identity Center.",
    }
    return Finding(
        code="UNUSED_PERMISSIONS",
        title=_UNUSED_PERMISSIONS,
        severity=Severity.LOW,
        status=Status.FAIL,
        message="; ".join(parts),
        resource=own.identity.arn,
        fix=fixes.get(own.verdict, "Write a shorter policy of its own by hand."),
        source=UNUSED_PAGE,
    )
