"""Checks on a trail beyond the benchmark: delivery works, the bucket accepts only this account's logs, Insights are on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.logging.cloudtrail import TRAIL_INSIGHTS
from aws_iam.account.collect.organization.organization import ORGANIZATION, Organization
from aws_iam.account.collect.storage.buckets import BUCKETS
from aws_iam.account.collect.storage.trail_buckets import TRAIL_BUCKET_ACCESS
from aws_iam.answer import Severity, Status
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.evaluation.request import request_of
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_iam.account.collect.logging.cloudtrail import Trail, TrailStatus
    from aws_iam.account.reading.snapshot import Account

_STALE = timedelta(hours=24)
_SERVICE = "cloudtrail.amazonaws.com"
# No account has this id: a policy that lets it write lets anyone's trail write.
_STRANGER = "000000000000"
# A service belongs to no organization, so its calls never have these:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_MEMBER_KEYS = frozenset({"aws:principalorgid", "aws:principalorgpaths"})
_SOURCE_KEYS = frozenset({"aws:sourceorgid", "aws:sourceorgpaths"})
_RESOURCE_KEYS = frozenset({"aws:resourceorgid", "aws:resourceorgpaths"})
_POLICY_PAGE = (
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/"
    "create-s3-bucket-policy-for-cloudtrail.html"
)
_STATUS_PAGE = (
    "https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html"
)
_INSIGHTS_PAGE = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-insights-events-with-cloudtrail.html"


@slotted
class TrailCheck:
    """The result of one check on one trail."""

    name: str
    trail: str
    status: Status
    message: str
    severity: Severity = Severity.MEDIUM
    fix: str = ""
    source: str = _STATUS_PAGE

    def row(self) -> dict[str, Any]:
        """The result as a row of a table."""
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


def trail_checks(account: Account, trail: Trail) -> tuple[TrailCheck, ...]:
    """Delivery and Insights; for the account's own trails also the bucket policy."""
    return (
        _delivery(account, trail),
        *((_bucket_policy(account, trail),) if trail.owner == account.id else ()),
        _insights(account, trail),
    )


def bucket_region(account: Account, name: str | None) -> str | None:
    """The Region of a bucket; None if unknown, as for another account's bucket."""
    listed = account.get(BUCKETS)
    known = () if isinstance(listed, Miss) else listed
    return next((bucket.region for bucket in known if bucket.name == name), None)


def _delivery(account: Account, trail: Trail) -> TrailCheck:
    def check(status: Status, message: str, fix: str = "") -> TrailCheck:
        return TrailCheck(
            name="delivery",
            trail=trail.arn,
            status=status,
            message=f"trail {quoted(trail.name)} {message}",
            severity=Severity.HIGH,
            fix=fix,
        )

    status: TrailStatus | Miss = trail.status
    if isinstance(status, Miss):
        return check(Status.UNKNOWN, f"has a status that could not be read: {status}")
    if not status.logging:
        return check(Status.NOT_APPLICABLE, "is not logging")
    if status.delivery_error:
        error = quoted(status.delivery_error)
        why = f"cannot deliver to its bucket: {error}"
        return check(
            Status.FAIL,
            why,
            "Fix the policy of the bucket (or of its key), then wait for a delivery.",
        )
    if status.last_delivery is None:
        return check(Status.UNKNOWN, "has not delivered yet, as far as AWS reports")
    if account.collected_at - status.last_delivery > _STALE:
        return check(
            Status.FAIL,
            f"last delivered to its bucket on {_stamp(status.last_delivery)}",
            "Check the bucket's policy and key, then run `aws cloudtrail get-trail-status`.",
        )
    return check(Status.PASS, "delivers to its bucket")


def _bucket_policy(account: Account, trail: Trail) -> TrailCheck:
    """Whether CloudTrail may write to the bucket, and only for this account's trails."""

    def check(status: Status, message: str, severity: Severity = Severity.MEDIUM) -> TrailCheck:
        return TrailCheck(
            name="bucket_policy",
            trail=trail.arn,
            status=status,
            message=message,
            severity=severity,
            source=_POLICY_PAGE,
        )

    policy = f"the policy of bucket {quoted(trail.bucket or '')} of trail {quoted(trail.name)}"
    document = _policy_document(account, trail)
    if isinstance(document, Miss):
        return check(Status.UNKNOWN, f"{policy} could not be read: {document}")
    try:
        own = _write_access(account, trail, document, account.id)
        others = _write_access(account, trail, document, _STRANGER)
    except InputError as error:
        return check(Status.UNKNOWN, f"{policy} could not be parsed: {error.message}")
    delivered = _recent_delivery(account, trail)
    if not own.allowed and (delivered is None or not own.depends_on):
        return _closed(own, policy, delivered, check)
    if others.allowed:
        message = f"{policy} lets CloudTrail write on behalf of any account's trail"
        fix = f"Add the condition StringEquals aws:SourceArn {trail.arn} to the statement for {_SERVICE}."
        return replace(check(Status.FAIL, message), fix=fix)
    only_own = "lets CloudTrail write only for this account's trails"
    if own.depends_on and others.depends_on:
        return check(Status.UNKNOWN, f"whether {policy} {only_own} {others.depends_on}")
    shown = (
        f", as the delivery of {_stamp(delivered)} shows" if own.depends_on and delivered else ""
    )
    return check(Status.PASS, f"{policy} {only_own}{shown}")


