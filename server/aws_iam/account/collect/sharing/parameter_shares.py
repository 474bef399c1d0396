"""RAM: which parameters are shared, and with whom."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterShare:
    """A parameter in a RAM share, and with whom it is shared."""

    arn: str
    share: str
    principals: tuple[str, ...] | Miss


PARAMETER_SHARES = many_in("ram.parameter_shares", ParameterShare)
RESOURCES = "ram:ListResources"
PRINCIPALS = "ram:ListPrincipals"


@collector_in(PARAMETER_SHARES, RESOURCES, PRINCIPALS)
def parameter_shares(aws: Aws, region: str) -> tuple[ParameterShare, ...]:
    """The shared parameters with the principals of their shares, which are asked for only where there is one."""
    listed = aws.pages(
        RESOURCES, "resources", region=region, resourceOwner="SELF", resourceType="ssm:Parameter"
    )
    if not listed:
        return ()
    members = aws.tried(
        lambda: _members(aws, region, {each["resourceShareArn"] for each in listed})
    )
    found = (
        ParameterShare(
            arn=each["arn"],
            share=each["resourceShareArn"],
            principals=members
            if isinstance(members, Miss)
            else tuple(sorted(members[each["resourceShareArn"]])),
        )
        for each in listed
    )
    return tuple(sorted(found, key=lambda each: (each.arn, each.share)))


def _members(aws: Aws, region: str, shares: set[str]) -> dict[str, set[str]]:
    listed = aws.pages(
        PRINCIPALS,
        "principals",
        region=region,
        resourceOwner="SELF",
        resourceShareArns=sorted(shares),
    )
    members: dict[str, set[str]] = defaultdict(set)
    for each in listed:
        members[each["resourceShareArn"]].add(each["id"])
    return members
