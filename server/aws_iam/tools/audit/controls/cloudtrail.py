"""CIS controls on trails: what they record, and where their logs are stored."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.account.collect.storage.buckets import ACCOUNT_BLOCK, BUCKETS
from aws_iam.account.collect.storage.trail_buckets import TRAIL_BUCKET_ACCESS, TRAIL_BUCKET_LOGGING
from aws_iam.errors import InputError, NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each, unread
from aws_iam.tools.audit.controls.control import ControlTerms, control
from aws_iam.tools.audit.evidence import event_selectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aws_iam.account.collect.logging.cloudtrail import Selectors, Trail
    from aws_iam.account.collect.storage.buckets import PublicAccessBlock
    from aws_iam.account.collect.storage.trail_buckets import TrailBucketAccess
    from aws_iam.account.reading.snapshot import Account

T = TypeVar("T")
_ONE_REGION = "covers one Region only"
_NO_TRAIL = "there is no trail; cloudtrail_all_regions fails for that reason"


@control("cloudtrail_all_regions", needs=(TRAILS,))
def cloudtrail_all_regions(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """A single trail must be multi-Region, be logging, and record both reads and writes.

    False alarm when several trails cover this together.
    """

    def gap(trail: Trail) -> str | None:
        return event_selectors.proved_gap(trail, lacks) if trail.multi_region else _ONE_REGION

    def lacks(chosen: Selectors) -> str | None:
        recorded = event_selectors.management_events(chosen)
        return None if recorded.everything else f"records {recorded} of management events"

    def evidence(trail: Trail) -> str:
        recorded = event_selectors.management_events(known(trail.selectors))
        note = f", except {recorded.left_out}" if recorded.left_out else ""
        return f"trail {quoted(trail.name)} records management events of all Regions{note}"

    return _one_trail(
        account, gap, evidence, "no trail records all management events of all Regions"
    )


@control("s3_data_events_read", "s3_data_events_write", needs=(TRAILS,))
def s3_data_events(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A selector for single buckets does not cover future buckets, and `readOnly` true records reads only.

    False alarm when only some buckets hold data that matters.
    """
    reads = terms.control.key == "s3_data_events_read"
    word = "reads" if reads else "writes"
    multi_region = terms.threshold("multi_region_required")

    def gap(trail: Trail) -> str | None:
        if multi_region and not trail.multi_region:
            return _ONE_REGION
        return event_selectors.proved_gap(trail, lacks)

    def lacks(chosen: Selectors) -> str | None:
        recorded = event_selectors.object_events(chosen, account.partition)
        if recorded.reads if reads else recorded.writes:
            return None
        single = event_selectors.single_buckets(chosen, account.partition)
        only = f" (only those of {', '.join(map(quoted, single[:5]))})" if single else ""
        return f"does not record {word} of the objects in all buckets{only}"

    def evidence(trail: Trail) -> str:
        return f"trail {quoted(trail.name)} records {word} of the objects in all buckets"

    nothing = f"no trail records {word} of all S3 objects"
    return _one_trail(account, gap, evidence, nothing, one_region=not multi_region)