def _closed(
    own: _WriteAccess, policy: str, delivered: datetime | None, check: Callable[..., TrailCheck]
) -> TrailCheck:
    """The result for a policy that does not let CloudTrail write, as far as is known."""
    if own.depends_on:
        message = f"whether {policy} lets CloudTrail write its logs {own.depends_on}"
        return check(Status.UNKNOWN, message)
    message = f"{policy} does not let CloudTrail write its logs"
    if delivered:
        when = f"but CloudTrail delivered logs on {_stamp(delivered)}"
        return check(Status.UNKNOWN, f"{message}, {when}; has the policy changed since?")
    fix = f"Allow s3:PutObject to {_SERVICE} on its AWSLogs folder, for this trail's ARN in aws:SourceArn."
    return replace(check(Status.FAIL, message, Severity.HIGH), fix=fix)


def _recent_delivery(account: Account, trail: Trail) -> datetime | None:
    """The time of a delivery within the last day, which proves that CloudTrail can write."""
    status: TrailStatus | Miss = trail.status
    if isinstance(status, Miss) or status.delivery_error or status.last_delivery is None:
        return None
    recent = account.collected_at - status.last_delivery <= _STALE
    return status.last_delivery if recent else None


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _policy_document(account: Account, trail: Trail) -> str | Miss | None:
    listed = account.get(TRAIL_BUCKET_ACCESS)
    if isinstance(listed, Miss):
        return listed
    for access in listed:
        if access.bucket == trail.bucket:
            return access.document
    return Miss(kind=MissKind.UNASKED, call="s3:GetBucketPolicy", permission="s3:GetBucketPolicy")


@slotted
class _WriteAccess:
    """Whether CloudTrail may write a log file; if not, `depends_on` says what could allow it, in words after a subject."""

    allowed: bool
    depends_on: str = ""


def _write_access(
    account: Account, trail: Trail, document: str | None, source: str
) -> _WriteAccess:
    """Whether the policy lets CloudTrail write a log file for a trail of the account `source`."""
    if document is None:
        return _WriteAccess(allowed=False)
    request = request_of(_put_request(account, trail, source))
    layers = layers_of({"resource": document})
    found = evaluate_request(request, layers)
    if found.decision.outcome in {"Allowed", "Unknown"}:
        is_allowed = found.decision.outcome == "Allowed"
        return _WriteAccess(
            allowed=is_allowed, depends_on="" if is_allowed else f"is open: {found.reason}"
        )
    absent = _absent_keys(account, source)
    open_keys = tuple(k for k in found.decision.missing_keys if k.lower() not in absent)
    others = outcomes_of_missing_keys(
        request, layers, replace(found.decision, missing_keys=open_keys)
    )
    keys = [
        " and ".join(map(quoted, key.split(" and ")))
        for key, outcomes in others.items()
        if "Allowed" in outcomes.values()
    ]
    words = f"depends on {' or '.join(keys)}, which is unknown for its calls" if keys else ""
    return _WriteAccess(allowed=False, depends_on=words)


def _put_request(account: Account, trail: Trail, source: str) -> dict[str, Any]:
    """CloudTrail's request, with every key that is known; a stranger's trail may be configured like this one."""
    found = account.get(ORGANIZATION)
    organization = found.id if isinstance(found, Organization) else None
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    unit = f"{organization}/" if organization and trail.organization else ""
    folder = f"{trail.prefix}/AWSLogs" if trail.prefix else "AWSLogs"
    key = f"{folder}/{unit}{account.id}/CloudTrail/{trail.home_region}/log.json.gz"
    known = {
        "aws:SourceOrgID": organization if source == account.id else None,
        "aws:ResourceOrgID": organization,
        "aws:RequestedRegion": bucket_region(account, trail.bucket),
        "s3:x-amz-server-side-encryption": "aws:kms" if trail.kms_key else None,
        "s3:x-amz-server-side-encryption-aws-kms-key-id": trail.kms_key,
    }
    return {
        "principal": _SERVICE,
        "action": "s3:PutObject",
        "resource": f"arn:{account.partition}:s3:::{trail.bucket}/{key}",
        "resource_account": account.id,
        "context": {
            "aws:SourceArn": trail.arn.replace(f":{account.id}:", f":{source}:"),
            "aws:SourceAccount": source,
            "aws:SecureTransport": "true",
            "s3:x-amz-acl": "bucket-owner-full-control",
            **{name: value for name, value in known.items() if value},
        },
    }


def _absent_keys(account: Account, source: str) -> frozenset[str]:
    """The keys, in lower case, that the request certainly lacks; the stranger is in no organization."""
    if account.get(ORGANIZATION) is None:
        return _MEMBER_KEYS | _SOURCE_KEYS | _RESOURCE_KEYS
    return _MEMBER_KEYS if source == account.id else _MEMBER_KEYS | _SOURCE_KEYS


def _insights(account: Account, trail: Trail) -> TrailCheck:
    def check(status: Status, message: str) -> TrailCheck:
        return TrailCheck(
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
        return check(Status.UNKNOWN, f"the Insights of {name} could not be read: {kinds}")
    if kinds:
        return check(Status.PASS, f"{name} detects unusual activity: {', '.join(kinds)}")
    # Insights are charged per event, and other products do the same.
    return check(
        Status.MANUAL,
        f"{name} has no Insights; decide whether something else detects unusual activity",
    )


def insight_kinds(account: Account, trail: Trail) -> tuple[str, ...] | Miss:
    """The Insights of a trail, or why they are unknown."""
    listed = account.get(TRAIL_INSIGHTS)
    if isinstance(listed, Miss):
        return listed
    for insights in listed:
        if insights.trail == trail.arn:
            return insights.kinds
    return Miss(kind=MissKind.UNASKED, call="cloudtrail:GetInsightSelectors")
