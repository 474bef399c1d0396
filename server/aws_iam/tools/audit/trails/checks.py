"""What a trail needs beside the benchmark's controls: delivery that works, a bucket that takes its logs alone, Insights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.logging.cloudtrail import TRAIL_INSIGHTS
from aws_iam.account.collect.organization.organization import ORGANIZATION, Organization
from aws_iam.account.collect.storage.buckets import BUCKETS
from aws_iam.account.collect.storage.trail_buckets import TRAIL_BUCKET_ACCESS
from aws_iam.answer import Severity, Status
from aws_iam.engine.evaluate import evaluated
from aws_iam.engine.evaluation.hinges import hinges
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.evaluation.request import request_of
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_iam.account.collect.logging.cloudtrail import Trail, TrailStatus
    from aws_iam.account.reading.snapshot import Account

_STALE = timedelta(hours=24)
_SERVICE = "cloudtrail.amazonaws.com"
# No account has this id: whoever lets this one write lets everyone's trails write.
_STRANGER = "000000000000"
# A service belongs to no organization, so its call never has these:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_OF_MEMBERS = frozenset({"aws:principalorgid", "aws:principalorgpaths"})
_OF_SOURCE = frozenset({"aws:sourceorgid", "aws:sourceorgpaths"})
_OF_RESOURCE = frozenset({"aws:resourceorgid", "aws:resourceorgpaths"})
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
        *((_bucket(account, trail),) if trail.owner == account.id else ()),
        _insights(account, trail),
    )


def bucket_region(account: Account, name: str | None) -> str | None:
    """The Region of a bucket, None where it is not known: it may be another account's."""
    listed = account.get(BUCKETS)
    known = () if isinstance(listed, Miss) else listed
    return next((trail.region for trail in known if trail.name == name), None)


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
        return told(
            Status.FAIL,
            f"last delivered to its bucket on {_stamp(status.last_delivery)}",
            "Look at the bucket's policy and key, then at `aws cloudtrail get-trail-status`.",
        )
    return told(Status.PASS, "delivers to its bucket")


def _bucket(account: Account, trail: Trail) -> Check:
    """Whether CloudTrail may write there, and whether for this account's trails alone."""

    def told(status: Status, message: str, severity: Severity = Severity.MEDIUM) -> Check:
        return Check(
            name="bucket_policy",
            trail=trail.arn,
            status=status,
            message=message,
            severity=severity,
            source=_POLICY_PAGE,
        )

    policy = f"the policy of bucket {quoted(trail.bucket or '')} of trail {quoted(trail.name)}"
    document = _document(account, trail)
    if isinstance(document, Miss):
        return told(Status.UNKNOWN, f"{policy} was not read: {document}")
    try:
        own = _writes(account, trail, document, account.id)
        others = _writes(account, trail, document, _STRANGER)
    except InputError as error:
        return told(Status.UNKNOWN, f"{policy} cannot be read: {error.message}")
    delivered = _delivered(account, trail)
    if not own.allowed and (delivered is None or not own.hangs_on):
        return _shut(own, policy, delivered, told)
    if others.allowed:
        message = f"{policy} lets CloudTrail write on behalf of any account's trail"
        fix = f"Add the condition StringEquals aws:SourceArn {trail.arn} to the statement for {_SERVICE}."
        return replace(told(Status.FAIL, message), fix=fix)
    alone = "lets CloudTrail write for this account's trails alone"
    if own.hangs_on and others.hangs_on:
        return told(Status.UNKNOWN, f"whether {policy} {alone} {others.hangs_on}")
    shown = f", as the delivery of {_stamp(delivered)} shows" if own.hangs_on and delivered else ""
    return told(Status.PASS, f"{policy} {alone}{shown}")


def _shut(
    own: _Writes, policy: str, delivered: datetime | None, told: Callable[..., Check]
) -> Check:
    """The answer about a policy that does not let CloudTrail write, for all that is known."""
    if own.hangs_on:
        message = f"whether {policy} lets CloudTrail write its logs {own.hangs_on}"
        return told(Status.UNKNOWN, message)
    message = f"{policy} does not let CloudTrail write its logs"
    if delivered:
        when = f"yet it delivered some on {_stamp(delivered)}"
        return told(Status.UNKNOWN, f"{message}, {when}; was the policy changed since?")
    fix = f"Allow s3:PutObject to {_SERVICE} on its AWSLogs folder, for this trail's ARN in aws:SourceArn."
    return replace(told(Status.FAIL, message, Severity.HIGH), fix=fix)


def _delivered(account: Account, trail: Trail) -> datetime | None:
    """The delivery of the last day, which proves that CloudTrail can write."""
    status: TrailStatus | Miss = trail.status
    if isinstance(status, Miss) or status.delivery_error or status.last_delivery is None:
        return None
    recent = account.collected_at - status.last_delivery <= _STALE
    return status.last_delivery if recent else None


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _document(account: Account, trail: Trail) -> str | Miss | None:
    held = account.get(TRAIL_BUCKET_ACCESS)
    if isinstance(held, Miss):
        return held
    for selector in held:
        if selector.bucket == trail.bucket:
            return selector.document
    return Miss(kind=MissKind.UNASKED, call="s3:GetBucketPolicy", permission="s3:GetBucketPolicy")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writes:
    """Whether CloudTrail may put a log file; `hangs_on` says what the policy's answer hangs on where it may not."""

    allowed: bool
    hangs_on: str = ""


def _writes(account: Account, trail: Trail, document: str | None, source: str) -> _Writes:
    """Whether a log file may be put, as CloudTrail puts it for a trail of that account."""
    if document is None:
        return _Writes(allowed=False)
    request = request_of(_put(account, trail, source))
    layers = layers_of({"resource": document})
    found = evaluated(request, layers)
    if found.decision.outcome in {"Allowed", "Unknown"}:
        is_allowed = found.decision.outcome == "Allowed"
        return _Writes(
            allowed=is_allowed, hangs_on="" if is_allowed else f"is open: {found.reason}"
        )
    absent = _absent(account, source)
    open_keys = tuple(k for k in found.decision.missing_keys if k.lower() not in absent)
    others = hinges(request, layers, replace(found.decision, missing_keys=open_keys))
    keys = [
        " and ".join(map(quoted, key.split(" and ")))
        for key, outcomes in others.items()
        if "Allowed" in outcomes.values()
    ]
    told = f"hangs on {' or '.join(keys)}, which is not known of its calls" if keys else ""
    return _Writes(allowed=False, hangs_on=told)


def _put(account: Account, trail: Trail, source: str) -> dict[str, Any]:
    """The request, with every key that is known of it; a stranger's trail may be set up as this one is."""
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


def _absent(account: Account, source: str) -> frozenset[str]:
    """The keys, lower case, that the request certainly lacks; the stranger is in no organization."""
    if account.get(ORGANIZATION) is None:
        return _OF_MEMBERS | _OF_SOURCE | _OF_RESOURCE
    return _OF_MEMBERS if source == account.id else _OF_MEMBERS | _OF_SOURCE


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
    for item in held:
        if item.trail == trail.arn:
            return item.kinds
    return Miss(kind=MissKind.UNASKED, call="cloudtrail:GetInsightSelectors")
