"""IP addresses, networks and ids of VPCs and endpoints in conditions."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Statement, Text
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.engine.language.placeholders import is_known_later_of_key
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow_if
from aws_iam.rules.gates import at_keys, at_operators
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_PUBLIC = "Use public addresses, or aws:VpcSourceIp together with aws:SourceVpc for requests through a VPC endpoint."
_ONLY_PUBLIC = (
    "Remove the private addresses; for requests through a VPC endpoint use aws:VpcSourceIp."
)


def _addresses(statement: Statement) -> Iterator[Text]:
    """The values under IP operators, without those that a request decides or that nobody filled in yet."""
    for condition in statement.conditions:
        if OPERATORS.get(condition.base) is Family.IP:
            key = condition.name
            yield from (v for v in condition.values if not is_known_later_of_key(key, v.value))


def _network(value: Text) -> _Network | None:
    try:
        # No address is longer, so the rest of a very long value need not be read.
        return ipaddress.ip_network(value.value[:64], strict=False)
    except ValueError:
        return None


@check(
    "TYPE_MISMATCH_IP_RANGE",
    on=Statement,
    when=(at_operators(Family.IP),),
    severity=Severity.ERROR,
    title="A value under IpAddress or NotIpAddress is neither an address nor a network",
    fix="Write an IPv4 or IPv6 address, or a network such as 203.0.113.0/24.",
    bad=[allow_if("IpAddress", "aws:SourceIp", "203.0.113.0-255")],
    good=[allow_if("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "2001:db8::/32"])],
)
def not_an_address(statement: Statement) -> Iterator[Fail]:
    """AWS cannot compare such a value with the address of a request.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for value in _addresses(statement):
        if _network(value) is None:
            yield Fail(
                value.where, f"{quoted(value.value)} is neither an IP address nor a network"
            )


@check(
    "IMPROVE_IP_RANGE",
    on=Statement,
    when=(at_operators(Family.IP),),
    severity=Severity.SUGGESTION,
    title="The address of a network has bits beyond its prefix",
    fix="Write the network address, or leave out the prefix if you mean the single address.",
    bad=[allow_if("IpAddress", "aws:SourceIp", "203.0.113.17/24")],
    good=[allow_if("IpAddress", "aws:SourceIp", "203.0.113.0/24")],
)
def address_in_network(statement: Statement) -> Iterator[Fail]:
    """AWS ignores the bits beyond the prefix: the value means the whole network, not the single address.

    False alarm when the whole network is intended: the value works as it is.
    """
    for value in _addresses(statement):
        network = _network(value)
        address, slash, _ = value.value.partition("/")
        if network and slash and ipaddress.ip_address(address) != network.network_address:
            yield Fail(value.where, f"{quoted(value.value)} means the whole network `{network}`")


_PRIVATE_4 = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_PRIVATE_6 = ipaddress.IPv6Network("fc00::/7")


