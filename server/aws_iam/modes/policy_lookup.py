"""`policy lookup`: what is known about one name of IAM's vocabulary."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from aws_iam.answer import Answer
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted
from aws_iam.modes import lookup_facts as facts
from aws_iam.policy.arn import PARTITIONS, Arn
from aws_iam.policy.catalog import Catalog, catalog
from aws_iam.policy.global_keys import legacy_keys
from aws_iam.policy.operations import operations
from aws_iam.policy.pattern import is_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_iam.policy.facts import Action, ConditionKey, ResourceType, Service

# Longer than any name; an ARN may have 2,048 characters.
_LONGEST = 2_048
# More matches than this are counted by service, not listed.
_MOST_LISTED = 1_500
# `AWS::S3::Bucket`.
_TYPE_PARTS = 3


def lookup(query: str) -> Answer:
    """What is known about a service prefix, action, wildcard, condition key, ARN or resource type."""
    query = query.strip()
    if not query:
        raise InputError(
            "`query` is empty",
            hint="give a service (`s3`), an action (`s3:GetObject`), a wildcard (`s3:Get*`), a condition key, "
            "an ARN or a resource type (`s3:bucket`)",
        )
    # The name of a tag, after the slash of its key, may have blanks.
    if "," in query or (" " in query and "/" not in query):
        raise InputError(
            f"`query` {quoted(query)} holds several words",
            hint="ask for one name at a time, such as `s3:GetObject` or `logs`",
        )
    if len(query) > _LONGEST:
        raise InputError(f"`query` has {len(query)} characters, no name has more than {_LONGEST}")
    known = catalog()
    return next(filter(None, (reading(known, query) for reading in _READINGS)))


def _as_arn(known: Catalog, query: str) -> Answer | None:
    if not query.lower().startswith("arn:"):
        return None
    arn = Arn.of(query)
    if arn is None:
        return _unknown(
            known,
            query,
            kind="arn",
            what="is no ARN: it needs six fields, `arn:partition:service:region:account:resource`",
        )
    types = known.types_of_arn(arn)
    if not types:
        return _of_strange_arn(known, query, arn)
    actions = facts.actions_on(known, types)
    odd = ""
    if is_literal(arn.partition) and "$" not in arn.partition and arn.partition not in PARTITIONS:
        odd = f" {quoted(arn.partition)} is no known partition."
    names = _listed(f"{each.service}:{each.name}" for each in types[:5])
    return _answer(
        known,
        f"{quoted(query)} looks like {names}; {len(actions)} actions apply.{odd}",
        {"known": True, "kind": "arn", "query": escaped(query)}
        | facts.of_arn(arn)
        | {"resource_types": facts.type_rows(types), "actions": actions},
        services=(types[0].service,),
    )


def _of_strange_arn(known: Catalog, query: str, arn: Arn) -> Answer:
    fields = facts.of_arn(arn)
    service = known.service(arn.service)
    if service is None:
        near = [f"arn:{arn.partition}:{each}:…" for each in known.suggest_service(arn.service)]
        what = f"names no known service: {quoted(arn.service)}"
        return _unknown(known, query, kind="arn", what=what, options=near, fields=fields)
    formats = list(known.arn_formats(arn.service))
    what = f"follows none of the {len(formats)} ARN formats of {service.title}"
    fields |= {"arn_formats": formats}
    return _unknown(known, query, kind="arn", what=what, fields=fields, service=service.prefix)


def _as_cloudformation(known: Catalog, query: str) -> Answer | None:
    """The type of a CloudFormation template, which other vocabularies than IAM's use."""
    parts = query.split("::")
    if len(parts) < _TYPE_PARTS or not all(part.isalnum() and part.isascii() for part in parts):
        return None
    owner = parts[1].lower()
    plain = {_bare(prefix): prefix for prefix in sorted(known.services)}
    near = [plain[owner]] if owner in plain else list(known.suggest_service(owner))
    service = known.service(near[0]) if near else None
    types = service.resource_types.values() if service else ()
    named = [f"{t.service}:{t.name}" for t in types if _bare(t.name) == parts[2].lower()]
    what = "has the form of a CloudFormation type and is no name of IAM"
    return _unknown(known, query, kind="cloudformation_type", what=what, options=[*named, *near])


