"""The policies of functions, layers and event buses that a template writes one statement at a time, without a document.

AWS::Lambda::Permission of Principal s3.amazonaws.com   →   Function (permissions): {"Statement": [{"Effect": "Allow", …}]}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aws_iam.engine.language.document import Holder, Kind
from aws_iam.engine.parsing.json_nodes import Form, string
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.parsing.made_nodes import moved, placed
from aws_iam.engine.sources.containers import cloudformation_return_values as return_values
from aws_iam.engine.sources.containers.cloudformation_candidates import Candidate
from aws_iam.engine.sources.containers.policy_places import PolicyPlace, SkippedPlace
from aws_iam.engine.sources.containers.sam.events import event_permissions
from aws_iam.engine.sources.resource_permissions import (
    permission_rows,
    policy_of,
    principal_of,
    statement_of,
)
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.containers.cloudformation_template import Resource, Template
    from aws_iam.engine.sources.containers.cloudformation_values import Resolver
    from aws_iam.engine.sources.resource_permissions import PermissionRow

_FUNCTION: Final = "AWS::Serverless::Function"
URL: Final = "AWS::Lambda::Url"
OF_PERMISSIONS: Final = " (permissions)"
"""The end of the name of a policy that several permissions make."""
_LAMBDA: Final = "AWS::Lambda::Function"
_PUBLIC = "NONE"
_CALL = "lambda:InvokeFunction"
_URL_ACTION = "lambda:InvokeFunctionUrl"
_OPEN_URL = (
    "a function URL without authentication: whoever the function's policy allows `lambda:InvokeFunctionUrl`"
    " may call it, and no permission for it is in this template"
)


@positional
class Permission:
    """Statements for the policy of another resource, whose ARN is the key."""

    arn: str
    resource_type: str
    statements: tuple[Node, ...]


@dataclass(slots=True)
class PolicyOfPermissions:
    """The statements for one resource in one combination of conditions, and the resources that write them."""

    resource_type: str
    statements: list[Node] = field(default_factory=list)
    holders: list[str] = field(default_factory=list)


def grants(resource: Resource) -> bool:
    """Whether the resource may add statements to the policy of another, or of itself."""
    if resource.type == _FUNCTION:
        calls = event_permissions(resource, resource.written, "") if resource.written else ()
        return bool(_has_public_url(resource)) or any(True for _ in calls)
    if resource.type not in permission_rows("cloudformation") or resource.written is None:
        return False
    return resource.written.member("Statement") is None


def permission_of(resource: Resource, properties: Node, resolver: Resolver) -> Permission:
    """The statements of the resource."""
    if resource.type == _FUNCTION:
        arn = return_values.attribute(resource.type, resource.name, "Arn", resolver.choices)
        arn = arn or resource.name
        of_events = (
            statement_of(who, string(_CALL, who.at), function, conditions, who.at)
            for who, function, conditions in event_permissions(resource, properties, arn)
        )
        return Permission(arn, _LAMBDA, (*_public_url(resource, arn), *of_events))
    row = permission_rows("cloudformation")[resource.type]
    target = _target(row, properties, resolver)
    action = properties.member("Action") or string(row.action, properties.at)
    principal = properties.member("Principal") or _hole("Principal", properties, resolver)
    statement = statement_of(
        principal=principal_of(principal, is_unknown=resolver.placeholders.within(principal.text)),
        action=action,
        resource=target,
        conditions=_conditions(row, properties),
        at=principal.at,
    )
    return Permission(target.text, row.resource_type, (statement,))


def candidate_of(
    arn: str, policy: PolicyOfPermissions, template: Template, resolver: Resolver
) -> Candidate:
    """The policy that the statements are together, under the name of the resource that has it."""
    name = _shown(arn, template, resolver)
    document = placed(policy_of(policy.statements, policy.statements[0].at))
    place = PolicyPlace(path="", kind=Kind.RESOURCE, resource_type=policy.resource_type)
    holder = name if _is_resource(template, name) else policy.holders[0]
    return Candidate(f"{name}{OF_PERMISSIONS}", place, document, Holder(name=holder))


def open_urls(
    resource: Resource, properties: Node, allowed: Container[str], resolver: Resolver
) -> Iterator[SkippedPlace]:
    """A function URL that asks for no credentials, unless its function's policy is in the template."""
    auth, target = properties.member("AuthType"), properties.member("TargetFunctionArn")
    if resource.type != URL or auth is None or auth.text != _PUBLIC or target is None:
        return
    row = permission_rows("cloudformation")["AWS::Lambda::Permission"]
    if _arn(row, target, resolver) not in allowed:
        yield SkippedPlace(name=f"{resource.name}.AuthType", why=_OPEN_URL)


