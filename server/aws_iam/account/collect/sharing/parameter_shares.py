"""RAM: which parameters are shared, and with whom."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class ParameterShare:
    """A parameter in a RAM share, and with whom it is shared."""

    arn: str
    share: str
    principals: tuple[str, ...] | Miss


PARAMETER_SHARES = many_in("ram.parameter_shares", ParameterShare)
_LIST_RESOURCES = "ram:ListResources"
_LIST_PRINCIPALS = "ram:ListPrincipals"


@collector_in(PARAMETER_SHARES, _LIST_RESOURCES, _LIST_PRINCIPALS)
def parameter_shares(aws: Aws, region: str) -> tuple[ParameterShare, ...]:
    """The shared parameters with the principals of their shares."""
    listed = aws.items(
        _LIST_RESOURCES,
        "resources",
        region=region,
        resourceOwner="SELF",
        resourceType="ssm:Parameter",
    )
    if not listed:
        return ()
    principals = aws.value_or_miss(
        lambda: _principals(aws, region, {resource["resourceShareArn"] for resource in listed})
    )
    shares = (
        ParameterShare(
            arn=resource["arn"],
            share=resource["resourceShareArn"],
            principals=principals
            if isinstance(principals, Miss)
            else tuple(sorted(principals[resource["resourceShareArn"]])),
        )
        for resource in listed
    )
    return tuple(sorted(shares, key=lambda share: (share.arn, share.share)))


def _principals(aws: Aws, region: str, shares: set[str]) -> dict[str, set[str]]:
    listed = aws.items(
        _LIST_PRINCIPALS,
        "principals",
        region=region,
        resourceOwner="SELF",
        resourceShareArns=sorted(shares),
    )
    principals: dict[str, set[str]] = defaultdict(set)
    for principal in listed:
        principals[principal["resourceShareArn"]].add(principal["id"])
    return principals
