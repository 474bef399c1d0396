"""The request behind a denial, as input for `evaluate`, with the conclusions it rests on."""

from __future__ import annotations

import re
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.masks import Masks
from aws_iam.engine.denied.message_parts import MessageParts
from aws_iam.engine.denied.operation_context import action_of_operation, service_named
from aws_iam.engine.evaluation.decision_flow import needs_resource_policy
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.via_services import SUFFIX, via_service
from aws_iam.engine.repair.grant_statement import FOR_SERVICES, is_permission_set
from aws_iam.engine.trail.event_tables import event_tables
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.denied.message import Denial

_ACCOUNT = re.compile(r"\d{12}")
_HOLE = re.compile(r"\$\{[^{}]*\}")
_IAM_NAMED = ("instance profile", "user", "role", "group", "policy")
# A secret's ARN ends in six characters that its name does not have:
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
_SECRET = re.compile(r"arn:[\w-]+:secretsmanager:[^:]*:[^:]*:secret:(?!.*-\w{6}$).+", re.ASCII)
_SECRET_END, _ANY_END = "-aAaAaA", "-??????"
# A Region stands in for the one that a message does not tell, in each partition one that few messages mention.
_REGIONS = {"aws": "mx-central-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-east-1"}
_ANY_REGION = "<region>"
_PASSED_TO = "placeholder.amazonaws.com"
_ANY_SERVICE = "<service>.amazonaws.com"
UNKNOWN_ACCOUNT = "000000000000"
"""The placeholder for the owner of a resource, when the message only shows that it is another account."""


@slotted
class DeniedRequest:
    """The request, or the fields that are missing; `concluded` lists what the message does not say literally."""

    request: Mapping[str, Any] | None
    concluded: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    # What stands in the request for masked parts of the message, and what to show in its place.
    placeholders: Mapping[str, str] = field(default_factory=dict)


def denied_request(denial: Denial) -> DeniedRequest:
    """The denied request, as far as the message describes it."""
    concluded: list[str] = list(denial.inferred)
    masks = Masks()
    resource = _resource(denial, concluded) if denial.action else denial.resource
    fields: dict[str, Any] = {
        "principal": masks.principal(_principal(denial, concluded)),
        "action": denial.action,
        "resource": masks.resource(resource),
    }
    lacks = tuple(name for name, value in fields.items() if not value)
    if masks.placeholders:
        shown = ", ".join(masks.placeholders.values())
        concluded.append(
            f"the message is masked or shortened: {shown} stands for what it hides; replace it before use"
        )
    if lacks:
        return DeniedRequest(request=None, lacks=lacks, concluded=tuple(concluded))
    fields |= _role(denial, fields["principal"], concluded)
    context = {name: list(values) for name, values in denial.context}
    known = {name.lower() for name in context}
    context |= _passed_to(denial, concluded, known=known)
    context |= _via_service(denial, concluded, known=known)
    if context:
        fields["context"] = context
    to_show = {**masks.placeholders, _PASSED_TO: _ANY_SERVICE, _SECRET_END: _ANY_END}
    if not denial.resource.startswith("arn:"):
        to_show |= dict.fromkeys(_REGIONS.values(), _ANY_REGION)
    return replace(_usable(denial, fields, concluded), placeholders=to_show)


def _principal(denial: Denial, concluded: list[str]) -> str:
    """The caller; a service that is named by its name gets its principal, where that is known."""
    name = denial.principal
    if ":" in name or "." in name or name in {"", "*"}:
        return name
    prefix = service_named(name)
    service = f"{prefix}.amazonaws.com"
    if service in event_tables()["passed_to"].values():
        concluded.append(f"{quoted(name)} is read as the service principal {quoted(service)}")
        return service
    return name


def _passed_to(denial: Denial, concluded: list[str], known: set[str]) -> dict[str, list[str]]:
    """The service that gets the role: a statement on iam:PassRole without it would let the role be passed to any."""
    if denial.action.lower() != "iam:passrole" or "iam:passedtoservice" in known:
        return {}
    service = _service_behind(denial)
    if service:
        concluded.append(
            f"the call {quoted(denial.operation)} passes the role to {quoted(service)}"
        )
        return {"iam:PassedToService": [service]}
    concluded.append(
        f"the message does not say to which service the role is passed: {_ANY_SERVICE} stands for its principal; replace"
        " it before use"
    )
    return {"iam:PassedToService": [_PASSED_TO]}


def _service_behind(denial: Denial) -> str:
    """The principal of the service to which the operation passes a role; empty when that is not known."""
    passed_to: Mapping[str, str] = event_tables()["passed_to"]
    name = denial.operation.lower()
    if not name:
        return ""
    principals = {
        principal
        for action, principal in passed_to.items()
        if action.partition(":")[2].lower() == name
        and denial.service in {"", action.partition(":")[0]}
    }
    return principals.pop() if len(principals) == 1 else ""


