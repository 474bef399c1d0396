"""Which services users and roles have used: IAM generates a report for each on demand, which changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError, one
from aws_iam.account.collect.identity.authorization import AUTHORIZATION

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUse:
    """A service that an identity's policies allow; `last_used` None: not in the time that AWS keeps."""

    service: str
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUse:
    """The services of one user or role."""

    arn: str
    services: tuple[ServiceUse, ...] | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The identities that were read, by ARN; `left_out`: how many more there were."""

    identities: tuple[IdentityUse, ...] = ()
    left_out: int = 0


LAST_ACCESSED = one("iam.last_accessed", Usage)
_GENERATE_SERVICE_LAST_ACCESSED_DETAILS = "iam:GenerateServiceLastAccessedDetails"
_GET_SERVICE_LAST_ACCESSED_DETAILS = "iam:GetServiceLastAccessedDetails"
_POLLS = 40
_POLL_SECONDS = 0.5
# Each identity takes at least two calls of an API that throttles early.
_MAX_IDENTITIES = 200


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
    arns = sorted([*(user.arn for user in authorization.users), *(role.arn for role in roles)])
    services_of_each = aws.read_each(
        lambda arn: _services(aws, arn), arns[:_MAX_IDENTITIES], _GET_SERVICE_LAST_ACCESSED_DETAILS
    )
    return Usage(
        identities=tuple(
            IdentityUse(arn=arn, services=services)
            for arn, services in zip(arns, services_of_each, strict=False)
        ),
        left_out=max(len(arns) - _MAX_IDENTITIES, 0),
    )


def _services(aws: Aws, arn: str) -> tuple[ServiceUse, ...]:
    job = aws.need(_GENERATE_SERVICE_LAST_ACCESSED_DETAILS, Arn=arn)["JobId"]
    listed: list[dict[str, Any]] = []
    page = _finished(aws, job)
    while True:
        listed += page["ServicesLastAccessed"]
        marker = page.get("Marker")
        if not page.get("IsTruncated") or not marker:
            break
        page = aws.need(_GET_SERVICE_LAST_ACCESSED_DETAILS, JobId=job, Marker=marker)
    services = (
        ServiceUse(service=service["ServiceNamespace"], last_used=service.get("LastAuthenticated"))
        for service in listed
    )
    return tuple(sorted(services, key=lambda service: service.service))


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
