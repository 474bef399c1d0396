"""What must be denied by a resource control policy, and cannot be by any: AWS applies those to certain services alone.

    out_of_reach(deny)   →   (Conflict(denied, why), …)

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.decision_flow import BEYOND_RCPS
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair.conflicts import Conflict
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.repair.requirements import Requirement


def out_of_reach(deny: Iterable[Requirement]) -> Iterator[Conflict]:
    """A conflict for each requirement of which an RCP cannot deny every action."""
    for own in deny:
        why = _why_not(own)
        if why:
            yield Conflict(denied=own, why=why)


def _why_not(requirement: Requirement) -> str:
    actions = requirement.actions
    beyond = [own for own in actions if own.lower() in BEYOND_RCPS]
    if beyond:
        return f"no resource control policy applies to {quoted(beyond[0])}"
    if any(not is_literal(own.partition(":")[0]) for own in actions):
        return "each action of a resource control policy names one service: ask for the actions of each service"
    others = [own for own in actions if _is_of_other_service(own)]
    if not others:
        return ""
    services = joined(
        [quoted(own) for own in dict.fromkeys(own.partition(":")[0] for own in others)], last="or"
    )
    rest = f": ask without {joined([quoted(own) for own in others])}"
    return (
        f"AWS applies resource control policies to certain services only, not to {services}"
        f"{rest if len(others) < len(actions) else ''}"
    )


def _is_of_other_service(action: str) -> bool:
    """Whether an action is of a service to which AWS applies no RCPs; a service that the data lacks may be newer."""
    service = action.lower().partition(":")[0]
    return service not in catalog().rcp_services and catalog().tier(service) != "unknown"