def _via_service(denial: Denial, concluded: list[str], known: set[str]) -> dict[str, list[str]]:
    """The service through which a call reaches KMS: a statement without it would let the caller use the key directly."""
    arn = Arn.of(denial.resource)
    is_direct = not denial.action.startswith("kms:") or not denial.principal.startswith("arn:")
    if is_direct or arn is None or not arn.region or "kms:viaservice" in known:
        return {}
    service = denial.service
    if not service and denial.operation:
        call = MessageParts(form="short", operation=denial.operation, code=denial.code)
        service = action_of_operation(call, "")[0].partition(":")[0]
    via = via_service(service) if service not in {"", "kms"} else None
    if via is None:
        return {}
    value = f"{via.name}.{arn.region}{SUFFIX}"
    concluded.append(
        f"the call reaches KMS through {via.services[0]}, so the change requires kms:ViaService {quoted(value)}"
    )
    if denial.action.lower() == "kms:creategrant":
        concluded.append(
            f"the service asks for the grant, so the change requires {FOR_SERVICES} `true`"
        )
        return {"kms:ViaService": [value], FOR_SERVICES: ["true"]}
    return {"kms:ViaService": [value]}


def _usable(denial: Denial, fields: dict[str, Any], concluded: list[str]) -> DeniedRequest:
    try:
        request = request_of(dict(fields))
    except InputError as error:
        if "context" not in fields:
            return DeniedRequest(request=None, concluded=(*concluded, error.message))
        concluded.append(f"the context of the message is ignored: {error.message}")
        return _usable(denial, {k: v for k, v in fields.items() if k != "context"}, concluded)
    arn = Arn.of(request.resource)
    told = arn is not None and _ACCOUNT.fullmatch(arn.account)
    owned = denial.layer == "resource" and denial.explicit is False
    if (
        owned
        and arn
        and not told
        and not needs_resource_policy(request)
        and request.caller.account
    ):
        fields["resource_account"] = UNKNOWN_ACCOUNT
        concluded.append(
            "AWS found no Allow in the resource policy, so another account owns the resource; its ARN does not say"
            f" which, so {UNKNOWN_ACCOUNT} stands for it"
        )
    return DeniedRequest(request=fields, concluded=tuple(concluded))


def _role(denial: Denial, principal: str, concluded: list[str]) -> dict[str, str]:
    """The role ARN behind a session, as far as it is known."""
    arn = Arn.of(principal)
    first, _, rest = arn.resource.partition("/") if arn else ("", "", "")
    if arn is None or first != "assumed-role" or "/" not in rest:
        return {}
    name = rest.partition("/")[0]
    if denial.role.endswith(f"/{name}"):
        return {"principal_role": denial.role}
    if is_permission_set(name):
        path = "aws-reserved/sso.amazonaws.com/"
        return {"principal_role": f"arn:{arn.partition}:iam::{arn.account}:role/{path}{name}"}
    concluded.append(
        f"the role is {quoted(f'role/{name}')}; if it has a path, its ARN differs, because a session ARN omits the path"
    )
    return {"principal_role": f"arn:{arn.partition}:iam::{arn.account}:role/{name}"}


def _resource(denial: Denial, concluded: list[str]) -> str:
    known = catalog().action(denial.action)
    if known and not known.resource_types:
        if denial.resource not in {"", "*"}:
            concluded.append(f"{known.full_name} has no resource types: AWS authorizes it on `*`")
        return "*"
    if denial.resource == "*" or denial.resource.startswith("arn:"):
        if not _SECRET.fullmatch(denial.resource):
            return denial.resource
        concluded.append("the ARN lacks the six characters that a secret's ARN ends in")
        return f"{denial.resource}{_SECRET_END}"
    if not denial.resource:
        return ""
    found = _iam_name(denial) or next(_from_name(denial), "")
    if found:
        concluded.append(f"{quoted(denial.resource)} is read as {quoted(found)}")
    arn = Arn.of(found)
    if arn and arn.region:
        concluded.append(
            f"the message does not say in which Region: replace {_ANY_REGION} before use"
        )
    return found


def _iam_name(denial: Denial) -> str:
    """The ARN for a name such as `user NAME`, which IAM writes instead of an ARN."""
    caller = Arn.of(denial.principal)
    if caller is None or not denial.action.lower().startswith("iam:"):
        return ""
    for kind in _IAM_NAMED:
        head, _, name = denial.resource.partition(f"{kind} ")
        if not head and name and " " not in name:
            if name.startswith("arn:"):
                return name
            word = kind.replace(" ", "-")
            return f"arn:{caller.partition}:iam::{caller.account}:{word}/{name.lstrip('/')}"
    return ""


def _from_name(denial: Denial) -> Iterator[str]:
    """The ARN for a bare name, if the action's ARN format has exactly one placeholder for it."""
    known = catalog().action(denial.action)
    service = catalog().service(known.service) if known else None
    if known is None or service is None or len(known.resource_types) != 1:
        return
    caller = Arn.of(denial.principal)
    kind = service.resource_types.get(known.resource_types[0].lower())
    if len(denial.resource.split()) != 1:
        return
    name = denial.resource + (_SECRET_END if known.service == "secretsmanager" else "")
    for template in kind.arn_formats if kind else ():
        text = template.replace("${Partition}", caller.partition if caller else "aws")
        if caller and caller.account:
            # A resource that is named without its account is the caller's own.
            text = text.replace("${Account}", caller.account)
            text = text.replace("${Region}", _REGIONS.get(caller.partition, "*"))
        if len(_HOLE.findall(text)) == 1:
            yield _HOLE.sub(lambda _: name, text)
