"""What a user or role has used, by AWS's last-accessed data and by events, and what of its access that leaves to keep.

What AWS does not track is no sign of anything: an action without a trace is kept.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.last_accessed import KEPT_DAYS
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from aws_iam.account.collect.identity.credential_report import CredentialReportRow
    from aws_iam.account.collect.identity.last_accessed import ServiceUse
    from aws_iam.tools.audit.rightsize.action_sets import ActionSet, ActionSets
    from aws_iam.tools.audit.rightsize.smaller_policy import Granted

USUAL_DAYS = 90
"""How old a principal must be to be judged, and how long without any use it is unused, unless `days` says otherwise."""


@slotted
class Window:
    """The times that decide: `since` is when a use begins to count, `idle_since` when one keeps a principal from being unused."""

    now: datetime
    days: int
    tracked_since: datetime
    since: datetime
    """Without `days` every use counts that AWS has: a yearly job looks unused in any shorter time."""

    @classmethod
    def of(cls, now: datetime, days: int | None) -> Window:
        """The window that ends now."""
        tracked = now - timedelta(days=KEPT_DAYS)
        return cls(
            now=now,
            days=days or USUAL_DAYS,
            tracked_since=tracked,
            since=now - timedelta(days=days) if days else tracked,
        )

    @property
    def idle_since(self) -> datetime:
        """The time since which a principal has to have been used."""
        return self.now - timedelta(days=self.days)


@slotted
class KeptAccess:
    """What of a principal's access is kept: what it used, and what nothing is known about."""

    granted: ActionSet
    used: ActionSet
    untracked: ActionSet
    dropped_services: frozenset[str]
    """The services that it did not use at all."""
    newer_services: frozenset[str] = frozenset()
    """The services that it used and the data does not know."""
    last_uses: Mapping[str, datetime] = field(default_factory=dict, compare=False)
    """The last use of what was used before the window, by service or action."""
    reasons: tuple[str, ...] = ()
    """Why something of which AWS records no use is kept, where that is not plain."""

    @classmethod
    def nothing(cls, granted: Granted, sets: ActionSets) -> KeptAccess:
        """What is kept of the access of someone who used nothing: of connections AWS would not know."""
        return cls(
            granted=granted.actions,
            used=0,
            untracked=granted.actions & sets.connections(granted.on_purpose),
            dropped_services=frozenset(),
        )

    @property
    def kept(self) -> ActionSet:
        """The actions that a smaller policy has to allow."""
        return self.used | self.untracked

    @property
    def unused(self) -> ActionSet:
        """The actions that a smaller policy need not allow."""
        return self.granted & ~self.kept


def kept_access(
    access: Granted,
    services: Collection[ServiceUse],
    events: Collection[str],
    window: Window,
    sets: ActionSets,
    unexplained: str = "",
) -> KeptAccess:
    """What is kept of the granted access; `events` are the actions that events show.

    `unexplained` says why there may be a use that no service recorded: what leaves no trace is kept then.
    """
    granted = access.actions
    seen = used = sets.of_all(events)
    on_purpose = sets.connections(access.on_purpose)
    untracked = on_purpose | (sets.all_connections if unexplained else 0)
    listed = counting = 0
    dropped: set[str] = set()
    newer: set[str] = set()
    last_uses: dict[str, datetime] = {}
    for use in services:
        prefix = use.service.lower()
        own = sets.services.get(prefix, 0)
        listed |= own
        if not _counts(use.last_used, window) and not own & seen:
            if use.last_used:
                last_uses[f"{prefix}:*"] = use.last_used
            if not own & untracked:
                dropped.add(prefix)
            continue
        counting |= own
        tracked = 0
        for action in use.actions or ():
            bit = sets.of_name(prefix, action.name)
            tracked |= bit
            if _counts(action.last_used, window):
                used |= bit
            elif action.last_used:
                last_uses[f"{prefix}:{action.name}"] = action.last_used
        untracked |= own & ~tracked
        if not own:
            newer.add(prefix)
    # Of a service that the report does not list AWS records no use.
    untracked |= sets.everything & ~listed
    untracked = untracked & granted & ~used
    used &= granted
    perhaps = untracked & sets.all_connections & listed & ~counting & ~on_purpose
    tagging, why_tagging = _tagging(granted, used | untracked, sets)
    untracked |= tagging
    passing, why = _passing(granted, used | untracked, sets)
    return KeptAccess(
        granted=granted,
        used=used,
        untracked=untracked | passing,
        reasons=tuple(filter(None, (_connecting(perhaps, unexplained, sets), why_tagging, why))),
        dropped_services=frozenset(dropped),
        newer_services=frozenset(newer),
        last_uses=last_uses,
    )


def _connecting(perhaps: ActionSet, unexplained: str, sets: ActionSets) -> str:
    if not perhaps:
        return ""
    names = joined(sets.listed(perhaps), shown=3)
    return f"AWS records no use of {names}; kept because {unexplained}"


def _passing(granted: ActionSet, kept: ActionSet, sets: ActionSets) -> tuple[ActionSet, str]:
    """`iam:PassRole` and why, where a kept action may pass a role: passing one is no call, and leaves no trace."""
    may_pass = kept & sets.may_pass
    if not granted & sets.pass_role & ~kept or not may_pass:
        return 0, ""
    known = may_pass & sets.passing
    names = list(sets.names(known or may_pass))
    verb = "can" if known else "may"
    return (
        sets.pass_role,
        f"AWS records no use of iam:PassRole; it is kept because {joined(names, shown=2)} {verb} pass a role",
    )


def _tagging(granted: ActionSet, kept: ActionSet, sets: ActionSets) -> tuple[ActionSet, str]:
    """The tagging actions of services of which a kept action makes resources with tags, and why.

    For those tags AWS asks for the permission to tag, which is no call of that name:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
    """
    making = tagging = 0
    for service, unused in sets.in_services(granted & ~kept & sets.tagging):
        if own := sets.services[service] & kept & sets.creating_with_tags:
            making |= own
            tagging |= unused
    if not tagging:
        return 0, ""
    makers = joined(list(sets.names(making)), shown=2)
    names = joined(sets.listed(tagging), shown=2)
    why = f"AWS may record no use of {names} where tags are given on creation"
    return tagging, f"{why}; kept because {makers} can give tags"


def last_use(services: Iterable[ServiceUse]) -> datetime | None:
    """The last use of any service."""
    return max((use.last_used for use in services if use.last_used), default=None)


def unexplained_use(
    signed: datetime | None, services: Iterable[ServiceUse], window: Window
) -> str:
    """Why a role or a credential, last used at `signed`, may have been used for what no service recorded; else empty."""
    if not _counts(signed, window):
        return ""
    last = last_use(services)
    if last is None:
        return f"it was used on {signed:%Y-%m-%d}, and no use of a service is recorded"
    if signed and signed > last:
        return f"it was used at {signed:%Y-%m-%d %H:%M}, after the last recorded use of a service"
    return ""


def credential_use(row: CredentialReportRow) -> datetime | None:
    """The last use of a user's password or of one of its access keys."""
    uses = (row.password_last_used, *(key.last_used for key in row.keys))
    return max(filter(None, uses), default=None)


def _counts(used: datetime | None, window: Window) -> bool:
    return used is not None and used > window.since
