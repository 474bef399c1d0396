"""The facts of `policy lookup` as flat tables."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from aws_iam.engine.reference.global_keys import global_keys
from aws_iam.escape import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.language.arn import Arn
    from aws_iam.engine.reference.catalog import Catalog
    from aws_iam.engine.reference.facts import Action, ConditionKey, ResourceType, Service, Support

# The levels that matter most to a reviewer come first.
_LEVELS = ("Permissions management", "Write", "Tagging", "List", "Read")
_A_ROW = 40
# API Gateway has actions with sixty resource types.
_MOST_TYPES = 15
# For a key of at most this many services the answer also says where each action supports it.
_FEW = 3


def arn_facts(arn: Arn) -> dict[str, Any]:
    """The fields of an ARN that are not empty."""
    names = ("partition", "service", "region", "account", "resource")
    return {name: escaped(text) for name in names if (text := getattr(arn, name))}


def action_facts(known: Catalog, action: Action) -> dict[str, Any]:
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
    # Before the long tables, because a long answer is cut at its end.
    found["dependent_actions"] = list(action.dependents)
    if action.dependents:
        found["dependent_actions_from"] = known.provenance["dependents"]
    return found | {"resource_types": rows, "condition_keys": _keys_of_action(known, action)}


def _keys_of_action(known: Catalog, action: Action) -> list[dict[str, Any]]:
    """Each key once, with where the action supports it: on the action or on a resource type."""
    service = known.service(action.service)
    places: dict[str, list[str]] = {key: ["action"] for key in action.condition_keys}
    for name in action.resource_types:
        type_ = service.resource_types.get(name.lower()) if service else None
        keys = {
            *action.type_condition_keys.get(name, ()),
            *(type_.condition_keys if type_ else ()),
        }
        for key in keys:
            places.setdefault(key, []).append(name)
    return [
        {"condition_key": key, "type": _type_of(service, key), "supported_on": places[key]}
        for key in sorted(places, key=str.lower)
    ]


def service_facts(known: Catalog, service: Service) -> dict[str, Any]:
    """Everything about one service."""
    names = [f"{service.prefix}:{name}" for name in service.action_names]
    return {
        "known": True,
        "kind": "service",
        "prefix": service.prefix,
        "name": service.title,
        "in_resource_control_policies": service.prefix in known.rcp_services,
        "levels": level_counts(known, names),
        "actions_without_resource_type": len(service.without_types()),
        "resource_types": type_rows(service.resource_types.values()),
        "condition_keys": [
            {"condition_key": key.name, "type": key.type}
            for key in service.condition_keys.values()
        ],
        "actions": action_rows(known, names),
    }


def resource_type_facts(known: Catalog, type_: ResourceType) -> dict[str, Any]:
    """Everything about one resource type except the actions on it."""
    service = known.service(type_.service)
    return {
        "known": True,
        "kind": "resource_type",
        "name": f"{type_.service}:{type_.name}",
        "service": service.title if service else type_.service,
        "arn_formats": list(type_.arn_formats),
        "condition_keys": [
            {"condition_key": key, "type": _type_of(service, key)} for key in type_.condition_keys
        ],
    }


def condition_key_facts(key: ConditionKey) -> dict[str, Any]:
    """Everything about one condition key except the actions that support it."""
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
    return found


def supporting_actions(
    known: Catalog, key: ConditionKey, service: Service | None = None
) -> dict[str, Any]:
    """Which actions support a key, by service: on the action itself, on its resource types, or both."""
    by_service: dict[str, list[Support]] = {}
    for action in service.supporting(key.name) if service else known.supporting(key.name):
        by_service.setdefault(action.action.partition(":")[0], []).append(action)
    if not by_service:
        return {}
    every = [row for rows in by_service.values() for row in rows]
    return {
        "supporting_actions": len(every),
        "supported_by_the_action": sum(row.own for row in every),
        "supported_on_a_resource_type": sum(bool(row.types) for row in every),
        "levels": _levels(row.level for row in every),
        "services": [
            {"service": prefix, "actions": len(rows)}
            for prefix, rows in sorted(by_service.items(), key=_largest_first)
        ],
        "actions": [
            row
            for rows in by_service.values()
            for row in _support_rows(rows, in_detail=len(by_service) <= _FEW)
        ],
    }


def _support_rows(rows: Iterable[Support], *, in_detail: bool) -> Iterator[dict[str, Any]]:
    """The actions of one service by level; in detail also by where they support the key."""
    same: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for row in rows:
        places = ("action",) * row.own + row.types if in_detail else ()
        same.setdefault((row.level, places), []).append(row.action)
    for (level, places), names in sorted(same.items(), key=lambda item: _LEVELS.index(item[0][0])):
        where = {"supported_on": list(places)} if in_detail else {}
        for chunk in _chunks(names):
            yield {"access_level": level, **where, "actions": chunk}


def _largest_first(item: tuple[str, Sequence[object]]) -> tuple[int, str]:
    return -len(item[1]), item[0]


def type_rows(types: Iterable[ResourceType]) -> list[dict[str, Any]]:
    """Resource types as a table."""
    return [
        {
            "resource_type": f"{type_.service}:{type_.name}",
            "arn_formats": list(type_.arn_formats),
            "condition_keys": list(type_.condition_keys),
        }
        for type_ in types
    ]


def keys_on(known: Catalog, types: Iterable[ResourceType]) -> list[dict[str, Any]]:
    """The condition keys of resource types, each once."""
    found = {key: known.service(type_.service) for type_ in types for key in type_.condition_keys}
    return [{"condition_key": key, "type": _type_of(found[key], key)} for key in sorted(found)]


def actions_on(known: Catalog, types: Sequence[ResourceType]) -> tuple[list[str], list[str]]:
    """The actions that are always authorized on one of the resource types, and those that may be."""
    always: list[str] = []
    sometimes: list[str] = []
    for prefix in dict.fromkeys(type_.service for type_ in types):
        service = known.service(prefix)
        names = {type_.name for type_ in types if type_.service == prefix}
        for action in service.actions.values() if service else ():
            if names & set(action.required):
                always.append(action.full_name)
            elif names & set(action.resource_types):
                sometimes.append(action.full_name)
    return always, sometimes


def applicable_actions(known: Catalog, types: Sequence[ResourceType]) -> dict[str, Any]:
    """The actions on the resource types, and the actions of their services without a resource type."""
    always, sometimes = actions_on(known, types)
    owners = filter(None, map(known.service, dict.fromkeys(type_.service for type_ in types)))
    without = [f"{owner.prefix}:{name}" for owner in owners for name in owner.without_types()]
    return {
        "levels": level_counts(known, [*always, *sometimes]),
        "condition_keys": keys_on(known, types),
        "actions": [
            {**row, "resource": word}
            for names, word in ((always, "required"), (sometimes, "optional"))
            for row in action_rows(known, names)
        ],
        "actions_without_resource_type": action_rows(known, without),
    }


def action_rows(known: Catalog, names: Iterable[str]) -> list[dict[str, Any]]:
    """Full action names grouped by level, the most important first; each row fits on a page of the answer."""
    by_level: dict[str, list[str]] = {level: [] for level in _LEVELS}
    for name in names:
        by_level[_level(known, name)].append(name)
    return [
        {"access_level": level, "actions": some}
        for level, listed in by_level.items()
        for some in _chunks(listed)
    ]


def level_counts(known: Catalog, names: Iterable[str]) -> list[dict[str, Any]]:
    """The number of actions with each level."""
    return _levels(_level(known, name) for name in names)


def _levels(levels: Iterable[str]) -> list[dict[str, Any]]:
    counts = Counter(levels)
    return [{"access_level": level, "count": counts[level]} for level in _LEVELS if counts[level]]


def level_text(levels: Iterable[dict[str, Any]]) -> str:
    """The counts as text: `3 Write, 2 Read`."""
    return ", ".join(f"{row['count']} {row['access_level']}" for row in levels)


def _level(known: Catalog, name: str) -> str:
    prefix, _, action = name.partition(":")
    service = known.service(prefix)
    return service.level(action) if service else ""


def _chunks(names: Sequence[str]) -> Iterator[list[str]]:
    """A few dozen names at a time, because an answer is cut between rows."""
    for start in range(0, len(names), _A_ROW):
        yield list(names[start : start + _A_ROW])


def service_counts(names: Iterable[str]) -> list[dict[str, Any]]:
    """The number of actions of each service, the largest first."""
    counts = Counter(name.split(":")[0] for name in names)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"service": prefix, "actions": count} for prefix, count in ordered]


def with_required(action: Action) -> str:
    """The resource types of an action as text, with the required ones marked; of many the first ones, and how many more."""
    names = [
        f"`{name}`" + " (required)" * (name in action.required) for name in action.resource_types
    ]
    if len(names) <= _MOST_TYPES:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_TYPES])} and {len(names) - _MOST_TYPES} more"


def _type_of(service: Service | None, key: str) -> str:
    found = service.condition_key(key) if service else None
    return found.type or "unknown" if found else "unknown"
