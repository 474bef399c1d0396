"""EC2: instances and the network around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.network import (
    FLOW_LOGS,
    INSTANCES,
    NETWORK_ACLS,
    PEERINGS,
    PREFIX_LISTS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    VPC_ENDPOINTS,
    VPCS,
    AclEntry,
    FlowLog,
    GroupRule,
    Instance,
    NetworkAcl,
    Peering,
    PrefixList,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
    VpcEndpoint,
)
from aws_iam.account.facts.storage import EBS_DEFAULT, EbsDefault

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

ENTRIES = "ec2:GetManagedPrefixListEntries"

_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_TARGETS = (
    "VpcPeeringConnectionId",
    "NatGatewayId",
    "TransitGatewayId",
    "EgressOnlyInternetGatewayId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "OdbNetworkArn",
    "GatewayId",
    "NetworkInterfaceId",
    "InstanceId",
)


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


@collector_in(NETWORK_ACLS, "ec2:DescribeNetworkAcls")
def network_acls(aws: Aws, region: str) -> tuple[NetworkAcl, ...]:
    """The network ACLs, entries in the order in which they are evaluated."""
    listed = aws.pages("ec2:DescribeNetworkAcls", "NetworkAcls", region=region)
    found = (
        NetworkAcl(
            id=each["NetworkAclId"],
            vpc=each.get("VpcId"),
            default=each.get("IsDefault", False),
            owner=each.get("OwnerId"),
            entries=tuple(
                sorted(
                    map(_entry, each.get("Entries", ())),
                    key=lambda entry: (entry.egress, entry.number, entry.ipv6 or ""),
                )
            ),
        )
        for each in listed
    )
    return tuple(sorted(found, key=lambda acl: acl.id))


@collector_in(VPCS, "ec2:DescribeVpcs")
def vpcs(aws: Aws, region: str) -> tuple[Vpc, ...]:
    """The VPCs, used or not."""
    found = (
        Vpc(
            id=each["VpcId"],
            owner=each.get("OwnerId"),
            default=each.get("IsDefault", False),
            networks=_networks_of_vpc(each),
        )
        for each in aws.pages("ec2:DescribeVpcs", "Vpcs", region=region)
    )
    return tuple(sorted(found, key=lambda vpc: vpc.id))


@collector_in(FLOW_LOGS, "ec2:DescribeFlowLogs")
def flow_logs(aws: Aws, region: str) -> tuple[FlowLog, ...]:
    """The flow logs of VPCs, subnets and interfaces."""
    found = (
        FlowLog(
            id=each["FlowLogId"],
            resource=each.get("ResourceId", ""),
            status=each.get("FlowLogStatus", ""),
            traffic=each.get("TrafficType", ""),
            delivery=each.get("DeliverLogsStatus"),
        )
        for each in aws.pages("ec2:DescribeFlowLogs", "FlowLogs", region=region)
    )
    return tuple(sorted(found, key=lambda log: log.id))


@collector_in(ROUTE_TABLES, "ec2:DescribeRouteTables")
def route_tables(aws: Aws, region: str) -> tuple[RouteTable, ...]:
    """The route tables."""
    listed = aws.pages("ec2:DescribeRouteTables", "RouteTables", region=region)
    return tuple(sorted(map(_table, listed), key=lambda table: table.id))


@collector_in(PEERINGS, "ec2:DescribeVpcPeeringConnections")
def peerings(aws: Aws, region: str) -> tuple[Peering, ...]:
    """The peering connections, with the networks of both sides where AWS shows them."""
    operation = "ec2:DescribeVpcPeeringConnections"
    found = (
        Peering(
            id=connection["VpcPeeringConnectionId"],
            status=connection.get("Status", {}).get("Code", ""),
            requester_vpc=connection.get("RequesterVpcInfo", {}).get("VpcId"),
            requester_networks=_networks_of_side(connection.get("RequesterVpcInfo", {})),
            accepter_vpc=connection.get("AccepterVpcInfo", {}).get("VpcId"),
            accepter_networks=_networks_of_side(connection.get("AccepterVpcInfo", {})),
        )
        for connection in aws.pages(operation, "VpcPeeringConnections", region=region)
    )
    return tuple(sorted(found, key=lambda peering: peering.id))


@collector_in(SUBNETS, "ec2:DescribeSubnets")
def subnets(aws: Aws, region: str) -> tuple[Subnet, ...]:
    """Which VPC each subnet is in."""
    listed = aws.pages("ec2:DescribeSubnets", "Subnets", region=region)
    found = (Subnet(id=each["SubnetId"], vpc=each.get("VpcId", "")) for each in listed)
    return tuple(sorted(found, key=lambda subnet: subnet.id))


@collector_in(VPC_ENDPOINTS, "ec2:DescribeVpcEndpoints")
def vpc_endpoints(aws: Aws, region: str) -> tuple[VpcEndpoint, ...]:
    """The VPC endpoints."""
    found = (
        VpcEndpoint(
            id=each["VpcEndpointId"],
            vpc=each.get("VpcId", ""),
            service=each.get("ServiceName", ""),
            type=each.get("VpcEndpointType", ""),
            state=each.get("State", ""),
            route_tables=tuple(sorted(each.get("RouteTableIds", ()))),
        )
        for each in aws.pages("ec2:DescribeVpcEndpoints", "VpcEndpoints", region=region)
    )
    return tuple(sorted(found, key=lambda endpoint: endpoint.id))


@collector_in(INSTANCES, "ec2:DescribeInstances")
def instances(aws: Aws, region: str) -> tuple[Instance, ...]:
    """The instances in every state."""
    reservations = aws.pages("ec2:DescribeInstances", "Reservations", region=region)
    prefix = f"arn:{aws.partition}:ec2:{region}:{aws.account}:instance/"
    found = (
        _instance(prefix, each)
        for reservation in reservations
        for each in reservation.get("Instances", ())
    )
    return tuple(sorted(found, key=lambda instance: instance.id))


@collector_in(EBS_DEFAULT, "ec2:GetEbsEncryptionByDefault")
def ebs_default(aws: Aws, region: str) -> EbsDefault:
    """Whether new volumes are encrypted without being asked."""
    answer = aws.need("ec2:GetEbsEncryptionByDefault", region=region)
    return EbsDefault(encrypted=answer.get("EbsEncryptionByDefault", False))


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


def _sorted(data: dict[str, Any], key: str, field: str) -> tuple[str, ...]:
    return tuple(sorted(each[field] for each in data.get(key, ()) if field in each))


def _networks(aws: Aws, region: str, identity: str) -> tuple[str, ...]:
    entries = aws.pages(ENTRIES, "Entries", region=region, PrefixListId=identity)
    return tuple(sorted(entry["Cidr"] for entry in entries))


def _entry(data: dict[str, Any]) -> AclEntry:
    ports = data.get("PortRange", {})
    return AclEntry(
        number=data["RuleNumber"],
        protocol=data.get("Protocol", ""),
        allow=data.get("RuleAction") == "allow",
        egress=data.get("Egress", False),
        ipv4=data.get("CidrBlock"),
        ipv6=data.get("Ipv6CidrBlock"),
        from_port=ports.get("From"),
        to_port=ports.get("To"),
    )


def _networks_of_vpc(data: dict[str, Any]) -> tuple[str, ...]:
    ipv4 = _sorted(data, "CidrBlockAssociationSet", "CidrBlock")
    ipv6 = _sorted(data, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock")
    return (ipv4 or ((data["CidrBlock"],) if "CidrBlock" in data else ())) + ipv6


def _networks_of_side(data: dict[str, Any]) -> tuple[str, ...]:
    ipv4 = _sorted(data, "CidrBlockSet", "CidrBlock")
    ipv6 = _sorted(data, "Ipv6CidrBlockSet", "Ipv6CidrBlock")
    return (ipv4 or ((data["CidrBlock"],) if data.get("CidrBlock") else ())) + ipv6


def _table(data: dict[str, Any]) -> RouteTable:
    associations = data.get("Associations", ())
    return RouteTable(
        id=data["RouteTableId"],
        vpc=data.get("VpcId"),
        main=any(association.get("Main") for association in associations),
        subnets=_sorted(data, "Associations", "SubnetId"),
        routes=tuple(map(_route, data.get("Routes", ()))),
    )


def _route(data: dict[str, Any]) -> Route:
    return Route(
        destination=next((data[name] for name in _DESTINATIONS if data.get(name)), ""),
        target=next((data[name] for name in _TARGETS if data.get(name)), ""),
        state=data.get("State", ""),
    )


def _instance(prefix: str, data: dict[str, Any]) -> Instance:
    options = data.get("MetadataOptions", {})
    return Instance(
        id=data["InstanceId"],
        arn=prefix + data["InstanceId"],
        state=data.get("State", {}).get("Name", ""),
        http_endpoint=options.get("HttpEndpoint"),
        http_tokens=options.get("HttpTokens"),
        options_state=options.get("State"),
        profile_arn=data.get("IamInstanceProfile", {}).get("Arn"),
        vpc=data.get("VpcId"),
    )
