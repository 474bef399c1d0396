"""What one event needed: actions on resources, under conditions that are certain; or why it needed nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import PARTITIONS, Arn
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail import iam, s3
from aws_iam.engine.trail.calls import called
from aws_iam.engine.trail.event_details import Seen, plain
from aws_iam.engine.trail.event_resource import Spot
from aws_iam.engine.trail.table import call_of, prefix_of, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.reference.catalog import Action
    from aws_iam.engine.trail.cloudtrail import Event

_LONGEST_ARN = 2_048
_LONGEST_REGION = 30
_NO_CALLS = {
    "AwsServiceEvent": "made by a service, not by a call",
    "AwsConsoleSignIn": "a sign-in, which no policy allows or refuses",
    "AwsConsoleAction": "an action of the console, no call",
    "AwsVpceEvent": "what a VPC endpoint saw, not the call itself",
    "AwsCloudTrailInsight": "an Insights record, no call",
}
_NO_CALLERS = {
    "AWSService": "called by a service on its own account, not by a caller of yours",
    "AWSAccount": "called from another account: the record does not name who",
    "Root": "called by the root user, to whom no policy of yours is attached",
    "WebIdentityUser": "authorised by the role's trust policy: the caller has no policy yet",
    "SAMLUser": "authorised by the role's trust policy: the caller has no policy yet",
    "IdentityCenterUser": "called by a user of IAM Identity Center before any role was taken",
    "Unknown": "the record does not tell who called",
    "Directory": "signed in with a directory: the record names no role or user",
}


@slotted
class Use:
    """One action on one resource, a pattern; `context` are the condition keys that the request certainly carried."""

    action: str
    resource: str
    why: str = ""
    context: tuple[tuple[str, str], ...] = ()
    needed_by: str = ""


@slotted
class Reading:
    """What an event needed, or why it needed no permission, or why it cannot be told which."""

    uses: tuple[Use, ...] = ()
    skipped: str = ""
    unmapped: str = ""
    # Dependents that the record does not scope, with the reason.
    not_scoped: tuple[tuple[str, str, str], ...] = ()


class Reader:
    """Reads events one by one, with what all of them tell about paths."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._paths = iam.paths(_arns_of(events))

    def read(self, event: Event) -> Reading:
        """What the event needed."""
        prefix, call = prefix_of(event.source), call_of(event.name)
        if reason := why_skipped(event):
            return Reading(skipped=reason)
        if f"{prefix}:{call}" in table()["permissionless"]:
            return Reading(skipped="needs no permission")
        seen = Seen(event)
        found = tuple(called(prefix, call, seen)) if _is_region(event.region) else ()
        if not found:
            return Reading(unmapped=_why_unmapped(event, prefix, call))
        uses = [use for action, spots in found for use in self._uses(action, spots, seen)]
        if any(len(each.resource) > _LONGEST_ARN for each in uses):
            return Reading(unmapped="it names a resource longer than any ARN")
        more, not_scoped = self._dependents(found, seen, call)
        return Reading(uses=tuple(dict.fromkeys((*uses, *more))), not_scoped=not_scoped)

    def _uses(self, action: Action, spots: tuple[Spot, ...], seen: Seen) -> Iterator[Use]:
        if action.service == "iam" and action.resource_types:
            spots = iam.of(action, seen, self._paths)
        context = _certain(action, seen)
        for spot in spots:
            yield Use(
                action=action.full_name, resource=spot.resource, why=spot.why, context=context
            )

    def _dependents(
        self, found: Iterable[tuple[Action, tuple[Spot, ...]]], seen: Seen, call: str
    ) -> tuple[list[Use], tuple[tuple[str, str, str], ...]]:
        """The roles that the call passed, the tags that it gave to what it made, the key that it stored with."""
        uses: list[Use] = []
        open_: list[tuple[str, str, str]] = []
        for action, spots in found:
            if "iam:PassRole" in action.dependents or action.full_name in table()["passed_to"]:
                passed = [*_passed(action, seen), *self._passed_by_name(action, seen)]
                uses += passed
                if not passed and (why := _why_no_role(action, seen)):
                    open_.append(("iam:PassRole", why, action.full_name))
            uses += _tagged(action, spots, seen, call)
        key = s3.key_of(call, seen) if seen.event.source.startswith("s3.") else ""
        if ":key/" in key:
            uses += _encrypted(key, call, seen)
        elif key:
            open_.append(
                ("kms:GenerateDataKey", "the record names the key without its ARN", "s3:PutObject")
            )
        return uses, tuple(open_)

    def _passed_by_name(self, action: Action, seen: Seen) -> Iterator[Use]:
        """IAM's own calls name a role without its ARN."""
        for name in seen.by_name.get("rolename", ()) if action.service == "iam" else ():
            spot = iam.named("role", name, seen, self._paths)
            yield _pass(action, spot.resource, spot.why)


def why_skipped(event: Event) -> str:
    """Why an event says nothing about the permissions of a caller; empty when it does."""
    if reason := _NO_CALLS.get(event.kind) or _NO_CALLERS.get(event.caller_kind):
        return reason
    if event.source.startswith("signin."):
        return _NO_CALLS["AwsConsoleSignIn"]
    own = Arn.of(event.caller)
    if own is None or own.service != "iam" or own.partition not in PARTITIONS:
        return _NO_CALLERS["Unknown"]
    kind, _, name = own.resource.partition("/")
    if kind == "root":
        return _NO_CALLERS["Root"]
    if name.startswith("aws-service-role/"):
        return "called with a service-linked role, whose policy is AWS's"
    known = kind in {"role", "user"} and name and _is_account(own.account)
    return "" if known else _NO_CALLERS["Unknown"]


