"""CIS controls on VPCs: network ACLs, flow logs, peerings and endpoints."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from aws_iam.account.collect.network.network_acls import NETWORK_ACLS
from aws_iam.account.collect.network.vpcs import (
    FLOW_LOGS,
    PEERINGS,
    ROUTE_TABLES,
    VPC_ENDPOINTS,
    VPCS,
)
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.rules.on_account import in_regions
from aws_iam.rules.outcomes import Fail, Manual, NotApplicable, Outcome, Pass
from aws_iam.tools.audit.controls.control import ControlTerms, control
from aws_iam.tools.audit.evidence.networks import (
    IPV4,
    IPV6,
    TCP,
    UDP,
    contains_network,
    covers_network,
    ec2_arn,
    includes_port,
    includes_protocol,
    is_owned,
    ports_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.account.collect.network.network_acls import AclEntry, NetworkAcl
    from aws_iam.account.collect.network.vpcs import FlowLog, Peering, RouteTable, Vpc, VpcEndpoint
    from aws_iam.account.reading.snapshot import Account

_CLOSING_RULE = 32767
_DENY = (
    "aws ec2 create-network-acl-entry --region REGION --network-acl-id ACL --ingress --rule-number {number}"
    " --protocol {protocol} --port-range From={port},To={port} --cidr-block 0.0.0.0/0 --rule-action deny"
)
_FIRST = (
    "Nobody can connect to these ports from the internet any more, and your own networks need an allow with a lower number"
    " first; then: "
)
_LIKEWISE = " (do the same at other free numbers with --ipv6-cidr-block ::/0)"
_NO_VPC = "there is no VPC of this account"


@slotted
class Opening:
    """A port that the internet reaches by a protocol; `number` is the first entry that lets it in.

    A deny takes effect between `floor`, the last narrow allow before it, and `number`.
    """

    port: int
    protocol: str
    number: int
    floor: int


@control("nacl_admin_ports", needs=(NETWORK_ACLS,))
def network_acl(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """The order decides: a deny with a lower number protects the port.

    False alarm when the security groups close the port anyway.
    """
    ports = terms.threshold("admin_ports")

    def test(region: str, acls: tuple[NetworkAcl, ...]) -> Iterator[Outcome]:
        owned = [acl for acl in acls if is_owned(account, acl)]
        for acl in owned:
            name = ec2_arn(account, region, "network-acl", acl.id)
            openings = _openings(acl.entries, ports, IPV4)
            opened = list(dict.fromkeys(opening.port for opening in openings))
            six = list(
                dict.fromkeys(opening.port for opening in _openings(acl.entries, ports, IPV6))
            )
            note = (
                f"; it also admits {IPV6} to {ports_text(six)}, which this control does not check"
                if six
                else ""
            )
            message = f"network ACL {quoted(acl.id)}"
            if opened:
                yield Fail(
                    name,
                    f"{message} admits {IPV4} to {ports_text(opened)}{note}",
                    region,
                    fix=_closed(acl.entries, openings, six=bool(six)),
                )
            else:
                yield Pass(
                    name, f"{message} does not admit {IPV4} to {ports_text(ports)}{note}", region
                )
        if not owned:
            yield NotApplicable(None, "there is no network ACL", region)

    return in_regions(account, NETWORK_ACLS, test)


@control("vpc_flow_logs", needs=(VPCS, FLOW_LOGS))
def flow_logs(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """A flow log of a subnet does not cover the VPC, accepted traffic alone is not enough, and a failing delivery records nothing.

    False alarm when the VPC has no network interfaces.
    """

    def test(region: str, vpcs: tuple[Vpc, ...]) -> Iterator[Outcome]:
        owned = [vpc for vpc in vpcs if is_owned(account, vpc)]
        if not owned:
            yield NotApplicable(None, _NO_VPC, region)
            return
        logs = account.require_in(region, FLOW_LOGS)
        for vpc in owned:
            name = ec2_arn(account, region, "vpc", vpc.id)
            gaps = [_log_gap(log) for log in logs if log.resource == vpc.id]
            if None in gaps:
                yield Pass(name, f"VPC {quoted(vpc.id)} has a flow log", region)
            else:
                why = "; ".join(gap for gap in gaps if gap)
                message = f"VPC {quoted(vpc.id)} has no flow log"
                yield Fail(
                    name, f"{message} that satisfies this: {why}" if why else message, region
                )

    return in_regions(account, VPCS, test)


@control("peering_routes", needs=(PEERINGS, ROUTE_TABLES))
def peering_routes(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """The owner decides how narrow a route has to be; routes as wide as a whole VPC are marked."""

    def test(region: str, peerings: tuple[Peering, ...]) -> Iterator[Outcome]:
        active = {peering.id: peering for peering in peerings if peering.status == "active"}
        if not active:
            yield NotApplicable(None, "there is no active peering connection", region)
            return
        tables = account.require_in(region, ROUTE_TABLES)
        routes = list(_peer_routes(tables, active))
        message = "; ".join(routes) or "no route uses a peering connection"
        yield Manual(None, terms.question(message), region)

    return in_regions(account, PEERINGS, test)


@control("vpc_endpoints", needs=(VPCS, VPC_ENDPOINTS))
def vpc_endpoints(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """The owner decides which VPCs and services are in scope."""

    def test(region: str, vpcs: tuple[Vpc, ...]) -> Iterator[Outcome]:
        owned = [vpc for vpc in vpcs if is_owned(account, vpc)]
        if not owned:
            yield NotApplicable(None, _NO_VPC, region)
            return
        endpoints = account.require_in(region, VPC_ENDPOINTS)
        for vpc in owned:
            own = [endpoint for endpoint in endpoints if endpoint.vpc == vpc.id]
            kind = "default VPC" if vpc.default else "VPC"
            message = f"{kind} {quoted(vpc.id)} has {_endpoints(own)}"
            yield Manual(ec2_arn(account, region, "vpc", vpc.id), terms.question(message), region)

    return in_regions(account, VPCS, test)


def _openings(entries: Iterable[AclEntry], ports: Iterable[int], whole: str) -> list[Opening]:
    """Every open port, with the protocol."""
    ordered = sorted(_inbound(entries), key=lambda entry: entry.number)
    openings = (
        _opening(ordered, port, protocol, whole) for port in ports for protocol in (TCP, UDP)
    )
    return [opening for opening in openings if opening]


def _inbound(entries: Iterable[AclEntry]) -> list[AclEntry]:
    return [entry for entry in entries if not entry.egress and entry.number != _CLOSING_RULE]


def _opening(ordered: Iterable[AclEntry], port: int, protocol: str, whole: str) -> Opening | None:
    """The opening, if allow entries cover the internet before deny entries do."""
    decided: Mapping[bool, list[tuple[int, str]]] = {True: [], False: []}
    for entry in ordered:
        source = entry.ipv4 if whole == IPV4 else entry.ipv6
        every_port = entry.protocol == "-1" or includes_port(entry.from_port, entry.to_port, port)
        if not (source and every_port and includes_protocol(entry.protocol, protocol)):
            continue
        same_action = decided[entry.allow]
        same_action.append((entry.number, source))
        if covers_network((network for _, network in same_action), whole):
            return _first_needed(same_action, port, protocol, whole) if entry.allow else None
    return None


def _first_needed(allows: list[tuple[int, str]], port: int, protocol: str, whole: str) -> Opening:
    """The opening without the leading allows that the internet does not need: a deny may follow those."""
    narrow = 0
    while covers_network((source for _, source in allows[narrow + 1 :]), whole):
        narrow += 1
    floor = allows[narrow - 1][0] if narrow else 0
    return Opening(port=port, protocol=protocol, number=allows[narrow][0], floor=floor)


def _closed(entries: Iterable[AclEntry], openings: Iterable[Opening], *, six: bool) -> str | None:
    """A deny for each opening, at a free number; None if there is no free number."""
    taken = {entry.number for entry in _inbound(entries)}
    commands = []
    for opening in openings:
        free = (n for n in range(opening.number - 1, opening.floor, -1) if n not in taken)
        number = next(free, None)
        if number is None:
            return None
        taken.add(number)
        commands.append(_DENY.format(number=number, protocol=opening.protocol, port=opening.port))
    return _FIRST + "; ".join(commands) + (_LIKEWISE if six else "")


def _log_gap(log: FlowLog) -> str | None:
    if log.status.upper() != "ACTIVE":
        return f"{quoted(log.id)} is {quoted(log.status)}"
    if log.traffic.upper() not in {"REJECT", "ALL"}:
        return f"{quoted(log.id)} records {quoted(log.traffic)} traffic only"
    if (log.delivery or "").upper() == "FAILED":
        return f"{quoted(log.id)} cannot deliver"
    return None


def _peer_routes(tables: Iterable[RouteTable], active: Mapping[str, Peering]) -> Iterator[str]:
    for table in tables:
        for route in table.routes:
            peering = active.get(route.target)
            if peering is None:
                continue
            whole = (*peering.requester_networks, *peering.accepter_networks)
            wide = ", as wide as a whole VPC" if contains_network(route.destination, whole) else ""
            to = f"{quoted(route.destination)} over {quoted(peering.id)}"
            yield f"route table {quoted(table.id)} sends {to}{wide}"


def _endpoints(endpoints: Iterable[VpcEndpoint]) -> str:
    counted = Counter(endpoint.service.rpartition(".")[2] for endpoint in endpoints)
    names = ", ".join(f"{quoted(name)} ({n})" for name, n in sorted(counted.items()))
    free = "" if counted["s3"] else "; an S3 gateway endpoint, which is free, is missing"
    return f"endpoints for {names}{free}" if names else f"no endpoint{free}"
