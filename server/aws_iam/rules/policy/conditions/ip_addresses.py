"""Addresses, networks and VPC ids in conditions."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Statement, Text
from aws_iam.engine.language.operators import OPERATORS, Family
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
    """The values under IP operators; those with a variable are decided by the request."""
    for condition in statement.conditions:
        if OPERATORS.get(condition.base) is Family.IP:
            yield from (value for value in condition.values if "${" not in value.value)


def _network(value: Text) -> _Network | None:
    try:
        # No address is longer, and an endless one would be walked in vain.
        return ipaddress.ip_network(value.value[:64], strict=False)
    except ValueError:
        return None


@check(
    "TYPE_MISMATCH_IP_RANGE",
    on=Statement,
    when=(at_operators(Family.IP),),
    severity=Severity.ERROR,
    title="A value under IpAddress is no address and no network",
    fix="Write an IPv4 or IPv6 address, or a network such as 203.0.113.0/24.",
    bad=[allow_if("IpAddress", "aws:SourceIp", "203.0.113.0-255")],
    good=[allow_if("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "2001:db8::/32"])],
)
def no_address(statement: Statement) -> Iterator[Fail]:
    """AWS cannot compare such a value with an address."""
    for value in _addresses(statement):
        if _network(value) is None:
            yield Fail(value.where, f"{quoted(value.value)} is no IP address and no network")


@check(
    "IMPROVE_IP_RANGE",
    on=Statement,
    when=(at_operators(Family.IP),),
    severity=Severity.SUGGESTION,
    title="A network is written with bits beyond its prefix",
    fix="Write the network address.",
    bad=[allow_if("IpAddress", "aws:SourceIp", "203.0.113.17/24")],
    good=[allow_if("IpAddress", "aws:SourceIp", "203.0.113.0/24")],
)
def address_in_network(statement: Statement) -> Iterator[Fail]:
    """The bits beyond the prefix are ignored: the whole network is meant, not the one address."""
    for value in _addresses(statement):
        network = _network(value)
        address, slash, _ = value.value.partition("/")
        if network and slash and ipaddress.ip_address(address) != network.network_address:
            yield Fail(value.where, f"{quoted(value.value)} is the network `{network}`")


_PRIVATE_4 = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_PRIVATE_6 = ipaddress.IPv6Network("fc00::/7")


def _is_private(network: _Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return any(network.subnet_of(private) for private in _PRIVATE_4)
    return network.subnet_of(_PRIVATE_6)


def _sources(statement: Statement, operator: str) -> Iterator[tuple[Condition, list[Text]]]:
    """The conditions on aws:SourceIp under the operator, with their private values."""
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
    title="aws:SourceIp is compared with private addresses only",
    fix=_PUBLIC,
    bad=[allow_if("IpAddress", "aws:SourceIp", "10.0.0.0/8")],
    good=[allow_if("IpAddress", "aws:SourceIp", "203.0.113.0/24")],
)
def only_private_sources(statement: Statement) -> Iterator[Fail]:
    """AWS sees public addresses in aws:SourceIp, so the condition never holds."""
    for condition, private in _sources(statement, "IpAddress"):
        if len(private) == len(condition.values):
            yield Fail(
                condition.node.where, f"{quoted(private[0].value)} is private: it never matches"
            )


@check(
    "PRIVATE_NOT_IP_ADDRESS",
    on=Statement,
    when=(at_keys("aws:sourceip"),),
    severity=Severity.ERROR,
    title="aws:SourceIp is compared with private addresses only",
    fix=_PUBLIC,
    bad=[allow_if("NotIpAddress", "aws:SourceIp", "10.0.0.0/8")],
    good=[allow_if("NotIpAddress", "aws:SourceIp", "203.0.113.0/24")],
)
def all_but_private_sources(statement: Statement) -> Iterator[Fail]:
    """AWS sees public addresses in aws:SourceIp, so the condition always holds."""
    for condition, private in _sources(statement, "NotIpAddress"):
        if len(private) == len(condition.values):
            yield Fail(
                condition.node.where, f"{quoted(private[0].value)} is private: no request is in it"
            )


@check(
    "PRIVATE_IP_ADDRESS_SUBSET",
    on=Statement,
    when=(at_keys("aws:sourceip"),),
    severity=Severity.SUGGESTION,
    title="aws:SourceIp is compared with private addresses, too",
    fix=_ONLY_PUBLIC,
    bad=[allow_if("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "10.0.0.0/8"])],
    good=[allow_if("IpAddress", "aws:SourceIp", "203.0.113.0/24")],
)
def some_private_sources(statement: Statement) -> Iterator[Fail]:
    """AWS sees public addresses in aws:SourceIp, so the private ones match nothing."""
    for condition, private in _sources(statement, "IpAddress"):
        if len(private) < len(condition.values):
            yield Fail(
                private[0].where, f"{quoted(private[0].value)} is private: it never matches"
            )


@check(
    "PRIVATE_NOT_IP_ADDRESS_SUBSET",
    on=Statement,
    when=(at_keys("aws:sourceip"),),
    severity=Severity.SUGGESTION,
    title="aws:SourceIp is compared with private addresses, too",
    fix=_ONLY_PUBLIC,
    bad=[allow_if("NotIpAddress", "aws:SourceIp", ["203.0.113.0/24", "10.0.0.0/8"])],
    good=[allow_if("NotIpAddress", "aws:SourceIp", "203.0.113.0/24")],
)
def all_but_some_private_sources(statement: Statement) -> Iterator[Fail]:
    """AWS sees public addresses in aws:SourceIp, so the private ones exempt nothing."""
    for condition, private in _sources(statement, "NotIpAddress"):
        if len(private) < len(condition.values):
            yield Fail(
                private[0].where, f"{quoted(private[0].value)} is private: no request is in it"
            )


_VPC = re.compile(r"vpc-([0-9A-Za-z]{8}|[0-9A-Za-z]{17})")
_VPCE = re.compile(r"vpce-([0-9A-Za-z]{8}|[0-9A-Za-z]{17})")
_OPEN = re.compile(r"[*?]|\$\{")


def _ids(statement: Statement, key: str, form: re.Pattern[str]) -> Iterator[Text]:
    """The values of a key that are no id of that form, nor a pattern or variable for one."""
    for condition in statement.conditions_on(key):
        if OPERATORS.get(condition.base) is Family.STRING:
            for value in condition.values:
                if not (form.fullmatch(value.value) or _OPEN.search(value.value)):
                    yield value


@check(
    "INVALID_VPC_FORMAT",
    on=Statement,
    when=(at_keys("aws:sourcevpc"),),
    severity=Severity.ERROR,
    title="A value of aws:SourceVpc is no VPC id",
    fix="Write vpc- and 8 or 17 characters.",
    bad=[allow_if("StringEquals", "aws:SourceVpc", "main-vpc")],
    good=[allow_if("StringEquals", "aws:SourceVpc", "vpc-0123456789abcdef0")],
)
def no_vpc_id(statement: Statement) -> Iterator[Fail]:
    """No VPC has such an id, so the comparison never succeeds."""
    for value in _ids(statement, "aws:sourcevpc", _VPC):
        yield Fail(
            value.where, f"{quoted(value.value)} is no VPC id, such as `vpc-0123456789abcdef0`"
        )


@check(
    "INVALID_VPCE_FORMAT",
    on=Statement,
    when=(at_keys("aws:sourcevpce"),),
    severity=Severity.ERROR,
    title="A value of aws:SourceVpce is no VPC endpoint id",
    fix="Write vpce- and 8 or 17 characters.",
    bad=[allow_if("StringEquals", "aws:SourceVpce", "vpc-0123456789abcdef0")],
    good=[allow_if("StringEquals", "aws:SourceVpce", "vpce-0123456789abcdef0")],
)
def no_endpoint_id(statement: Statement) -> Iterator[Fail]:
    """No VPC endpoint has such an id, so the comparison never succeeds."""
    for value in _ids(statement, "aws:sourcevpce", _VPCE):
        yield Fail(
            value.where,
            f"{quoted(value.value)} is no endpoint id, such as `vpce-0123456789abcdef0`",
        )