def _bare(name: str) -> str:
    return name.replace("-", "").lower()


def _as_wildcard(known: Catalog, query: str) -> Answer | None:
    if is_literal(query):
        return None
    pattern = query if ":" in query or not query.strip("*") else f"*:{query}"
    names = known.expand(pattern)
    if not names:
        service = known.service(pattern.partition(":")[0])
        what = f"matches no action of {service.title}" if service else "matches no action"
        near = known.suggest_pattern(pattern)
        return _unknown(known, query, kind="wildcard", what=what, options=near)
    rows = facts.expansion_rows(known, names)
    levels = facts.level_counts(row["access_level"] for row in rows)
    found: dict[str, object] = {
        "known": True,
        "kind": "wildcard",
        "query": escaped(query),
        "count": len(names),
        "levels": levels,
    }
    services = facts.service_counts(names)
    if len(services) > 1:
        found["services"] = services
    if len(names) <= _MOST_LISTED:
        found["actions"] = rows
    counted = ", ".join(f"{row['count']} {row['access_level']}" for row in levels)
    return _answer(
        known,
        f"{quoted(query)} matches {len(names)} actions as of {known.as_of}: {counted}.",
        found,
        services=[row["service"] for row in services] if len(services) == 1 else (),
    )


def _as_action(known: Catalog, query: str) -> Answer | None:
    action = known.action(query)
    if action:
        return _of_action(known, action)
    if ":" in query:
        return None
    names = known.having(query)
    if len(names) == 1:
        return _of_action(known, known.action(names[0]))
    if not names:
        return None
    rows = facts.expansion_rows(known, names)
    return _answer(
        known,
        f"{len(names)} services have an action {quoted(query)}: {_listed(names[:6])}.",
        {"known": True, "kind": "action", "query": escaped(query), "actions": rows},
        services=(),
        next_=names[:3],
    )


def _of_action(known: Catalog, action: Action | None) -> Answer | None:
    if action is None:
        return None
    types = facts.with_required(action)
    on = f"on {types}" if types else "on `*` only: it has no resource types"
    more = ""
    if action.dependents:
        more = f" Calling it can also need {_listed(action.dependents[:5])}."
    return _answer(
        known,
        f"`{action.full_name}` has access level {action.level} and is authorised {on}.{more}",
        facts.of_action(known, action),
        services=(action.service,),
    )


def _as_service(known: Catalog, query: str) -> Answer | None:
    service = known.service(query)
    if service is None:
        return None
    return _answer(
        known,
        _service_words(service),
        facts.of_service(known, service),
        services=(service.prefix,),
    )


def _service_words(service: Service) -> str:
    return (
        f"`{service.prefix}` is {service.title}: {len(service.action_names)} actions, "
        f"{len(service.resource_types)} resource types, {len(service.condition_keys)} condition keys."
    )


def _as_condition_key(known: Catalog, query: str) -> Answer | None:
    key = known.condition_key(query)
    return _of_key(known, key, query) if key else None


def _of_key(known: Catalog, key: ConditionKey, query: str) -> Answer:
    scope = "a global condition key" if key.name.startswith("aws:") else "a condition key"
    several = " and may have several values" if key.multivalued else ""
    when = f" Present {key.presence}." if key.presence else ""
    type_ = f"of type {key.type}" if key.type else "of a type no source gives"
    found = facts.of_key(known, key)
    answer = _answer(
        known,
        f"`{key.name}` is {scope} {type_}{several}.{when}",
        {"known": True, "kind": "condition_key", "query": escaped(query)} | found,
        services=(key.service,) if known.service(key.service) else (),
    )
    return facts.with_source(answer, key.source)


def _as_resource_type(known: Catalog, query: str) -> Answer | None:
    prefix, colon, name = query.partition(":")
    if colon:
        service = known.service(prefix)
        found = service.resource_types.get(name.lower()) if service else None
        return _of_types(known, query, (found,)) if found else None
    types = known.types_named(query)
    return _of_types(known, query, types) if types else None


