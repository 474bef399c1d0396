"""S3: the account's buckets, and the buckets that trails deliver to, whoever owns them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from aws_iam.account.collect.collector import collector
from aws_iam.account.facts.fact import Miss, MissKind
from aws_iam.account.facts.storage import (
    ACCOUNT_BLOCK,
    BUCKET_BLOCKS,
    BUCKET_ENCRYPTION,
    BUCKET_POLICIES,
    BUCKET_VERSIONING,
    BUCKETS,
    TRAIL_BUCKET_ACCESS,
    TRAIL_BUCKET_LOGGING,
    Bucket,
    BucketBlock,
    BucketEncryption,
    BucketPolicy,
    BucketVersioning,
    LogTarget,
    PublicAccessBlock,
    TrailBucketAccess,
    TrailBucketLogging,
)
from aws_iam.account.facts.trails import TRAILS

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.account.calls.aws import Aws

T = TypeVar("T")

NO_BLOCK = "NoSuchPublicAccessBlockConfiguration"
_NO_POLICY = "NoSuchBucketPolicy"
_NO_ENCRYPTION = "ServerSideEncryptionConfigurationNotFoundError"
_GROUPS = "http://acs.amazonaws.com/groups/global/"


@collector(BUCKETS, "s3:ListBuckets")
def buckets(aws: Aws) -> tuple[Bucket, ...]:
    """The buckets with their Regions, which AWS tells only when a page size is asked for."""
    listed = aws.pages("s3:ListBuckets", "Buckets", PaginationConfig={"PageSize": 1000})
    found = (Bucket(name=each["Name"], region=each.get("BucketRegion")) for each in listed)
    return tuple(sorted(found, key=lambda bucket: bucket.name))


@collector(BUCKET_POLICIES, "s3:GetBucketPolicy", after=(BUCKETS,))
def bucket_policies(aws: Aws) -> tuple[BucketPolicy, ...]:
    """Each bucket's policy."""
    read = _of_each(aws, "s3:GetBucketPolicy", lambda each: _policy(aws, each.name, _at(each)))
    return tuple(BucketPolicy(bucket=name, document=document) for name, document in read)


@collector(BUCKET_VERSIONING, "s3:GetBucketVersioning", after=(BUCKETS,))
def bucket_versioning(aws: Aws) -> tuple[BucketVersioning, ...]:
    """Each bucket's versioning and MFA delete."""
    operation = "s3:GetBucketVersioning"
    read = _of_each(
        aws, operation, lambda each: aws.need(operation, region=_at(each), Bucket=each.name)
    )
    return tuple(
        BucketVersioning(bucket=name, enabled=found, mfa_delete=found)
        if isinstance(found, Miss)
        else BucketVersioning(
            bucket=name,
            enabled=found.get("Status") == "Enabled",
            mfa_delete=found.get("MFADelete") == "Enabled",
        )
        for name, found in read
    )


@collector(BUCKET_BLOCKS, "s3:GetPublicAccessBlock", after=(ACCOUNT_BLOCK, BUCKETS))
def bucket_blocks(aws: Aws) -> tuple[BucketBlock, ...]:
    """Each bucket's own flags; not asked for where the account's are all on, which decides alone."""
    operation = "s3:GetPublicAccessBlock"
    account = aws.tried(lambda: aws.fact(ACCOUNT_BLOCK))
    if isinstance(account, PublicAccessBlock) and account.complete:
        unasked = Miss(kind=MissKind.UNASKED, call=operation)
        return tuple(BucketBlock(bucket=each.name, block=unasked) for each in aws.fact(BUCKETS))
    read = _of_each(aws, operation, lambda each: _block(aws, each.name, _at(each)))
    return tuple(BucketBlock(bucket=name, block=block) for name, block in read)


@collector(BUCKET_ENCRYPTION, "s3:GetBucketEncryption", after=(BUCKETS,))
def bucket_encryption(aws: Aws) -> tuple[BucketEncryption, ...]:
    """How each bucket encrypts."""
    operation = "s3:GetBucketEncryption"
    read = _of_each(aws, operation, lambda each: _algorithm(aws, each))
    return tuple(BucketEncryption(bucket=name, algorithm=found) for name, found in read)


@collector(TRAIL_BUCKET_LOGGING, "s3:GetBucketLogging", after=(TRAILS, BUCKETS))
def trail_bucket_logging(aws: Aws) -> tuple[TrailBucketLogging, ...]:
    """The access logging of each trail's bucket, asked once however many trails share it."""
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
            bucket=bucket, public_grants=found, document=found, policy_public=found, block=found
        )
        if isinstance(found, Miss)
        else found
        for bucket, found in read
    )


