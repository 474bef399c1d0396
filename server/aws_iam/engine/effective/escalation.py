"""Ways to gain permissions that a set of actions opens, and which of them a policy opens.

Judged from the policy alone, a path is never more than possible: whether a fitting role, user or resource exists, and whom
it trusts, stands elsewhere. A path that needs a certain principal counts only when the policy reaches all of them. Where an
account's own are known, `tools/audit/principals/escalation_paths.py` asks for each of them.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import intersects, matches
from aws_iam.engine.language.variables import without_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.effective.access import Access, Reach
    from aws_iam.engine.language.document import Condition, Statement

ASSET = "assets/data/privilege-escalation.json"
NEW_COMPUTE = "pass a role to new compute"
EXISTING_COMPUTE = "use compute that already has a role"
SELF = "self-escalation"
_PASSING = "iam:PassRole"
_PASSED_TO = "iam:passedtoservice"
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
_OWN_USER = "the caller's user"
NEW = ("a new role", "a new user")
"""What a path makes: it may bear any name that its permissions are for."""
STRONG_POLICIES = tuple(
    f"arn:aws:iam::aws:policy/{name}"
    for name in ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")
)
"""AWS's policies with which whoever may attach them has gained everything, or nearly."""
# A value that lets these through closes nothing: to attach them is the path, and as a boundary they limit nothing.
_STRONG = {"iam:policyarn": STRONG_POLICIES, "iam:permissionsboundary": STRONG_POLICIES[:1]}
NEVER_ALONE = "sts-assume-role"
"""The path that only the trust policies tell of, which stand elsewhere."""


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
    """A path that a policy opens, with the first statement that allows each of its actions.

    Of an account that was asked, `on` names what it has for the path, `given` the condition keys on which that hangs, and
    `strong` is False where nothing of it is an administrator's. `unsettled` are the prerequisites that are not known.
    """

    path: EscalationPath
    statements: tuple[Statement, ...]
    unsettled: tuple[str, ...]
    on: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    strong: bool = True


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
    return smallest(opened for path in escalation_paths() if (opened := by_policy(path, access)))


def smallest(paths: Iterable[OpenPath]) -> tuple[OpenPath, ...]:
    """Those of which no part is a path of its own."""
    found = {path.path.id: path for path in paths}
    found.pop(NEVER_ALONE, None)
    return tuple(
        opened for opened in found.values() if found.keys().isdisjoint(opened.path.smaller)
    )


def by_policy(path: EscalationPath, access: Access) -> OpenPath | None:
    """The path where the policies allow all of its actions; None where they do not."""
    granted = []
    for need in path.required:
        reach = access.reach(need.action)
        candidates = tuple(granting(path, need, reach)) if reach else ()
        if not candidates:
            return None
        granted.append(candidates)
    statements = _of_one_name(granted) if path.required[0].on in NEW else [g[0] for g in granted]
    if not statements:
        return None
    return OpenPath(path=path, statements=tuple(statements), unsettled=path.prerequisites)


def _of_one_name(granted: Sequence[tuple[Statement, ...]]) -> Sequence[Statement]:
    """Statements, one of each group, that may speak of the same new name; none where they never do."""
    first, *others = granted
    for statement in first:
        fitting = [next((o for o in group if _may_meet(statement, o)), None) for group in others]
        found = [statement_found for statement_found in fitting if statement_found is not None]
        if len(found) == len(others):
            return [statement, *found]
    return ()


def _may_meet(one: Statement, other: Statement) -> bool:
    if not one.resources or not other.resources:
        return True
    texts = [without_variables(resource.value, "*") for resource in other.resources]
    return any(
        intersects(without_variables(resource.value, "*"), text)
        for resource in one.resources
        for text in texts
    )


def granting(path: EscalationPath, need: Need, reach: Reach) -> Iterator[Statement]:
    """The statements that allow what the path needs, where and as it needs it."""
    if any(_closes_by_denying(deny, path) for deny in reach.denied_by):
        return
    # What is new may bear any name, so that a permission for some names is enough.
    anywhere = need.on in NEW or (path.family == NEW_COMPUTE and need.action != _PASSING)
    candidates = reach.allowed_by if anywhere else reach.unlimited
    if need.on == _OWN_USER:
        candidates = (*candidates, *filter(_is_own_user, reach.allowed_by))
    yield from (candidate for candidate in candidates if not _is_closed(candidate, need, path))


def _is_own_user(statement: Statement) -> bool:
    return any(resource.value.endswith("/${aws:username}") for resource in statement.resources)


def _is_closed(statement: Statement, need: Need, path: EscalationPath) -> bool:
    return any(_closes(condition, need, path) for condition in statement.conditions)


def _closes(condition: Condition, need: Need, path: EscalationPath) -> bool:
    """Whether an Allow with this condition does not open the path."""
    if not condition.demanded:
        # The key of the service is in every request that passes a role.
        return condition.name == _PASSED_TO and _excludes(condition, path.may_pass_to)
    if condition.name == _PASSED_TO and path.passes_role_to:
        return not any(_names(condition, service) for service in path.may_pass_to)
    if condition.name in path.blocked_by:
        return not any(_names(condition, arn) for arn in _STRONG.get(condition.name, ()))
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
        return not any(_names(condition, service) for service in path.may_pass_to)
    return not any(_names(condition, arn) for arn in _STRONG.get(condition.name, ()))


def _excludes(condition: Condition, services: Iterable[str]) -> bool:
    return condition.negated and all(_names(condition, service) for service in services)


def _names(condition: Condition, text: str) -> bool:
    """Whether a value of the condition is the service or the ARN, in any partition."""
    forms = [text.replace("arn:aws:", f"arn:{partition}:") for partition in _PARTITIONS]
    forms += [f"{text}.cn"] if text.endswith(".amazonaws.com") else []
    return any(
        matches(value.value, form, ignore_case=True)
        for value in condition.values
        for form in forms
    )
