"""`policy lookup` of an ARN, a resource type or a type of CloudFormation: what it is, and what can be done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import PARTITIONS, Arn
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.operations import service_of
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.lookup import tables as facts
from aws_iam.tools.policy.lookup.answer import known_name, listed, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog
    from aws_iam.engine.reference.facts import ResourceType

# `AWS::S3::Bucket`.
_TYPE_PARTS = 3
_MOST_NAMED = 5


def arn(known: Catalog, query: str) -> Answer | None:
    """What an ARN or ARN pattern may be, and what can be done to it."""
    if not query.lower().startswith("arn:"):
        return None
    found = Arn.of(query)
    if found is None:
        return unknown_name(
            known,
            query,
            kind="arn",
            what="is no ARN: it needs six fields, `arn:partition:service:region:account:resource`",
        )
    types = known.types_of_arn(found)
    return _of_arn(known, query, found, types) if types else _of_strange_arn(known, query, found)


def _of_arn(known: Catalog, query: str, found: Arn, types: tuple[ResourceType, ...]) -> Answer:
    can = facts.of_actions_on(known, types)
    odd = ""
    if is_literal(found.partition) and "$" not in found.partition:
        odd = (
            ""
            if found.partition in PARTITIONS
            else f" {quoted(found.partition)} is no known partition."
        )
    return known_name(
        known,
        f"{quoted(query)} looks like {_names(types)}; {_applying(can)}.{odd}",
        {"known": True, "kind": "arn", "query": escaped(query)}
        | facts.of_arn(found)
        | {"resource_types": facts.type_rows(types)}
        | can,
        services=(types[0].service,),
        queries=_types_and_rest(types),
    )


def _names(types: Sequence[ResourceType]) -> str:
    more = f" and {len(types) - _MOST_NAMED} more types" if len(types) > _MOST_NAMED else ""
    names = [f"{type_.service}:{type_.name}" for type_ in types[:_MOST_NAMED]]
    return (", ".join(f"`{name}`" for name in names) if more else listed(names, "or")) + more


def _applying(can: dict[str, object]) -> str:
    levels = can["levels"]
    rows = levels if isinstance(levels, list) else []
    total = sum(row["count"] for row in rows)
    return f"{total} actions apply: {facts.level_words(rows)}" if rows else "no action applies"


def _types_and_rest(types: Sequence[ResourceType]) -> list[str]:
    several = [f"{type_.service}:{type_.name}" for type_ in types[:2]] if len(types) > 1 else []
    return [*several, f"{types[0].service} no-resource-type"]


def _of_strange_arn(known: Catalog, query: str, found: Arn) -> Answer:
    fields = facts.of_arn(found)
    service = known.service(found.service)
    if service is None:
        near = [
            f"arn:{found.partition}:{service}:…"
            for service in known.suggest_service(found.service)
        ]
        what = f"names no known service: {quoted(found.service)}"
        return unknown_name(known, query, kind="arn", what=what, options=near, fields=fields)
    formats = list(known.arn_formats(found.service))
    what = f"follows none of the {len(formats)} ARN formats of {service.title}"
    fields |= {"arn_formats": formats}
    return unknown_name(known, query, kind="arn", what=what, fields=fields, service=service.prefix)


def cloudformation_type(known: Catalog, query: str) -> Answer | None:
    """The type of a CloudFormation template, by the resource type that has the same name in IAM."""
    parts = query.split("::")
    if len(parts) < _TYPE_PARTS or not all(part.isalnum() and part.isascii() for part in parts):
        return None
    owner = parts[1].lower()
    plain = {_bare(prefix): prefix for prefix in sorted(known.services)}
    sure = plain.get(owner) or service_of(owner)
    near = [sure] if sure else list(known.suggest_service(owner))
    service = known.service(near[0]) if near else None
    types = service.resource_types.values() if service else ()
    named = [type_ for type_ in types if _bare(type_.name) == parts[2].lower()]
    if sure and len(named) == 1:
        return resource_types(
            known,
            query,
            named,
            note=f"{quoted(query)} is a type of CloudFormation; IAM's resource type of that name is ",
        )
    what = "has the form of a CloudFormation type, and IAM has no resource type of that name"
    return unknown_name(
        known,
        query,
        kind="cloudformation_type",
        what=what,
        options=[*(f"{type_.service}:{type_.name}" for type_ in named), *near],
    )


def _bare(name: str) -> str:
    return name.replace("-", "").lower()


def resource_type(known: Catalog, query: str) -> Answer | None:
    """A resource type by its name, with its service before a colon or without."""
    prefix, colon, name = query.partition(":")
    if not colon:
        types = known.types_named(query)
    else:
        service = known.service(prefix)
        found = service.resource_types.get(name.lower()) if service else None
        types = (found,) if found else ()
    return resource_types(known, query, types) if types else None


def resource_types(
    known: Catalog, query: str, types: Sequence[ResourceType], *, note: str = ""
) -> Answer:
    """One resource type in full, or the services that have one of this name."""
    names = [f"{type_.service}:{type_.name}" for type_ in types]
    if len(types) > 1:
        return known_name(
            known,
            f"{len(types)} services have a resource type {quoted(query)}: {listed(names[:6])}.",
            {
                "known": True,
                "kind": "resource_type",
                "query": escaped(query),
                "resource_types": facts.type_rows(types),
            },
            queries=names,
        )
    type_ = types[0]
    can = facts.of_actions_on(known, types)
    form = "formats" if len(type_.arn_formats) > 1 else "format"
    shape = (
        f"with the ARN {form} {listed(type_.arn_formats)}" if type_.arn_formats else "without ARN"
    )
    said = f"{note}`{names[0]}`, {shape}" if note else f"`{names[0]}` is a resource type {shape}"
    return known_name(
        known,
        f"{said}; {_applying(can)}.",
        facts.of_type(known, type_) | can,
        services=(type_.service,),
        queries=_types_and_rest(types),
    )
