"""The facts of `policy generate --needs` as flat tables: decisions made, and decisions left to the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.generation import dependents, passed_roles
from aws_iam.engine.generation.access_levels import rows_for, rows_for_actions
from aws_iam.engine.generation.action_grants import listed_formats
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.policy_quotas import size
from aws_iam.escape import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.generation.access_needs import Need, Target
    from aws_iam.engine.generation.action_grants import (
        ExcludedAction,
        OmittedAction,
        WantedAction,
    )
    from aws_iam.engine.generation.plan import Plan
    from aws_iam.engine.reference.catalog import ResourceType

# Action names in a cell of a table; the policy itself has all of them.
_MOST_NAMES = 12
_FEW_NAMES = 3


def fact_tables(
    needs: Sequence[Need], plan: Plan, documents: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """All tables that have a row."""
    facts = {
        "not_included": _not_included(plan.excluded),
        "includes": [row for need in needs for row in _includes(need)],
        "passed_to": _passed_to(plan),
        "not_scoped": [_left_out(action) for action in plan.not_scoped],
        "left_out": [_left_out(action) for action in plan.left_out],
        "star_actions": _stars(plan),
        "dependents": [_dependent(action) for action in plan.added],
        "without_condition": [
            {"key": escaped(key), "actions": first_names(names)}
            for key, names in plan.without.items()
        ],
        "also_required": _also_required(plan),
        "may_also_need": may_also_need(needs, plan),
        "not_reached": [row for need in needs for row in _not_reached(need)],
        "needs": _granted(plan.wanted),
        "characters": [size(document) for document in documents],
        "dependents_from": _dependents_source(plan),
    }
    return {name: value for name, value in facts.items() if value}


def _not_included(excluded: Sequence[ExcludedAction]) -> list[dict[str, Any]]:
    """What the levels leave out, by reason."""
    groups: dict[tuple[str, str, str], dict[str, None]] = {}
    for row in excluded:
        key = (row.need.name, row.why, row.target.text)
        groups.setdefault(key, {})[row.action] = None
    return [
        {
            "need": escaped(need),
            "resource": escaped(resource),
            "actions": ", ".join(names),
            "why": why,
        }
        for (need, why, resource), names in groups.items()
    ]


def _includes(need: Need) -> Iterator[dict[str, Any]]:
    """What the need covers besides the ARN that it names."""
    for target in need.targets:
        if target.within:
            yield {
                "need": escaped(need.name),
                "resource": escaped(target.within),
                "also": escaped(target.text),
            }


def _passed_to(plan: Plan) -> list[dict[str, Any]]:
    """To which services roles can be passed."""
    if plan.passed.services:
        services = ", ".join(plan.passed.services)
        why = "the other actions of the needs pass a role to it"
        return [{"action": passed_roles.PASS_ROLE, "services": services, "why": why}]
    why = f"no condition on {passed_roles.KEY}: pass `conditions` to add one"
    return [
        {
            "action": passed_roles.PASS_ROLE,
            "resource": escaped(role),
            "services": "any that the role trusts",
            "why": why,
        }
        for role in plan.passed.anywhere
    ]


def may_also_need(
    needs: Sequence[Need], plan: Plan, *, is_said: bool = False
) -> list[dict[str, Any]]:
    """Actions that reading or writing takes in some cases, and that no need names; `is_said`: those that a summary has to say."""
    granted = {grant.action for grant in plan.grants}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for need in needs:
        said: set[ResourceType] = set()
        for target in need.targets:
            # What a resource holds can be of the resource's own type: a log group with `:*`.
            types = [t for t in _types_of(target) if not target.within or t not in said]
            said.update(types)
            for row in _rows_of(need, types):
                names = [name for name in row["actions"] if name not in granted]
                if names and (row.get("said", False) or not is_said):
                    found[target.text, row["when"]] = {
                        "resource": escaped(target.text),
                        "actions": ", ".join(names),
                        "when": row["when"],
                        "source": row["source"],
                    }
    return list(found.values())


def _rows_of(need: Need, types: Sequence[ResourceType]) -> Iterator[dict[str, Any]]:
    if need.level:
        yield from rows_for("also", need.level, types)
        yield from _listing(need, types)
    else:
        yield from rows_for_actions("also", need.actions, types)


def _listing(need: Need, types: Sequence[ResourceType]) -> Iterator[dict[str, Any]]:
    """The actions that list all resources of a type: they have no resource types, so no ARN grants them."""
    for type_ in types if need.level and need.level.name in {"read", "list"} else ():
        service = catalog().service(type_.service)
        plain = "".join(filter(str.isalnum, type_.name)).lower()
        names = [
            action.full_name
            for action in (service.actions.values() if service else ())
            if not action.resource_types
            and action.level in {"Read", "List"}
            and action.name.lower() in _plurals(plain)
        ]
        if names:
            yield {
                "actions": names,
                "when": "the caller lists all resources of this type: grant it on `*`",
                "source": catalog().source(type_.service),
            }


def _plurals(name: str) -> frozenset[str]:
    """The names of actions that list all resources of a type."""
    verbs = ("list", "describe", "get", "listallmy")
    return frozenset(f"{verb}{name}{end}" for verb in verbs for end in ("s", "es"))


def _dependents_source(plan: Plan) -> str:
    origin: str = catalog().provenance["dependents"]
    return origin if plan.added or plan.not_scoped else ""


def _left_out(left_out: OmittedAction) -> dict[str, Any]:
    row: dict[str, Any] = {"action": left_out.action, "why": left_out.why}
    return row | ({"needed_by": first_names(left_out.needed_by)} if left_out.needed_by else {})


def _dependent(wanted: WantedAction) -> dict[str, Any]:
    return {
        "action": wanted.action.full_name,
        "needed_by": wanted.needed_by,
        "resource": escaped(wanted.resource),
    }


def first_names(names: Iterable[str], most: int = _MOST_NAMES) -> str:
    """The first few names in a cell of a table; the others are counted."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def _stars(plan: Plan) -> list[dict[str, Any]]:
    """What is granted on `*`: the actions that have to be, and what the needs ask for there."""
    stars = [action for action in (*plan.wanted, *plan.added) if action.resource == "*"]
    must = dict.fromkeys(star.action.full_name for star in stars if not star.action.resource_types)
    why = "no resource types: AWS authorizes it on `*` only"
    rows = [{"actions": ", ".join(must), "why": why}] if must else []
    by_need: dict[int, list[WantedAction]] = {}
    for star in stars:
        if star.action.resource_types:
            by_need.setdefault(id(star.need), []).append(star)
    for group in by_need.values():
        could = f"{len(group)} of its actions" if len(group) > 1 else "it"
        form = (
            listed_formats(group[0].action)
            if len(group) == 1
            else "the ARNs of their resource types"
        )
        what = f"requested on `*`; {could} could be limited to {form}"
        rows.append({"actions": escaped(group[0].need.name), "why": what})
    return rows


