"""The judgement of each user and role as a row of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.tools.audit.rightsize.action_sets import action_sets
from aws_iam.tools.audit.rightsize.proposals import proposal_name
from aws_iam.tools.audit.rightsize.unused_principals import unused_steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.tools.audit.rightsize.events_by_principal import EventsByPrincipal
    from aws_iam.tools.audit.rightsize.judged_principals import JudgedPrincipal
    from aws_iam.tools.audit.rightsize.policy_changes import PolicyChange
    from aws_iam.tools.audit.rightsize.recorded_use import Window

_CHANGES = {
    "keep": "stays as it is",
    "put": "becomes smaller",
    "version": "gets a smaller version",
    "replace": "is replaced by a smaller customer managed copy",
    "remove": "is removed",
}
_MOST_SERVED = 10


def row(own: JudgedPrincipal, window: Window) -> dict[str, Any]:
    """The row: null where something is not known, which is no empty list."""
    sets, access = action_sets(), own.access
    since = max(filter(None, (own.identity.created, window.since)))
    return {
        "principal": own.identity.arn,
        "verdict": own.verdict,
        **({"why": own.why} if own.why else {}),
        "unused": None if access is None else sets.listed(access.unused),
        "kept": None if access is None else sets.listed(access.kept),
        "not_tracked": None if access is None else sets.listed(access.untracked),
        **({"not_tracked_why": list(access.reasons)} if access and access.reasons else {}),
        "lost": None if access is None else list(own.lost.rows),
        "tracked_since": f"{since:%Y-%m-%d}",
        **({"last_used": f"{own.last_used:%Y-%m-%d}"} if own.last_used else {}),
        **(
            {"last_uses": {name: f"{day:%Y-%m-%d}" for name, day in access.last_uses.items()}}
            if access and access.last_uses
            else {}
        ),
        **(
            {"policies": [_policy(change, own.identity.arn) for change in own.changes]}
            if own.changes
            else {}
        ),
        **({"proposal": proposal_name(own)} if own.documents else {}),
        **(
            {"steps": [dict(step) for step in unused_steps(own, window)]}
            if own.verdict == "unused"
            else {}
        ),
    }


def not_judged(
    principals: Iterable[JudgedPrincipal], events: EventsByPrincipal
) -> list[dict[str, str]]:
    """What the answer leaves open, with the reason."""
    rows = [
        {"place": own.identity.arn, "why": own.why}
        for own in principals
        if own.verdict == "unknown"
    ]
    rows += [{"place": name, "why": why} for name, why in events.unread]
    if events.left_out:
        rows.append({"place": "events", "why": f"{events.left_out} of them map to no action"})
    return rows


def _policy(change: PolicyChange, holder: str) -> dict[str, Any]:
    """The policy as one of its holders has it: a copy for others leaves it as it is."""
    concerns = change.change == "keep" or holder in change.concerned
    why = change.why if concerns else "it changes for its other holders alone"
    serves = change.policy.serves
    more = {"serves_more": len(serves) - _MOST_SERVED} if len(serves) > _MOST_SERVED else {}
    return {
        "policy": change.policy.arn or change.policy.name,
        "serves": [arn.rpartition(":")[2] for arn in serves[:_MOST_SERVED]],
        **more,
        "change": _CHANGES[change.change if concerns else "keep"],
        **({"why": why} if why else {}),
    }
