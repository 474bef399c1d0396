"""How machines are reached: security groups, network ACLs, VPCs, routes, peerings, endpoints, instances."""

from __future__ import annotations

from dataclasses import dataclass

from aws_iam.account.facts.fact import Miss, many_in


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AclEntry:
    """One entry of a network ACL; protocol `-1` is all, `6` TCP, `17` UDP; no ports means all of them."""

    number: int
    protocol: str
    allow: bool
    egress: bool = False
    ipv4: str | None = None
    ipv6: str | None = None
    from_port: int | None = None
    to_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAcl:
    """A network ACL, its entries by direction and number."""

    id: str
    vpc: str | None = None
    default: bool = False
    owner: str | None = None
    entries: tuple[AclEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """A VPC that is seen from the account; one shared into it has another owner."""

    id: str
    owner: str | None = None
    default: bool = False
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLog:
    """A flow log of a VPC, subnet or interface (`resource`), in AWS's words."""

    id: str
    resource: str
    status: str = ""
    traffic: str = ""
    delivery: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route: destination (network or prefix list) and target (`igw-…`, `pcx-…`, `local` …)."""

    destination: str
    target: str
    state: str = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTable:
    """A route table; subnets that name no table use their VPC's main one."""

    id: str
    vpc: str | None = None
    main: bool = False
    subnets: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Peering:
    """A VPC peering connection with the networks of both sides."""

    id: str
    status: str
    requester_vpc: str | None = None
    requester_networks: tuple[str, ...] = ()
    accepter_vpc: str | None = None
    accepter_networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """A subnet and its VPC."""

    id: str
    vpc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcEndpoint:
    """A VPC endpoint: `service` such as `com.amazonaws.eu-west-1.s3`."""

    id: str
    vpc: str
    service: str
    type: str = ""
    state: str = ""
    route_tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An EC2 instance: how it answers for metadata, and which profile it has."""

    id: str
    arn: str
    state: str
    http_endpoint: str | None = None
    http_tokens: str | None = None
    options_state: str | None = None
    profile_arn: str | None = None
    vpc: str | None = None


SECURITY_GROUPS = many_in("ec2.security_groups", SecurityGroup)
PREFIX_LISTS = many_in("ec2.prefix_lists", PrefixList)
NETWORK_ACLS = many_in("ec2.network_acls", NetworkAcl)
VPCS = many_in("ec2.vpcs", Vpc)
FLOW_LOGS = many_in("ec2.flow_logs", FlowLog)
ROUTE_TABLES = many_in("ec2.route_tables", RouteTable)
PEERINGS = many_in("ec2.peerings", Peering)
SUBNETS = many_in("ec2.subnets", Subnet)
VPC_ENDPOINTS = many_in("ec2.vpc_endpoints", VpcEndpoint)
INSTANCES = many_in("ec2.instances", Instance)
