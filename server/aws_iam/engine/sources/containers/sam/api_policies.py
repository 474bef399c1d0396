"""The resource policy of an API that SAM writes from lists of accounts, address ranges and networks.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-resourcepolicystatement.html
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-apifunctionauth.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, string
from aws_iam.engine.parsing.made_nodes import listed, mapped, placed
from aws_iam.engine.sources.resource_permissions import policy_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.parsing.json_nodes import Node, Place

_ACTION = "execute-api:Invoke"
# SAM names every method and path of the API; together these are the API.
_RESOURCE = "execute-api:/*"
_PARAMETER = re.compile(r"\{[^{}]*\}")
_VPC, _ENDPOINT = "aws:SourceVpc", "aws:SourceVpce"
_NETWORKS = {"vpc-": _VPC, "vpce-": _ENDPOINT}


def resource_policy(given: Node, resource: str = _RESOURCE) -> Node | None:
    """The policy that `Auth.ResourcePolicy` stands for; None where it says nothing. `resource` is what of the API it is for."""
    lists = (*_accounts(given), *_addresses(given), *_networks(given))
    limited = (_on(statement, resource) for statement in lists)
    distinct = list(dict.fromkeys((*_custom(given), *limited)))
    return placed(policy_of(distinct, given.at)) if distinct else None


def event_policies(properties: Node) -> Iterator[tuple[str, Node, Node]]:
    """The policies of a function's events, each for one path of the API: the place, what stands there, and the policy."""
    events = properties.member("Events")
    for event in events.members if events else ():
        type_, own = event.value.member("Type"), event.value.member("Properties")
        auth = own.member("Auth") if own else None
        given = auth.member("ResourcePolicy") if auth else None
        if own is None or given is None or type_ is None or type_.text != "Api":
            continue
        document = resource_policy(given, _path(own))
        if document is not None:
            yield f"Events.{event.key}.Auth.ResourcePolicy", given, document


def _path(event: Node) -> str:
    """The method and path of an event, in whichever stage."""
    method, path = event.member("Method"), event.member("Path")
    if not (method and path and method.text and path.text):
        return _RESOURCE
    verb = "*" if method.text.lower() == "any" else method.text.upper()
    return f"execute-api:/*/{verb}/{_PARAMETER.sub('*', path.text).lstrip('/')}"


def _on(statement: Node, resource: str) -> Node:
    return statement.but(
        members=tuple(
            Member.named(own.name, string(resource, own.value.at))
            if own.key == "Resource"
            else own
            for own in statement.members
        )
    )


def _custom(given: Node) -> Iterator[Node]:
    own = given.member("CustomStatements")
    if own is not None:
        yield from own.listed()


def _accounts(given: Node) -> Iterator[Node]:
    for name, effect in (("AwsAccountWhitelist", "Allow"), ("AwsAccountBlacklist", "Deny")):
        named = given.member(name)
        if named is not None and named.listed():
            who = mapped([("AWS", listed(named.listed(), named.at))], named.at)
            yield _statement(effect, who, named.at)


def _addresses(given: Node) -> Iterator[Node]:
    for name, operator in (
        ("IpRangeWhitelist", "NotIpAddress"),
        ("IpRangeBlacklist", "IpAddress"),
    ):
        ranges = given.member(name)
        if ranges is not None and ranges.listed():
            values = listed(ranges.listed(), ranges.at)
            yield from _open_but_for(operator, [("aws:SourceIp", values)], ranges.at)


def _networks(given: Node) -> Iterator[Node]:
    for kind, operator in (("Blacklist", "StringEquals"), ("Whitelist", "StringNotEquals")):
        found: dict[str, list[Node]] = {}
        places: list[Place] = []
        for name, key in (("SourceVpc", ""), ("IntrinsicVpc", _VPC), ("IntrinsicVpce", _ENDPOINT)):
            own = given.member(f"{name}{kind}")
            for network in own.listed() if own is not None else ():
                prefix = network.text.partition("-")[0] + "-"
                where = key or _NETWORKS.get(prefix, "")
                if where and network.form is Form.STRING:
                    found.setdefault(where, []).append(network)
                    places.append(network.at)
        if found:
            at = places[0]
            values = [(key, listed(own, at)) for key, own in sorted(found.items())]
            yield from _open_but_for(operator, values, at)


def _open_but_for(operator: str, values: list[tuple[str, Node]], at: Place) -> Iterator[Node]:
    """Everybody is allowed, and those are denied for whom the condition holds."""
    everybody = string("*", at)
    yield _statement("Allow", everybody, at)
    condition = mapped([(operator, mapped(values, at))], at)
    yield _statement("Deny", everybody, at, condition)


def _statement(effect: str, principal: Node, at: Place, condition: Node | None = None) -> Node:
    members = [
        ("Effect", string(effect, at)),
        ("Principal", principal),
        ("Action", string(_ACTION, at)),
        ("Resource", string(_RESOURCE, at)),
    ]
    if condition is not None:
        members.append(("Condition", condition))
    return mapped(members, at)
