"""`policy lookup` of a CloudFormation type: the actions that its handlers need, and IAM's resource type of that name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.reference.cloudformation_permissions import (
    HandlerPermissions,
    handler_permissions,
    handler_permissions_as_of,
    handler_permissions_source,
    near_types,
)
from aws_iam.engine.reference.operations import service_of_client
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.lookup import arns, tables
from aws_iam.tools.policy.lookup.answer import facts_answer, quoted_names, unknown_answer
from aws_iam.wording import counted

if TYPE_CHECKING:
    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog
    from aws_iam.engine.reference.facts import ResourceType

_TYPE_PARTS = 3
_CHANGING = ("create", "update", "delete")
_MOST_PAGES = 3


def cloudformation_type(known: Catalog, query: str) -> Answer | None:
    """`AWS::S3::BucketPolicy`."""
    parts = query.split("::")
    if len(parts) < _TYPE_PARTS or not all(part.isalnum() and part.isascii() for part in parts):
        return None
    types, near = _resource_types(known, parts)
    permissions = handler_permissions(query)
    if len(types) == 1:
        answer = arns.resource_types(
            known,
            query,
            types,
            note=f"{quoted(query)} is a CloudFormation type; IAM's resource type of that name is ",
        )
        return _with_handlers(known, answer, permissions) if permissions else answer
    if permissions:
        return _of_handlers(known, query, permissions, near)
    options = [*near_types(query), *(f"{type_.service}:{type_.name}" for type_ in types), *near]
    return unknown_answer(
        known,
        query,
        kind="cloudformation_type",
        what=f"looks like a CloudFormation type, but is not among those of {handler_permissions_as_of()}, and IAM has no"
        " resource type of that name",
        options=options,
    )


def _resource_types(known: Catalog, parts: list[str]) -> tuple[list[ResourceType], list[str]]:
    """IAM's resource types with the name of a type, and the services that its second part may mean."""
    owner = parts[1].lower()
    plain = {_bare(prefix): prefix for prefix in sorted(known.services)}
    sure = plain.get(owner) or service_of_client(owner)
    near = [sure] if sure else list(known.suggest_service(owner))
    service = known.service(near[0]) if near else None
    found = service.resource_types.values() if service and sure else ()
    return [type_ for type_ in found if _bare(type_.name) == parts[2].lower()], near


def _bare(name: str) -> str:
    return name.replace("-", "").lower()


def _with_handlers(known: Catalog, answer: Answer, permissions: HandlerPermissions) -> Answer:
    return replace(
        answer,
        summary=f"{answer.summary} {_sentence(known, permissions)}",
        # Before the long list of what applies to the resource.
        facts={"known": True, "kind": answer.facts["kind"], **_facts(permissions), **answer.facts},
        sources=(*answer.sources, handler_permissions_source()),
    )


def _of_handlers(
    known: Catalog, query: str, permissions: HandlerPermissions, services: list[str]
) -> Answer:
    names = _actions(known, permissions)
    return facts_answer(
        known,
        f"{quoted(query)} is a CloudFormation type, for which IAM has no resource type of that name."
        f" {_sentence(known, permissions)}",
        {
            "known": True,
            "kind": "cloudformation_type",
            "query": escaped(query),
            "name": permissions.type,
            **_facts(permissions),
            "actions": tables.action_rows(known, names),
        },
        services=sorted({name.partition(":")[0] for name in names} or services)[:_MOST_PAGES],
        sources=(handler_permissions_source(),),
        queries=names or services,
    )


def _sentence(known: Catalog, permissions: HandlerPermissions) -> str:
    of = f"according to its schema in CloudFormation's registry of {handler_permissions_as_of()}"
    names = _actions(known, permissions)
    if not names:
        return f"No permissions stand in its handlers, {of}: what deploying it needs is not known here."
    listed = quoted_names(names) if len(names) <= _MOST_NAMED else counted(len(names), "action")
    return (
        f"To create, update and delete it, whoever deploys it (the stack's service role, or else the caller) needs {listed},"
        f" {of}; properties may need more."
    )


_MOST_NAMED = 6


def _actions(known: Catalog, permissions: HandlerPermissions) -> list[str]:
    entries = (entry for name in _CHANGING for entry in permissions.handlers.get(name, ()))
    return sorted({action for entry in entries for action in known.expand(entry)})


def _facts(permissions: HandlerPermissions) -> dict[str, object]:
    return {
        "handlers": [
            {"handler": handler, "actions": list(names)}
            for handler, names in permissions.handlers.items()
        ],
        "handlers_as_of": handler_permissions_as_of(),
    }
