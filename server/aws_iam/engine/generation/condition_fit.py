"""Which grant gets which condition, so that no statement silently never matches and none is broader than intended.

requests carry the key                               the grant gets the condition
it holds without the key (IfExists, `Null: true`)    the grant does without the condition
the key is about another service or resource         the grant does without the condition
another resource of the same call is limited         the grant does without the condition
otherwise                                            no grant: without the condition it would be broader than intended

Where a permissions boundary is required, the actions that would remove it are not granted:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.generation.action_grants import ActionGrant, OmittedAction
from aws_iam.engine.language.problems import Problems
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.generation.access_needs import Need, Target
    from aws_iam.engine.generation.action_grants import WantedAction
    from aws_iam.engine.generation.condition_limits import ConditionLimits


@slotted
class _LockedOut:
    """A wanted action whose requests never carry these keys."""

    wanted: WantedAction
    keys: tuple[str, ...]


@slotted
class FittedGrants:
    """The grants, the wanted actions behind them, those locked out, and by key the actions granted without its condition."""

    grants: tuple[ActionGrant, ...]
    granted: tuple[WantedAction, ...]
    locked_out: tuple[_LockedOut, ...]
    without: Mapping[str, tuple[str, ...]]
    # The conditions whose keys no request carries.
    unused: frozenset[int]

    def rows(self, *, added: bool) -> tuple[OmittedAction, ...]:
        """The locked-out actions of the needs, or of those added to them, each once."""
        found: dict[tuple[str, str], list[str]] = {}
        for locked in self.locked_out:
            if bool(locked.wanted.needed_by) is added:
                keys = ", ".join(map(quoted, locked.keys))
                why = f"its requests never carry {keys}: grant it without this condition"
                by = found.setdefault((locked.wanted.action.full_name, why), [])
                by += [locked.wanted.needed_by] if added else []
        return tuple(
            OmittedAction(action=name, why=why, needed_by=tuple(dict.fromkeys(by)))
            for (name, why), by in found.items()
        )


def fit_conditions(wanted: Sequence[WantedAction], limits: ConditionLimits) -> FittedGrants:
    """Each wanted action with the conditions that its requests can meet."""
    scope = _LimitReach.of(wanted, limits)
    grants: dict[ActionGrant, None] = {}
    granted: list[WantedAction] = []
    locked: list[_LockedOut] = []
    without: dict[str, dict[str, None]] = {}
    for one, carried in zip(wanted, scope.carried, strict=True):
        absent = frozenset(range(len(limits.listed))) - carried
        missed = {number for number in absent if scope.binds(number, one)}
        name = one.action.full_name
        if missed:
            locked.append(_LockedOut(wanted=one, keys=limits.keys(missed)))
            continue
        granted.append(one)
        grants[ActionGrant(action=name, resource=one.resource, limits=tuple(sorted(carried)))] = (
            None
        )
        for key in limits.keys(absent):
            without.setdefault(key, {})[name] = None
    return FittedGrants(
        grants=tuple(grants),
        granted=tuple(granted),
        locked_out=tuple(locked),
        without={key: tuple(names) for key, names in without.items()},
        unused=frozenset(range(len(limits.listed))) - frozenset().union(*scope.carried),
    )


# EC2 authorizes a call on all its resources together, so a condition on one of them limits the whole call:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances
_JOINT = frozenset({"ec2"})


def _takes_part(wanted: WantedAction) -> bool:
    """Whether every call of the action is authorized on a resource of these types."""
    return bool({type_.name for type_ in wanted.types} & set(wanted.action.required))


@slotted
class _LimitReach:
    """Where each condition applies: by grant, by resource, and by action whose calls it limits as a whole."""

    limits: ConditionLimits
    carried: tuple[frozenset[int], ...]
    on: Mapping[str, set[int]]
    whole: Mapping[str, set[int]]

    @classmethod
    def of(cls, wanted: Sequence[WantedAction], limits: ConditionLimits) -> _LimitReach:
        carried = tuple(limits.carried(one.action, one.types) for one in wanted)
        on: dict[str, set[int]] = {}
        whole: dict[str, set[int]] = {}
        for one, numbers in zip(wanted, carried, strict=True):
            on.setdefault(one.resource, set()).update(numbers)
            if one.action.service in _JOINT and _takes_part(one):
                whole.setdefault(one.action.full_name, set()).update(numbers)
        return cls(limits=limits, carried=carried, on=on, whole=whole)

    def binds(self, number: int, wanted: WantedAction) -> bool:
        """Whether the condition is meant for the action although its requests never carry the key."""
        limit = self.limits.listed[number]
        if limit.passes_without or number in self.whole.get(wanted.action.full_name, ()):
            return False
        near = self.on[wanted.resource] | self.on.get(wanted.target.within, set())
        about_it = limit.service == wanted.action.service and number in near
        return limit.service == "aws" or about_it


def refuse_locked_out(needs: Sequence[Need], found: FittedGrants, limits: ConditionLimits) -> None:
    """Raise InputError for an unused condition, a named action that is locked out, and a need of which nothing is left."""
    problems = Problems()
    for number in sorted(found.unused):
        limit = limits.listed[number]
        what = f"no request for these needs ever carries {quoted(limit.key)}"
        problems.add(limit.pointer, what)
    problems.refuse("conditions", hint="leave it out, or look up which actions support the key")
    served = {id(granted.target) for granted in found.granted if not granted.needed_by}
    out: dict[int, list[_LockedOut]] = {}
    for locked in found.locked_out:
        if not locked.wanted.needed_by:
            out.setdefault(id(locked.wanted.target), []).append(locked)
    for need in needs:
        for target in need.targets:
            here = out.get(id(target), [])
            if here and not target.within and (need.exact or id(target) not in served):
                problems.add(target.pointer, _why_locked(target, here))
    problems.refuse("needs", hint="grant it without this condition, in a separate policy")


def _why_locked(target: Target, here: Sequence[_LockedOut]) -> str:
    name = here[0].wanted.action.full_name
    more = f" and {len(here) - 1} more" if here[1:] else ""
    keys = ", ".join(map(quoted, here[0].keys))
    return f"requests for `{name}`{more} on {quoted(target.text)} never carry {keys}: the condition would lock it out"


_BOUNDARY_KEY = "iam:permissionsboundary"


_REMOVE_BOUNDARY = frozenset(
    {"iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"}
)


_REMOVES_BOUNDARY = "it removes the permissions boundary that the condition requires"


def without_boundary_removal(
    wanted: Sequence[WantedAction], limits: ConditionLimits
) -> tuple[tuple[WantedAction, ...], tuple[OmittedAction, ...]]:
    """The wanted actions without those that remove a required boundary, and those; InputError if one was named."""
    if all(limit.key.lower() != _BOUNDARY_KEY for limit in limits.listed):
        return tuple(wanted), ()
    removing = [one for one in wanted if one.action.full_name in _REMOVE_BOUNDARY]
    problems = Problems()
    for action_removing in removing:
        if action_removing.need.exact:
            problems.add(
                action_removing.need.pointer,
                f"`{action_removing.action.full_name}`: {_REMOVES_BOUNDARY}",
            )
    problems.refuse("needs", hint="grant it in the policy of another role")
    names = dict.fromkeys(one.action.full_name for one in removing)
    taken = set(map(id, removing))
    return (
        tuple(one for one in wanted if id(one) not in taken),
        tuple(OmittedAction(action=name, why=_REMOVES_BOUNDARY, needed_by=()) for name in names),
    )
