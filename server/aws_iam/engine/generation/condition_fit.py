"""Which condition stands on which grant, so that no statement silently never matches and none is wider than meant.

the request carries the key                          the condition stands
it passes without the key (IfExists, `Null: true`)   the grant stands without the condition
the key is about another service or resource         the grant stands without the condition
another resource of the same call is limited         the grant stands without the condition
otherwise                                            no grant: without the condition it would be wider than meant
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.generation.grants import Grant, LeftOut
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.problems import Problems
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.generation.access_needs import Need, Target
    from aws_iam.engine.generation.grants import Wanted
    from aws_iam.engine.generation.limits import Limits


@slotted
class LockedOut:
    """A wanted action whose requests never carry these keys."""

    wanted: Wanted
    keys: tuple[str, ...]


@slotted
class Fitted:
    """The grants and what they are for; what has none; and by key the actions that stand without its condition."""

    grants: tuple[Grant, ...]
    granted: tuple[Wanted, ...]
    locked_out: tuple[LockedOut, ...]
    without: Mapping[str, tuple[str, ...]]
    # The limits that no request carries.
    unused: frozenset[int]

    def rows(self, *, added: bool) -> tuple[LeftOut, ...]:
        """What is locked out of the needs, or of what was added to them, each action once."""
        found: dict[tuple[str, str], list[str]] = {}
        for each in self.locked_out:
            if bool(each.wanted.needed_by) is added:
                keys = ", ".join(map(quoted, each.keys))
                why = f"its requests never carry {keys}: ask for it without this condition"
                by = found.setdefault((each.wanted.action.full_name, why), [])
                by += [each.wanted.needed_by] if added else []
        return tuple(
            LeftOut(action=name, why=why, needed_by=tuple(dict.fromkeys(by)))
            for (name, why), by in found.items()
        )


def fitted(wanted: Sequence[Wanted], limits: Limits) -> Fitted:
    """Each wanted action under the conditions that its requests can meet."""
    scope = _Scope.of(wanted, limits)
    grants: dict[Grant, None] = {}
    granted: list[Wanted] = []
    locked: list[LockedOut] = []
    without: dict[str, dict[str, None]] = {}
    for each, carried in zip(wanted, scope.carried, strict=True):
        absent = frozenset(range(len(limits.each))) - carried
        missed = {number for number in absent if scope.binds(number, each)}
        name = each.action.full_name
        if missed:
            locked.append(LockedOut(wanted=each, keys=limits.keys(missed)))
            continue
        granted.append(each)
        grants[Grant(action=name, resource=each.resource, limits=tuple(sorted(carried)))] = None
        for key in limits.keys(absent):
            without.setdefault(key, {})[name] = None
    return Fitted(
        grants=tuple(grants),
        granted=tuple(granted),
        locked_out=tuple(locked),
        without={key: tuple(names) for key, names in without.items()},
        unused=frozenset(range(len(limits.each))) - frozenset().union(*scope.carried),
    )


# EC2 authorises a call on all of its resources together, so a limit on one of them limits the whole call:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances
_JOINT = frozenset({"ec2"})


def _takes_part(each: Wanted) -> bool:
    """Whether every call of the action is authorised on a resource of these types."""
    return bool({type_.name for type_ in each.types} & set(each.action.required))


@slotted
class _Scope:
    """How far each limit reaches: what carries it, by grant, by resource, and by action that it limits as a whole."""

    limits: Limits
    carried: tuple[frozenset[int], ...]
    on: Mapping[str, set[int]]
    whole: Mapping[str, set[int]]

    @classmethod
    def of(cls, wanted: Sequence[Wanted], limits: Limits) -> _Scope:
        carried = tuple(limits.carried(each.action, each.types) for each in wanted)
        on: dict[str, set[int]] = {}
        whole: dict[str, set[int]] = {}
        for each, numbers in zip(wanted, carried, strict=True):
            on.setdefault(each.resource, set()).update(numbers)
            if each.action.service in _JOINT and _takes_part(each):
                whole.setdefault(each.action.full_name, set()).update(numbers)
        return cls(limits=limits, carried=carried, on=on, whole=whole)

    def binds(self, number: int, wanted: Wanted) -> bool:
        """Whether the limit is meant for the action, although its requests never carry the key."""
        limit = self.limits.each[number]
        if limit.passes_without or number in self.whole.get(wanted.action.full_name, ()):
            return False
        about_it = limit.service == wanted.action.service and number in self.on[wanted.resource]
        return limit.service == "aws" or about_it


def refuse(needs: Sequence[Need], found: Fitted, limits: Limits) -> None:
    """Raise InputError for a condition on nothing, a named action that is locked out, and a need with nothing left."""
    problems = Problems()
    for number in sorted(found.unused):
        limit = limits.each[number]
        what = f"no request for these needs ever carries {quoted(limit.key)}"
        problems.add(limit.pointer, what)
    problems.refuse("conditions", hint="leave it away, or look up which actions support the key")
    served = {id(each.target) for each in found.granted if not each.needed_by}
    out: dict[int, list[LockedOut]] = {}
    for each in found.locked_out:
        if not each.wanted.needed_by:
            out.setdefault(id(each.wanted.target), []).append(each)
    for need in needs:
        for target in need.targets:
            here = out.get(id(target), [])
            if here and (need.exact or id(target) not in served):
                problems.add(target.pointer, _why_locked(target, here))
    problems.refuse("needs", hint="ask for it without this condition, in a policy of its own")


def _why_locked(target: Target, here: Sequence[LockedOut]) -> str:
    name = here[0].wanted.action.full_name
    more = f" and {len(here) - 1} more" if here[1:] else ""
    keys = ", ".join(map(quoted, here[0].keys))
    return f"requests for `{name}`{more} on {quoted(target.text)} never carry {keys}: the condition would lock it out"


_KEY = "iam:permissionsboundary"


_REMOVING = frozenset({"iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"})


_WHY = "it takes off the permissions boundary that the condition demands"


def kept(
    wanted: Sequence[Wanted], limits: Limits
) -> tuple[tuple[Wanted, ...], tuple[LeftOut, ...]]:
    """What may be granted beside such a condition, and what is left out; InputError for what was named."""
    if all(limit.key.lower() != _KEY for limit in limits.each):
        return tuple(wanted), ()
    removing = [each for each in wanted if each.action.full_name in _REMOVING]
    problems = Problems()
    for each in removing:
        if each.need.exact:
            problems.add(each.need.pointer, f"`{each.action.full_name}`: {_WHY}")
    problems.refuse("needs", hint="ask for it in a policy of another role")
    names = dict.fromkeys(each.action.full_name for each in removing)
    taken = set(map(id, removing))
    return (
        tuple(each for each in wanted if id(each) not in taken),
        tuple(LeftOut(action=name, why=_WHY, needed_by=()) for name in names),
    )
