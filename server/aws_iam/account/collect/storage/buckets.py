"""S3 buckets: policies, versioning, encryption, and Block Public Access of each and of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, MissKind, many, one
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.account.calls.aws import Aws


@slotted
class PublicAccessBlock:
    """The four flags of S3's Block Public Access; all are false where nothing is configured."""

    block_public_acls: bool = False
    ignore_public_acls: bool = False
    block_public_policy: bool = False
    restrict_public_buckets: bool = False

    def union(self, other: PublicAccessBlock) -> PublicAccessBlock:
        """A flag is effective when either level sets it."""
        return PublicAccessBlock(
            block_public_acls=self.block_public_acls or other.block_public_acls,
            ignore_public_acls=self.ignore_public_acls or other.ignore_public_acls,
            block_public_policy=self.block_public_policy or other.block_public_policy,
            restrict_public_buckets=self.restrict_public_buckets or other.restrict_public_buckets,
        )

    @property
    def complete(self) -> bool:
        """Whether all four are on."""
        return not self.off

    @property
    def off(self) -> tuple[str, ...]:
        """AWS's names of the flags that are off."""
        flags = {
            "BlockPublicAcls": self.block_public_acls,
            "IgnorePublicAcls": self.ignore_public_acls,
            "BlockPublicPolicy": self.block_public_policy,
            "RestrictPublicBuckets": self.restrict_public_buckets,
        }
        return tuple(name for name, on in flags.items() if not on)


@slotted
class Bucket:
    """A bucket of the account; `region` None where the listing does not say."""

    name: str
    region: str | None = None


@slotted
class BucketPolicy:
    """The JSON text of a bucket's policy; None: it has none."""

    bucket: str
    document: str | Miss | None


@slotted
class BucketVersioning:
    """A bucket's versioning; `mfa_delete` is False until it is set for the first time."""

    bucket: str
    enabled: bool | Miss
    mfa_delete: bool | Miss


@slotted
class BucketBlock:
    """A bucket's own Block Public Access."""

    bucket: str
    block: PublicAccessBlock | Miss


@slotted
class BucketEncryption:
    """The algorithm with which a bucket encrypts new objects; None: none is configured.

    `key` is the KMS key as it is written there, empty where none is: KMS then takes the one that AWS manages. In an older
    snapshot, or where the call failed, it is None.
    """

    bucket: str
    algorithm: str | Miss | None
    key: str | None = None


ACCOUNT_BLOCK = one("s3control.public_access_block", PublicAccessBlock)
BUCKETS = many("s3.buckets", Bucket)
BUCKET_POLICIES = many("s3.bucket_policies", BucketPolicy)
BUCKET_VERSIONING = many("s3.bucket_versioning", BucketVersioning)
BUCKET_BLOCKS = many("s3.bucket_public_access_blocks", BucketBlock)
BUCKET_ENCRYPTION = many("s3.bucket_encryption", BucketEncryption)
T = TypeVar("T")
_NO_BLOCK = "NoSuchPublicAccessBlockConfiguration"
_NO_POLICY = "NoSuchBucketPolicy"
_NO_ENCRYPTION = "ServerSideEncryptionConfigurationNotFoundError"


@collector(ACCOUNT_BLOCK, "s3control:GetPublicAccessBlock")
def account_block(aws: Aws) -> PublicAccessBlock:
    """The account's four flags."""
    return _public_access_block(
        aws.get("s3control:GetPublicAccessBlock", absent=(_NO_BLOCK,), AccountId=aws.account)
    )


@collector(BUCKETS, "s3:ListBuckets")
def buckets(aws: Aws) -> tuple[Bucket, ...]:
    """The buckets with their Regions, which AWS sends only when a page size is requested."""
    listed = aws.items("s3:ListBuckets", "Buckets", PaginationConfig={"PageSize": 1000})
    read = (Bucket(name=data["Name"], region=data.get("BucketRegion")) for data in listed)
    return tuple(sorted(read, key=lambda bucket: bucket.name))


@collector(BUCKET_POLICIES, "s3:GetBucketPolicy", after=(BUCKETS,))
def bucket_policies(aws: Aws) -> tuple[BucketPolicy, ...]:
    """Each bucket's policy."""
    policies = _read_buckets(
        aws, "s3:GetBucketPolicy", lambda bucket: policy_of(aws, bucket.name, _region_of(bucket))
    )
    return tuple(BucketPolicy(bucket=name, document=document) for name, document in policies)


