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
    """The identities that were asked about, by ARN; `left_out`: how many more there were."""

    identities: tuple[IdentityUse, ...] = ()
    left_out: int = 0


LAST_ACCESSED = one("iam.last_accessed", Usage)
GENERATE = "iam:GenerateServiceLastAccessedDetails"
GET = "iam:GetServiceLastAccessedDetails"
_POLLS = 40
_POLL_SECONDS = 0.5
# Two calls at least for each identity, of an API that is throttled early.
_MOST = 200


@collector(LAST_ACCESSED, GENERATE, GET, after=(AUTHORIZATION,))
def last_accessed(aws: Aws) -> Usage:
    """Users, and roles that were used lately: of one that nobody took, nothing was used."""
    found = aws.fact(AUTHORIZATION)
    roles = [role for role in found.roles if role.last_used and not role.is_service_linked]
    arns = sorted([*(user.arn for user in found.users), *(role.arn for role in roles)])
    read = aws.each(lambda arn: _services(aws, arn), arns[:_MOST], GET)
    return Usage(
        identities=tuple(
            IdentityUse(arn=arn, services=services)
            for arn, services in zip(arns, read, strict=False)
        ),
        left_out=max(len(arns) - _MOST, 0),
    )


def _services(aws: Aws, arn: str) -> tuple[ServiceUse, ...]:
    job = aws.need(GENERATE, Arn=arn)["JobId"]
    listed: list[dict[str, Any]] = []
    page = _finished(aws, job)
    while True:
        listed += page["ServicesLastAccessed"]
        marker = page.get("Marker")
        if not page.get("IsTruncated") or not marker:
            break
        page = aws.need(GET, JobId=job, Marker=marker)
    found = (
        ServiceUse(service=each["ServiceNamespace"], last_used=each.get("LastAuthenticated"))
        for each in listed
    )
    return tuple(sorted(found, key=lambda each: each.service))


def _finished(aws: Aws, job: str) -> dict[str, Any]:
    for _ in range(_POLLS):
        answer = aws.need(GET, JobId=job)
        if answer["JobStatus"] == "COMPLETED":
            return answer
        if answer["JobStatus"] == "FAILED":
            error = answer.get("Error", {})
            raise RefusedError(
                Miss(
                    kind=MissKind.BROKEN,
                    call=GET,
                    code=error.get("Code", "FAILED"),
                    permission=GET,
                    message=error.get("Message", "the report failed"),
                )
            )
        aws.sleep(_POLL_SECONDS)
    raise RefusedError(Miss(kind=MissKind.TIMEOUT, call=GET, permission=GET))
