"""What else a call needs: further actions, and further resources that it is authorized on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.generation.action_grants import (
    OmittedAction,
    WantedAction,
    format_near,
    listed_formats,
    resource_types_of,
)
from aws_iam.engine.reference.catalog import catalog
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.generation.access_needs import Need, Target
    from aws_iam.engine.reference.catalog import Action, ResourceType


_HOLE = re.compile(r"\$\{[^{}]*\}")


def is_for_dependent(need: Need, target: Target) -> bool:
    """Whether the ARN is a resource for an action that the need's action depends on."""
    return any(
        target.types_for(dependent) for action in need.actions for dependent in _dependents(action)
    )


def dependent_actions(
    needs: Sequence[Need], wanted: Sequence[WantedAction]
) -> tuple[tuple[WantedAction, ...], tuple[OmittedAction, ...]]:
    """The dependent actions that the needs have resources for, and those without."""
    granted = {want.action.full_name for want in wanted}
    by_need: dict[int, dict[str, Action]] = {}
    for want in wanted:
        by_need.setdefault(id(want.need), {})[want.action.full_name] = want.action
    added: list[WantedAction] = []
    open_: dict[tuple[str, str], list[str]] = {}
    for need in needs:
        for action in by_need.get(id(need), {}).values():
            for dependent in _dependents(action):
                if dependent.full_name in granted:
                    continue
                found = list(_scoped(need, action, dependent))
                added += found
                if not found:
                    key = (dependent.full_name, _why_open(need, dependent))
                    open_.setdefault(key, []).append(action.full_name)
    rows = (
        OmittedAction(action=name, why=why, needed_by=tuple(dict.fromkeys(by)))
        for (name, why), by in open_.items()
    )
    return tuple(added), tuple(rows)


def _dependents(action: Action) -> Iterator[Action]:
    # Actions that the reference does not list cannot be granted on resources.
    return (dependent for dependent in map(catalog().action, action.dependents) if dependent)


def _scoped(need: Need, action: Action, dependent: Action) -> Iterator[WantedAction]:
    """The dependent action on ARNs of the need that it works on, or on `*` when it has no resource types."""
    if not need.exact:
        return
    if not dependent.resource_types:
        yield _needed(need, need.targets[0], action, dependent)
        return
    fitting = [target_ for target_ in need.targets if target_.types_for(dependent)]
    if dependent.level == "Tagging":
        # A call tags what it creates, not what it uses: RunInstances tags instances, not subnets.
        fitting = [target_ for target_ in fitting if _is_tagged(action, target_)] or fitting
    for target in fitting:
        yield _needed(need, target, action, dependent)


def _is_tagged(action: Action, target: Target) -> bool:
    return any(
        key.startswith("aws:RequestTag/")
        for type_ in target.types_for(action)
        for key in action.type_condition_keys.get(type_.name, ())
    )


def _needed(need: Need, target: Target, action: Action, dependent: Action) -> WantedAction:
    types = target.types_for(dependent)
    return WantedAction(
        action=dependent,
        need=need,
        target=target,
        resource=target.text if types else "*",
        types=types,
        needed_by=action.full_name,
    )


def _why_open(need: Need, dependent: Action) -> str:
    if not need.exact:
        what = "an access level" if need.level else "a wildcard"
        return f"{what} does not include dependent actions: name it"
    return f"the need names no resource for it: add one, {listed_formats(dependent, need.targets[0].arn)}"


@slotted
class Companions:
    """Resource types that AWS's reference requires for these actions, and that no need names."""

    actions: tuple[str, ...]
    missing: tuple[ResourceType, ...]
    # Their ARN formats, filled in like the target of the first action.
    formats: tuple[str, ...]
    # Further resource types that can take part, for a named action.
    optional: tuple[str, ...] = ()


def companions(wanted: Sequence[WantedAction]) -> tuple[Companions, ...]:
    """The further resource types that calls of the granted actions are authorized on."""
    covered: dict[str, set[str]] = {}
    first: dict[str, WantedAction] = {}
    for want in wanted:
        name = want.action.full_name
        first.setdefault(name, want)
        covered.setdefault(name, set()).update(type_.name for type_ in want.types)
    groups: dict[tuple[tuple[ResourceType, ...], tuple[str, ...]], list[str]] = {}
    for name, want in first.items():
        missing = tuple(
            t for t in resource_types_of(want.action) if _lacks(want.action, t, covered[name])
        )
        optional = _optional(want.action, covered[name]) if want.need.exact else ()
        if missing:
            groups.setdefault((missing, optional), []).append(name)
    return tuple(
        Companions(
            actions=tuple(names),
            missing=missing,
            formats=tuple(
                format_near(text, first[names[0]].target.arn)
                for type_ in missing
                for text in type_.arn_formats
            ),
            optional=optional,
        )
        for (missing, optional), names in groups.items()
    )


def _lacks(action: Action, type_: ResourceType, covered: set[str]) -> bool:
    return type_.name in action.required and type_.name not in covered


def _optional(action: Action, covered: set[str]) -> tuple[str, ...]:
    return tuple(n for n in action.resource_types if n not in covered and n not in action.required)


def nested_types(target: Target) -> tuple[ResourceType, ...]:
    """The resource types inside the target: the objects of a bucket, the streams of a log group."""
    found: list[ResourceType] = []
    for prefix in target.services:
        own = target.types_in(prefix)
        heads = tuple(
            f"{text}{sep}" for type_ in own for text in type_.arn_formats for sep in "/:"
        )
        service = catalog().service(prefix)
        found += [
            type_
            for type_ in (service.resource_types.values() if service else ())
            if type_ not in own and any(text.startswith(heads) for text in type_.arn_formats)
        ]
    return tuple(found)


def without_placeholders(template: str) -> str:
    """An ARN format with `*` for each placeholder."""
    return _HOLE.sub("*", template)
