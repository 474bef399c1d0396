"""Security groups, and the prefix lists that their rules name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.network.vpcs import _sorted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """One permission of a security group; protocol `-1` is all, for ICMP `from_port` is a type and no port."""

    protocol: str
    from_port: int | None = None
    to_port: int | None = None
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    prefix_lists: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroup:
    """A security group with its rules."""

    id: str
    name: str
    vpc: str | None = None
    owner: str | None = None
    inbound: tuple[GroupRule, ...] = ()
    outbound: tuple[GroupRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixList:
    """The networks of a prefix list that some security group admits."""

    id: str
    networks: tuple[str, ...] | Miss


SECURITY_GROUPS = many_in("ec2.security_groups", SecurityGroup)
PREFIX_LISTS = many_in("ec2.prefix_lists", PrefixList)
ENTRIES = "ec2:GetManagedPrefixListEntries"


@collector_in(SECURITY_GROUPS, "ec2:DescribeSecurityGroups")
def security_groups(aws: Aws, region: str) -> tuple[SecurityGroup, ...]:
    """Every group, attached to something or not."""
    listed = aws.pages("ec2:DescribeSecurityGroups", "SecurityGroups", region=region)
    found = (
        SecurityGroup(
            id=each["GroupId"],
            name=each.get("GroupName", ""),
            vpc=each.get("VpcId"),
            owner=each.get("OwnerId"),
            inbound=tuple(map(_rule, each.get("IpPermissions", ()))),
            outbound=tuple(map(_rule, each.get("IpPermissionsEgress", ()))),
        )
        for each in listed
    )
    return tuple(sorted(found, key=lambda group: group.id))


@collector_in(PREFIX_LISTS, ENTRIES, after=(SECURITY_GROUPS,))
def prefix_lists(aws: Aws, region: str) -> tuple[PrefixList, ...]:
    """The networks behind the prefix lists that groups admit."""
    groups = aws.fact_in(region, SECURITY_GROUPS)
    rules = (rule for group in groups for rule in group.inbound)
    ids = sorted({each for rule in rules for each in rule.prefix_lists})
    read = aws.each(lambda each: _networks(aws, region, each), ids, ENTRIES)
    return tuple(
        PrefixList(id=each, networks=found) for each, found in zip(ids, read, strict=True)
    )


def _rule(data: dict[str, Any]) -> GroupRule:
    return GroupRule(
        protocol=data.get("IpProtocol", ""),
        from_port=data.get("FromPort"),
        to_port=data.get("ToPort"),
        ipv4=_sorted(data, "IpRanges", "CidrIp"),
        ipv6=_sorted(data, "Ipv6Ranges", "CidrIpv6"),
        prefix_lists=_sorted(data, "PrefixListIds", "PrefixListId"),
        groups=_sorted(data, "UserIdGroupPairs", "GroupId"),
    )


def _networks(aws: Aws, region: str, identity: str) -> tuple[str, ...]:
    entries = aws.pages(ENTRIES, "Entries", region=region, PrefixListId=identity)
    return tuple(sorted(entry["Cidr"] for entry in entries))
