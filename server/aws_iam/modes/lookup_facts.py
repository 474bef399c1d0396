"""The facts of `policy lookup` as flat tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.escape import escaped
from aws_iam.policy.global_keys import global_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.answer import Answer
    from aws_iam.policy.arn import Arn
    from aws_iam.policy.catalog import Catalog
    from aws_iam.policy.facts import Action, ConditionKey, ResourceType, Service

# What matters most for a reviewer comes first.
_LEVELS = ("Permissions management", "Write", "Tagging", "List", "Read")


def of_arn(arn: Arn) -> dict[str, Any]:
    """The fields of an ARN; a global one has no region, and some have no account."""
    names = ("partition", "service", "region", "account", "resource")
    return {name: escaped(text) for name in names if (text := getattr(arn, name))}


def of_action(known: Catalog, action: Action) -> dict[str, Any]:
    """Everything about one action."""
    service = known.service(action.service)
    types = service.resource_types if service else {}
    rows = [
        {
            "resource_type": name,
            "required": name in action.required,
            "arn_formats": list(types[name.lower()].arn_formats) if name.lower() in types else [],
        }
        for name in action.resource_types
    ]
    found: dict[str, Any] = {
        "known": True,
        "kind": "action",
        "name": action.full_name,
        "service": service.title if service else action.service,
        "access_level": action.level,
        "authorised_on": "its resource types" if rows else "* only",
    }
    # Before the long tables: a short answer is cut from its end.
    found["dependent_actions"] = list(action.dependents)
    if action.dependents:
        found["dependent_actions_from"] = known.provenance["dependents"]
    return found | {"resource_types": rows, "condition_keys": _keys_of_action(known, action)}


def _keys_of_action(known: Catalog, action: Action) -> list[dict[str, Any]]:
    """Each key once, with where it may stand: a key of the action may sit on one of its resource types."""
    service = known.service(action.service)
    on: dict[str, list[str]] = {key: ["action"] for key in action.condition_keys}
    for name in action.resource_types:
        type_ = service.resource_types.get(name.lower()) if service else None
        keys = {
            *action.type_condition_keys.get(name, ()),
            *(type_.condition_keys if type_ else ()),
        }
        for key in keys:
            on.setdefault(key, []).append(name)
    return [
        {"condition_key": key, "type": _type_of(service, key), "supported_on": on[key]}
        for key in sorted(on, key=str.lower)
    ]


def of_service(known: Catalog, service: Service) -> dict[str, Any]:
    """Everything about one service."""
    actions = sorted(
        service.actions.values(), key=lambda each: (_LEVELS.index(each.level), each.name)
    )
    return {
        "known": True,
        "kind": "service",
        "prefix": service.prefix,
        "name": service.title,
        "in_resource_control_policies": service.prefix in known.rcp_services,
        "levels": level_counts(action.level for action in actions),
        "resource_types": type_rows(service.resource_types.values()),
        "condition_keys": [
            {"condition_key": key.name, "type": key.type}
            for key in service.condition_keys.values()
        ],
        "actions": [
            {
                "action": each.full_name,
                "access_level": each.level,
                "resource_types": list(each.resource_types),
            }
            for each in actions
        ],
    }


def of_type(known: Catalog, each: ResourceType) -> dict[str, Any]:
    """Everything about one resource type but the actions that apply."""
    service = known.service(each.service)
    return {
        "known": True,
        "kind": "resource_type",
        "name": f"{each.service}:{each.name}",
        "service": service.title if service else each.service,
        "arn_formats": list(each.arn_formats),
        "condition_keys": [
            {"condition_key": key, "type": _type_of(service, key)} for key in each.condition_keys
        ],
    }


def of_key(known: Catalog, key: ConditionKey) -> dict[str, Any]:
    """Everything about one condition key, with what supports it."""
    found: dict[str, Any] = {
        "name": key.name,
        "service": key.service,
        "type": key.type or "unknown",
        "multivalued": key.multivalued,
    }
    if key.also:
        found["further_types"] = list(key.also)
    if key.presence:
        found["in_the_request"] = key.presence
    if key.name.lower() in global_keys():
        found |= {"sensitive": key.sensitive, "caller_controlled": key.caller_controlled}
    service = known.service(key.service)
    if service is None:
        services = list(known.services_listing(key.name))
        return found | ({"services_that_list_it": services} if services else {})
    types = [t.name for t in service.resource_types.values() if key.name in t.condition_keys]
    support = {"resource_types": types, "actions": _actions_with(service, key.name, set(types))}
    # AWS's tables name few claims of identity providers; for the others an empty list would read as "supported nowhere".
    return found | {name: rows for name, rows in support.items() if rows}


def _actions_with(service: Service, key: str, types: set[str]) -> list[dict[str, Any]]:
    rows = []
    for action in service.actions.values():
        on = [] if key not in action.condition_keys else ["action"]
        on += [
            name
            for name in action.resource_types
            if name in types or key in action.type_condition_keys.get(name, ())
        ]
        if on:
            rows.append(
                {"action": action.full_name, "access_level": action.level, "supported_on": on}
            )
    return rows


def type_rows(types: Iterable[ResourceType]) -> list[dict[str, Any]]:
    """Resource types as a table."""
    return [
        {
            "resource_type": f"{each.service}:{each.name}",
            "arn_formats": list(each.arn_formats),
            "condition_keys": list(each.condition_keys),
        }
        for each in types
    ]


def actions_on(known: Catalog, types: Sequence[ResourceType]) -> list[dict[str, Any]]:
    """The actions that can be authorised on one of the resource types."""
    rows = []
    for prefix in dict.fromkeys(each.service for each in types):
        service = known.service(prefix)
        names = {each.name for each in types if each.service == prefix}
        for action in service.actions.values() if service else ():
            if names & set(action.resource_types):
                required = bool(names & set(action.required))
                rows.append(
                    {
                        "action": action.full_name,
                        "access_level": action.level,
                        "required": required,
                    }
                )
    return rows


def expansion_rows(known: Catalog, names: Sequence[str]) -> list[dict[str, Any]]:
    """Actions as a table, what matters most first."""
    actions = [action for action in map(known.action, names) if action]
    actions.sort(key=lambda each: (_LEVELS.index(each.level), each.full_name))
    return [{"action": each.full_name, "access_level": each.level} for each in actions]


def level_counts(levels: Iterable[str]) -> list[dict[str, Any]]:
    """How many actions of each level."""
    counted = Counter(levels)
    return [
        {"access_level": level, "count": counted[level]} for level in _LEVELS if counted[level]
    ]


def service_counts(names: Iterable[str]) -> list[dict[str, Any]]:
    """How many of the actions each service has."""
    counted = Counter(name.split(":")[0] for name in names)
    return [{"service": prefix, "count": count} for prefix, count in sorted(counted.items())]


def with_required(action: Action) -> str:
    """The resource types of an action in words, `*` for those that always take part."""
    return ", ".join(
        f"`{name}`" + " (required)" * (name in action.required) for name in action.resource_types
    )


def with_source(answer: Answer, source: str) -> Answer:
    """The answer with one more source, named first."""
    return replace(answer, sources=(source, *answer.sources)) if source else answer


def _type_of(service: Service | None, key: str) -> str:
    found = service.condition_key(key) if service else None
    return found.type or "unknown" if found else "unknown"
