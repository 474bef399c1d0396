"""VPCs with their subnets, route tables, peerings, endpoints and flow logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Vpc:
    """A VPC that the account can see; one that is shared with it has another owner."""

    id: str
    owner: str | None = None
    default: bool = False
    networks: tuple[str, ...] = ()


@slotted
class FlowLog:
    """A flow log of a VPC, subnet or interface (`resource`), in AWS's words."""

    id: str
    resource: str
    status: str = ""
    traffic: str = ""
    delivery: str | None = None


@slotted
class Route:
    """A route: destination (network or prefix list) and target (`igw-…`, `pcx-…`, `local` …)."""

    destination: str
    target: str
    state: str = "active"


@slotted
class RouteTable:
    """A route table; subnets that name no table use their VPC's main one."""

    id: str
    vpc: str | None = None
    main: bool = False
    subnets: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()


@slotted
class Peering:
    """A VPC peering connection with the networks of both sides."""

    id: str
    status: str
    requester_vpc: str | None = None
    requester_networks: tuple[str, ...] = ()
    accepter_vpc: str | None = None
    accepter_networks: tuple[str, ...] = ()


@slotted
class Subnet:
    """A subnet and its VPC."""

    id: str
    vpc: str


@slotted
class VpcEndpoint:
    """A VPC endpoint: `service` such as `com.amazonaws.eu-west-1.s3`."""

    id: str
    vpc: str
    service: str
    type: str = ""
    state: str = ""
    route_tables: tuple[str, ...] = ()


VPCS = many_in("ec2.vpcs", Vpc)
FLOW_LOGS = many_in("ec2.flow_logs", FlowLog)
ROUTE_TABLES = many_in("ec2.route_tables", RouteTable)
PEERINGS = many_in("ec2.peerings", Peering)
SUBNETS = many_in("ec2.subnets", Subnet)
VPC_ENDPOINTS = many_in("ec2.vpc_endpoints", VpcEndpoint)
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


@collector_in(VPCS, "ec2:DescribeVpcs")
def vpcs(aws: Aws, region: str) -> tuple[Vpc, ...]:
    """The VPCs, used or not."""
    read = (
        Vpc(
            id=data["VpcId"],
            owner=data.get("OwnerId"),
            default=data.get("IsDefault", False),
            networks=_networks_of_vpc(data),
        )
        for data in aws.items("ec2:DescribeVpcs", "Vpcs", region=region)
    )
    return tuple(sorted(read, key=lambda vpc: vpc.id))


@collector_in(FLOW_LOGS, "ec2:DescribeFlowLogs")
def flow_logs(aws: Aws, region: str) -> tuple[FlowLog, ...]:
    """The flow logs of VPCs, subnets and interfaces."""
    logs = (
        FlowLog(
            id=data["FlowLogId"],
            resource=data.get("ResourceId", ""),
            status=data.get("FlowLogStatus", ""),
            traffic=data.get("TrafficType", ""),
            delivery=data.get("DeliverLogsStatus"),
        )
        for data in aws.items("ec2:DescribeFlowLogs", "FlowLogs", region=region)
    )
    return tuple(sorted(logs, key=lambda log: log.id))


@collector_in(ROUTE_TABLES, "ec2:DescribeRouteTables")
def route_tables(aws: Aws, region: str) -> tuple[RouteTable, ...]:
    """The route tables."""
    listed = aws.items("ec2:DescribeRouteTables", "RouteTables", region=region)
    return tuple(sorted(map(_table, listed), key=lambda table: table.id))


@collector_in(PEERINGS, "ec2:DescribeVpcPeeringConnections")
def peerings(aws: Aws, region: str) -> tuple[Peering, ...]:
    """The peering connections, with the networks of both sides where AWS shows them."""
    operation = "ec2:DescribeVpcPeeringConnections"
    read = (
        Peering(
            id=connection["VpcPeeringConnectionId"],
            status=connection.get("Status", {}).get("Code", ""),
            requester_vpc=connection.get("RequesterVpcInfo", {}).get("VpcId"),
            requester_networks=_networks_of_side(connection.get("RequesterVpcInfo", {})),
            accepter_vpc=connection.get("AccepterVpcInfo", {}).get("VpcId"),
            accepter_networks=_networks_of_side(connection.get("AccepterVpcInfo", {})),
        )
        for connection in aws.items(operation, "VpcPeeringConnections", region=region)
    )
    return tuple(sorted(read, key=lambda peering: peering.id))


@collector_in(SUBNETS, "ec2:DescribeSubnets")
def subnets(aws: Aws, region: str) -> tuple[Subnet, ...]:
    """Which VPC each subnet is in."""
    listed = aws.items("ec2:DescribeSubnets", "Subnets", region=region)
    read = (Subnet(id=data["SubnetId"], vpc=data.get("VpcId", "")) for data in listed)
    return tuple(sorted(read, key=lambda subnet: subnet.id))


@collector_in(VPC_ENDPOINTS, "ec2:DescribeVpcEndpoints")
def vpc_endpoints(aws: Aws, region: str) -> tuple[VpcEndpoint, ...]:
    """The VPC endpoints."""
    endpoints = (
        VpcEndpoint(
            id=data["VpcEndpointId"],
            vpc=data.get("VpcId", ""),
            service=data.get("ServiceName", ""),
            type=data.get("VpcEndpointType", ""),
            state=data.get("State", ""),
            route_tables=tuple(sorted(data.get("RouteTableIds", ()))),
        )
        for data in aws.items("ec2:DescribeVpcEndpoints", "VpcEndpoints", region=region)
    )
    return tuple(sorted(endpoints, key=lambda endpoint: endpoint.id))


def sorted_values(data: dict[str, Any], key: str, field: str) -> tuple[str, ...]:
    """A field of each part under a key, sorted."""
    return tuple(sorted(part[field] for part in data.get(key, ()) if field in part))


def _networks_of_vpc(data: dict[str, Any]) -> tuple[str, ...]:
    ipv4 = sorted_values(data, "CidrBlockAssociationSet", "CidrBlock")
    ipv6 = sorted_values(data, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock")
    return (ipv4 or ((data["CidrBlock"],) if "CidrBlock" in data else ())) + ipv6


def _networks_of_side(data: dict[str, Any]) -> tuple[str, ...]:
    ipv4 = sorted_values(data, "CidrBlockSet", "CidrBlock")
    ipv6 = sorted_values(data, "Ipv6CidrBlockSet", "Ipv6CidrBlock")
    return (ipv4 or ((data["CidrBlock"],) if data.get("CidrBlock") else ())) + ipv6


def _table(data: dict[str, Any]) -> RouteTable:
    associations = data.get("Associations", ())
    return RouteTable(
        id=data["RouteTableId"],
        vpc=data.get("VpcId"),
        main=any(association.get("Main") for association in associations),
        subnets=sorted_values(data, "Associations", "SubnetId"),
        routes=tuple(map(_route, data.get("Routes", ()))),
    )


def _route(data: dict[str, Any]) -> Route:
    return Route(
        destination=next((data[name] for name in _DESTINATIONS if data.get(name)), ""),
        target=next((data[name] for name in _TARGETS if data.get(name)), ""),
        state=data.get("State", ""),
    )
