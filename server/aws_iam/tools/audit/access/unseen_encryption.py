"""Encrypted resources whose key was not looked at: who may not use it cannot read or write what it protects.

The pages by service: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.sharing.resource_policies import ENCRYPTED_BY_SERVICE
from aws_iam.account.collect.storage.buckets import BUCKET_ENCRYPTION
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.pattern import matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.collect.storage.buckets import BucketEncryption
    from aws_iam.tools.audit.access.estate import Estate, Member

# The actions that read or write what the key protects, in lower case.
_DATA = frozenset(
    {
        "s3:getobject",
        "s3:getobjectversion",
        "s3:putobject",
        "sqs:sendmessage",
        "sqs:receivemessage",
        "sns:publish",
        "dynamodb:batchgetitem",
        "dynamodb:batchwriteitem",
        "dynamodb:deleteitem",
        "dynamodb:getitem",
        "dynamodb:putitem",
        "dynamodb:query",
        "dynamodb:scan",
        "dynamodb:updateitem",
        "logs:filterlogevents",
        "logs:getlogevents",
        "logs:startquery",
        "kinesis:getrecords",
        "kinesis:putrecord",
        "kinesis:putrecords",
        "secretsmanager:createsecret",
        "secretsmanager:updatesecret",
        "ssm:putparameter",
    }
)
_WITH_KMS = "aws:kms"
NOT_READ = "its encryption is not read"
"""Of a kind of which no snapshot has it."""


def unseen_encryption(estate: Estate, action: str, arns: Iterable[str]) -> dict[str, str]:
    """By resource, why the key that encrypts it was not looked at; a resource without a key of KMS is left out."""
    if action.lower() not in _DATA:
        return {}
    found = {}
    for arn in arns:
        place = _bucket_of(arn) if action.startswith("s3:") else arn
        why = _why(estate, action, arn)
        if why:
            found[place] = why
    return found


def _bucket_of(arn: str) -> str:
    """The bucket, or the access point, of an object."""
    is_of_access_point = ":accesspoint/" in arn
    return arn.partition("/object/" if is_of_access_point else "/")[0]


def _why(estate: Estate, action: str, arn: str) -> str:
    service = action.partition(":")[0]
    if service == "s3":
        return _of_bucket(estate, arn)
    return _of_attributes(estate, arn) if service in ENCRYPTED_BY_SERVICE else NOT_READ


def _of_attributes(estate: Estate, arn: str) -> str:
    """A queue or topic, or those of a pattern, whose attributes name their keys."""
    owner, found = estate.owner_of(arn), Arn.of(arn)
    if owner is None or found is None:
        return "the account that owns it was not read"
    for region, listed in owner.account.in_each(ENCRYPTED_BY_SERVICE[found.service]):
        if not matches(found.region, region):
            continue
        if isinstance(listed, Miss):
            return str(listed)
        keys = [own.kms_key for own in listed if matches(arn, own.arn)]
        why = next((key for key in keys if isinstance(key, Miss)), None)
        if why is not None or None in keys:
            return str(why or NOT_READ)
    return ""


def _of_bucket(estate: Estate, arn: str) -> str:
    owner, found = estate.owner_of(arn), Arn.of(arn)
    if owner is None or found is None:
        return "whose bucket it is, is not known"
    read = owner.account.get(BUCKET_ENCRYPTION)
    if isinstance(read, Miss):
        return str(read)
    default = default_encryption(owner, found)
    if default is not None and isinstance(default.algorithm, Miss):
        return str(default.algorithm)
    if default is None or not is_by_kms(default) or default.key is not None:
        return ""
    return "it encrypts with KMS, by a key that was not read"


def default_encryption(owner: Member, found: Arn) -> BucketEncryption | None:
    """How a bucket, or that of an object, encrypts what is new; None where that was not read."""
    read = owner.account.get(BUCKET_ENCRYPTION)
    bucket = found.resource.partition("/")[0]
    return None if isinstance(read, Miss) else next((b for b in read if b.bucket == bucket), None)


def is_by_kms(default: BucketEncryption) -> bool:
    """Whether a bucket encrypts with a key of KMS."""
    return isinstance(default.algorithm, str) and default.algorithm.startswith(_WITH_KMS)