def _of_types(known: Catalog, query: str, types: tuple[ResourceType, ...]) -> Answer:
    names = [f"{each.service}:{each.name}" for each in types]
    if len(types) > 1:
        return _answer(
            known,
            f"{len(types)} services have a resource type {quoted(query)}: {_listed(names[:6])}.",
            {
                "known": True,
                "kind": "resource_type",
                "query": escaped(query),
                "resource_types": facts.type_rows(types),
            },
            services=(),
            next_=names[:3],
        )
    each = types[0]
    actions = facts.actions_on(known, types)
    return _answer(
        known,
        f"`{names[0]}` has the ARN format {_listed(each.arn_formats)}; {len(actions)} actions apply.",
        facts.of_type(known, each) | {"actions": actions},
        services=(each.service,),
    )


def _as_former(known: Catalog, query: str) -> Answer | None:
    tier = known.tier(query)
    if tier == "retired":
        what = "is retired: AWS's reference no longer lists it, and allowing it has no effect"
    elif tier == "undocumented":
        what = "is used by AWS managed policies, and documented nowhere"
    else:
        return None
    kind = "action" if ":" in query else "service"
    return _unknown(known, query, kind=kind, what=what, tier=tier)


def _as_unknown(known: Catalog, query: str) -> Answer:
    if ":" not in query:
        options = known.suggest_service(query)
        return _unknown(
            known,
            query,
            kind="service",
            what="is no known service, action or resource type",
            options=options,
        )
    former = legacy_keys().get(query.lower())
    if former:
        return _unknown(
            known, query, kind="condition_key", what=f"is no longer supported; use {former}"
        )
    prefix = query.partition(":")[0]
    service = known.service(prefix)
    if prefix.lower() == "aws":
        return _unknown(
            known,
            query,
            kind="condition_key",
            what="is no known global condition key",
            options=known.suggest_condition_key(query),
        )
    operation = operations().get(query.lower())
    if operation:
        also = f" ({operation.note})" if operation.note else ""
        what = f"is an API operation and no action; it is authorised by {_listed(operation.actions)}{also}"
        return _unknown(
            known, query, kind="action", what=what, options=operation.actions, ask=False
        )
    options = (*known.suggest_action(query), *known.suggest_condition_key(query))
    of = f"of {service.title}" if service else f"and {quoted(prefix)} no known service"
    return _unknown(known, query, kind="action", what=f"is no known name {of}", options=options)


_READINGS: tuple[Callable[[Catalog, str], Answer | None], ...] = (
    _as_arn,
    _as_cloudformation,
    _as_wildcard,
    _as_service,
    _as_action,
    _as_condition_key,
    _as_resource_type,
    _as_former,
    _as_unknown,
)


def _unknown(
    known: Catalog,
    query: str,
    *,
    kind: str,
    what: str,
    options: Iterable[str] = (),
    tier: str = "unknown",
    fields: dict[str, object] | None = None,
    service: str = "",
    ask: bool = True,
) -> Answer:
    near = list(dict.fromkeys(options))
    asked = f" Did you mean {_listed(near[:3], 'or')}?" if near and ask else ""
    found: dict[str, object] = {
        "known": False,
        "kind": kind,
        "query": escaped(query),
        "tier": tier,
    }
    prefix = service or query.partition(":")[0]
    return _answer(
        known,
        f"{quoted(query)} {what} (data of {known.as_of}).{asked}",
        found | (fields or {}) | {"did_you_mean": near},
        services=(prefix,) if known.service(prefix) else (),
        next_=[] if kind == "arn" else near[:3],
    )


def _answer(
    known: Catalog,
    summary: str,
    found: dict[str, object],
    *,
    services: Iterable[str],
    next_: Iterable[str] = (),
) -> Answer:
    pages = [known.source(prefix) for prefix in services] or [known.source("")]
    return Answer(
        summary=summary,
        facts=found,
        sources=tuple(dict.fromkeys(pages)),
        next=tuple(f"aws-iam policy lookup --query {shlex.quote(name)}" for name in next_),
        as_of=known.as_of,
    )


def _listed(names: Iterable[str], last: str = "and") -> str:
    *rest, end = (f"`{name}`" for name in names)
    return f"{', '.join(rest)} {last} {end}" if rest else end
