"""CIS: what trails record, and where their logs are stored."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.account.collect.storage.buckets import ACCOUNT_BLOCK, BUCKETS
from aws_iam.account.collect.storage.trail_buckets import TRAIL_BUCKET_ACCESS, TRAIL_BUCKET_LOGGING
from aws_iam.engine.comparison import compare
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
_NO_TRAIL = "there is no trail; the control on trails in all Regions fails for that"


@control("cloudtrail_all_regions", needs=(TRAILS,))
def cloudtrail_all_regions(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Multi-Region, logging, reads and writes: one single trail has to have all of them.

    Wrong where several trails cover it together.
    """

    def gap(trail: Trail) -> str | None:
        return event_selectors.proved_gap(trail, lacks) if trail.multi_region else _ONE_REGION

    def lacks(chosen: Selectors) -> str | None:
        recorded = event_selectors.management_events(chosen)
        return None if recorded.everything else f"records {recorded} of management events"

    def told(trail: Trail) -> str:
        recorded = event_selectors.management_events(known(trail.selectors))
        note = f", all but {recorded.left_out}" if recorded.left_out else ""
        return f"trail {quoted(trail.name)} records management events of all Regions{note}"

    return _one_trail(account, gap, told, "no trail records all management events of all Regions")


@control("s3_data_events_read", "s3_data_events_write", needs=(TRAILS,))
def s3_data_events(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """Selectors for single buckets leave future buckets out, and `readOnly` true records reads only."""
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
        only = f" (only of {', '.join(map(quoted, single[:5]))})" if single else ""
        return f"does not record {word} of the objects of all buckets{only}"

    def told(trail: Trail) -> str:
        return f"trail {quoted(trail.name)} records {word} of the objects of all buckets"

    nothing = f"no trail records {word} of all S3 objects"
    return _one_trail(account, gap, told, nothing, one_region=not multi_region)


@control("cloudtrail_validation", needs=(TRAILS,))
def cloudtrail_validation(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Every trail counts, including stopped ones and those of one Region.

    Wrong for a trail that is about to be deleted.
    """

    def test(trail: Trail) -> Iterator[Outcome]:
        if trail.validation:
            yield Pass(trail.arn, f"trail {quoted(trail.name)} validates its log files")
        else:
            yield Fail(trail.arn, f"trail {quoted(trail.name)} does not validate its log files")

    return _every_trail(account, test)


@control("cloudtrail_kms", needs=(TRAILS,))
def cloudtrail_kms(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """The bucket's own default encryption is no substitute."""

    def test(trail: Trail) -> Iterator[Outcome]:
        if trail.kms_key:
            yield Pass(
                trail.arn, f"trail {quoted(trail.name)} encrypts with {quoted(trail.kms_key)}"
            )
        else:
            yield Fail(trail.arn, f"trail {quoted(trail.name)} encrypts with no KMS key")

    return _every_trail(account, test)


@control("cloudtrail_cloudwatch", needs=(TRAILS,))
def cloudtrail_cloudwatch(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A configured log group whose delivery is dead fails; no delivery time at all is a missing fact."""
    hours = terms.threshold("max_delivery_age_hours")

    def test(trail: Trail) -> Iterator[Outcome]:
        name = f"trail {quoted(trail.name)}"
        if not trail.log_group_arn:
            yield Fail(trail.arn, f"{name} delivers to no log group")
            return
        status = known(trail.status)
        last = status.last_logs_delivery
        if status.logs_delivery_error:
            error = quoted(status.logs_delivery_error)
            yield Fail(trail.arn, f"{name} cannot deliver to its log group: {error}")
        elif last is None:
            raise _untold(trail, "when it last delivered to its log group")
        elif account.collected_at - last > timedelta(hours=hours):
            yield Fail(
                trail.arn, f"{name} last delivered to its log group on {last:%Y-%m-%d %H:%M} UTC"
            )
        else:
            yield Pass(trail.arn, f"{name} delivers to its log group")

    return _every_trail(account, test)


@control("cloudtrail_bucket_logging", needs=(TRAILS, TRAIL_BUCKET_LOGGING))
def cloudtrail_bucket_logging(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Only buckets of trails count; a bucket of another account that is not readable is unknown.

    Wrong where data events record the access to the bucket instead.
    """

    def test(trail: Trail) -> Iterator[Outcome]:
        bucket = _bucket(trail)
        facts = account.require(TRAIL_BUCKET_LOGGING)
        target = known(_named(bucket, ((fact.bucket, fact) for fact in facts)).target)
        told = f"bucket {quoted(bucket)} of trail {quoted(trail.name)}"
        if target:
            yield Pass(trail.arn, f"{told} logs access to {quoted(target.bucket)}")
        else:
            message = f"{told} does not log access to itself"
            yield Fail(trail.arn, message, names=(("BUCKET", bucket),))

    return _every_trail(account, test)


@control("cloudtrail_bucket_public", needs=(TRAILS, TRAIL_BUCKET_ACCESS, ACCOUNT_BLOCK, BUCKETS))
def cloudtrail_bucket_public(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """The ACL counts as well as the policy, each minus what a block makes ineffective."""

    def test(trail: Trail) -> Iterator[Outcome]:
        bucket = _bucket(trail)
        facts = account.require(TRAIL_BUCKET_ACCESS)
        access = _named(bucket, ((fact.bucket, fact) for fact in facts))
        message = f"bucket {quoted(bucket)} of trail {quoted(trail.name)}"
        doors = tuple(
            for_each((_acl_open, _policy_open), lambda door: door(account, access, trail, message))
        )
        if doors:
            yield from doors
        else:
            yield Pass(trail.arn, f"{message} is not public")

    return _every_trail(account, test)


def _acl_open(
    account: Account, access: TrailBucketAccess, trail: Trail, told: str
) -> Iterator[Outcome]:
    grants = known(access.public_grants)
    if grants and not _blocked(account, access, "ignore_public_acls"):
        message = f"{told} is public by its ACL: {', '.join(map(quoted, grants))}"
        yield Fail(trail.arn, message, names=(("BUCKET", access.bucket),))


def _policy_open(
    account: Account, access: TrailBucketAccess, trail: Trail, told: str
) -> Iterator[Outcome]:
    if access.document is None or not _policy_public(access):
        return
    if not _blocked(account, access, "restrict_public_buckets"):
        message = f"{told} is public by its policy"
        yield Fail(trail.arn, message, names=(("BUCKET", access.bucket),))


def _policy_public(access: TrailBucketAccess) -> bool:
    """AWS's word; without it, a request of a stranger that the policy allows on no condition is proof too."""
    message, text = access.policy_public, access.document
    if isinstance(message, Miss) and isinstance(text, str) and _open_to_strangers(text):
        return True
    return known(message)


def _open_to_strangers(text: str) -> bool:
    try:
        found = compare.public_requests(text).requests
    except InputError:
        return False
    return any("context" not in request["request"] for request in found)


def _blocked(account: Account, access: TrailBucketAccess, flag: str) -> bool:
    """A flag is effective when either level sets it; off needs both to have been read."""
    if getattr(access.block, flag, False):
        return True
    over = _owners_block(account, access.bucket)
    if getattr(over, flag, False):
        return True
    known(over)
    known(access.block)
    return False


def _owners_block(account: Account, bucket: str) -> PublicAccessBlock | Miss:
    """The block of the account that owns the bucket: this account's says nothing of another one's buckets."""
    if any(own.name == bucket for own in account.require(BUCKETS)):
        return account.get(ACCOUNT_BLOCK)
    raise NotCollected(
        f"bucket {quoted(bucket)} is none of this account's, and its owner's Block Public Access"
        " may keep what would open it from taking effect",
        call="s3control:GetPublicAccessBlock",
        code="kept by another account",
    )


def _one_trail(
    account: Account,
    gap: Callable[[Trail], str | None],
    told: Callable[[Trail], str],
    nothing: str,
    *,
    one_region: bool = False,
) -> Iterator[Outcome]:
    """Pass on the first trail without a gap; a trail that could not be judged keeps the fail unproved."""
    found = account.require(TRAILS)
    gaps: list[str] = []
    missing: list[Outcome] = []
    for trail in found.trails:
        try:
            lacks = gap(trail)
        except NotCollected as miss:
            missing.append(unread(miss, trail.arn))
            continue
        if lacks is None:
            yield Pass(trail.arn, told(trail))
            return
        gaps.append(f"{quoted(trail.name)} {lacks}")
    doubts = found.doubts(len(account.regions.read), one_region=one_region)
    missing += [unread(miss.error()) for miss in doubts]
    if one_region and not account.regions.complete:
        missing.append(unread(_elsewhere(account, nothing)))
    if missing:
        yield from missing
    else:
        message = f"{nothing} ({'; '.join(gaps) or 'there is no trail'})"
        own = [trail for trail in found.trails if trail.owner == account.id]
        # Where the account has one trail, the fix can mean no other.
        only = (("NAME", own[0].arn), ("REGION", own[0].home_region)) if len(own) == 1 else ()
        yield Fail(account.root_arn, message, names=only)


def _elsewhere(account: Account, nothing: str) -> NotCollected:
    return NotCollected(
        f"{nothing} in the Regions read ({account.regions}), and one of another Region would do",
        call="cloudtrail:DescribeTrails",
        code="Region not read",
        permission="cloudtrail:DescribeTrails",
    )


def _every_trail(
    account: Account, test: Callable[[Trail], Iterable[Outcome]]
) -> Iterator[Outcome]:
    found = account.require(TRAILS)
    if not found.trails and not found.unread:
        yield NotApplicable(None, _NO_TRAIL)
    for trail in found.trails:
        yield from for_each((trail,), test, name=lambda one: one.arn, region=trail.home_region)
    for miss in found.unread:
        yield unread(miss.error())


def _bucket(trail: Trail) -> str:
    if trail.bucket is None:
        raise _untold(trail, "its bucket")
    return trail.bucket


def _untold(trail: Trail, what: str) -> NotCollected:
    return NotCollected(
        f"trail {quoted(trail.name)} does not tell {what}",
        call="cloudtrail:GetTrailStatus",
        code="no value",
        region=trail.home_region,
    )


def _named(bucket: str, facts: Iterable[tuple[str, T]]) -> T:
    for name, fact in facts:
        if name == bucket:
            return fact
    raise NotCollected(
        f"bucket {quoted(bucket)} is not part of this snapshot",
        call="s3:ListBuckets",
        code="not collected",
    )
