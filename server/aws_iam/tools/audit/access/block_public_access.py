"""RestrictPublicBuckets: where the policy of a bucket is public, only its account and AWS services get in.

Other accounts that the policy names are cut off as well: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.storage.buckets import ACCOUNT_BLOCK, BUCKET_BLOCKS
from aws_iam.engine.effective.caller_conditions import is_closed_to_strangers
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy

if TYPE_CHECKING:
    from aws_iam.tools.audit.access.estate import Member

_MOST_POLICIES = 256


def cuts_strangers_off(owner: Member | None, policy: str, resource: str) -> bool | None:
    """Whether the setting cuts off what the bucket's policy gives to other accounts; None where that is not known."""
    found = Arn.of(resource)
    if found is None or found.service != "s3" or found.region or not _is_public(policy):
        return False
    if owner is None:
        return None
    bucket = found.resource.partition("/")[0]
    of_account = owner.account.get(ACCOUNT_BLOCK)
    if not isinstance(of_account, Miss) and of_account.restrict_public_buckets:
        return True
    blocks = owner.account.get(BUCKET_BLOCKS)
    own = (
        None if isinstance(blocks, Miss) else next((b for b in blocks if b.bucket == bucket), None)
    )
    if own is not None and not isinstance(own.block, Miss) and own.block.restrict_public_buckets:
        return True
    is_known = (
        not isinstance(of_account, Miss) and own is not None and not isinstance(own.block, Miss)
    )
    return False if is_known else None


@lru_cache(maxsize=_MOST_POLICIES)
def _is_public(policy: str) -> bool:
    """Whether S3 counts the policy as public: it lets in everyone, without a condition that has a fixed value."""
    return any(
        statement.allows
        and (
            statement.has("NotPrincipal")
            or any(principal.is_everyone for principal in statement.principals)
        )
        and not is_closed_to_strangers(statement)
        for statement in one_policy(policy, Kind.RESOURCE).statements
    )
