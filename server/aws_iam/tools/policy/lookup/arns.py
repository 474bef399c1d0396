"""`policy lookup` of an ARN, a resource type or a CloudFormation type: what it is, and the actions on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import PARTITIONS, Arn
from aws_iam.engine.language.pattern import is_literal
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.lookup import tables
from aws_iam.tools.policy.lookup.answer import facts_answer, quoted_names, unknown_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog
    from aws_iam.engine.reference.facts import ResourceType

# `AWS::S3::Bucket`.
_MOST_NAMED = 5


def arn(known: Catalog, query: str) -> Answer | None:
    """The resource types that an ARN or ARN pattern may be of, and the actions on them."""
    if not query.lower().startswith("arn:"):
        return None
    found = Arn.of(query)
    if found is None:
        return unknown_answer(
            known,
            query,
            kind="arn",
            what="is not an ARN: it needs six fields, `arn:partition:service:region:account:resource`",
        )
    types = known.types_of_arn(found)
    return _of_arn(known, query, found, types) if types else _of_strange_arn(known, query, found)


def _of_arn(known: Catalog, query: str, found: Arn, types: tuple[ResourceType, ...]) -> Answer:
    actions = tables.applicable_actions(known, types)
    partition_note = ""
    if is_literal(found.partition) and "$" not in found.partition:
        partition_note = (
            ""
            if found.partition in PARTITIONS
            else f" {quoted(found.partition)} is not a known partition."
        )
    return facts_answer(
        known,
        f"{quoted(query)} looks like {_names(types)}; {_applicable_text(actions)}.{partition_note}",
        {"known": True, "kind": "arn", "query": escaped(query)}
        | tables.arn_facts(found)
        | {"resource_types": tables.type_rows(types)}
        | actions,
        services=(types[0].service,),
        queries=_types_and_rest(types),
    )


def _names(types: Sequence[ResourceType]) -> str:
    names = [f"{type_.service}:{type_.name}" for type_ in types]
    return quoted_names(names, "or", _MOST_NAMED)


def _applicable_text(actions: dict[str, object]) -> str:
    levels = actions["levels"]
    rows = levels if isinstance(levels, list) else []
    total = sum(row["count"] for row in rows)
    return f"{total} actions apply: {tables.level_text(rows)}" if rows else "no action applies"


def _types_and_rest(types: Sequence[ResourceType]) -> list[str]:
    several = [f"{type_.service}:{type_.name}" for type_ in types[:2]] if len(types) > 1 else []
    return [*several, f"{types[0].service} no-resource-type"]


def _of_strange_arn(known: Catalog, query: str, found: Arn) -> Answer:
    fields = tables.arn_facts(found)
    service = known.service(found.service)
    if service is None:
        near = [
            f"arn:{found.partition}:{service}:…"
            for service in known.suggest_service(found.service)
        ]
        what = f"names an unknown service: {quoted(found.service)}"
        return unknown_answer(known, query, kind="arn", what=what, options=near, fields=fields)
    formats = list(known.arn_formats(found.service))
    what = f"follows none of the {len(formats)} ARN formats of {service.title}"
    fields |= {"arn_formats": formats}
    return unknown_answer(
        known, query, kind="arn", what=what, fields=fields, service=service.prefix
    )


def resource_type(known: Catalog, query: str) -> Answer | None:
    """A resource type by name, with or without the service before a colon."""
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
    """One resource type in full, or the services that have one with this name."""
    names = [f"{type_.service}:{type_.name}" for type_ in types]
    if len(types) > 1:
        return facts_answer(
            known,
            f"{len(types)} services have a resource type {quoted(query)}: {quoted_names(names)}.",
            {
                "known": True,
                "kind": "resource_type",
                "query": escaped(query),
                "resource_types": tables.type_rows(types),
            },
            queries=names,
        )
    type_ = types[0]
    actions = tables.applicable_actions(known, types)
    form = "formats" if len(type_.arn_formats) > 1 else "format"
    shape = (
        f"with the ARN {form} {quoted_names(type_.arn_formats)}"
        if type_.arn_formats
        else "without ARN"
    )
    sentence = (
        f"{note}`{names[0]}`, {shape}" if note else f"`{names[0]}` is a resource type {shape}"
    )
    return facts_answer(
        known,
        f"{sentence}; {_applicable_text(actions)}.",
        tables.resource_type_facts(known, type_) | actions,
        services=(type_.service,),
        queries=_types_and_rest(types),
    )
