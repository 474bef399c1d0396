"""Networks as sets of addresses, ports as ranges, and the ARNs of EC2's resources."""

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
    """A resource that may be shared into the account."""

    @property
    def owner(self) -> str | None:
        """The account that owns it, where AWS says so."""


def own(account: Account, thing: Owned) -> bool:
    """Whether the account owns it: what is shared into the account is its owner's to mend."""
    return thing.owner in {None, account.id}


def arn(account: Account, region: str, kind: str, name: str) -> str:
    """The ARN of an EC2 resource."""
    return f"arn:{account.partition}:ec2:{region}:{account.id}:{kind}/{name}"


def carries(protocol: str, wanted: str) -> bool:
    """Whether a rule of this protocol (a name, a number, or all) lets the wanted one through."""
    return protocol == ALL or _NUMBERS.get(protocol, protocol) == wanted


def in_range(low: int | None, high: int | None, port: int) -> bool:
    """Whether the range holds the port; no ports, or -1, stand for all of them."""
    first = 0 if low is None or low < 0 else low
    last = _LAST_PORT if high is None or high < 0 else high
    return first <= port <= last


def covers(sources: Iterable[str], whole: str) -> bool:
    """Whether the sources together are all addresses of `whole`, such as 0.0.0.0/0 or ::/0."""
    wanted = _network(whole)
    networks = [_network(source) for source in sources]
    if isinstance(wanted, IPv4Network):
        four = (network for network in networks if isinstance(network, IPv4Network))
        return any(wanted.subnet_of(network) for network in collapse_addresses(four))
    six = (network for network in networks if isinstance(network, IPv6Network))
    return any(wanted.subnet_of(network) for network in collapse_addresses(six))


def holds(destination: str, networks: Iterable[str]) -> bool:
    """Whether the destination is one of the networks or holds one whole; a prefix list tells nothing."""
    if "/" not in destination:
        return False
    wide = _network(destination)
    return any(
        network.version == wide.version
        and network.prefixlen >= wide.prefixlen
        and network.network_address in wide
        for network in map(_network, networks)
    )


def listed(ports: Iterable[int]) -> str:
    """The ports in words."""
    names = [str(port) for port in ports]
    return f"port{'s' if len(names) > 1 else ''} {' and '.join(names)}"


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise NotCollected(
            f"{quoted(text)} is no network", call="ec2:DescribeSecurityGroups", code="no network"
        ) from None
