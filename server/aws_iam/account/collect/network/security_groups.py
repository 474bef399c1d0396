"""Security groups, and the prefix lists that their rules name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.network.vpcs import sorted_values
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class GroupRule:
    """One permission of a security group; protocol `-1` is all, for ICMP `from_port` is the type, not a port."""

    protocol: str
    from_port: int | None = None
    to_port: int | None = None
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    prefix_lists: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@slotted
class SecurityGroup:
    """A security group with its rules."""

    id: str
    name: str
    vpc: str | None = None
    owner: str | None = None
    inbound: tuple[GroupRule, ...] = ()
    outbound: tuple[GroupRule, ...] = ()


@slotted
class PrefixList:
    """The networks of a prefix list that a security group admits."""

    id: str
    networks: tuple[str, ...] | Miss


SECURITY_GROUPS = many_in("ec2.security_groups", SecurityGroup)
PREFIX_LISTS = many_in("ec2.prefix_lists", PrefixList)
_GET_MANAGED_PREFIX_LIST_ENTRIES = "ec2:GetManagedPrefixListEntries"


@collector_in(SECURITY_GROUPS, "ec2:DescribeSecurityGroups")
def security_groups(aws: Aws, region: str) -> tuple[SecurityGroup, ...]:
    """Every group, in use or not."""
    listed = aws.items("ec2:DescribeSecurityGroups", "SecurityGroups", region=region)
    groups = (
        SecurityGroup(
            id=data["GroupId"],
            name=data.get("GroupName", ""),
            vpc=data.get("VpcId"),
            owner=data.get("OwnerId"),
            inbound=tuple(map(_rule, data.get("IpPermissions", ()))),
            outbound=tuple(map(_rule, data.get("IpPermissionsEgress", ()))),
        )
        for data in listed
    )
    return tuple(sorted(groups, key=lambda group: group.id))


@collector_in(PREFIX_LISTS, _GET_MANAGED_PREFIX_LIST_ENTRIES, after=(SECURITY_GROUPS,))
def prefix_lists(aws: Aws, region: str) -> tuple[PrefixList, ...]:
    """The networks of the prefix lists that groups admit."""
    groups = aws.fact_in(region, SECURITY_GROUPS)
    rules = (rule for group in groups for rule in group.inbound)
    ids = sorted({prefix_list for rule in rules for prefix_list in rule.prefix_lists})
    read = aws.read_each(
        lambda prefix_list: _networks(aws, region, prefix_list),
        ids,
        _GET_MANAGED_PREFIX_LIST_ENTRIES,
    )
    return tuple(
        PrefixList(id=prefix_list, networks=networks)
        for prefix_list, networks in zip(ids, read, strict=True)
    )


def _rule(data: dict[str, Any]) -> GroupRule:
    return GroupRule(
        protocol=data.get("IpProtocol", ""),
        from_port=data.get("FromPort"),
        to_port=data.get("ToPort"),
        ipv4=sorted_values(data, "IpRanges", "CidrIp"),
        ipv6=sorted_values(data, "Ipv6Ranges", "CidrIpv6"),
        prefix_lists=sorted_values(data, "PrefixListIds", "PrefixListId"),
        groups=sorted_values(data, "UserIdGroupPairs", "GroupId"),
    )


def _networks(aws: Aws, region: str, identity: str) -> tuple[str, ...]:
    entries = aws.items(
        _GET_MANAGED_PREFIX_LIST_ENTRIES, "Entries", region=region, PrefixListId=identity
    )
    return tuple(sorted(entry["Cidr"] for entry in entries))
