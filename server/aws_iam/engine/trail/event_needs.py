"""What one event needed: actions on resources with certain condition keys, or why it needed nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.generation.passed_roles import passed_to
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail import iam
from aws_iam.engine.trail.calls import authorized
from aws_iam.engine.trail.encryption import key_use
from aws_iam.engine.trail.event_details import EventDetails, normalized
from aws_iam.engine.trail.event_resource import EventResource
from aws_iam.engine.trail.event_tables import call_of, event_tables, prefix_of
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.reference.catalog import Action
    from aws_iam.engine.trail.cloudtrail import Event

# Partitions that are newer than the data have such names, too.
_PARTITION = re.compile(r"aws(?:-[a-z]+)*")
_LONGEST_ARN = 2_048
_LONGEST_REGION = 30
_NOT_CALLS = {
    "AwsServiceEvent": "an event of a service, not a call",
    "AwsConsoleSignIn": "a sign-in, which no policy allows or denies",
    "AwsConsoleAction": "an action in the console, not a call",
    "AwsVpceEvent": "what a VPC endpoint saw, not the call itself",
    "AwsCloudTrailInsight": "an Insights record, not a call",
}
_NO_POLICY_OF_CALLER = {
    "AWSService": "called by a service on its own behalf, not by one of your callers",
    "AWSAccount": "called from another account: the record does not name the caller",
    "Root": "called by the root user, who has no identity policies",
    "WebIdentityUser": "authorised by the trust policy of the role: the caller has no policy yet",
    "SAMLUser": "authorised by the trust policy of the role: the caller has no policy yet",
    "IdentityCenterUser": "called by a user of IAM Identity Center before assuming a role",
    "Unknown": "the record does not name the caller",
    "Directory": "signed in through a directory: the record names no role or user",
}


@slotted
class UsedAction:
    """An action on a resource (a pattern); `context` has the condition keys that the request certainly carried."""

    action: str
    resource: str
    why: str = ""
    context: tuple[tuple[str, str], ...] = ()
    needed_by: str = ""


@slotted
class EventNeeds:
    """What an event needed, why it needed no permission, or why its permissions are unknown."""

    uses: tuple[UsedAction, ...] = ()
    skipped: str = ""
    unmapped: str = ""
    # Dependent actions whose resource the record does not show: action, reason, the action that needs it.
    not_scoped: tuple[tuple[str, str, str], ...] = ()


class EventReader:
    """Reads events one by one, with the IAM paths that all of them together show."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._known_arns = iam.known_arns(_arns_of(events))

    def read(self, event: Event) -> EventNeeds:
        """What the event needed."""
        prefix, call = prefix_of(event.source), call_of(event.name)
        if reason := why_skipped(event):
            return EventNeeds(skipped=reason)
        if f"{prefix}:{call}" in event_tables()["permissionless"]:
            return EventNeeds(skipped="needs no permission")
        details = EventDetails(event)
        found = tuple(authorized(prefix, call, details)) if _is_region(event.region) else ()
        if not found:
            return EventNeeds(unmapped=_why_unmapped(event, prefix, call))
        uses = [
            use for action, resources in found for use in self._uses(action, resources, details)
        ]
        if any(len(use.resource) > _LONGEST_ARN for use in uses):
            return EventNeeds(unmapped="it names a resource that is longer than any ARN")
        more, not_scoped = self._dependents(found, details, prefix, call)
        return EventNeeds(uses=tuple(dict.fromkeys((*uses, *more))), not_scoped=not_scoped)

    def _uses(
        self, action: Action, resources: tuple[EventResource, ...], details: EventDetails
    ) -> Iterator[UsedAction]:
        if action.service == "iam" and action.resource_types:
            resources = iam.iam_resources(action, details, self._known_arns)
        context = _certain_context(action, details)
        for resource in resources:
            yield UsedAction(
                action=action.full_name,
                resource=resource.pattern,
                why=resource.why,
                context=context,
            )

    def _dependents(
        self,
        found: Iterable[tuple[Action, tuple[EventResource, ...]]],
        details: EventDetails,
        prefix: str,
        call: str,
    ) -> tuple[list[UsedAction], tuple[tuple[str, str, str], ...]]:
        """What else the call needed: the roles that it passed, the tags that it set, the key that it encrypted with."""
        uses: list[UsedAction] = []
        not_scoped: list[tuple[str, str, str]] = []
        for action, resources in found:
            if "iam:PassRole" in action.dependents or action.full_name in passed_to():
                passed = [*_passed(action, details), *self._passed_by_name(action, details)]
                uses += passed
                if not passed and (why := _why_no_role(action, details)):
                    not_scoped.append(("iam:PassRole", why, action.full_name))
            uses += _tagged(action, resources, details, call)
        if used := key_use(prefix, call, details):
            context = (("kms:ViaService", used.via),)
            for name in used.actions:
                if used.why:
                    not_scoped.append((name, used.why, used.needed_by))
                    continue
                uses.append(
                    UsedAction(
                        action=name, resource=used.key, context=context, needed_by=used.needed_by
                    )
                )
        return uses, tuple(not_scoped)

    def _passed_by_name(self, action: Action, details: EventDetails) -> Iterator[UsedAction]:
        """The roles that IAM's own calls pass by name, without the ARN."""
        for name in details.by_name.get("rolename", ()) if action.service == "iam" else ():
            role = iam.named("role", name, details, self._known_arns)
            yield _pass_role(action, role.pattern, role.why)


