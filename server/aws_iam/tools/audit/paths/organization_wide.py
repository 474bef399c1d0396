"""Permission sets and centralized root access, in the account that manages them: whoever changes these has what it gives itself.

Another account may manage them by delegation, which is not known from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.effective.escalation import ORGANIZATION_WIDE, escalation_paths
from aws_iam.tools.audit.paths.entities import NEW_ROLE
from aws_iam.tools.audit.paths.example_resources import allowed_together
from aws_iam.tools.audit.paths.powers import Call, Power, decided_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.audit.paths.actor import Actor

_OF_THE_MANAGEMENT_ACCOUNT = "management"


def organization_wide(actor: Actor) -> Iterator[Power]:
    """The administrator that a principal of the management account makes itself, by each path of the catalogue."""
    if actor.principal.member.management_account != actor.account:
        return
    created = f"arn:{actor.partition}:iam::{actor.account}:{NEW_ROLE}"
    for path in escalation_paths():
        if path.family != ORGANIZATION_WIDE or not actor.takes(*path.actions):
            continue
        calls = allowed_together(actor, tuple(need.action for need in path.required))
        if not calls:
            continue
        power = Power(
            gain="principal",
            targets=1 << actor.entities.number[created],
            calls=tuple(Call(action=action, on=resource) for action, resource, _ in calls),
            technique=path.id,
            assuming=tuple(
                own for own in path.prerequisites if _OF_THE_MANAGEMENT_ACCOUNT not in own
            ),
        )
        yield decided_by(power, *(access for _, _, access in calls))
