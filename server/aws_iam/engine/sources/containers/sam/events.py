"""What SAM makes of a function's events: who may call a path of an API, and the policies that reading a source takes.

event_settings(resource, properties)      →   AccessSetting(place="F.Events.Get.Auth", value='{"Authorizer": "NONE"}'), …
event_attachments(resource, properties)   →   PolicyAttachment(place="F.Events.Jobs", policy="arn:…/AWSLambdaSQSQueueExecutionRole"), …

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-controlling-access-to-apis.html
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources-function.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import string
from aws_iam.engine.parsing.made_nodes import mapped
from aws_iam.engine.sources.containers import cloudformation_return_values as return_values
from aws_iam.engine.sources.containers.access_settings import (
    AccessSetting,
    canonical,
    subject_named,
)
from aws_iam.engine.sources.containers.attachments import PolicyAttachment

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.containers.cloudformation_template import Resource

_OF_EVENT, _OF_API = "api_event", "api_authorization"
# The event types of APIs, and the property that names an API of the template; without it SAM makes one.
_APIS = {"Api": "RestApiId", "HttpApi": "ApiId"}
# What SAM attaches to the role that it writes, by the source of events that the function reads from.
_EXECUTION = {
    "SQS": "AWSLambdaSQSQueueExecutionRole",
    "Kinesis": "AWSLambdaKinesisExecutionRole",
    "DynamoDB": "AWSLambdaDynamoDBExecutionRole",
    "MSK": "AWSLambdaMSKExecutionRole",
}
# The services that call a function for an event, and what limits for which source they do: a property of the event, or else its
# account, for a bucket of the same template.
_CALLING = {
    "SNS": ("sns.amazonaws.com", "Topic", "ArnLike", "aws:SourceArn"),
    "S3": ("s3.amazonaws.com", "", "StringEquals", "aws:SourceAccount"),
    "AlexaSkill": (
        "alexa-appkit.amazon.com",
        "SkillId",
        "StringEquals",
        "lambda:EventSourceToken",
    ),
}
_FUNCTION = "AWS::Serverless::Function"
_ACCOUNT = return_values.PSEUDO_PARAMETERS["AWS::AccountId"]
_FUNCTIONS = frozenset({"AWS::Serverless::Function", "AWS::Serverless::StateMachine"})


def event_settings(
    resource: Resource, properties: Node, guarded: Container[str] = ()
) -> Iterator[AccessSetting]:
    """The authorization of each event; one that says nothing has a setting, too, which another may take the place of.

    The APIs of the types `guarded` have an authorizer without one of the event.
    """
    events = properties.member("Events") if resource.type in _FUNCTIONS else None
    for event in events.members if events else ():
        type_, own = event.value.member("Type"), event.value.member("Properties")
        if type_ is None or type_.text not in _APIS:
            continue
        auth = own.member("Auth") if own else None
        parts = {m.key: canonical(m.value) for m in auth.members} if auth else {}
        # Its policy is compared as one.
        parts.pop("ResourcePolicy", None)
        yield AccessSetting(
            holder=resource.name,
            place=f"{resource.name}.Events.{event.key}.Auth",
            subject=subject_named(_OF_EVENT),
            value=json.dumps(parts, sort_keys=True),
            only_changed=True,
            is_open=parts.get("Authorizer") == "NONE"
            or not (parts or type_.text in guarded or (own and own.member(_APIS[type_.text]))),
        )


def guarded_apis(template: Node) -> frozenset[str]:
    """The types of the APIs that SAM makes with an authorizer, by the template's `Globals`."""
    shared = template.member("Globals")
    sections = ((type_, shared.member(type_)) for type_ in _APIS) if shared else ()
    return frozenset(type_ for type_, section in sections if section and section.member("Auth"))


def event_attachments(resource: Resource, properties: Node) -> Iterator[PolicyAttachment]:
    """The AWS managed policies of the sources, for a function whose role SAM writes."""
    events = properties.member("Events") if resource.type in _FUNCTIONS else None
    for event in events.members if events and not properties.member("Role") else ():
        type_ = event.value.member("Type")
        policy = _EXECUTION.get(type_.text) if type_ else None
        if policy:
            yield PolicyAttachment(
                holder=resource.name,
                place=f"{resource.name}.Events.{event.key}",
                policy=f"arn:aws:iam::aws:policy/service-role/{policy}",
            )


def event_permissions(
    resource: Resource, properties: Node, function: str
) -> Iterator[tuple[Node, Node, tuple[tuple[str, str, Node], ...]]]:
    """What may call a function by the permissions that SAM writes for events: the service, the function, and the conditions.

    The services whose rule or API SAM makes itself may call it for that one alone.
    """
    events = properties.member("Events") if resource.type == _FUNCTION else None
    for event in events.members if events else ():
        type_, own = event.value.member("Type"), event.value.member("Properties")
        row = _CALLING.get(type_.text) if type_ else None
        if type_ is None or row is None:
            continue
        service, name, operator, key = row
        given = own.member(name) if own and name else None
        value = given if name else string(_ACCOUNT, type_.at)
        conditions = ((operator, key, value),) if value else ()
        principal = mapped([("Service", string(service, type_.at))], type_.at)
        yield principal, string(function, type_.at), conditions


def implicit_apis(template: Node) -> frozenset[str]:
    """The types of APIs that SAM makes for events which name none."""
    resources = template.member("Resources")
    return frozenset(
        type_ for own in (resources.members if resources else ()) for type_ in _implicit(own.value)
    )


def implicit_api_settings(template: Node) -> Iterator[AccessSetting]:
    """What `Globals` say of the authorizers of an API that stands in no resource."""
    shared = template.member("Globals")
    for type_ in sorted(implicit_apis(template)):
        section = shared.member(type_) if shared else None
        auth = section.member("Auth") if section else None
        default = auth.member("DefaultAuthorizer") if auth else None
        yield AccessSetting(
            holder=f"Globals.{type_}",
            place=f"Globals.{type_}.Auth.DefaultAuthorizer",
            subject=subject_named(_OF_API),
            value=json.dumps({"Auth.DefaultAuthorizer": canonical(default) if default else ""}),
            only_changed=True,
        )


def _implicit(resource: Node) -> Iterator[str]:
    """The types of APIs that SAM makes for the events of a function."""
    properties = resource.member("Properties")
    events = properties.member("Events") if properties else None
    for event in events.members if events else ():
        type_, own = event.value.member("Type"), event.value.member("Properties")
        named = _APIS.get(type_.text) if type_ else None
        if type_ and named and (own is None or own.member(named) is None):
            yield type_.text
