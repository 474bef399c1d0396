"""Where a permissions boundary is demanded, what would take it off again is not granted.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.generation.grants import LeftOut
from aws_iam.engine.language.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.generation.grants import Wanted
    from aws_iam.engine.generation.limits import Limits

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
