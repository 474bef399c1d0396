"""The resources on which AWS authorised an event's action: ARNs in the record, else ARN formats filled from its parameters.

A part that the record does not show becomes `*`, with the reason; nothing else is widened.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.generation.action_grants import resource_types_of
from aws_iam.engine.language.arn import Arn, fits
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail.arn_formats import filled_formats, ids_of_type
from aws_iam.engine.trail.event_details import EventDetails, normalized, stem
from aws_iam.engine.trail.event_resource import (
    CREATED,
    NEW_TYPE,
    NO_TYPES,
    NOT_NAMED,
    OPTIONAL,
    EventResource,
    exact_pattern,
)
from aws_iam.engine.trail.event_tables import event_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.reference.catalog import Action, ResourceType

_HOLE = re.compile(r"\$\{[^{}]*\}")
_LOCATION = frozenset({"${Partition}", "${Region}", "${Account}"})
_CREATING_VERBS = (
    "Create", "Run", "Register", "Allocate", "Request", "Import", "Copy", "Restore", "Provision", "Purchase",
)  # fmt: skip
# Parameters that name whatever the call works on.
_GENERAL_NAMES = frozenset(
    {"arn", "arns", "resource", "resources", "resourcearn", "resourcearns", "resourceid"}
)


def resources_of(action: Action, details: EventDetails) -> tuple[EventResource, ...]:
    """The resources of an action in an event; at least one, which may be `*`."""
    types = resource_types_of(action)
    if not types:
        return (EventResource(pattern="*", why=NO_TYPES),)
    found = [
        *_of_types(details.event.arns, types),
        *_in_parameters(details, types, related=True),
    ]
    if unknown := tuple(_of_new_types(details, types)):
        return (*found, *unknown)
    types = _without(types, found)
    in_response = list(_of_types(details.response_arns, types))
    filled = _most_specific(
        [resource for type_ in types for resource in filled_formats(type_, action, details)],
        action,
        in_response,
    )
    found += (resource for resource in filled if resource.complete)
    found += _in_parameters(details, _without(types, found), related=False)
    types = _without(types, found)
    found += (
        _from_response(action, resource, details)
        for resource in _one_per_type(in_response)
        if resource.type in _names(types)
    )
    types = _without(types, found)
    found += (
        resource
        for resource in filled
        if not resource.complete and _adds(resource, found, types, action)
    )
    found += _not_named(action, _without(types, found), details, some=bool(found))
    return tuple({resource.pattern: resource for resource in found}.values())


def _of_new_types(details: EventDetails, types: Sequence[ResourceType]) -> Iterator[EventResource]:
    """ARNs of the service of the types that are of none of them: of a type that the data does not know or list there."""
    services = {text.split(":")[2] for type_ in types for text in type_.arn_formats}
    named = {text for name, text in details.named_arns if name in _GENERAL_NAMES}
    for text in dict.fromkeys((*details.event.arns, *named)):
        arn = Arn.of(text)
        if arn is None or arn.service not in services:
            continue
        fitting = catalog().types_of_arn(arn)
        # The record also lists resources that only take part, such as the bucket of an object.
        is_meant = not fitting or text in named
        if is_meant and not any(_is_type(known, type_) for known in fitting for type_ in types):
            yield replace(EventResource.of_arn(text), why=NEW_TYPE)


def _adds(
    incomplete: EventResource,
    found: Iterable[EventResource],
    types: Sequence[ResourceType],
    action: Action,
) -> bool:
    """Whether an incomplete format means something other than the complete ones."""
    covered = any(incomplete.used <= resource.used for resource in found)
    return incomplete.type in _names(types) and (incomplete.type in action.required or not covered)


def _names(types: Iterable[ResourceType]) -> set[str]:
    return {type_.name for type_ in types}


def _without(
    types: Sequence[ResourceType], found: Iterable[EventResource]
) -> tuple[ResourceType, ...]:
    have = _types_of(found)
    # A load balancer is of one kind: `listener/app` and `listener/net` exclude each other.
    kinds = {family for family, slash, _ in (name.partition("/") for name in have) if slash}
    return tuple(
        type_
        for type_ in types
        if type_.name not in have and type_.name.partition("/")[0] not in kinds
    )


def _types_of(found: Iterable[EventResource]) -> set[str]:
    return {resource.type for resource in found}


def _one_per_type(found: Iterable[EventResource]) -> tuple[EventResource, ...]:
    return tuple({resource.type: resource for resource in found}.values())


def _of_types(arns: Iterable[str], types: Sequence[ResourceType]) -> Iterator[EventResource]:
    """The ARNs that have one of these types."""
    for text in arns:
        arn = Arn.of(text)
        if arn is None:
            continue
        fitting = catalog().types_of_arn(arn)
        own = (type_ for type_ in types if any(_is_type(other, type_) for other in fitting))
        if found := next(own, None):
            yield replace(EventResource.of_arn(text, found.name), used=frozenset({text}))


def _is_type(found: ResourceType, wanted: ResourceType) -> bool:
    """Whether an ARN's type is the wanted one; for some actions the reference lists the older load balancer type only."""
    newer = found.service == wanted.service and found.name.startswith(f"{wanted.name}/")
    return found == wanted or newer


