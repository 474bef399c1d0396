"""Security Hub CSPM: whether it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.governance import SECURITY_HUB, SecurityHub

if TYPE_CHECKING:
    from aws_iam.account.aws import Aws


@collector_in(SECURITY_HUB, "securityhub:DescribeHub")
def hub(aws: Aws, region: str) -> SecurityHub | None:
    """The hub; `not subscribed` arrives as an error and is the answer."""
    answer = aws.get(
        "securityhub:DescribeHub",
        region=region,
        absent=("InvalidAccessException", "ResourceNotFoundException"),
    )
    if answer is None:
        return None
    return SecurityHub(arn=answer.get("HubArn", ""), subscribed_at=answer.get("SubscribedAt"))
