"""Where data rests: buckets, databases, file systems, default encryption, keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints

from aws_iam.account.facts.fact import Miss, many, many_in, one, one_in


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAccessBlock:
    """The four flags of S3's Block Public Access; nothing configured means all four are false."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket of the account; `region` None where the listing does not say."""

    name: str
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPolicy:
    """The JSON text of a bucket's policy; None: it has none."""

    bucket: str
    document: str | Miss | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketVersioning:
    """A bucket's versioning: `mfa_delete` is False until it was set once."""

    bucket: str
    enabled: bool | Miss
    mfa_delete: bool | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketBlock:
    """A bucket's own Block Public Access."""

    bucket: str
    block: PublicAccessBlock | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketEncryption:
    """The algorithm a bucket encrypts new objects with, None: none is configured."""

    bucket: str
    algorithm: str | Miss | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTarget:
    """Where a bucket's server access logs go."""

    bucket: str
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailBucketLogging:
    """The access logging of a bucket that a trail delivers to; None: it is off."""

    bucket: str
    target: LogTarget | Miss | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailBucketAccess:
    """Who may reach a trail's bucket: the public groups its ACL admits, its policy, AWS's word on it, its block."""

    bucket: str
    public_grants: tuple[str, ...] | Miss
    """`AllUsers`, `AuthenticatedUsers`: each with the permission, as `AllUsers:READ`."""
    document: str | Miss | None
    policy_public: bool | Miss
    block: PublicAccessBlock | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class EbsDefault:
    """Whether the Region encrypts new EBS volumes by default."""

    encrypted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DbInstance:
    """A database instance; `engine` tells DocumentDB and Neptune, which the same call lists."""

    id: str
    arn: str
    engine: str
    encrypted: bool
    minor_upgrade: bool
    public: bool | None = None
    multi_az: bool = False
    cluster: str | None = None
    port: int | None = None
    groups: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    master_secret: str | None = None
    """The secret in which RDS keeps the master password; None: it does not."""
    replica_of: str | None = None
    encryption: str | None = None
    """`none`, `sse-rds` or `sse-kms`; None where AWS does not say. Under `sse-rds`, `encrypted` is False all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DbCluster:
    """A database cluster: the availability of its members."""

    id: str
    arn: str
    engine: str
    multi_az: bool = False
    encrypted: bool | None = None
    master_secret: str | None = None
    replica_of: str | None = None
    mode: str | None = None
    global_cluster: str | None = None
    encryption: str | None = None
    """As an instance's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """An EFS file system."""

    id: str
    arn: str
    encrypted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDetails:
    """`DescribeKey`, in AWS's words."""

    manager: str
    spec: str
    usage: str
    origin: str
    state: str
    multi_region: bool = False
    primary_region: str | None = None
    created: datetime | None = None
    deletion_date: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotation:
    """Automatic rotation; the period is known only where AWS sends it."""

    enabled: bool
    period_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsKey:
    """A key that no `alias/aws/…` points at; `rotation` None: this kind of key cannot rotate by itself."""

    id: str
    arn: str
    aliases: tuple[str, ...] = ()
    details: KeyDetails | Miss
    rotation: KeyRotation | Miss | None = None

    @property
    def rotates(self) -> bool:
        """Whether automatic rotation can be asked of it: symmetric, made by KMS, in use, the customer's."""
        return isinstance(self.details, KeyDetails) and (
            self.details.manager,
            self.details.spec,
            self.details.origin,
            self.details.state,
        ) == ("CUSTOMER", "SYMMETRIC_DEFAULT", "AWS_KMS", "Enabled")


ACCOUNT_BLOCK = one("s3control.public_access_block", PublicAccessBlock)
BUCKETS = many("s3.buckets", Bucket)
BUCKET_POLICIES = many("s3.bucket_policies", BucketPolicy)
BUCKET_VERSIONING = many("s3.bucket_versioning", BucketVersioning)
BUCKET_BLOCKS = many("s3.bucket_public_access_blocks", BucketBlock)
BUCKET_ENCRYPTION = many("s3.bucket_encryption", BucketEncryption)
TRAIL_BUCKET_LOGGING = many("s3.trail_bucket_logging", TrailBucketLogging)
TRAIL_BUCKET_ACCESS = many("s3.trail_bucket_access", TrailBucketAccess)
EBS_DEFAULT = one_in("ec2.ebs_default", EbsDefault)
DB_INSTANCES = many_in("rds.instances", DbInstance)
DB_CLUSTERS = many_in("rds.clusters", DbCluster)
FILE_SYSTEMS = many_in("efs.file_systems", FileSystem)
KMS_KEYS = many_in("kms.keys", KmsKey)
