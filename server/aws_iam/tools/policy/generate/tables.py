"""The facts of `policy generate` as flat tables: what was decided, and what is left to decide, first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.generation import dependents, minimise
from aws_iam.engine.generation.grants import forms
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.generate import Plan
    from aws_iam.engine.generation.access_needs import Need, Target
    from aws_iam.engine.generation.grants import LeftOut, Wanted
    from aws_iam.engine.reference.catalog import ResourceType

# Names of actions in a cell of a table; the policy itself has all of them.
_MOST_NAMES = 12
_FEW_NAMES = 3


def of(needs: Sequence[Need], found: Plan, documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All tables that have a row."""
    facts = {
        "not_scoped": [_left_out(action) for action in found.not_scoped],
        "left_out": [_left_out(action) for action in found.left_out],
        "star_actions": _stars(found),
        "dependents": [_dependent(action) for action in found.added],
        "without_condition": [
            {"key": escaped(key), "actions": _some(names)} for key, names in found.without.items()
        ],
        "also_required": _companions(found),
        "not_reached": [row for need in needs for row in _not_reached(need)],
        "needs": _granted(found.wanted),
        "characters": [minimise.size(document) for document in documents],
        "dependents_from": _origin(found),
    }
    return {name: value for name, value in facts.items() if value}


def _origin(found: Plan) -> str:
    origin: str = catalog().provenance["dependents"]
    return origin if found.added or found.not_scoped else ""


def _left_out(left_out: LeftOut) -> dict[str, Any]:
    row: dict[str, Any] = {"action": left_out.action, "why": left_out.why}
    return row | ({"needed_by": _some(left_out.needed_by)} if left_out.needed_by else {})


def _dependent(wanted: Wanted) -> dict[str, Any]:
    return {
        "action": wanted.action.full_name,
        "needed_by": wanted.needed_by,
        "resource": escaped(wanted.resource),
    }


def _some(names: Sequence[str], most: int = _MOST_NAMES) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _stars(found: Plan) -> list[dict[str, Any]]:
    """What stands on `*`: the actions that have to by name, and what was asked for there."""
    stars = [action for action in (*found.wanted, *found.added) if action.resource == "*"]
    must = dict.fromkeys(star.action.full_name for star in stars if not star.action.resource_types)
    why = "no resource types: AWS authorises it on `*` only"
    rows = [{"actions": ", ".join(must), "why": why}] if must else []
    asked: dict[int, list[Wanted]] = {}
    for star in stars:
        if star.action.resource_types:
            asked.setdefault(id(star.need), []).append(star)
    for group in asked.values():
        could = f"{len(group)} of its actions" if len(group) > 1 else "it"
        form = forms(group[0].action) if len(group) == 1 else "the ARNs of their resource types"
        what = f"asked for on `*`; {could} could stand on {form}"
        rows.append({"actions": escaped(group[0].need.name), "why": what})
    return rows


def _companions(found: Plan) -> list[dict[str, Any]]:
    """Resources that the reference marks as required and no need names: a call may be refused for want of them."""
    rows = []
    for companion in dependents.companions((*found.wanted, *found.added)):
        row = {
            "actions": _some(companion.actions),
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
    """What an access level on an ARN does not bring: what lies inside has ARNs of its own, other services have levels."""
    if not need.level:
        return
    have = {type_ for target in need.targets for type_ in _types(target)}
    for target in need.targets:
        row = {"need": escaped(need.name), "resource": escaped(target.text)}
        for type_ in dependents.inside(target):
            count = _count(need, [type_])
            if type_ not in have and count:
                ask = _below(target, type_)
                yield row | {
                    "actions": count,
                    "of": f"{_name(type_)} inside it",
                    "name_it_as": ask,
                }
        for service, types in _of_others(target).items():
            count = _count(need, types)
            if count:
                ask = f"actions by name: `aws-iam policy lookup --query {service}`"
                yield row | {"actions": count, "of": f"{service} on it", "name_it_as": ask}


def _types(target: Target) -> Iterator[ResourceType]:
    return (type_ for prefix in target.services for type_ in target.types_in(prefix))


def _count(need: Need, types: Sequence[ResourceType]) -> int:
    """How many actions of the level work on one of these types of one service."""
    service = catalog().service(types[0].service)
    names = {type_.name for type_ in types}
    actions = service.actions.values() if service else ()
    return sum(a.level == need.level and bool(names & set(a.resource_types)) for a in actions)


def _below(target: Target, inner: ResourceType) -> str:
    """The pattern of everything of this type below the target."""
    heads = [text for type_ in _types(target) for text in type_.arn_formats]
    tails = [
        text.removeprefix(head)
        for text in inner.arn_formats
        for head in heads
        if text.startswith((f"{head}/", f"{head}:"))
    ]
    return escaped(target.text) + dependents.opened(min(tails, key=len))


def _of_others(target: Target) -> dict[str, list[ResourceType]]:
    """The types by which other services' tables know the ARN."""
    found: dict[str, list[ResourceType]] = {}
    for type_ in catalog().types_of_arn(target.arn) if target.arn else ():
        if type_.service not in target.services:
            found.setdefault(type_.service, []).append(type_)
    return found


def _granted(wanted: Iterable[Wanted]) -> list[dict[str, Any]]:
    """The actions that each need brought, by resource."""
    groups: dict[tuple[int, str], list[Wanted]] = {}
    for need in wanted:
        groups.setdefault((id(need.need), need.resource), []).append(need)
    return [_group(group) for group in groups.values()]


def _group(group: Sequence[Wanted]) -> dict[str, Any]:
    first = group[0]
    types = dict.fromkeys(_name(type_) for need in group for type_ in need.types)
    names = tuple(dict.fromkeys(need.action.full_name for need in group))
    return {
        "need": escaped(first.need.name),
        "resource": escaped(first.resource),
        "is": "any" if first.resource == "*" else _some(tuple(types)),
        "count": len(names),
        "actions": _some(names, _FEW_NAMES),
    }
