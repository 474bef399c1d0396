"""Security Hub CSPM: whether it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import maybe_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class SecurityHub:
    """Security Hub CSPM, switched on."""

    arn: str
    subscribed_at: str | None = None


SECURITY_HUB = maybe_in("securityhub.hub", SecurityHub)


@collector_in(SECURITY_HUB, "securityhub:DescribeHub")
def hub(aws: Aws, region: str) -> SecurityHub | None:
    """The hub; None where AWS answers that the account is not subscribed."""
    answer = aws.get(
        "securityhub:DescribeHub",
        region=region,
        # The code alone also stands for a missing permission:
        # https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_DescribeHub.html
        absent=("InvalidAccessException: not subscribed", "ResourceNotFoundException"),
    )
    if answer is None:
        return None
    return SecurityHub(arn=answer["HubArn"], subscribed_at=answer.get("SubscribedAt"))
