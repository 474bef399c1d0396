"""Ways to gain permissions that a set of actions opens, and which of them a policy opens.

Judged from the policy alone, a path is never more than possible: whether a fitting role, user or resource exists, and whom
it trusts, stands elsewhere. A path that needs a certain principal counts only when the policy reaches all of them.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.policy.pattern import matches
from aws_iam.policy.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.policy.document import Condition, Statement
    from aws_iam.policy.effective.access import Access, Reach

ASSET = "assets/data/privilege-escalation.json"
NEW_COMPUTE = "pass a role to new compute"
EXISTING_COMPUTE = "use compute that already has a role"
SELF = "self-escalation"
_PASSING = "iam:PassRole"
_PASSED_TO = "iam:passedtoservice"
_OWN_USER = "the caller's user"
# Trust policies alone decide what it is worth, and they are not at hand.
_NEVER_ALONE = "sts-assume-role"


@slotted
class Need:
    """An action that a path needs, and on which resource."""

    action: str
    on: str


@slotted
class EscalationPath:
    """One way to gain permissions; `passes_role_to` is the service that the passed role must trust.

    `may_pass_to` are that service and those that other sources name for it.
    """

    id: str
    family: str
    title: str
    required: tuple[Need, ...]
    passes_role_to: str
    may_pass_to: tuple[str, ...]
    prerequisites: tuple[str, ...]
    yields: str
    blocked_by: frozenset[str]
    smaller: frozenset[str]


@slotted
class OpenPath:
    """A path that a policy opens, with the first statement that allows each of its actions."""

    path: EscalationPath
    statements: tuple[Statement, ...]


@cache
def escalation_paths() -> tuple[EscalationPath, ...]:
    """The paths that are still open in AWS, in the order of the data; broad patterns apart."""
    rows = json.loads(resources.text(ASSET))["paths"]
    return tuple(_path(row) for row in rows if row["class"] != "broad grant")


def _path(row: Mapping[str, Any]) -> EscalationPath:
    return EscalationPath(
        id=row["id"],
        family=row["class"],
        title=row["title"],
        required=tuple(Need(action=n["action"], on=n.get("on", "")) for n in row["required"]),
        passes_role_to=row.get("passes_role_to", ""),
        may_pass_to=(row.get("passes_role_to", ""), *row.get("passes_role_to_or", ())),
        prerequisites=tuple(row.get("prerequisites", ())),
        yields=row.get("yields", ""),
        blocked_by=frozenset(map(str.lower, row.get("blocked_by_condition_keys", ()))),
        smaller=frozenset(row.get("contains_smaller_paths", ())),
    )


def open_paths(access: Access) -> tuple[OpenPath, ...]:
    """The paths whose whole set of actions the policies allow, the smallest sets only."""
    found = {path.id: opened for path in escalation_paths() if (opened := _opened(path, access))}
    found.pop(_NEVER_ALONE, None)
    return tuple(each for each in found.values() if found.keys().isdisjoint(each.path.smaller))


def _opened(path: EscalationPath, access: Access) -> OpenPath | None:
    statements = []
    for need in path.required:
        reach = access.reach(need.action)
        statement = _granting(path, need, reach) if reach else None
        if statement is None:
            return None
        statements.append(statement)
    return OpenPath(path=path, statements=tuple(statements))


def _granting(path: EscalationPath, need: Need, reach: Reach) -> Statement | None:
    """The first statement that allows what the path needs, where and as it needs it."""
    if any(_closes_by_denying(each, path) for each in reach.denied_by):
        return None
    # New compute may bear any name, so that a permission for some names is enough.
    anywhere = path.family == NEW_COMPUTE and need.action != _PASSING
    candidates = reach.allowed_by if anywhere else reach.unlimited
    if need.on == _OWN_USER:
        candidates = (*candidates, *filter(_is_own_user, reach.allowed_by))
    return next((each for each in candidates if not _is_closed(each, need, path)), None)


def _is_own_user(statement: Statement) -> bool:
    return any(each.value.endswith("/${aws:username}") for each in statement.resources)


def _is_closed(statement: Statement, need: Need, path: EscalationPath) -> bool:
    return any(_closes(each, need, path) for each in statement.conditions)


def _closes(condition: Condition, need: Need, path: EscalationPath) -> bool:
    """Whether an Allow with this condition does not open the path."""
    if not condition.demanded:
        # The key of the service is in every request that passes a role.
        return condition.name == _PASSED_TO and _excludes(condition, path.may_pass_to)
    if condition.name == _PASSED_TO and path.passes_role_to:
        return not any(_names(condition, each) for each in path.may_pass_to)
    if condition.name in path.blocked_by:
        return any(value.value.strip("*") for value in condition.values)
    # A tag limits which resources are reached, but IAM does not ask for a role's tags when the role is passed.
    return "resourcetag/" in condition.name and need.action != _PASSING


def _closes_by_denying(deny: Statement, path: EscalationPath) -> bool:
    """Whether a Deny lets through only what has a certain value of a key that closes the path."""
    if len(deny.conditions) != 1:
        return False
    condition = deny.conditions[0]
    if not condition.negated or condition.name not in path.blocked_by or not condition.values:
        return False
    if condition.name == _PASSED_TO and path.passes_role_to:
        return not any(_names(condition, each) for each in path.may_pass_to)
    return True


def _excludes(condition: Condition, services: Iterable[str]) -> bool:
    return condition.negated and all(_names(condition, each) for each in services)


def _names(condition: Condition, service: str) -> bool:
    return any(matches(value.value, service, ignore_case=True) for value in condition.values)
