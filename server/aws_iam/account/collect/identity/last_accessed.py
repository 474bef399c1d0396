"""What users and roles have used, service by service and, where AWS tracks them, action by action.

IAM generates a report for each on demand, which changes nothing.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError, one, value_or_refused
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.identity.authorization import Role, User


@slotted
class ActionUse:
    """An action that AWS tracks by its name without the service; `last_used` None: not in the time that AWS keeps."""

    name: str
    last_used: datetime | None = None


@slotted
class ServiceUse:
    """A service that an identity's policies allow; `last_used` None: not in the time that AWS keeps.

    `actions` are those of its actions that the policies allow and AWS tracks; of a service that was not used none are kept.
    None: an older snapshot, for which AWS was not asked by action.
    """

    service: str
    last_used: datetime | None = None
    actions: tuple[ActionUse, ...] | None = None


@slotted
class IdentityUse:
    """The services of one user or role."""

    arn: str
    services: tuple[ServiceUse, ...] | Miss


@slotted
class Usage:
    """The identities that were read, by ARN; `left_out`: how many more there were."""

    identities: tuple[IdentityUse, ...] = ()
    left_out: int = 0


KEPT_DAYS = 400
"""How long AWS keeps at least what was used: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html."""
LAST_ACCESSED = one("iam.last_accessed", Usage)
_GENERATE_SERVICE_LAST_ACCESSED_DETAILS = "iam:GenerateServiceLastAccessedDetails"
_GET_SERVICE_LAST_ACCESSED_DETAILS = "iam:GetServiceLastAccessedDetails"
_POLLS = 40
_POLL_SECONDS = 0.5
# Each identity takes at least two calls of an API that throttles early.
_MOST_IDENTITIES = 1_000
# The report by action takes the same calls and the same permission as the one by service.
_GRANULARITY = "ACTION_LEVEL"


@collector(
    LAST_ACCESSED,
    _GENERATE_SERVICE_LAST_ACCESSED_DETAILS,
    _GET_SERVICE_LAST_ACCESSED_DETAILS,
    after=(AUTHORIZATION,),
)
def last_accessed(aws: Aws) -> Usage:
    """Users, and roles that were assumed recently: any other role used nothing."""
    authorization = aws.fact(AUTHORIZATION)
    roles = [role for role in authorization.roles if role.last_used and not role.is_service_linked]
    identities: list[User | Role] = [*authorization.users, *roles]
    arns = sorted(
        identity.arn
        for identity in identities
        if not aws.principal or is_called(identity, aws.principal)
    )
    asked = arns[:_MOST_IDENTITIES]
    # AWS writes the reports while the rest of them is requested.
    jobs = aws.read_each(
        lambda arn: _started(aws, arn), asked, _GENERATE_SERVICE_LAST_ACCESSED_DETAILS
    )
    services_of_each = aws.read_each(
        lambda job: _services(aws, value_or_refused(job)), jobs, _GET_SERVICE_LAST_ACCESSED_DETAILS
    )
    return Usage(
        identities=tuple(
            IdentityUse(arn=arn, services=services)
            for arn, services in zip(asked, services_of_each, strict=True)
        ),
        left_out=len(arns) - len(asked),
    )


def is_called(identity: User | Role, name: str) -> bool:
    """Whether the name means the user or role: its ARN, `role/NAME` with or without its path, or the name alone."""
    kind, _, path = identity.arn.rpartition(":")[2].partition("/")
    return name in {identity.arn, identity.name, f"{kind}/{identity.name}", f"{kind}/{path}"}


def _started(aws: Aws, arn: str) -> str:
    answer = aws.need(_GENERATE_SERVICE_LAST_ACCESSED_DETAILS, Arn=arn, Granularity=_GRANULARITY)
    job: str = answer["JobId"]
    return job


def _services(aws: Aws, job: str) -> tuple[ServiceUse, ...]:
    listed: list[dict[str, Any]] = []
    page = _finished(aws, job)
    while True:
        listed += page["ServicesLastAccessed"]
        marker = page.get("Marker")
        if not page.get("IsTruncated") or not marker:
            break
        page = aws.need(_GET_SERVICE_LAST_ACCESSED_DETAILS, JobId=job, Marker=marker)
    return tuple(sorted(map(_service, listed), key=lambda service: service.service))


def _service(row: dict[str, Any]) -> ServiceUse:
    last_used = row.get("LastAuthenticated")
    tracked = (
        ActionUse(name=action["ActionName"], last_used=action.get("LastAccessedTime"))
        for action in row.get("TrackedActionsLastAccessed") or ()
    )
    return ServiceUse(
        service=row["ServiceNamespace"],
        last_used=last_used,
        # An administrator may call thousands, nearly all of services that it never used.
        actions=tuple(sorted(tracked, key=lambda action: action.name)) if last_used else (),
    )


def _finished(aws: Aws, job: str) -> dict[str, Any]:
    for _ in range(_POLLS):
        answer = aws.need(_GET_SERVICE_LAST_ACCESSED_DETAILS, JobId=job)
        if answer["JobStatus"] == "COMPLETED":
            return answer
        if answer["JobStatus"] == "FAILED":
            error = answer.get("Error", {})
            raise RefusedError(
                Miss(
                    kind=MissKind.BROKEN,
                    call=_GET_SERVICE_LAST_ACCESSED_DETAILS,
                    code=error.get("Code", "FAILED"),
                    permission=_GET_SERVICE_LAST_ACCESSED_DETAILS,
                    message=error.get("Message", "the report failed"),
                )
            )
        aws.sleep(_POLL_SECONDS)
    raise RefusedError(
        Miss(
            kind=MissKind.TIMEOUT,
            call=_GET_SERVICE_LAST_ACCESSED_DETAILS,
            permission=_GET_SERVICE_LAST_ACCESSED_DETAILS,
        )
    )
