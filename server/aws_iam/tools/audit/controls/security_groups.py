"""CIS controls on security groups: what they open to the internet."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.network.security_groups import PREFIX_LISTS, SECURITY_GROUPS
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.frozen import positional
from aws_iam.rules.on_account import in_regions
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.audit.controls.control import ControlTerms, control
from aws_iam.tools.audit.evidence.networks import (
    GLOBAL_IPV6,
    IPV4,
    IPV6,
    TCP,
    UDP,
    covers_network,
    ec2_arn,
    includes_port,
    includes_protocol,
    is_owned,
    ports_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.account.collect.network.security_groups import GroupRule, SecurityGroup
    from aws_iam.account.reading.snapshot import Account

_NO_VPC = "there is no VPC, so no security group"


@positional
class _ClosedPorts:
    """Ports that must be closed to these networks, each of which is all addresses of IPv4 or IPv6."""

    ports: tuple[int, ...]
    internet: tuple[str, ...]

    def opened(self, rules: Iterable[GroupRule]) -> list[str]:
        """The ports that the rules together open, and to which network."""
        return self._open(rules, self.internet)

    def open_to_used_addresses(self, rules: Iterable[GroupRule]) -> str:
        """A note on ports that are open to every IPv6 address in use today, though not to all of IPv6."""
        opened = self._open(rules, (GLOBAL_IPV6,)) if IPV6 in self.internet else []
        note = f"; it opens {', '.join(opened)}, which contains every IPv6 address in use today"
        return note if opened else ""

    def _open(self, rules: Iterable[GroupRule], to: tuple[str, ...]) -> list[str]:
        listing = list(rules)
        return [
            f"port {port} to {whole}"
            for port in self.ports
            for whole in to
            if any(
                covers_network(_sources(listing, port, protocol, whole), whole)
                for protocol in (TCP, UDP)
            )
        ]

    def includes_any(self, rule: GroupRule) -> bool:
        """Whether the rule includes one of the ports."""
        return any(
            _includes(rule, port, protocol) for port in self.ports for protocol in (TCP, UDP)
        )


@control("sg_admin_ports_v4", "sg_rdp_v12", needs=(SECURITY_GROUPS, PREFIX_LISTS))
def admin_ports_over_ipv4(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """Port ranges, `all traffic` and sources that together cover the internet count; so do unused groups.

    False alarm when the group is not attached to anything.
    """
    return _groups(account, _ClosedPorts(tuple(terms.threshold("admin_ports")), (IPV4,)))


@control("sg_admin_ports_v6", needs=(SECURITY_GROUPS, PREFIX_LISTS))
def admin_ports_over_ipv6(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """IPv6 only: sg_admin_ports_v4 reports ports that are open over IPv4.

    False alarm when the group is not attached to anything.
    """
    return _groups(account, _ClosedPorts(tuple(terms.threshold("admin_ports")), (IPV6,)))


@control("cifs", needs=(SECURITY_GROUPS, PREFIX_LISTS))
def file_sharing(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """The control checks groups, not instances, and covers IPv4 and IPv6.

    False alarm when the group is not attached to anything.
    """
    return _groups(account, _ClosedPorts((terms.threshold("port"),), (IPV4, IPV6)))


@control("default_sg_closed", needs=(SECURITY_GROUPS,))
def default_group(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Every rule counts, including the two that a default group is created with: the self-reference and the outbound rule.

    False alarm when nothing uses the group.
    """

    def test(region: str, groups: tuple[SecurityGroup, ...]) -> Iterator[Outcome]:
        default = [
            group for group in groups if group.name == "default" and is_owned(account, group)
        ]
        for group in default:
            name = ec2_arn(account, region, "security-group", group.id)
            vpc = f" of {quoted(group.vpc)}" if group.vpc else ""
            message = f"the default security group {quoted(group.id)}{vpc}"
            inbound, outbound = len(group.inbound), len(group.outbound)
            if inbound or outbound:
                rules = f"{inbound} inbound and {outbound} outbound rules"
                yield Fail(name, f"{message} has {rules}", region)
            else:
                yield Pass(name, f"{message} has no rules", region)
        if not default:
            yield NotApplicable(None, _NO_VPC, region)

    return in_regions(account, SECURITY_GROUPS, test)


def _groups(account: Account, closed: _ClosedPorts) -> Iterator[Outcome]:
    def test(region: str, groups: tuple[SecurityGroup, ...]) -> Iterator[Outcome]:
        owned = [group for group in groups if is_owned(account, group)]
        if not owned:
            yield NotApplicable(None, _NO_VPC, region)
        judge = partial(_group, account, region, closed)
        yield from for_each(owned, judge, name=partial(_name, account, region), region=region)

    return in_regions(account, SECURITY_GROUPS, test)


def _group(
    account: Account, region: str, closed: _ClosedPorts, group: SecurityGroup
) -> Iterator[Outcome]:
    name = _name(account, region, group)
    message = f"security group {quoted(group.id)} ({quoted(group.name)})"
    opened = closed.opened(group.inbound)
    if opened:
        yield Fail(name, f"{message} opens {', '.join(opened)}", region)
        return
    # Prefix lists are read only now: a port that is open without them is open even if they could not be read.
    relevant = [rule for rule in group.inbound if closed.includes_any(rule)]
    rules = [_with_lists(account, region, rule) for rule in relevant]
    opened = closed.opened(rules)
    if opened:
        yield Fail(name, f"{message} opens {', '.join(opened)} with a prefix list", region)
    else:
        yield Pass(
            name,
            f"{message} does not open {ports_text(closed.ports)} to {' or '.join(closed.internet)}"
            f"{closed.open_to_used_addresses(rules)}",
            region,
        )


def _name(account: Account, region: str, group: SecurityGroup) -> str:
    return ec2_arn(account, region, "security-group", group.id)


def _includes(rule: GroupRule, port: int, protocol: str) -> bool:
    if not includes_protocol(rule.protocol, protocol):
        return False
    return rule.protocol == "-1" or includes_port(rule.from_port, rule.to_port, port)


def _sources(rules: list[GroupRule], port: int, protocol: str, whole: str) -> Iterator[str]:
    for rule in rules:
        if _includes(rule, port, protocol):
            yield from rule.ipv4 if whole == IPV4 else rule.ipv6


def _with_lists(account: Account, region: str, rule: GroupRule) -> GroupRule:
    networks = [
        listed for name in rule.prefix_lists for listed in _networks(account, region, name)
    ]
    four = tuple(network for network in networks if ":" not in network)
    six = tuple(network for network in networks if ":" in network)
    return replace(rule, ipv4=rule.ipv4 + four, ipv6=rule.ipv6 + six)


def _networks(account: Account, region: str, name: str) -> tuple[str, ...]:
    for prefix_list in account.require_in(region, PREFIX_LISTS):
        if prefix_list.id == name:
            return known(prefix_list.networks)
    raise NotCollected(
        f"prefix list {quoted(name)} is not part of this snapshot",
        call="ec2:GetManagedPrefixListEntries",
        code="not collected",
        permission="ec2:GetManagedPrefixListEntries",
        region=region,
    )
