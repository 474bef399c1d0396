"""`policy generate`: least-privilege policies for access needs, or for what CloudTrail events show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError
from aws_iam.tools.kit.tool import with_understood
from aws_iam.tools.policy.generate.needs_forms import needs_of

if TYPE_CHECKING:
    from aws_iam.answer import Answer


def generate_policies(
    needs: Any, conditions: Any, events: Any, principal: str | None, *, generalize: bool
) -> Answer:
    """The policies for needs or for events; InputError unless exactly one of them is given."""
    if (needs is None) is (events is None):
        given = "both are given" if needs is not None else "neither is given"
        raise InputError(
            f"`policy generate` needs `needs` or `events`: {given}",
            hint="give `needs` for access that you can name, or `events` for what CloudTrail recorded",
        )
    if needs is not None:
        if principal is not None:
            raise InputError(
                "`principal` goes with `events`, not with `needs`", hint="leave it out"
            )
        if generalize:
            raise InputError(
                "`generalize` goes with `events`, not with `needs`", hint="leave it out"
            )
        from aws_iam.tools.policy.generate import from_needs

        wanted, understood = needs_of(needs)
        return with_understood(from_needs.generate_from_needs(wanted, conditions), understood)
    if conditions is not None:
        raise InputError(
            "`conditions` goes with `needs`, not with `events`",
            hint="leave it out: conditions that the events prove are added automatically",
        )
    # Imported here: needs must not load what reads logs.
    from aws_iam.tools.policy.generate import from_cloudtrail

    return from_cloudtrail.generate_from_events(events, principal, generalize=generalize)