def _is_private(network: _Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return any(network.subnet_of(private) for private in _PRIVATE_4)
    return network.subnet_of(_PRIVATE_6)


def _sources(statement: Statement, operator: str) -> Iterator[tuple[Condition, list[Text]]]:
    """The conditions on aws:SourceIp with this operator, and their private values."""
    for condition in statement.conditions_on("aws:sourceip"):
        if condition.base == operator:
            networks = [(value, _network(value)) for value in condition.values]
            private = [value for value, network in networks if network and _is_private(network)]
            if private:
                yield condition, private


@check(
    "PRIVATE_IP_ADDRESS",
    on=Statement,
    when=(at_keys("aws:sourceip"),),
    severity=Severity.ERROR,
    title="aws:SourceIp is compared only with private addresses",
    fix=_PUBLIC,
    bad=[allow_if("IpAddress", "aws:SourceIp", "10.0.0.0/8")],
    good=[allow_if("IpAddress", "aws:SourceIp", "203.0.113.0/24")],
)
def only_private_sources(statement: Statement) -> Iterator[Fail]:
    """aws:SourceIp holds a public address, so the condition never holds.

    False alarm when the operator ends in `IfExists` and only requests through a VPC endpoint are meant: they lack the key.
    """
    for condition, private in _sources(statement, "IpAddress"):
        if len(private) == len(condition.values):
            yield Fail(
                condition.node.where,
                f"{quoted(private[0].value)} is private: it never matches aws:SourceIp",
            )


@check(
    "PRIVATE_NOT_IP_ADDRESS",
    on=Statement,
    when=(at_keys("aws:sourceip"),),
    severity=Severity.ERROR,
    title="aws:SourceIp is compared only with private addresses",
    fix=_PUBLIC,
    bad=[allow_if("NotIpAddress", "aws:SourceIp", "10.0.0.0/8")],
    good=[allow_if("NotIpAddress", "aws:SourceIp", "203.0.113.0/24")],
)
def all_but_private_sources(statement: Statement) -> Iterator[Fail]:
    """aws:SourceIp holds a public address, so the condition always holds."""
    for condition, private in _sources(statement, "NotIpAddress"):
        if len(private) == len(condition.values):
            yield Fail(
                condition.node.where,
                f"{quoted(private[0].value)} is private: aws:SourceIp is never in it",
            )


@check(
    "PRIVATE_IP_ADDRESS_SUBSET",
    on=Statement,
    when=(at_keys("aws:sourceip"),),
    severity=Severity.SUGGESTION,
    title="aws:SourceIp is also compared with private addresses",
    fix=_ONLY_PUBLIC,
    bad=[allow_if("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "10.0.0.0/8"])],
    good=[allow_if("IpAddress", "aws:SourceIp", "203.0.113.0/24")],
)
def some_private_sources(statement: Statement) -> Iterator[Fail]:
    """aws:SourceIp holds a public address, so the private ones match nothing."""
    for condition, private in _sources(statement, "IpAddress"):
        if len(private) < len(condition.values):
            yield Fail(
                private[0].where,
                f"{quoted(private[0].value)} is private: it never matches aws:SourceIp",
            )


@check(
    "PRIVATE_NOT_IP_ADDRESS_SUBSET",
    on=Statement,
    when=(at_keys("aws:sourceip"),),
    severity=Severity.SUGGESTION,
    title="aws:SourceIp is also compared with private addresses",
    fix=_ONLY_PUBLIC,
    bad=[allow_if("NotIpAddress", "aws:SourceIp", ["203.0.113.0/24", "10.0.0.0/8"])],
    good=[allow_if("NotIpAddress", "aws:SourceIp", "203.0.113.0/24")],
)
def all_but_some_private_sources(statement: Statement) -> Iterator[Fail]:
    """aws:SourceIp holds a public address, so the private ones exempt no request."""
    for condition, private in _sources(statement, "NotIpAddress"):
        if len(private) < len(condition.values):
            yield Fail(
                private[0].where,
                f"{quoted(private[0].value)} is private: aws:SourceIp is never in it",
            )


_VPC = re.compile(r"vpc-([0-9A-Za-z]{8}|[0-9A-Za-z]{17})")
_VPCE = re.compile(r"vpce-([0-9A-Za-z]{8}|[0-9A-Za-z]{17})")
_WILDCARD = re.compile(r"[*?]")


def _ids(statement: Statement, key: str, form: re.Pattern[str]) -> Iterator[Text]:
    """The values of a key that are not an id of this form, without those with a wildcard, a variable or a placeholder."""
    for condition in statement.conditions_on(key):
        if OPERATORS.get(condition.base) is Family.STRING:
            for value in condition.values:
                text = value.value
                is_later = _WILDCARD.search(text) or is_known_later_of_key(key, text)
                if not (form.fullmatch(text) or is_later):
                    yield value


@check(
    "INVALID_VPC_FORMAT",
    on=Statement,
    when=(at_keys("aws:sourcevpc"),),
    severity=Severity.ERROR,
    title="A value of aws:SourceVpc is not a VPC id",
    fix="Write `vpc-` followed by 8 or 17 characters.",
    bad=[allow_if("StringEquals", "aws:SourceVpc", "main-vpc")],
    good=[allow_if("StringEquals", "aws:SourceVpc", "vpc-0123456789abcdef0")],
)
def not_a_vpc_id(statement: Statement) -> Iterator[Fail]:
    """No VPC has such an id, so the value never matches.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for value in _ids(statement, "aws:sourcevpc", _VPC):
        yield Fail(
            value.where, f"{quoted(value.value)} is not a VPC id such as `vpc-0123456789abcdef0`"
        )


@check(
    "INVALID_VPCE_FORMAT",
    on=Statement,
    when=(at_keys("aws:sourcevpce"),),
    severity=Severity.ERROR,
    title="A value of aws:SourceVpce is not a VPC endpoint id",
    fix="Write `vpce-` followed by 8 or 17 characters.",
    bad=[allow_if("StringEquals", "aws:SourceVpce", "vpc-0123456789abcdef0")],
    good=[allow_if("StringEquals", "aws:SourceVpce", "vpce-0123456789abcdef0")],
)
def not_an_endpoint_id(statement: Statement) -> Iterator[Fail]:
    """No VPC endpoint has such an id, so the value never matches.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for value in _ids(statement, "aws:sourcevpce", _VPCE):
        yield Fail(
            value.where,
            f"{quoted(value.value)} is not a VPC endpoint id such as `vpce-0123456789abcdef0`",
        )