@collector(BUCKET_VERSIONING, "s3:GetBucketVersioning", after=(BUCKETS,))
def bucket_versioning(aws: Aws) -> tuple[BucketVersioning, ...]:
    """Each bucket's versioning and MFA delete."""
    operation = "s3:GetBucketVersioning"
    read = _read_buckets(
        aws,
        operation,
        lambda bucket: aws.need(operation, region=_region_of(bucket), Bucket=bucket.name),
    )
    return tuple(
        BucketVersioning(bucket=name, enabled=versioning, mfa_delete=versioning)
        if isinstance(versioning, Miss)
        else BucketVersioning(
            bucket=name,
            enabled=versioning.get("Status") == "Enabled",
            mfa_delete=versioning.get("MFADelete") == "Enabled",
        )
        for name, versioning in read
    )


@collector(BUCKET_BLOCKS, "s3:GetPublicAccessBlock", after=(ACCOUNT_BLOCK, BUCKETS))
def bucket_blocks(aws: Aws) -> tuple[BucketBlock, ...]:
    """Each bucket's own flags; not read where all of the account's are on, which override them."""
    operation = "s3:GetPublicAccessBlock"
    account = aws.value_or_miss(lambda: aws.fact(ACCOUNT_BLOCK))
    if isinstance(account, PublicAccessBlock) and account.complete:
        unasked = Miss(kind=MissKind.UNASKED, call=operation)
        return tuple(
            BucketBlock(bucket=bucket.name, block=unasked) for bucket in aws.fact(BUCKETS)
        )
    blocks = _read_buckets(
        aws, operation, lambda bucket: block_of_bucket(aws, bucket.name, _region_of(bucket))
    )
    return tuple(BucketBlock(bucket=name, block=block) for name, block in blocks)


@collector(BUCKET_ENCRYPTION, "s3:GetBucketEncryption", after=(BUCKETS,))
def bucket_encryption(aws: Aws) -> tuple[BucketEncryption, ...]:
    """How each bucket encrypts."""
    operation = "s3:GetBucketEncryption"
    defaults = _read_buckets(aws, operation, lambda bucket: _default_encryption(aws, bucket))
    return tuple(
        BucketEncryption(bucket=name, algorithm=default)
        if isinstance(default, Miss)
        else BucketEncryption(
            bucket=name,
            algorithm=default.get("SSEAlgorithm"),
            key=default.get("KMSMasterKeyID", ""),
        )
        for name, default in defaults
    )


def policy_of(aws: Aws, bucket: str, region: str) -> str | None:
    """The JSON text of a bucket's policy; None when it has none."""
    answer = aws.get("s3:GetBucketPolicy", region=region, absent=(_NO_POLICY,), Bucket=bucket)
    return None if answer is None else answer["Policy"]


def block_of_bucket(aws: Aws, bucket: str, region: str) -> PublicAccessBlock:
    """A bucket's own Block Public Access."""
    operation = "s3:GetPublicAccessBlock"
    return _public_access_block(
        aws.get(operation, region=region, absent=(_NO_BLOCK,), Bucket=bucket)
    )


def _public_access_block(answer: dict[str, Any] | None) -> PublicAccessBlock:
    # No answer means that all four are off.
    flags = (answer or {}).get("PublicAccessBlockConfiguration", {})
    return PublicAccessBlock(
        block_public_acls=flags.get("BlockPublicAcls", False),
        ignore_public_acls=flags.get("IgnorePublicAcls", False),
        block_public_policy=flags.get("BlockPublicPolicy", False),
        restrict_public_buckets=flags.get("RestrictPublicBuckets", False),
    )


def _read_buckets(
    aws: Aws, operation: str, read: Callable[[Bucket], T]
) -> list[tuple[str, T | Miss]]:
    listed = aws.fact(BUCKETS)
    values = aws.read_each(read, listed, operation)
    return [(bucket.name, value) for bucket, value in zip(listed, values, strict=True)]


def _region_of(bucket: Bucket) -> str:
    return bucket.region or ""


def _default_encryption(aws: Aws, bucket: Bucket) -> dict[str, str]:
    operation = "s3:GetBucketEncryption"
    answer = aws.get(
        operation, region=_region_of(bucket), absent=(_NO_ENCRYPTION,), Bucket=bucket.name
    )
    rules = (answer or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    defaults = (rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in rules)
    return next((default for default in defaults if "SSEAlgorithm" in default), {})