def _also_required(plan: Plan) -> list[dict[str, Any]]:
    """Resources that the reference marks as required but no need names: without them AWS may refuse a call."""
    rows = []
    for companion in dependents.companions((*plan.wanted, *plan.added)):
        row = {
            "actions": first_names(companion.actions),
            "also_on": ", ".join(map(_name, companion.missing)),
            "arn_formats": list(companion.formats),
        }
        rows.append(
            row | ({"may_also_be_on": ", ".join(companion.optional)} if companion.optional else {})
        )
    return rows


def _name(type_: ResourceType) -> str:
    return f"{type_.service}:{type_.name}"


def _not_reached(need: Need) -> Iterator[dict[str, Any]]:
    """What an access level on an ARN does not include: resources inside it, and actions of other services on it."""
    if not need.level:
        return
    have = {type_ for target in need.targets for type_ in _types_of(target)}
    for target in need.targets:
        if target.within:
            continue
        row = {"need": escaped(need.name), "resource": escaped(target.text)}
        for type_ in dependents.nested_types(target):
            count = _count_actions(need, [type_])
            if type_ not in have and count:
                ask = _pattern_below(target, type_)
                yield row | {
                    "actions": count,
                    "of": f"{_name(type_)} inside it",
                    "name_it_as": ask,
                }
        for service, types in _types_in_other_services(target).items():
            count = _count_actions(need, types)
            if count:
                ask = f"actions by name: `policy lookup` with `query: {service}`"
                yield row | {"actions": count, "of": f"{service} on it", "name_it_as": ask}


def _types_of(target: Target) -> Iterator[ResourceType]:
    return (type_ for prefix in target.services for type_ in target.types_in(prefix))


def _count_actions(need: Need, types: Sequence[ResourceType]) -> int:
    """The number of actions of the level that work on one of these types of one service."""
    service = catalog().service(types[0].service)
    names = {type_.name for type_ in types}
    actions = service.actions.values() if service else ()
    level = need.level
    return sum(
        bool(level and level.includes(a)) and bool(names & set(a.resource_types)) for a in actions
    )


def _pattern_below(target: Target, inner: ResourceType) -> str:
    """The pattern of all resources of this type inside the target."""
    heads = [text for type_ in _types_of(target) for text in type_.arn_formats]
    tails = [
        text.removeprefix(head)
        for text in inner.arn_formats
        for head in heads
        if text.startswith((f"{head}/", f"{head}:"))
    ]
    return escaped(target.text) + dependents.without_placeholders(min(tails, key=len))


def _types_in_other_services(target: Target) -> dict[str, list[ResourceType]]:
    """The resource types of other services that have this ARN format, by service."""
    types_by_service: dict[str, list[ResourceType]] = {}
    for type_ in catalog().types_of_arn(target.arn) if target.arn else ():
        if type_.service not in target.services:
            types_by_service.setdefault(type_.service, []).append(type_)
    return types_by_service


def _granted(wanted: Iterable[WantedAction]) -> list[dict[str, Any]]:
    """The actions that each need adds, by resource."""
    groups: dict[tuple[int, str], list[WantedAction]] = {}
    for action in wanted:
        groups.setdefault((id(action.need), action.resource), []).append(action)
    return [_group(group) for group in groups.values()]


def _group(group: Sequence[WantedAction]) -> dict[str, Any]:
    first = group[0]
    types = dict.fromkeys(_name(type_) for wanted in group for type_ in wanted.types)
    names = tuple(dict.fromkeys(wanted.action.full_name for wanted in group))
    return {
        "need": escaped(first.need.name),
        "resource": escaped(first.resource),
        "is": "any" if first.resource == "*" else first_names(tuple(types)),
        "count": len(names),
        "actions": first_names(names, _FEW_NAMES),
    }
