"""IAM: which services users and roles used. AWS writes a report for each on demand, and changes nothing by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.facts.fact import Miss, MissKind, RefusedError
from aws_iam.account.facts.identity import AUTHORIZATION
from aws_iam.account.facts.usage import LAST_ACCESSED, IdentityUse, ServiceUse, Usage

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

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
