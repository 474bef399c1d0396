"""Networks as sets of addresses, ports as ranges, and the ARNs of EC2 resources."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING, Protocol

from aws_iam.errors import NotCollected
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.reading.snapshot import Account

IPV4 = "0.0.0.0/0"
IPV6 = "::/0"
# https://www.iana.org/assignments/ipv6-address-space/ipv6-address-space.xhtml
GLOBAL_IPV6 = "2000::/3"
"""The addresses that the IPv6 internet has today."""
TCP, UDP, ALL = "6", "17", "-1"
_NUMBERS = {"tcp": TCP, "udp": UDP}
_LAST_PORT = 65535


class Owned(Protocol):
    """A resource that another account may own and share into this one."""

    @property
    def owner(self) -> str | None:
        """The account that owns it, where AWS says so."""


def is_owned(account: Account, resource: Owned) -> bool:
    """Whether the account owns the resource; only its owner can fix one that is shared."""
    return resource.owner in {None, account.id}


def ec2_arn(account: Account, region: str, kind: str, name: str) -> str:
    """The ARN of an EC2 resource."""
    return f"arn:{account.partition}:ec2:{region}:{account.id}:{kind}/{name}"


def includes_protocol(protocol: str, wanted: str) -> bool:
    """Whether a rule's protocol (a name, a number, or all) includes the wanted one."""
    return protocol == ALL or _NUMBERS.get(protocol, protocol) == wanted


def includes_port(low: int | None, high: int | None, port: int) -> bool:
    """Whether the range includes the port; None and -1 mean all ports."""
    first = 0 if low is None or low < 0 else low
    last = _LAST_PORT if high is None or high < 0 else high
    return first <= port <= last


def covers_network(sources: Iterable[str], whole: str) -> bool:
    """Whether the sources together include every address of `whole`, such as 0.0.0.0/0 or ::/0."""
    wanted = _network(whole)
    networks = [_network(source) for source in sources]
    if isinstance(wanted, IPv4Network):
        four = (network for network in networks if isinstance(network, IPv4Network))
        return any(wanted.subnet_of(network) for network in collapse_addresses(four))
    six = (network for network in networks if isinstance(network, IPv6Network))
    return any(wanted.subnet_of(network) for network in collapse_addresses(six))


def contains_network(destination: str, networks: Iterable[str]) -> bool:
    """Whether the destination contains one of the networks; the contents of a prefix list are unknown."""
    if "/" not in destination:
        return False
    destination_network = _network(destination)
    return any(
        network.version == destination_network.version
        and network.prefixlen >= destination_network.prefixlen
        and network.network_address in destination_network
        for network in map(_network, networks)
    )


def ports_text(ports: Iterable[int]) -> str:
    """The ports in words."""
    names = [str(port) for port in ports]
    return f"port{'s' if len(names) > 1 else ''} {' and '.join(names)}"


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise NotCollected(
            f"{quoted(text)} is not a network",
            call="ec2:DescribeSecurityGroups",
            code="no network",
        ) from None