@control("cloudtrail_validation", needs=(TRAILS,))
def cloudtrail_validation(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Every trail counts, including stopped and single-Region trails.

    False alarm when the trail is about to be deleted.
    """

    def test(trail: Trail) -> Iterator[Outcome]:
        if trail.validation:
            yield Pass(trail.arn, f"trail {quoted(trail.name)} validates its log files")
        else:
            yield Fail(trail.arn, f"trail {quoted(trail.name)} does not validate its log files")

    return _every_trail(account, test)


@control("cloudtrail_kms", needs=(TRAILS,))
def cloudtrail_kms(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """The bucket's default encryption does not satisfy this control.

    False alarm when the trail is about to be deleted.
    """

    def test(trail: Trail) -> Iterator[Outcome]:
        if trail.kms_key:
            yield Pass(
                trail.arn,
                f"trail {quoted(trail.name)} encrypts its logs with {quoted(trail.kms_key)}",
            )
        else:
            yield Fail(
                trail.arn, f"trail {quoted(trail.name)} does not encrypt its logs with a KMS key"
            )

    return _every_trail(account, test)


@control("cloudtrail_cloudwatch", needs=(TRAILS,))
def cloudtrail_cloudwatch(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A log group that no longer receives events fails; a missing delivery time is unknown.

    False alarm when another system receives the events of the trail.
    """
    hours = terms.threshold("max_delivery_age_hours")

    def test(trail: Trail) -> Iterator[Outcome]:
        name = f"trail {quoted(trail.name)}"
        if not trail.log_group_arn:
            yield Fail(trail.arn, f"{name} does not deliver to a log group")
            return
        status = known(trail.status)
        last = status.last_logs_delivery
        if status.logs_delivery_error:
            error = quoted(status.logs_delivery_error)
            yield Fail(trail.arn, f"{name} cannot deliver to its log group: {error}")
        elif last is None:
            raise _no_value(trail, "the time of the last log delivery")
        elif account.collected_at - last > timedelta(hours=hours):
            yield Fail(
                trail.arn, f"{name} last delivered to its log group on {last:%Y-%m-%d %H:%M} UTC"
            )
        else:
            yield Pass(trail.arn, f"{name} delivers to its log group")

    return _every_trail(account, test)


@control("cloudtrail_bucket_logging", needs=(TRAILS, TRAIL_BUCKET_LOGGING))
def cloudtrail_bucket_logging(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Only the buckets of trails count; an unreadable bucket of another account is unknown.

    False alarm when data events record the access to the bucket instead.
    """

    def test(trail: Trail) -> Iterator[Outcome]:
        bucket = _bucket(trail)
        facts = account.require(TRAIL_BUCKET_LOGGING)
        target = known(_fact_of(bucket, ((fact.bucket, fact) for fact in facts)).target)
        message = f"bucket {quoted(bucket)} of trail {quoted(trail.name)}"
        if target:
            yield Pass(trail.arn, f"{message} writes access logs to {quoted(target.bucket)}")
        else:
            yield Fail(trail.arn, f"{message} has no access logging", names=(("BUCKET", bucket),))

    return _every_trail(account, test)


@control("cloudtrail_bucket_public", needs=(TRAILS, TRAIL_BUCKET_ACCESS, ACCOUNT_BLOCK, BUCKETS))
def cloudtrail_bucket_public(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """The ACL counts as well as the policy, unless Block Public Access makes it ineffective."""

    def test(trail: Trail) -> Iterator[Outcome]:
        bucket = _bucket(trail)
        facts = account.require(TRAIL_BUCKET_ACCESS)
        access = _fact_of(bucket, ((fact.bucket, fact) for fact in facts))
        message = f"bucket {quoted(bucket)} of trail {quoted(trail.name)}"
        openings = tuple(
            for_each((_acl_open, _policy_open), lambda test: test(account, access, trail, message))
        )
        if openings:
            yield from openings
        else:
            yield Pass(trail.arn, f"{message} is not public")

    return _every_trail(account, test)


def _acl_open(
    account: Account, access: TrailBucketAccess, trail: Trail, name: str
) -> Iterator[Outcome]:
    grants = known(access.public_grants)
    if grants and not _blocked(account, access, "ignore_public_acls"):
        message = f"{name} is public by its ACL: {', '.join(map(quoted, grants))}"
        yield Fail(trail.arn, message, names=(("BUCKET", access.bucket),))


def _policy_open(
    account: Account, access: TrailBucketAccess, trail: Trail, name: str
) -> Iterator[Outcome]:
    if access.document is None or not _policy_public(access):
        return
    if not _blocked(account, access, "restrict_public_buckets"):
        message = f"{name} is public by its policy"
        yield Fail(trail.arn, message, names=(("BUCKET", access.bucket),))


def _policy_public(access: TrailBucketAccess) -> bool:
    """AWS's own verdict; without it, a stranger's request that the policy allows unconditionally is proof too."""
    verdict, text = access.policy_public, access.document
    if isinstance(verdict, Miss) and isinstance(text, str) and _open_to_strangers(text):
        return True
    return known(verdict)


def _open_to_strangers(text: str) -> bool:
    # Heavy, and only for accounts that have such policies.
    from aws_iam.engine.comparison import forbidden_access

    try:
        requests = forbidden_access.public_requests(text).requests
    except InputError:
        return False
    return any("context" not in request["request"] for request in requests)


def _blocked(account: Account, access: TrailBucketAccess, flag: str) -> bool:
    """A flag is effective if either level sets it; it is off only if both levels were read."""
    if getattr(access.block, flag, False):
        return True
    of_account = _owners_block(account, access.bucket)
    if getattr(of_account, flag, False):
        return True
    known(of_account)
    known(access.block)
    return False


def _owners_block(account: Account, bucket: str) -> PublicAccessBlock | Miss:
    """The settings of the account that owns the bucket; this account's settings do not apply to another account's bucket."""
    if any(own.name == bucket for own in account.require(BUCKETS)):
        return account.get(ACCOUNT_BLOCK)
    raise NotCollected(
        f"bucket {quoted(bucket)} is not one of this account's buckets, and its owner's Block Public"
        " Access settings may override its policy and ACL",
        call="s3control:GetPublicAccessBlock",
        code="kept by another account",
    )


def _one_trail(
    account: Account,
    gap: Callable[[Trail], str | None],
    evidence: Callable[[Trail], str],
    nothing: str,
    *,
    one_region: bool = False,
) -> Iterator[Outcome]:
    """Pass on the first trail without a gap; if none passes and one could not be judged, the result is unknown."""
    trails = account.require(TRAILS)
    gaps: list[str] = []
    missing: list[Outcome] = []
    for trail in trails.trails:
        try:
            lacks = gap(trail)
        except NotCollected as miss:
            missing.append(unread(miss, trail.arn))
            continue
        if lacks is None:
            yield Pass(trail.arn, evidence(trail))
            return
        gaps.append(f"{quoted(trail.name)} {lacks}")
    doubts = trails.doubts(len(account.regions.read), one_region=one_region)
    missing += [unread(miss.error()) for miss in doubts]
    if one_region and not account.regions.complete:
        missing.append(unread(_elsewhere(account, nothing)))
    if missing:
        yield from missing
    else:
        message = f"{nothing} ({'; '.join(gaps) or 'there is no trail'})"
        own = [trail for trail in trails.trails if trail.owner == account.id]
        # If the account has one trail only, the fix names it.
        only = (("NAME", own[0].arn), ("REGION", own[0].home_region)) if len(own) == 1 else ()
        yield Fail(account.root_arn, message, names=only)


def _elsewhere(account: Account, nothing: str) -> NotCollected:
    return NotCollected(
        f"{nothing} in the Regions read ({account.regions}), but a trail in another Region could",
        call="cloudtrail:DescribeTrails",
        code="Region not read",
        permission="cloudtrail:DescribeTrails",
    )


def _every_trail(
    account: Account, test: Callable[[Trail], Iterable[Outcome]]
) -> Iterator[Outcome]:
    trails = account.require(TRAILS)
    if not trails.trails and not trails.unread:
        yield NotApplicable(None, _NO_TRAIL)
    for trail in trails.trails:
        yield from for_each((trail,), test, name=lambda item: item.arn, region=trail.home_region)
    for miss in trails.unread:
        yield unread(miss.error())


def _bucket(trail: Trail) -> str:
    if trail.bucket is None:
        raise _no_value(trail, "the bucket")
    return trail.bucket


def _no_value(trail: Trail, what: str) -> NotCollected:
    return NotCollected(
        f"AWS did not return {what} of trail {quoted(trail.name)}",
        call="cloudtrail:GetTrailStatus",
        code="no value",
        region=trail.home_region,
    )


def _fact_of(bucket: str, facts: Iterable[tuple[str, T]]) -> T:
    for name, fact in facts:
        if name == bucket:
            return fact
    raise NotCollected(
        f"bucket {quoted(bucket)} is not part of this snapshot",
        call="s3:ListBuckets",
        code="not collected",
    )
