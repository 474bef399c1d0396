"""Functions on networks.

https://developer.hashicorp.com/terraform/language/functions/cidrsubnet
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import string
from aws_iam.engine.parsing.made_nodes import listed
from aws_iam.engine.sources.terraform.operators import number_of
from aws_iam.engine.sources.terraform.values import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.engine.parsing.json_nodes import Node, Place
    from aws_iam.engine.sources.terraform.expressions import Evaluator

    Function = Callable[[Evaluator, Sequence[Node], Place], Node | None]


def _network(evaluator: Evaluator, node: Node) -> IPv4Network | IPv6Network:
    text = evaluator.text(node)
    if "/" not in text:
        raise Invalid
    return ip_network(text, strict=False)


def _within(network: IPv4Network | IPv6Network, first: int, length: int) -> str:
    """The part of a network that begins at an address, with a longer prefix."""
    size = 1 << (network.max_prefixlen - length)
    begin = int(network.network_address)
    if not begin <= first <= begin + network.num_addresses - size:
        raise Invalid
    return f"{type(network.network_address)(first)}/{length}"


def _length(network: IPv4Network | IPv6Network, bits: Node) -> int:
    further = int(number_of(bits))
    length = network.prefixlen + further
    if further < 0 or length > network.max_prefixlen:
        raise Invalid
    return length


def _subnet(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    network = _network(evaluator, arguments[0])
    length, number = _length(network, arguments[1]), int(number_of(arguments[2]))
    if number < 0:
        return None
    first = int(network.network_address) + (number << (network.max_prefixlen - length))
    return string(_within(network, first, length), at)


def _subnets(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    network = _network(evaluator, arguments[0])
    next_, found = int(network.network_address), []
    for bits in arguments[1:]:
        length = _length(network, bits)
        size = 1 << (network.max_prefixlen - length)
        first = -(-next_ // size) * size
        found.append(string(_within(network, first, length), at))
        next_ = first + size
    return listed(found, at)


def _host(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    network, number = _network(evaluator, arguments[0]), int(number_of(arguments[1]))
    # A negative number counts from the end.
    return string(str(network[number]), at)


def _mask(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    network = _network(evaluator, arguments[0])
    if isinstance(network, IPv6Network):
        raise Invalid
    return string(str(network.netmask), at)


FUNCTIONS: dict[str, Function] = {
    "cidrhost": _host,
    "cidrnetmask": _mask,
    "cidrsubnet": _subnet,
    "cidrsubnets": _subnets,
}
