"""`policy lookup`: what is known about one name of IAM's vocabulary.

A name is read in the ways of `_READINGS`, the first that knows it answers; the last one says what may have been meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import PARTITIONS
from aws_iam.engine.language.aws_names import FORMS
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import Catalog, catalog
from aws_iam.engine.reference.operations import operations_named, service_of
from aws_iam.engine.reference.regions import regions
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.lookup import api_calls as calls
from aws_iam.tools.policy.lookup import arns
from aws_iam.tools.policy.lookup import condition_keys as conditions
from aws_iam.tools.policy.lookup import service_words as words
from aws_iam.tools.policy.lookup import tables as facts
from aws_iam.tools.policy.lookup.answer import counted, known_name, listed, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.facts import Action, Service

# Longer than any name; an ARN may have 2,048 characters.
_LONGEST = 2_048
# Names of these may have blanks: the name of a tag after the slash of its key, the default of a variable.
_MAY_HAVE_BLANKS = re.compile(r"\$\{|[^ ]*/")


def lookup(query: str) -> Answer:
    """What is known about a service, action, wildcard, condition key, operator, ARN, resource type or API call."""
    query = query.strip()
    if not query:
        raise InputError(
            "`query` is empty",
            hint="give a service (`s3`), an action (`s3:GetObject`), a wildcard (`s3:Get*`), a condition key or "
            "operator, an ARN, a resource type (`s3:bucket`), a level (`s3 write`) or a call (`list_objects_v2`)",
        )
    if len(query) > _LONGEST:
        raise InputError(f"`query` has {len(query)} characters, no name has more than {_LONGEST}")
    known = catalog()
    several = "," in query or any(character.isspace() for character in query)
    if several and not _MAY_HAVE_BLANKS.match(query):
        return _of_several_words(known, query)
    return next(filter(None, (reading(known, query) for reading in _READINGS)))


def _of_several_words(known: Catalog, query: str) -> Answer:
    one = words.full_name(known, query)
    if one:
        return lookup(one)
    prefixes = words.titled(known, query)
    if len(prefixes) == 1:
        return lookup(prefixes[0])
    for reading in (words.service_and_word, calls.call):
        answer = reading(known, query) if "," not in query else None
        if answer:
            return answer
    if prefixes:
        return _of_titles(known, query, prefixes)
    raise InputError(
        f"`query` {quoted(query)} holds several words",
        hint="ask for one name at a time, such as `s3:GetObject` or `logs`; two words may be a service and a level "
        "(`s3 write`), `no-resource-type` (`s3 no-resource-type`) or one of its names (`s3 bucket`)",
    )


def _of_titles(known: Catalog, query: str, prefixes: Sequence[str]) -> Answer:
    """The services whose names hold all of the words."""
    rows = [{"service": prefix, "name": _title(known, prefix)} for prefix in prefixes]
    return known_name(
        known,
        f"{len(prefixes)} services have {quoted(query)} in their names: {listed(prefixes[:6])}.",
        {"known": True, "kind": "service", "query": escaped(query), "services": rows},
        services=prefixes[:3],
        queries=prefixes,
    )


def _title(known: Catalog, prefix: str) -> str:
    service = known.service(prefix)
    return service.title if service else prefix


def _as_title(known: Catalog, query: str) -> Answer | None:
    """A service by a name of one word: `DynamoDB` is its prefix already, `CloudFront` too, `EventBridge` is not."""
    prefixes = words.titled(known, query) if ":" not in query else ()
    if len(prefixes) == 1:
        return _as_service(known, prefixes[0])
    return _of_titles(known, query, prefixes) if prefixes else None


def _as_wildcard(known: Catalog, query: str) -> Answer | None:
    if is_literal(query):
        return None
    pattern = query if ":" in query or not query.strip("*") else f"*:{query}"
    names = known.expand(pattern)
    if not names:
        return conditions.key_pattern(known, query) or _no_match(known, query, pattern)
    levels = facts.level_counts(known, names)
    services = facts.service_counts(names)
    found: dict[str, object] = {
        "known": True,
        "kind": "wildcard",
        "query": escaped(query),
        "count": len(names),
        "levels": levels,
    }
    if len(services) > 1:
        found["services"] = services
    of = f" of {len(services)} services" if len(services) > 1 else ""
    said = f"{quoted(query)} matches {counted(len(names), 'action')}{of} as of {known.as_of}"
    return known_name(
        known,
        f"{said}: {facts.level_words(levels)}.",
        found | {"actions": facts.action_rows(known, names)},
        services=[row["service"] for row in services] if len(services) == 1 else (),
    )


def _no_match(known: Catalog, query: str, pattern: str) -> Answer:
    service = known.service(pattern.partition(":")[0])
    what = f"matches no action of {service.title}" if service else "matches no action"
    near = known.suggest_pattern(pattern)
    return unknown_name(known, query, kind="wildcard", what=what, options=near)


def _as_action(known: Catalog, query: str) -> Answer | None:
    action = known.action(query)
    if action:
        return _of_action(known, action)
    # An operation of this name comes first: `Invoke` is one of Lambda, and no action there.
    if ":" in query or operations_named(query.lower()):
        return None
    names = known.having(query)
    one = known.action(names[0]) if len(names) == 1 else None
    if one:
        return _of_action(known, one)
    if not names:
        return None
    return known_name(
        known,
        f"{len(names)} services have an action {quoted(query)}: {listed(names[:6])}.",
        {
            "known": True,
            "kind": "action",
            "query": escaped(query),
            "actions": facts.action_rows(known, names),
        },
        queries=names,
    )


def _of_action(known: Catalog, action: Action) -> Answer:
    types = facts.with_required(action)
    on = f"on {types}" if types else "on `*` only: it has no resource types"
    more = ""
    if action.dependents:
        more = f" Calling it can also need {listed(action.dependents[:5])}."
    return known_name(
        known,
        f"`{action.full_name}` has access level {action.level} and is authorised {on}.{more}",
        facts.of_action(known, action),
        services=(action.service,),
    )


def _as_service(known: Catalog, query: str) -> Answer | None:
    service = known.service(query)
    if service is None:
        return None
    ask = ("write", "permissions-management", "no-resource-type")
    return known_name(
        known,
        _service_words(service),
        facts.of_service(known, service),
        services=(service.prefix,),
        queries=[f"{service.prefix} {word}" for word in ask],
    )


def _service_words(service: Service) -> str:
    return (
        f"`{service.prefix}` is {service.title}: {counted(len(service.action_names), 'action')}, "
        f"{counted(len(service.resource_types), 'resource type')}, "
        f"{counted(len(service.condition_keys), 'condition key')}."
    )


def _as_partition(known: Catalog, query: str) -> Answer | None:
    if query not in PARTITIONS:
        return None
    return known_name(
        known,
        f"`{query}` is a partition: ARNs of its resources begin with `arn:{query}:`.",
        {"known": True, "kind": "partition", "name": query, "partitions": list(PARTITIONS)},
        sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html",),
    )


def _as_region(known: Catalog, query: str) -> Answer | None:
    if not FORMS["region"].pattern.fullmatch(query):
        return None
    table = regions()
    partition = table.partition(query)
    if partition is None:
        near = table.near(query)
        what = f"has the form of a Region and is none of those of {table.as_of}"
        options = (near,) if near else ()
        return unknown_name(known, query, kind="region", what=what, options=options)
    return known_name(
        known,
        f"`{query}` is a Region of the partition `{partition}`, by the SDK's table of {table.as_of}.",
        {"known": True, "kind": "region", "name": query, "partition": partition},
        sources=("https://docs.aws.amazon.com/general/latest/gr/rande.html",),
        queries=("aws:RequestedRegion",),
    )


def _as_form(known: Catalog, query: str) -> Answer | None:
    """What has the form of a name that is in no data of ours, so that no action's tier is told of it."""
    kinds = ("service_principal", "account")
    kind = next((name for name in kinds if FORMS[name].pattern.fullmatch(query)), None)
    if kind is None:
        return None
    prefix = query.partition(".")[0]
    service = known.service(prefix) or known.service(service_of(prefix))
    near = [service.prefix] if service and kind == "service_principal" else []
    name = {"service_principal": "a service principal", "account": "an account id"}
    what = f"has the form of {name[kind]}; whether it exists, this data does not say"
    return unknown_name(known, query, kind=kind, what=what, options=near)


