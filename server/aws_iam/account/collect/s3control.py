"""S3 Control: Block Public Access of the whole account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.s3 import NO_BLOCK, block_of
from aws_iam.account.facts.storage import ACCOUNT_BLOCK, PublicAccessBlock

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@collector(ACCOUNT_BLOCK, "s3control:GetPublicAccessBlock")
def account_block(aws: Aws) -> PublicAccessBlock:
    """The account's four flags; none configured means all are off."""
    return block_of(
        aws.get("s3control:GetPublicAccessBlock", absent=(NO_BLOCK,), AccountId=aws.account)
    )
