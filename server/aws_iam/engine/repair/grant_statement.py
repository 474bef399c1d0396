"""The elements of an Allow for exactly one request, for each kind of policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.reference.catalog import catalog
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from aws_iam.engine.evaluation.request import Request

_PRINCIPAL = "aws:PrincipalArn"
# Without these conditions the role could be passed to any service, or the key be used directly.
_SERVICE_KEYS = {"iam:passrole": "iam:PassedToService", "kms:": "kms:ViaService"}
_SOURCE_KEYS = (("ArnLike", "aws:SourceArn"), ("StringEquals", "aws:SourceAccount"))
FOR_SERVICES = "kms:GrantIsForAWSResource"
"""Whether an AWS service asks for the grant: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"""
_PERMISSION_SET = "AWSReservedSSO_"
_RESERVED = "role/aws-reserved/sso.amazonaws.com/"


def allow_statement(layer: str, request: Request) -> dict[str, Any]:
    """The statement for a policy of a layer in which no resource's owner names the caller."""
    if layer == "vpc_endpoint":
        return _endpoint(request)
    return {
        "Effect": "Allow",
        "Action": request.action,
        **target(layer, request),
        **only_to_the_service(request),
    }


def only_to_the_service(request: Request) -> dict[str, Any]:
    """The condition on the service that gets the role, or through which the call reaches KMS."""
    for start, key in _SERVICE_KEYS.items():
        value = request.context.peek(key.lower())
        if request.action.lower().startswith(start) and value:
            condition = {"StringEquals": {key: value[0]}}
            if "true" in (request.context.peek(FOR_SERVICES.lower()) or ()):
                condition["Bool"] = {FOR_SERVICES: "true"}
            return {"Condition": condition}
    return {}


def only_for_the_source(request: Request) -> dict[str, Any]:
    """The conditions on the resource for which a service calls, where the request says which one it is."""
    if request.caller.kind is not CallerKind.SERVICE:
        return {}
    found: dict[str, Any] = {}
    for operator, key in _SOURCE_KEYS:
        for value in request.context.peek(key.lower()) or ():
            found.setdefault(operator, {})[key] = value
    return found


def of_token(request: Request) -> dict[str, Any] | str:
    """The elements of a trust policy for exactly this audience and subject of a token; or what the request lacks."""
    arn = request.caller.arn
    if ":saml-provider/" in arn:
        names = ("saml:aud", "saml:sub")
    else:
        issuer = arn.partition(":oidc-provider/")[2] or arn
        names = (f"{issuer}:aud", f"{issuer}:sub")
    values = {name: request.context.peek(name.lower()) for name in names}
    if lacking := [name for name, value in values.items() if not value]:
        return f"a trust policy must name the audience and the subject of the token: give `{lacking[0]}` in `context`"
    keys = {name: value[0] for name, value in values.items() if value}
    return {"Principal": {"Federated": arn}, "Condition": {"StringEquals": keys}}


@slotted
class LeftOpen:
    """What a statement for one action and resource leaves open, and the condition keys that would close it."""

    what: str
    keys: tuple[str, ...]


def left_open(statement: Mapping[str, Any], tested: AbstractSet[str]) -> tuple[LeftOpen, ...]:
    """What other requests with the same caller, action and resource the statement allows, if it tests these keys."""
    service = statement.get("Principal", {})
    service = service.get("Service") if isinstance(service, dict) else None
    found = []
    if statement["Action"].lower() == "kms:creategrant":
        found.append(
            LeftOpen(
                what="grants to any principal for any operation of the key",
                keys=(FOR_SERVICES, "kms:GranteePrincipal", "kms:GrantOperations"),
            )
        )
    if service:
        found.append(
            LeftOpen(
                what=f"the same call of {service} for any other of its resources",
                keys=("aws:SourceArn", "aws:SourceAccount"),
            )
        )
    return tuple(row for row in found if tested.isdisjoint(map(str.lower, row.keys)))


def account_statement(request: Request) -> dict[str, Any] | None:
    """The statement that leaves the decision to the policies of the caller's account; None without an account."""
    if not request.caller.account:
        return None
    account = f"arn:{request.caller.partition}:iam::{request.caller.account}:root"
    return {
        "Effect": "Allow",
        "Principal": {"AWS": account},
        "Action": request.action,
        **target("resource", request),
        **only_to_the_service(request),
    }


def principal(request: Request) -> dict[str, Any] | None:
    """The Principal element: a role for its sessions, a permission set by its account and the names of its roles.

    None for callers that no principal names alone: anonymous ones, and identities of a provider.
    """
    caller = request.caller
    match caller.kind:
        case CallerKind.ANONYMOUS | CallerKind.IDENTITY:
            return None
        case CallerKind.SERVICE:
            return {"Principal": {"Service": caller.arn}}
        case CallerKind.SESSION if is_permission_set(caller.role):
            account = f"arn:{caller.partition}:iam::{caller.account}:"
            name = caller.role.rpartition("/")[2]
            roles = [f"{account}{_RESERVED}{name}", f"{account}{_RESERVED}*/{name}"]
            return {
                "Principal": {"AWS": f"{account}root"},
                "Condition": {"ArnLike": {_PRINCIPAL: roles}},
            }
        case CallerKind.SESSION:
            return {"Principal": {"AWS": caller.role}}
        case _:
            return {"Principal": {"AWS": caller.arn}}


def why_no_statement(request: Request) -> str:
    """Why there is no statement for the caller."""
    if request.caller.kind is CallerKind.ANONYMOUS:
        return "an anonymous request is allowed only if the resource is public: sign the request instead"
    return (
        "a trust policy must name the audience and the subject of the token, which the message does not contain:"
        " write it with `irsa trust_policy`"
    )


def is_permission_set(role: str) -> bool:
    """Whether IAM Identity Center created the role for a permission set."""
    return role.rpartition("/")[2].startswith(_PERMISSION_SET)


def _endpoint(request: Request) -> dict[str, Any]:
    """Everyone, with a condition on the caller: gateway endpoints only support aws:PrincipalArn for principals."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": request.action,
        **target("vpc_endpoint", request),
    }
    who = request.context.peek(_PRINCIPAL.lower()) or ()
    if who:
        statement["Condition"] = {"ArnEquals": {_PRINCIPAL: who[0]}}
    return statement


def target(layer: str, request: Request) -> dict[str, str]:
    """The Resource element for the request's resource in a policy of the layer."""
    if layer == "resource" and request.service == "sts" and ":role/" in request.resource:
        # A trust policy applies to its own role and has no Resource.
        return {}
    if layer == "resource" and request.service == "kms" and ":key/" in request.resource:
        # The key that the policy belongs to.
        return {"Resource": "*"}
    # `${` in the ARN must not become a variable.
    return {"Resource": _in_a_policy(request).replace("${", "${$}{")}


def _in_a_policy(request: Request) -> str:
    """The request's resource as policies name it: a log group is `NAME:log-stream:` in requests, `NAME:*` in policies."""
    group, end, stream = request.resource.partition(":log-stream:")
    known = catalog().action(request.action)
    is_group = request.service == "logs" and end and not stream
    if is_group and known and "log-group" in known.resource_types:
        return f"{group}:*"
    return request.resource
