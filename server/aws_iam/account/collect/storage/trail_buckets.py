"""The buckets that trails deliver to, whoever owns them: their access logging and who may reach them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, MissKind, many
from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.account.collect.storage.buckets import (
    BUCKETS,
    PublicAccessBlock,
    block_of_bucket,
    policy_of,
)
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.account.calls.aws import Aws


@slotted
class LogTarget:
    """Where a bucket's server access logs go."""

    bucket: str
    prefix: str = ""


@slotted
class TrailBucketLogging:
    """The access logging of a bucket that a trail delivers to; None: it is off."""

    bucket: str
    target: LogTarget | Miss | None


@slotted
class TrailBucketAccess:
    """Who may reach a trail's bucket: public groups in its ACL, its policy, whether AWS calls that public, and its block."""

    bucket: str
    public_grants: tuple[str, ...] | Miss
    """`AllUsers` or `AuthenticatedUsers` with the permission, such as `AllUsers:READ`."""
    document: str | Miss | None
    policy_public: bool | Miss
    block: PublicAccessBlock | Miss


TRAIL_BUCKET_LOGGING = many("s3.trail_bucket_logging", TrailBucketLogging)
TRAIL_BUCKET_ACCESS = many("s3.trail_bucket_access", TrailBucketAccess)
T = TypeVar("T")
_NO_POLICY = "NoSuchBucketPolicy"
_GROUPS = "http://acs.amazonaws.com/groups/global/"


@collector(TRAIL_BUCKET_LOGGING, "s3:GetBucketLogging", after=(TRAILS, BUCKETS))
def trail_bucket_logging(aws: Aws) -> tuple[TrailBucketLogging, ...]:
    """The access logging of each trail's bucket, read once even if several trails share it."""
    read = _of_trails(aws, lambda bucket, region: _logging(aws, bucket, region))
    return tuple(
        TrailBucketLogging(bucket=bucket, target=_placed(aws, bucket, target))
        for bucket, target in read
    )


@collector(
    TRAIL_BUCKET_ACCESS,
    "s3:GetBucketAcl",
    "s3:GetBucketPolicy",
    "s3:GetBucketPolicyStatus",
    "s3:GetPublicAccessBlock",
    after=(TRAILS, BUCKETS),
)
def trail_bucket_access(aws: Aws) -> tuple[TrailBucketAccess, ...]:
    """Who may reach each trail's bucket."""
    read = _of_trails(aws, lambda bucket, region: _access(aws, bucket, region))
    return tuple(
        TrailBucketAccess(
            bucket=bucket,
            public_grants=access,
            document=access,
            policy_public=access,
            block=access,
        )
        if isinstance(access, Miss)
        else access
        for bucket, access in read
    )


def _of_trails(aws: Aws, read: Callable[[str, str], T]) -> list[tuple[str, T | Miss]]:
    # A trail's bucket is mostly in the trail's Region; otherwise the SDK follows S3's redirect.
    listed = aws.fact(TRAILS).trails
    homes = {trail.bucket: trail.home_region for trail in reversed(listed) if trail.bucket}
    pairs = sorted(homes.items())
    values = aws.read_each(lambda pair: read(*pair), pairs, "s3")
    return [(bucket, value) for (bucket, _), value in zip(pairs, values, strict=True)]


def _placed(aws: Aws, bucket: str, value: T | Miss) -> T | Miss:
    """The value; a denial by a bucket that is not the account's becomes a miss of another account."""
    if not isinstance(value, Miss) or value.kind is not MissKind.DENIED:
        return value
    own = aws.value_or_miss(lambda: aws.fact(BUCKETS))
    if isinstance(own, Miss) or bucket in {own_bucket.name for own_bucket in own}:
        return value
    return replace(
        value, kind=MissKind.ELSEWHERE, message="the bucket does not belong to this account"
    )


def _access(aws: Aws, bucket: str, region: str) -> TrailBucketAccess:
    def placed(read: Callable[[Aws, str, str], T]) -> T | Miss:
        value: T | Miss = aws.value_or_miss(lambda: read(aws, bucket, region))
        return _placed(aws, bucket, value)

    return TrailBucketAccess(
        bucket=bucket,
        public_grants=placed(_public_grants),
        document=placed(policy_of),
        policy_public=placed(_policy_public),
        block=placed(block_of_bucket),
    )


def _policy_public(aws: Aws, bucket: str, region: str) -> bool:
    operation = "s3:GetBucketPolicyStatus"
    answer = aws.get(operation, region=region, absent=(_NO_POLICY,), Bucket=bucket)
    return bool(answer and answer["PolicyStatus"].get("IsPublic"))


def _public_grants(aws: Aws, bucket: str, region: str) -> tuple[str, ...]:
    grants = aws.need("s3:GetBucketAcl", region=region, Bucket=bucket).get("Grants", ())
    public = (
        f"{uri.removeprefix(_GROUPS)}:{grant.get('Permission', '')}"
        for grant in grants
        if (uri := grant.get("Grantee", {}).get("URI", "")).startswith(_GROUPS)
    )
    return tuple(sorted(public))


def _logging(aws: Aws, bucket: str, region: str) -> LogTarget | None:
    answer = aws.need("s3:GetBucketLogging", region=region, Bucket=bucket)
    enabled = answer.get("LoggingEnabled")
    return enabled and LogTarget(
        bucket=enabled["TargetBucket"], prefix=enabled.get("TargetPrefix", "")
    )