def allows_url(policy: PolicyOfPermissions) -> bool:
    """Whether a statement allows to call the function's URL."""
    actions = (statement.member("Action") for statement in policy.statements)
    return any(
        action and action.text.lower() in {_URL_ACTION.lower(), "lambda:*", "*"}
        for action in actions
    )


def _has_public_url(resource: Resource) -> Node | None:
    """Where SAM makes the URL public: it does so for the plain text alone, not for a function that returns it."""
    url = resource.written.member("FunctionUrlConfig") if resource.written else None
    auth = url.member("AuthType") if url else None
    return auth if auth and auth.form is Form.STRING and auth.text == _PUBLIC else None


def _public_url(resource: Resource, arn: str) -> Iterator[Node]:
    """The two permissions that SAM adds.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    auth = _has_public_url(resource)
    by_url = {"StringEquals": {"lambda:FunctionUrlAuthType": _PUBLIC}}
    through_url = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    for action, condition in ((_URL_ACTION, by_url), ("lambda:InvokeFunction", through_url)):
        statement = from_value(
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": action,
                "Resource": arn,
                "Condition": condition,
            }
        )
        if auth:
            yield moved(statement, auth.at)


def _hole(name: str, at: Node, resolver: Resolver) -> Node:
    return string(resolver.placeholders.placeholder(name), at.at)


def _target(row: PermissionRow, properties: Node, resolver: Resolver) -> Node:
    name = properties.member(row.name)
    if name is None:
        text = row.default or resolver.placeholders.placeholder(row.name)
        name = string(text, properties.at)
    marks = resolver.placeholders
    # What is not known at all may be an ARN.
    is_hole = name.text.startswith(marks.begin) and name.text.find(marks.end) == len(name.text) - 1
    return name if is_hole else string(_arn(row, name, resolver), name.at)


def _arn(row: PermissionRow, name: Node, resolver: Resolver) -> str:
    if not row.service or name.text.startswith("arn:"):
        return name.text
    short = name.text.rpartition(f":{row.resource}:")[2]
    return return_values.arn_of(row.service, row.resource, short, resolver.choices) or name.text


def _conditions(row: PermissionRow, properties: Node) -> Iterator[tuple[str, str, Node]]:
    for name, (operator, key) in row.conditions.items():
        value = properties.member(name)
        if value is not None:
            yield operator, key, value
    given = properties.member("Condition")
    if given is not None and given.form is Form.OBJECT:
        type_, key_, value = (given.member(name) for name in ("Type", "Key", "Value"))
        if type_ and key_ and value:
            yield type_.text, key_.text, value


def _shown(arn: str, template: Template, resolver: Resolver) -> str:
    """The logical id of the resource with the ARN, or what is known of its name."""
    name = arn.rpartition("/")[2] if ":event-bus/" in arn else arn.rpartition(":function:")[2]
    known = template.named.get(name) or template.named.get(arn)
    if known:
        return known
    shown = resolver.placeholders.as_variables(name)
    inner = shown.removeprefix("${").removesuffix("}").partition(".")[0]
    return inner if _is_resource(template, inner) else shown


def _is_resource(template: Template, name: str) -> bool:
    resources = template.root.member("Resources")
    return resources is not None and resources.member(name) is not None