def _is_region(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_REGION and text.isascii() and text.replace("-", "").isalnum()


def _is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdecimal()  # noqa: PLR2004 - an account id


def _arns_of(events: Iterable[Event]) -> Iterator[str]:
    for event in events:
        if ":iam::" in event.caller:
            yield event.caller
        if event.source.startswith(("iam.", "sts.")):
            seen = Seen(event)
            yield from seen.arns
            yield from seen.answered


def _why_unmapped(event: Event, prefix: str, call: str) -> str:
    if not prefix:
        return "no service is known by this event source"
    if not _is_region(event.region):
        return "the record does not say in which Region it was"
    if prefix == "dynamodb" and ("Statement" in call or "Transact" in call):
        return "the record does not show the statements"
    return f"{prefix} has no action of this name, and no table says which one it needs"


def _certain(action: Action, seen: Seen) -> tuple[tuple[str, str], ...]:
    """The condition keys whose values the record proves, of the few that narrow what is granted."""
    if action.full_name == "iam:CreateServiceLinkedRole" and (
        name := seen.first("awsservicename")
    ):
        return (("iam:AWSServiceName", name),)
    # What a service did with a key on the caller's behalf.
    service = seen.event.invoked_by.removesuffix(".amazonaws.com")
    if action.service != "kms" or service not in table()["via_kms"] or not seen.event.region:
        return ()
    if not action.resource_types:
        return ()
    return (("kms:ViaService", f"{service}.{seen.event.region}.amazonaws.com"),)


def _encrypted(key: str, call: str, seen: Seen) -> Iterator[Use]:
    """What S3 does on the caller's behalf with the key that the call names for what it stores."""
    # The parts of an upload are decrypted when they are put together.
    names = (
        ("GenerateDataKey", "Decrypt") if call == "CreateMultipartUpload" else ("GenerateDataKey",)
    )
    for name in names:
        yield Use(
            action=f"kms:{name}",
            resource=Spot.of(key).resource,
            context=(("kms:ViaService", f"s3.{seen.event.region}.amazonaws.com"),),
            needed_by="s3:PutObject",
        )


def _passed(action: Action, seen: Seen) -> Iterator[Use]:
    # A role of another account cannot be passed, and a service-linked one needs not be.
    head = seen.event.caller.rpartition(":")[0] + ":role/"
    for name, text in seen.named_arns:
        own = text.startswith(head) and not text.startswith(f"{head}aws-service-role/")
        if own and "role" in name:
            yield _pass(action, Spot.of(text).resource)


def _pass(action: Action, role: str, why: str = "") -> Use:
    service = table()["passed_to"].get(action.full_name)
    return Use(
        action="iam:PassRole",
        resource=role,
        why=why,
        context=(("iam:PassedToService", service),) if service else (),
        needed_by=action.full_name,
    )


def _why_no_role(action: Action, seen: Seen) -> str:
    given = (*seen.event.parameters, *(text for _, text in seen.parameters))
    if any("instanceprofile" in plain(each) for each in given):
        return "the record names an instance profile, not the role in it"
    if action.full_name in {"ecs:RunTask", "ecs:StartTask"}:
        return "the task definition holds the roles, the record does not"
    named = any("role" in name for name, _ in seen.parameters)
    return "the record names the role without its ARN" if named else ""


def _tagged(action: Action, spots: tuple[Spot, ...], seen: Seen, call: str) -> Iterator[Use]:
    """The tag action of the service on what the call made, when it gave tags."""
    if not _gives_tags(seen):
        return
    if action.service == "ec2" and "ec2:CreateTags" in action.dependents:
        for spot in spots:
            if spot.resource in _tagged_types(spots, seen):
                yield Use(
                    action="ec2:CreateTags",
                    resource=spot.resource,
                    why=spot.why,
                    context=(("ec2:CreateAction", call),),
                    needed_by=action.full_name,
                )
        return
    tagging = _tag_action(action)
    for spot in spots if tagging else ():
        # A call that makes one thing and uses others tags what it makes.
        if tagging and _is_tagged(spot, action, tagging):
            # Actions on tags name a log group without what follows it.
            logs = action.service == "logs"
            yield Use(
                action=tagging.full_name,
                resource=spot.resource.removesuffix(":*") if logs else spot.resource,
                why=spot.why,
                needed_by=action.full_name,
            )


def _is_tagged(spot: Spot, action: Action, tagging: Action) -> bool:
    if not spot.type:
        return True
    return spot.type in tagging.resource_types and (
        not action.required or spot.type in action.required
    )


def _tag_action(action: Action) -> Action | None:
    """The action that tags what another one makes: from the table, else a dependent of the same service."""
    listed = table()["tagged_by"].get(action.full_name)
    names = (listed,) if listed else action.dependents
    known = (catalog().action(name) for name in names)
    return next(
        (
            each
            for each in known
            if each and each.service == action.service and each.level == "Tagging"
        ),
        None,
    )


def _gives_tags(seen: Seen) -> bool:
    names = ("tags", "tag", "tagList", "tagSpecificationSet", "TagSpecificationSet", "tagSet")
    return any(seen.event.parameters.get(name) for name in names)


def _tagged_types(spots: tuple[Spot, ...], seen: Seen) -> frozenset[str]:
    """The resources of the types that the tag specifications name."""
    types = set(seen.by_name.get("resourcetype", ()))
    return frozenset(spot.resource for spot in spots if spot.type in types)