def _as_former(known: Catalog, query: str) -> Answer | None:
    tier = known.tier(query)
    if tier == "retired":
        what = "is retired: AWS's reference no longer lists it, and allowing it has no effect"
    elif tier == "undocumented":
        what = "is used by AWS managed policies, and documented nowhere"
    else:
        return None
    kind = "action" if ":" in query else "service"
    return unknown_name(known, query, kind=kind, what=what, tier=tier)


def _as_unknown(known: Catalog, query: str) -> Answer:
    if ":" not in query:
        also = service_of(query)
        options = dict.fromkeys((*([also] if also else []), *known.suggest_service(query)))
        what = "is no known service, action or resource type"
        return unknown_name(known, query, kind="service", what=what, options=options)
    prefix = query.partition(":")[0]
    service = known.service(prefix)
    options = dict.fromkeys((*known.suggest_action(query), *known.suggest_condition_key(query)))
    of = f"of {service.title}" if service else f"and {quoted(prefix)} no known service"
    return unknown_name(
        known, query, kind="action", what=f"is no known name {of}", options=options
    )


_READINGS: tuple[Callable[[Catalog, str], Answer | None], ...] = (
    arns.arn,
    conditions.variable,
    arns.cloudformation_type,
    _as_wildcard,
    _as_service,
    _as_action,
    conditions.condition_key,
    arns.resource_type,
    conditions.operator,
    _as_partition,
    _as_region,
    calls.call,
    _as_form,
    _as_former,
    _as_title,
    conditions.former_key,
    _as_unknown,
)
