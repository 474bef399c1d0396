"""`policy generate`: least-privilege policies for access needs, or for what CloudTrail events show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError
from aws_iam.tools.kit.tool import with_understood
from aws_iam.tools.policy.generate.needs_forms import needs_of

if TYPE_CHECKING:
    from aws_iam.answer import Answer


def generate_policies(
    needs: Any,
    conditions: Any,
    events: Any,
    principal: str | None,
    *,
    generalize: bool,
    session: bool = False,
) -> Answer:
    """The policies for needs or for events, or with `session` one session policy; InputError unless exactly one of them is given."""
    if (needs is None) is (events is None):
        given = "both are given" if needs is not None else "neither is given"
        raise InputError(
            f"`policy generate` needs `needs` or `events`: {given}",
            hint="give `needs` for access that you can name, or `events` for what CloudTrail recorded",
        )
    if needs is not None:
        if principal is not None and not session:
            raise InputError(
                "`principal` goes with `events`, not with `needs`", hint="leave it out"
            )
        if generalize:
            raise InputError(
                "`generalize` goes with `events`, not with `needs`", hint="leave it out"
            )
        from aws_iam.tools.policy.generate import from_needs

        wanted, understood = needs_of(needs)
        found = with_understood(from_needs.generate_from_needs(wanted, conditions), understood)
    elif conditions is not None:
        raise InputError(
            "`conditions` goes with `needs`, not with `events`",
            hint="leave it out: conditions that the events prove are added automatically",
        )
    else:
        # Imported here: needs must not load what reads logs.
        from aws_iam.tools.policy.generate import from_cloudtrail

        found = from_cloudtrail.generate_from_events(
            events, principal, generalize=generalize, of_one=session
        )
    if not session:
        return found
    from aws_iam.tools.policy.generate import for_session

    return for_session.session_policy(found, principal)