def why_skipped(event: Event) -> str:
    """Why an event shows nothing about the permissions of a caller; empty when it does."""
    if reason := _NOT_CALLS.get(event.kind) or _NO_POLICY_OF_CALLER.get(event.caller_kind):
        return reason
    if event.source.startswith("signin."):
        return _NOT_CALLS["AwsConsoleSignIn"]
    own = Arn.of(event.caller)
    if own is None or own.service != "iam" or not _PARTITION.fullmatch(own.partition):
        return _NO_POLICY_OF_CALLER["Unknown"]
    kind, _, name = own.resource.partition("/")
    if kind == "root":
        return _NO_POLICY_OF_CALLER["Root"]
    if name.startswith("aws-service-role/"):
        return "called with a service-linked role, whose policy AWS manages"
    known = kind in {"role", "user"} and name and _is_account(own.account)
    return "" if known else _NO_POLICY_OF_CALLER["Unknown"]


def _is_region(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_REGION and text.isascii() and text.replace("-", "").isalnum()


def _is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdecimal()  # noqa: PLR2004 - an account id


def _arns_of(events: Iterable[Event]) -> Iterator[str]:
    for event in events:
        if ":iam::" in event.caller:
            yield event.caller
        if event.source.startswith(("iam.", "sts.")):
            details = EventDetails(event)
            yield from details.arns
            yield from details.response_arns


def _why_unmapped(event: Event, prefix: str, call: str) -> str:
    if not prefix:
        return "no known service has this event source"
    if not _is_region(event.region):
        return "the record does not name the Region"
    if prefix == "dynamodb" and ("Statement" in call or "Transact" in call):
        return "the record does not show the statements"
    return f"{prefix} has no action with this name, and the tables list none for the call"


def _certain_context(action: Action, details: EventDetails) -> tuple[tuple[str, str], ...]:
    """The condition keys whose values the record proves, of the few that narrow a grant."""
    if action.full_name == "iam:CreateServiceLinkedRole" and (
        name := details.first("awsservicename")
    ):
        return (("iam:AWSServiceName", name),)
    # A service used the key on behalf of the caller.
    service = details.event.invoked_by.removesuffix(".amazonaws.com")
    if (
        action.service != "kms"
        or service not in event_tables()["via_kms"]
        or not details.event.region
    ):
        return ()
    if not action.resource_types:
        return ()
    return (("kms:ViaService", f"{service}.{details.event.region}.amazonaws.com"),)


def _passed(action: Action, details: EventDetails) -> Iterator[UsedAction]:
    # A role of another account cannot be passed, and a service-linked role is passed without permission.
    head = details.event.caller.rpartition(":")[0] + ":role/"
    for name, text in details.named_arns:
        own = text.startswith(head) and not text.startswith(f"{head}aws-service-role/")
        if own and "role" in name:
            yield _pass_role(action, EventResource.of_arn(text).pattern)


def _pass_role(action: Action, role: str, why: str = "") -> UsedAction:
    service = passed_to().get(action.full_name)
    return UsedAction(
        action="iam:PassRole",
        resource=role,
        why=why,
        context=(("iam:PassedToService", service),) if service else (),
        needed_by=action.full_name,
    )


def _why_no_role(action: Action, details: EventDetails) -> str:
    words = (*details.event.parameters, *(text for _, text in details.parameters))
    if any("instanceprofile" in normalized(word) for word in words):
        return "the record names an instance profile, not the role in it"
    if action.full_name in {"ecs:RunTask", "ecs:StartTask"}:
        return "the roles are in the task definition, which the record does not show"
    named = any("role" in name for name, _ in details.parameters)
    return "the record names the role without its ARN" if named else ""


def _tagged(
    action: Action, resources: tuple[EventResource, ...], details: EventDetails, call: str
) -> Iterator[UsedAction]:
    """The tagging action of the service on what the call created, when it set tags."""
    if not _gives_tags(details):
        return
    if action.service == "ec2" and "ec2:CreateTags" in action.dependents:
        tagged_types = details.by_name.get("resourcetype", ())
        for resource in resources:
            if resource.type in tagged_types:
                yield UsedAction(
                    action="ec2:CreateTags",
                    resource=resource.pattern,
                    why=resource.why,
                    context=(("ec2:CreateAction", call),),
                    needed_by=action.full_name,
                )
        return
    tagging = _tag_action(action)
    for resource in resources if tagging else ():
        # A call that creates one thing and uses others tags what it creates.
        if tagging and _is_tagged(resource, action, tagging):
            # Actions on tags name a log group without `:*`.
            is_log = action.service == "logs"
            pattern = resource.pattern
            yield UsedAction(
                action=tagging.full_name,
                resource=pattern.removesuffix(":*") if is_log else pattern,
                why=resource.why,
                needed_by=action.full_name,
            )


def _is_tagged(resource: EventResource, action: Action, tagging: Action) -> bool:
    if not resource.type:
        return True
    return resource.type in tagging.resource_types and (
        not action.required or resource.type in action.required
    )


def _tag_action(action: Action) -> Action | None:
    """The action that tags what another one creates: from the table, else a dependent of the same service."""
    listed = event_tables()["tagged_by"].get(action.full_name)
    names = (listed,) if listed else action.dependents
    known = (catalog().action(name) for name in names)
    return next(
        (
            tagging
            for tagging in known
            if tagging and tagging.service == action.service and tagging.level == "Tagging"
        ),
        None,
    )


def _gives_tags(details: EventDetails) -> bool:
    names = ("tags", "tag", "tagList", "tagSpecificationSet", "TagSpecificationSet", "tagSet")
    return any(details.event.parameters.get(name) for name in names)
