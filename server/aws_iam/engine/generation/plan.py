"""From needs to grants: which action is allowed on which resource, under which conditions.

    needs ─ access_needs ─▶ Need ─ plan ─▶ Grant ─ repair of the empty policy ─▶ policies

Nothing is guessed: what the needs do not name is not granted; the plan lists it.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.engine.generation import condition_fit, dependents, passed_roles
from aws_iam.engine.generation.access_levels import LEVEL_NAMES, AccessLevel, rows_for
from aws_iam.engine.generation.action_grants import (
    ActionGrant,
    ExcludedAction,
    OmittedAction,
    WantedAction,
    listed_formats,
    resource_types_of,
)
from aws_iam.engine.language.problems import Problems
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.generation.access_needs import Need, Target
    from aws_iam.engine.generation.condition_limits import ConditionLimits
    from aws_iam.engine.generation.passed_roles import PassedRoles
    from aws_iam.engine.reference.catalog import Action, ResourceType


# More pairs than ten managed policies can hold, unless very many actions share very many ARNs.
_MOST_PAIRS = 50_000
# Actions of a level that are named one by one.
_FEW = 3


@slotted
class Plan:
    """The grants, the actions behind them, and the actions that are not granted, with the reasons."""

    grants: tuple[ActionGrant, ...]
    limits: ConditionLimits
    wanted: tuple[WantedAction, ...]
    added: tuple[WantedAction, ...]
    not_scoped: tuple[OmittedAction, ...]
    left_out: tuple[OmittedAction, ...]
    # By condition key, the actions that are granted without the condition.
    without: Mapping[str, tuple[str, ...]]
    # What the access levels of the needs leave out.
    excluded: tuple[ExcludedAction, ...]
    passed: PassedRoles


def plan(needs: Sequence[Need], limits: ConditionLimits) -> Plan:
    """The grants for the needs; InputError names every need that cannot be granted."""
    problems = Problems()
    wanted = tuple(islice(_all_wanted(needs, problems), _MOST_PAIRS + 1))
    problems.refuse("needs")
    _refuse_size(wanted)
    wanted, removing = condition_fit.without_boundary_removal(wanted, limits)
    added, not_scoped = dependents.dependent_actions(needs, wanted)
    fitted = condition_fit.fit_conditions((*wanted, *added), limits)
    condition_fit.refuse_locked_out(needs, fitted, limits)
    passed = passed_roles.limit_passing(fitted, limits)
    return Plan(
        grants=passed.grants,
        limits=passed.limits,
        wanted=tuple(wanted_ for wanted_ in fitted.granted if not wanted_.needed_by),
        added=tuple(wanted_ for wanted_ in fitted.granted if wanted_.needed_by),
        not_scoped=(*not_scoped, *fitted.rows(added=True)),
        left_out=(*removing, *fitted.rows(added=False)),
        without=fitted.without,
        excluded=tuple(_excluded(needs, fitted.granted)),
        passed=passed,
    )


def _refuse_size(wanted: Sequence[WantedAction]) -> None:
    if len(wanted) > _MOST_PAIRS:
        raise InputError(
            f"`needs` asks for more than {_MOST_PAIRS:,} pairs of action and ARN",
            hint="use ARN patterns, or split the needs",
        )


def _all_wanted(needs: Sequence[Need], problems: Problems) -> Iterator[WantedAction]:
    return (wanted for need in needs for wanted in _wanted_by_need(need, problems))


def _wanted_by_need(need: Need, problems: Problems) -> Iterator[WantedAction]:
    found = [wanted for target in need.targets for wanted in _wanted_on(need, target)]
    reached = {wanted.target.pointer for wanted in found}
    for target in need.targets:
        served = target.within or target.pointer in reached
        if not served and not (need.exact and dependents.is_for_dependent(need, target)):
            problems.add(target.pointer, _why_nothing(need, target))
    if need.exact and need.actions and need.targets and not found and not problems.found:
        action = need.actions[0]
        what = f"names no resource for `{action.full_name}` itself, which works on {listed_formats(action, need.targets[0].arn)}"
        problems.add(need.pointer, what)
    yield from found


def _wanted_on(need: Need, target: Target) -> Iterator[WantedAction]:
    """The actions of the need that work on the target."""
    for action in _of_level(need.level, target) if need.level else need.actions:
        if target.arn is None or (need.exact and _demands_star(action, target)):
            types, resource = resource_types_of(action), "*"
        else:
            types, resource = target.types_for(action), target.text
        if types or resource == "*":
            yield WantedAction(
                action=action, need=need, target=target, resource=resource, types=types
            )


def _of_level(level: AccessLevel, target: Target) -> Iterator[Action]:
    return (action for action in _actions_of_services(target) if level.includes(action))


def _actions_of_services(target: Target) -> Iterator[Action]:
    for prefix in target.services:
        service = catalog().service(prefix)
        yield from service.actions.values() if service else ()


def _excluded(needs: Sequence[Need], granted: Sequence[WantedAction]) -> Iterator[ExcludedAction]:
    """What the levels leave out, unless another need has it granted there."""
    allowed = {(wanted.action.full_name, wanted.resource) for wanted in granted}
    for need in needs:
        for target in need.targets if need.level else ():
            for action in _actions_of_services(target):
                why = need.level.why_not(action) if need.level else ""
                if (
                    why
                    and (action.full_name, target.text) not in allowed
                    and target.types_for(action)
                ):
                    yield ExcludedAction(
                        action=action.full_name, why=why, need=need, target=target
                    )


def _demands_star(action: Action, target: Target) -> bool:
    """Whether the action works only on `*`, and the ARN belongs to its service."""
    return not action.resource_types and action.service in target.services


def _why_nothing(need: Need, target: Target) -> str:
    shown, kinds = quoted(target.text), _kinds(target)
    if need.level:
        by_level = {
            name: [
                f"`{a.full_name}`"
                for a in _of_level(AccessLevel(name=name), target)
                if target.types_for(a)
            ]
            for name in LEVEL_NAMES
        }
        has = ", ".join(
            f"{len(names)} `{name}`{f' ({joined(names)})' if len(names) <= _FEW else ''}"
            for name, names in by_level.items()
            if names
        )
        types = [type_ for prefix in target.services for type_ in target.types_in(prefix)]
        why = "".join(f". {row['why']}" for row in rows_for("instead", need.level, types))
        others = sorted({t.service for t in _all_types(target)} - set(target.services))
        more = f"; name the actions of {', '.join(others)} instead" if others and not why else ""
        return (
            f"no action of level `{need.level.name}` works on {shown}, which is {kinds}; it has "
            f"{has or 'none'}{more}{why}"
        )
    if not need.exact:
        return f"no action that {quoted(need.name)} matches works on {shown}, which is {kinds}"
    action = need.actions[0]
    if not action.resource_types:
        return f"`{action.full_name}` has no resource types: grant it on `*`, not on {shown}"
    return f"`{action.full_name}` never matches {shown}, which is {kinds}; it works on {listed_formats(action, target.arn)}"


def _all_types(target: Target) -> tuple[ResourceType, ...]:
    return catalog().types_of_arn(target.arn) if target.arn else ()


def _kinds(target: Target) -> str:
    types = [type_ for prefix in target.services for type_ in target.types_in(prefix)]
    return " or ".join(f"`{type_.service}:{type_.name}`" for type_ in types[:3])
