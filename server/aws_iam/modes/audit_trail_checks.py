"""What a trail needs beside the benchmark's controls: delivery that works, a bucket that takes its logs alone, Insights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_iam.account.fact import Miss, MissKind
from aws_iam.account.facts.storage import TRAIL_BUCKET_ACCESS
from aws_iam.account.facts.trails import TRAIL_INSIGHTS
from aws_iam.answer import Severity, Status
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.policy.evaluate import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.facts.trails import Trail, TrailStatus
    from aws_iam.account.snapshot import Account

_STALE = timedelta(hours=24)
_SERVICE = "cloudtrail.amazonaws.com"
# No account has this id: whoever lets this one write lets everyone's trails write.
_STRANGER = "000000000000"
_POLICY_PAGE = (
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/"
    "create-s3-bucket-policy-for-cloudtrail.html"
)
_STATUS_PAGE = (
    "https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html"
)
_INSIGHTS_PAGE = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-insights-events-with-cloudtrail.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One answer about one trail."""

    name: str
    trail: str
    status: Status
    message: str
    severity: Severity = Severity.MEDIUM
    fix: str = ""
    source: str = _STATUS_PAGE

    def row(self) -> dict[str, Any]:
        """The check as a row of a table."""
        failed = self.status is Status.FAIL
        return {
            "check": self.name,
            "trail": self.trail,
            "status": self.status.value,
            "severity": self.severity.value,
            "message": self.message,
            "fix": self.fix if failed else None,
            "source": self.source,
        }


def checks(account: Account, trail: Trail) -> tuple[Check, ...]:
    """Delivery and Insights of every trail; the bucket's policy of the account's own ones."""
    return (
        _delivery(account, trail),
        *(_bucket(account, trail) if trail.owner == account.id else ()),
        _insights(account, trail),
    )


def _delivery(account: Account, trail: Trail) -> Check:
    def told(status: Status, message: str, fix: str = "") -> Check:
        return Check(
            name="delivery",
            trail=trail.arn,
            status=status,
            message=f"trail {quoted(trail.name)} {message}",
            severity=Severity.HIGH,
            fix=fix,
        )

    status: TrailStatus | Miss = trail.status
    if isinstance(status, Miss):
        return told(Status.UNKNOWN, f"does not tell how it delivers: {status}")
    if not status.logging:
        return told(Status.NOT_APPLICABLE, "is not logging")
    if status.delivery_error:
        error = quoted(status.delivery_error)
        why = f"cannot deliver to its bucket: {error}"
        return told(
            Status.FAIL, why, "Mend the bucket's policy (or its key's), then wait for a delivery."
        )
    if status.last_delivery is None:
        return told(Status.UNKNOWN, "has delivered nothing yet, or AWS does not say when")
    if account.collected_at - status.last_delivery > _STALE:
        when = f"{status.last_delivery:%Y-%m-%d %H:%M} UTC"
        return told(
            Status.FAIL,
            f"last delivered to its bucket on {when}",
            "Look at the bucket's policy and key, then at `aws cloudtrail get-trail-status`.",
        )
    return told(Status.PASS, "delivers to its bucket")


def _bucket(account: Account, trail: Trail) -> Iterator[Check]:
    """Whether CloudTrail may write there, and whether for this account's trails alone."""

    def told(status: Status, message: str, severity: Severity, fix: str = "") -> Check:
        return Check(
            name="bucket_policy",
            trail=trail.arn,
            status=status,
            message=message,
            severity=severity,
            fix=fix,
            source=_POLICY_PAGE,
        )

    bucket = f"bucket {quoted(trail.bucket or '')} of trail {quoted(trail.name)}"
    document = _document(account, trail)
    if isinstance(document, Miss):
        yield told(
            Status.UNKNOWN, f"the policy of {bucket} was not read: {document}", Severity.MEDIUM
        )
        return
    try:
        own = document is not None and _may_write(account, trail, document, account.id)
        others = document is not None and _may_write(account, trail, document, _STRANGER)
    except InputError as error:
        message = f"the policy of {bucket} cannot be read: {error.message}"
        yield told(Status.UNKNOWN, message, Severity.MEDIUM)
        return
    if not own:
        yield told(
            Status.FAIL,
            f"the policy of {bucket} does not let CloudTrail write its logs",
            Severity.HIGH,
            f"Allow s3:PutObject to {_SERVICE} on its AWSLogs folder, for this trail's ARN in aws:SourceArn.",
        )
    elif others:
        yield told(
            Status.FAIL,
            f"the policy of {bucket} lets CloudTrail write on behalf of any account's trail",
            Severity.MEDIUM,
            f"Add the condition StringEquals aws:SourceArn {trail.arn} to the statement for {_SERVICE}.",
        )
    else:
        yield told(
            Status.PASS,
            f"the policy of {bucket} lets CloudTrail write for this account's trails alone",
            Severity.MEDIUM,
        )


def _document(account: Account, trail: Trail) -> str | Miss | None:
    held = account.get(TRAIL_BUCKET_ACCESS)
    if isinstance(held, Miss):
        return held
    for each in held:
        if each.bucket == trail.bucket:
            return each.document
    return Miss(kind=MissKind.UNASKED, call="s3:GetBucketPolicy", permission="s3:GetBucketPolicy")


def _may_write(account: Account, trail: Trail, document: str, source: str) -> bool:
    """Whether a log file may be put, as CloudTrail puts it for a trail of that account."""
    folder = f"{trail.prefix}/AWSLogs" if trail.prefix else "AWSLogs"
    key = f"{folder}/{account.id}/CloudTrail/{trail.home_region}/log.json.gz"
    request = {
        "principal": _SERVICE,
        "action": "s3:PutObject",
        "resource": f"arn:{account.partition}:s3:::{trail.bucket}/{key}",
        "resource_account": account.id,
        "context": {
            "aws:SourceArn": trail.arn.replace(f":{account.id}:", f":{source}:"),
            "aws:SourceAccount": source,
            "aws:SecureTransport": "true",
            "s3:x-amz-acl": "bucket-owner-full-control",
        },
    }
    return evaluate(request, {"resource": document}).outcome == "Allowed"


def _insights(account: Account, trail: Trail) -> Check:
    def told(status: Status, message: str) -> Check:
        return Check(
            name="insights",
            trail=trail.arn,
            status=status,
            message=message,
            severity=Severity.INFO,
            source=_INSIGHTS_PAGE,
        )

    kinds = insight_kinds(account, trail)
    name = f"trail {quoted(trail.name)}"
    if isinstance(kinds, Miss):
        return told(Status.UNKNOWN, f"whether {name} looks for unusual activity: {kinds}")
    if kinds:
        return told(Status.PASS, f"{name} looks for unusual activity: {', '.join(kinds)}")
    # It costs by the event, and other products do the same.
    return told(
        Status.MANUAL,
        f"{name} has no Insights; decide whether something else looks for unusual activity",
    )


def insight_kinds(account: Account, trail: Trail) -> tuple[str, ...] | Miss:
    """The Insights of a trail, or why they are not known."""
    held = account.get(TRAIL_INSIGHTS)
    if isinstance(held, Miss):
        return held
    for each in held:
        if each.trail == trail.arn:
            return each.kinds
    return Miss(kind=MissKind.UNASKED, call="cloudtrail:GetInsightSelectors")
