"""What the policy of a VPC endpoint leaves of a request that must come through it, because another policy lets in nothing else.

asked_endpoints(needs)   →   ("vpce-1",): a request must come through one of them
known_endpoints(estate, layers)["vpce-1"]   →   KnownEndpoint: its policy as a layer

A request need not come through an endpoint where no condition on `aws:SourceVpce` asks for one: then no endpoint's policy limits
it. Source: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.network.endpoint_policies import ENDPOINT_POLICIES
from aws_iam.engine.comparison.distinct_values import Atom
from aws_iam.engine.evaluation.conditions import holds_for
from aws_iam.engine.language.pattern import is_literal
from aws_iam.escape import quoted
from aws_iam.frozen import positional
from aws_iam.tools.audit.access.condition_words import Need, Needs
from aws_iam.tools.audit.access.held_policies import NamedPolicy
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.tools.audit.access.estate import Estate
    from aws_iam.tools.audit.access.policy_layers import Layer, PolicyLayers

SOURCE_VPCE, SOURCE_VPC = "aws:SourceVpce", "aws:SourceVpc"
_KEY = SOURCE_VPCE.lower()
# AWS PrivateLink Guide, aws-services-privatelink-support; those of FIPS and of parts of a service are the service's too.
_SERVICE = re.compile(
    r"(?:cn\.)?(?:com\.amazonaws|aws)\.(?:[a-z]+-){2,3}\d\.([a-z0-9-]+)(?:\..+)?"
)
# The id of an endpoint that no policy names.
_ANY = "0f0e0d0c0b0a09080"


@positional
class KnownEndpoint:
    """An endpoint whose policy was read; `service` is the prefix of the actions that come through it."""

    id: str
    vpc: str
    service: str
    layer: Layer


def known_endpoints(estate: Estate, layers: PolicyLayers) -> Mapping[str, KnownEndpoint]:
    """The endpoints of all accounts by their ids, each with its policy as a layer."""
    found: dict[str, KnownEndpoint] = {}
    for member in estate.members.values():
        for _, listed in member.account.in_each(ENDPOINT_POLICIES):
            for own in () if isinstance(listed, Miss) else listed:
                if own.document is not None:
                    layer = layers.layer(
                        "vpc_endpoint", ((NamedPolicy(own.endpoint, own.document),),)
                    )
                    service = _prefix_of(own.service)
                    found[own.endpoint] = KnownEndpoint(own.endpoint, own.vpc, service, layer)
    return found


def _prefix_of(service: str) -> str:
    """The prefix of the actions that come through endpoints of a service: `ecr` of `com.amazonaws.eu-west-1.ecr.dkr`."""
    named = _SERVICE.fullmatch(service)
    return named[1].removesuffix("-fips") if named else ""


def asked_endpoints(needs: Needs) -> tuple[str, ...]:
    """The endpoints of which a request must come through one; none where it may come another way, or they are patterns."""
    own = [need for need in needs if need.atom.key == _KEY]
    wanted = {
        text.lower() if "IgnoreCase" in need.atom.operator else text
        for need in own
        for text in need.atom.wanted
        if need.atom.operator.rpartition(":")[2] != "Null"
    }
    named = {text for text in wanted if is_literal(text)}
    patterns = {text.replace("*", _ANY).replace("?", _ANY) for text in wanted - named}
    others: list[str | None] = [None, f"vpce-{_ANY}", *patterns]
    if any(_meets(other, own) for other in others):
        return ()
    return tuple(sorted(text for text in named if _meets(text, own)))


def _meets(endpoint: str | None, needs: Iterable[Need]) -> bool:
    """Whether a request through an endpoint, or through none, meets the needs on it."""
    given = None if endpoint is None else (endpoint,)
    return all(
        # Without an operator a variable stands for the value.
        (holds_for(need.atom.operator, need.atom.wanted, given) is need.holds)
        if need.atom.operator
        else endpoint in need.atom.wanted
        for need in needs
    )


def through(needs: Needs, endpoints: Sequence[str], more: Iterable[str] = ()) -> Needs:
    """The needs with one of some endpoints in the place of those asked for, and what else the request must meet, in words."""
    others = (need for need in needs if need.atom.key != _KEY)
    named = joined([quoted(own) for own in endpoints], "or", shown=len(endpoints))
    way = Need(Atom(_KEY, "", tuple(endpoints)), value=f"{quoted(SOURCE_VPCE)} is {named}")
    return frozenset({*others, way, *(Need(Atom(text, "", ()), value=text) for text in more)})