def block_of(answer: dict[str, Any] | None) -> PublicAccessBlock:
    """The four flags in an answer; no answer means all four are off."""
    flags = (answer or {}).get("PublicAccessBlockConfiguration", {})
    return PublicAccessBlock(
        block_public_acls=flags.get("BlockPublicAcls", False),
        ignore_public_acls=flags.get("IgnorePublicAcls", False),
        block_public_policy=flags.get("BlockPublicPolicy", False),
        restrict_public_buckets=flags.get("RestrictPublicBuckets", False),
    )


def _of_each(aws: Aws, text: str, read: Callable[[Bucket], T]) -> list[tuple[str, T | Miss]]:
    listed = aws.fact(BUCKETS)
    found = aws.each(read, listed, text)
    return [(bucket.name, value) for bucket, value in zip(listed, found, strict=True)]


def _of_trails(aws: Aws, read: Callable[[str, str], T]) -> list[tuple[str, T | Miss]]:
    # A trail's bucket mostly lives where the trail does; the SDK follows AWS's redirect otherwise.
    listed = aws.fact(TRAILS).trails
    homes = {each.bucket: each.home_region for each in reversed(listed) if each.bucket}
    pairs = sorted(homes.items())
    found = aws.each(lambda pair: read(*pair), pairs, "s3")
    return [(bucket, value) for (bucket, _), value in zip(pairs, found, strict=True)]


def _placed(aws: Aws, bucket: str, value: T | Miss) -> T | Miss:
    """A refusal by a bucket that is none of the account's is another account's."""
    if not isinstance(value, Miss) or value.kind is not MissKind.DENIED:
        return value
    own = aws.tried(lambda: aws.fact(BUCKETS))
    if isinstance(own, Miss) or bucket in {each.name for each in own}:
        return value
    return replace(value, kind=MissKind.ELSEWHERE, message="it is none of this account's buckets")


def _access(aws: Aws, bucket: str, region: str) -> TrailBucketAccess:
    def placed(read: Callable[[Aws, str, str], T]) -> T | Miss:
        value: T | Miss = aws.tried(lambda: read(aws, bucket, region))
        return _placed(aws, bucket, value)

    return TrailBucketAccess(
        bucket=bucket,
        public_grants=placed(_public_grants),
        document=placed(_policy),
        policy_public=placed(_policy_public),
        block=placed(_block),
    )


def _at(bucket: Bucket) -> str:
    return bucket.region or ""


def _policy(aws: Aws, bucket: str, region: str) -> str | None:
    answer = aws.get("s3:GetBucketPolicy", region=region, absent=(_NO_POLICY,), Bucket=bucket)
    return None if answer is None else answer["Policy"]


def _policy_public(aws: Aws, bucket: str, region: str) -> bool:
    operation = "s3:GetBucketPolicyStatus"
    answer = aws.get(operation, region=region, absent=(_NO_POLICY,), Bucket=bucket)
    return bool(answer and answer["PolicyStatus"].get("IsPublic"))


def _block(aws: Aws, bucket: str, region: str) -> PublicAccessBlock:
    operation = "s3:GetPublicAccessBlock"
    return block_of(aws.get(operation, region=region, absent=(NO_BLOCK,), Bucket=bucket))


def _public_grants(aws: Aws, bucket: str, region: str) -> tuple[str, ...]:
    grants = aws.need("s3:GetBucketAcl", region=region, Bucket=bucket).get("Grants", ())
    found = (
        f"{uri.removeprefix(_GROUPS)}:{grant.get('Permission', '')}"
        for grant in grants
        if (uri := grant.get("Grantee", {}).get("URI", "")).startswith(_GROUPS)
    )
    return tuple(sorted(found))


def _algorithm(aws: Aws, bucket: Bucket) -> str | None:
    operation = "s3:GetBucketEncryption"
    answer = aws.get(operation, region=_at(bucket), absent=(_NO_ENCRYPTION,), Bucket=bucket.name)
    rules = (answer or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    defaults = (rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in rules)
    return next(
        (default["SSEAlgorithm"] for default in defaults if "SSEAlgorithm" in default), None
    )


def _logging(aws: Aws, bucket: str, region: str) -> LogTarget | None:
    answer = aws.need("s3:GetBucketLogging", region=region, Bucket=bucket)
    enabled = answer.get("LoggingEnabled")
    return enabled and LogTarget(
        bucket=enabled["TargetBucket"], prefix=enabled.get("TargetPrefix", "")
    )