def _in_parameters(
    details: EventDetails, types: Sequence[ResourceType], *, related: bool
) -> Iterator[EventResource]:
    """The ARNs in parameters whose names match the ARN's type, or in all other parameters."""
    about = {type_.name: {normalized(type_.name), *_hole_stems(type_)} for type_ in types}
    for name, text in details.named_arns:
        for resource in _of_types((text,), types):
            if (name in _GENERAL_NAMES or stem(name) in about[resource.type]) is related:
                yield resource


def _hole_stems(type_: ResourceType) -> Iterator[str]:
    for arn_format in type_.arn_formats:
        for hole in _HOLE.findall(arn_format):
            if hole not in _LOCATION:
                yield stem(normalized(hole))


def _most_specific(
    filled: Sequence[EventResource], action: Action, in_response: Sequence[EventResource]
) -> list[EventResource]:
    """The filled formats without less specific ones: the rule of a named event bus, not of the default one."""
    complete = {resource.used for resource in filled if resource.complete}
    parts = {
        part
        for resource in in_response
        for text in resource.used
        for part in text.replace("/", ":").split(":")
    }
    created = _types_of(in_response) if _is_creating(action) else set()
    return [
        resource
        for resource in filled
        if resource.type in action.required
        or not (
            any(resource.used < more for more in complete)
            or (created and resource.type not in created and resource.used <= parts)
        )
    ]


def _is_creating(action: Action) -> bool:
    return action.name.startswith(_CREATING_VERBS)


def _not_named(
    action: Action, types: Sequence[ResourceType], details: EventDetails, *, some: bool
) -> Iterator[EventResource]:
    """The types that took part although no parameter names them, and `*` where nothing else is known."""
    required = [type_ for type_ in types if type_.name in action.required]
    if _is_creating(action) and required:
        for type_ in required:
            yield from _created_or_chosen(action, type_, details)
        return
    for type_ in required if some else ():
        if type_.name in event_tables()["always"].get(type_.service, ()):
            yield EventResource(pattern=details.located(type_.arn_formats[0]), type=type_.name)
    if some:
        return
    if not action.required:
        yield EventResource(pattern="*", why=OPTIONAL)
    elif len(types) == 1 and _has_account(types[0], details):
        yield EventResource(pattern=_any_of(types[0], details), type=types[0].name, why=NOT_NAMED)
    else:
        yield EventResource(pattern="*", why=NOT_NAMED)


def _created_or_chosen(
    action: Action, type_: ResourceType, details: EventDetails
) -> Iterator[EventResource]:
    """What a creating call creates, or what its response says that AWS chose."""
    if _creates(action, type_):
        yield EventResource(pattern=_any_of(type_, details), type=type_.name, why=CREATED)
        return
    chosen = ids_of_type(type_, details.response_texts)
    head = details.located(type_.arn_formats[0]).partition("${")[0]
    for text in chosen:
        yield EventResource.of_arn(head + text, type_.name)
    if not chosen:
        yield EventResource(pattern=_any_of(type_, details), type=type_.name, why=NOT_NAMED)


def _creates(action: Action, type_: ResourceType) -> bool:
    listed = event_tables()["made"].get(action.full_name, ())
    return type_.name in listed or normalized(type_.name) in normalized(action.name)


def _has_account(type_: ResourceType, details: EventDetails) -> bool:
    """Whether the ARN of the type holds the account: without it, a pattern would match everybody's."""
    return "${Account}" in type_.arn_formats[0] and bool(details.account)


def _any_of(type_: ResourceType, details: EventDetails) -> str:
    return _HOLE.sub("*", details.located(type_.arn_formats[0]))


def _from_response(
    action: Action, resource: EventResource, details: EventDetails
) -> EventResource:
    """A resource that only the response names; for a new one, what the caller chose of its ARN and `*` for the rest."""
    (named,) = resource.used
    if not _is_creating(action):
        return resource
    arn = Arn.of(named)
    formats = (
        (f for type_ in catalog().types_of_arn(arn) for f in type_.arn_formats) if arn else ()
    )
    arn_format = next((text for text in formats if arn and fits(arn, text)), "")
    exact = exact_pattern(named)
    pattern = _chosen_by_caller(arn_format, named, details) if arn_format else exact
    return EventResource(
        pattern=pattern, type=resource.type, why=CREATED if pattern != exact else ""
    )


def _chosen_by_caller(arn_format: str, arn: str, details: EventDetails) -> str:
    """The ARN with `*` for each placeholder whose text the caller did not give."""
    fixed = _HOLE.split(arn_format)
    holes = _HOLE.findall(arn_format)
    parts: list[str] = []
    at = len(fixed[0])
    for hole, after in zip(holes, fixed[1:], strict=True):
        end = arn.find(after, at) if after else len(arn)
        if end < 0:
            return exact_pattern(arn)
        value = arn[at:end]
        known = hole in _LOCATION or value in details.chosen_by_caller
        parts += (exact_pattern(value) if known else "*", after)
        at = end + len(after)
    return "".join((fixed[0], *parts))
