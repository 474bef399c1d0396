"""IAM's names and their paths: a call names a user or role without the path that its ARN has.

The path comes from the response of a call or from another ARN in the log; else `/` is assumed, and the reason says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.trail.event_resource import EventResource, exact_pattern
from aws_iam.engine.trail.find_resources import resources_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.engine.reference.catalog import Action
    from aws_iam.engine.trail.event_details import EventDetails

_PATH_ASSUMED = "the record does not show its path: `/` is assumed"
_NAME_PARAMETERS = {
    "role": "rolename",
    "user": "username",
    "group": "groupname",
    "instance-profile": "instanceprofilename",
    "policy": "policyname",
}


def known_arns(arns: Iterable[str]) -> Mapping[tuple[str, str, str], str]:
    """The ARN of each user, role, group, profile and policy in the log, by account, type and name."""
    found = {}
    for text in arns:
        arn = Arn.of(text)
        if arn and arn.service == "iam":
            kind, _, rest = arn.resource.partition("/")
            if kind in _NAME_PARAMETERS:
                found[arn.account, kind, rest.rpartition("/")[2]] = text
    return found


def iam_resources(
    action: Action, details: EventDetails, known: Mapping[tuple[str, str, str], str]
) -> tuple[EventResource, ...]:
    """The resources of an IAM action; the caller itself when a call on a user names none."""
    if action.name == "CreateServiceLinkedRole":
        return (_service_linked_role(details),)
    found: list[EventResource] = []
    for kind in action.resource_types:
        names = details.by_name.get(_NAME_PARAMETERS.get(kind, ""), ())
        creates = action.name == f"Create{kind.title().replace('-', '')}"
        found += [named(kind, name, details, known, creates=creates) for name in names]
    if found:
        return tuple(found)
    caller = Arn.of(details.event.caller)
    if action.resource_types == ("user",) and caller and caller.resource.startswith("user/"):
        return (EventResource.of_arn(details.event.caller),)
    return resources_of(action, details)


def _service_linked_role(details: EventDetails) -> EventResource:
    """A service-linked role, whose name and path the service chooses."""
    arns = (arn for arn in details.response_arns if ":role/aws-service-role/" in arn)
    if created := next(arns, ""):
        return EventResource.of_arn(created)
    head = f"arn:{details.partition}:iam::{details.account}:role/aws-service-role/"
    service = exact_pattern(details.first("awsservicename")) or "*"
    return EventResource(
        pattern=f"{head}{service}/*", why="the service chooses the name of the role"
    )


def named(
    kind: str,
    name: str,
    details: EventDetails,
    known: Mapping[tuple[str, str, str], str],
    *,
    creates: bool = False,
) -> EventResource:
    """The ARN for a name, with its path as far as it is known."""
    arn = known.get((details.account, kind, name))
    if arn and not creates:
        return EventResource.of_arn(arn)
    path = details.first("path").strip("/")
    full_name = f"{path}/{name}" if path else name
    resource = EventResource.of_arn(
        f"arn:{details.partition}:iam::{details.account}:{kind}/{full_name}"
    )
    # A new one without a path gets `/`.
    if path or creates:
        return resource
    return EventResource(pattern=resource.pattern, why=_PATH_ASSUMED)
