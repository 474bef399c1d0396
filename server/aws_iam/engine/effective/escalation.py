"""Known paths of privilege escalation, and which of them a policy opens.

From a policy alone a path is only possible: it does not say whether a suitable role, user or resource exists, and whom it
trusts. `open_paths` are those whose targets the policy covers all; `possible_paths` adds those on all targets of a Region or
on named ones, which are smaller, and the unconfirmed ones. Where the principals of an account are known,
`tools/audit/paths` finds the ways between them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.answer import Severity
from aws_iam.engine.language.pattern import intersects, matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.effective.access import Access, ActionReach
    from aws_iam.engine.language.document import Condition, Statement

    GrantingStatements = Callable[
        ["EscalationPath", "NeededAction", ActionReach], Iterator[Statement]
    ]

ASSET = "assets/data/privilege-escalation.json"
NEW_COMPUTE = "pass a role to new compute"
EXISTING_COMPUTE = "use compute that already has a role"
SELF = "self-escalation"
ORGANIZATION_WIDE = "organization-wide identity"
_PASSING = "iam:PassRole"
_PASSED_TO = "iam:passedtoservice"
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
_OWN_USER = "the caller's user"
_OTHER_USERS = ("another user", "the same user")
NEW_PRINCIPALS = ("a new role", "a new user")
"""What a path creates: under any name that the permissions cover."""
_MOST_PARTNERS = 30
_MOST_RESOURCE_PAIRS = 2_000
_ONE_TARGET = (*NEW_PRINCIPALS, "the same role", "the same user", "the same group")
# Nobody can change or pass these: IAM User Guide, id_roles (service-linked roles), access_policies_managed-vs-inline (AWS managed).
_UNCHANGEABLE = (":role/aws-service-role/", ":role/aws-reserved/", ":iam::aws:policy/")
STRONG_POLICIES = tuple(
    f"arn:aws:iam::aws:policy/{name}"
    for name in ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")
)
"""AWS managed policies that give full or nearly full access to whoever can attach them."""
# A condition that admits these does not close a path: attaching them is the path, and as a boundary they limit nothing.
_STRONG = {
    "iam:policyarn": STRONG_POLICIES,
    "iam:permissionsboundary": STRONG_POLICIES[:1],
    # https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
    "eks:policyarn": (
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy",
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy",
    ),
}
NEVER_ALONE = "sts-assume-role"
"""The path that depends on trust policies alone, which are not part of a principal's policies."""


@slotted
class NeededAction:
    """An action that a path needs, and the resource it needs it on."""

    action: str
    on: str


_OTHER_FAMILIES = Severity.HIGH
_SEVERITIES = {
    SELF: Severity.CRITICAL,
    NEW_COMPUTE: Severity.HIGH,
    EXISTING_COMPUTE: Severity.MEDIUM,
    "remove a limit": Severity.MEDIUM,
}
_SMALLER = {
    Severity.CRITICAL: Severity.HIGH,
    Severity.HIGH: Severity.MEDIUM,
    Severity.MEDIUM: Severity.LOW,
}
# On named targets. A deployment has to pass its own role and to change its own functions.
_OTHER_FAMILIES_LIMITED = Severity.MEDIUM
_LIMITED_SEVERITIES = {
    NEW_COMPUTE: Severity.LOW,
    EXISTING_COMPUTE: Severity.INFO,
    "remove a limit": Severity.LOW,
}


@slotted
class EscalationPath:
    """One way to gain permissions; `passes_role_to` is the service that the passed role must trust.

    `held_by` is the kind of resource whose role it gains, or which it gives another one, such as `lambda:function`; empty for
    none that is collected.

    `may_pass_to` are that service and alternatives from other sources. `unconfirmed`: the sources disagree on whether the
    actions are enough, or nobody has tried them.
    """

    id: str
    family: str
    title: str
    required: tuple[NeededAction, ...]
    passes_role_to: str
    may_pass_to: tuple[str, ...]
    prerequisites: tuple[str, ...]
    yields: str
    blocked_by: frozenset[str]
    smaller: frozenset[str]
    unconfirmed: bool = False
    held_by: str = ""

    @property
    def actions(self) -> frozenset[str]:
        """The actions that the path needs."""
        return frozenset(need.action for need in self.required)


@slotted
class OpenPath:
    """A path that a policy opens, with the first statement that allows each of its actions.

    `unsettled` are the prerequisites that are unknown.
    `limited` says that the policy covers named targets only, `regional` that it covers all of a Region. `granting` are all statements that allow each of the actions.
    """

    path: EscalationPath
    statements: tuple[Statement, ...]
    unsettled: tuple[str, ...]
    limited: bool = False
    regional: bool = False
    granting: tuple[tuple[Statement, ...], ...] = ()

    def contributing(self) -> Iterator[Statement]:
        """The statements that allow one of its actions, each once."""
        return iter({id(one): one for group in self.granting for one in group}.values())

    def completing(self, statement: Statement) -> tuple[Statement, ...]:
        """A statement for each action: this one where it allows the action, else the first that goes with it."""
        is_one_target = self.path.required[0].on in _ONE_TARGET
        return tuple(
            statement
            if any(one is statement for one in group)
            else next((o for o in group if not is_one_target or _may_meet(statement, o)), group[0])
            for group in self.granting
        )

    @property
    def severity(self) -> Severity:
        """By family; at most medium if it is unconfirmed, one less in one Region."""
        family = self.path.family
        if self.limited:
            return _LIMITED_SEVERITIES.get(family, _OTHER_FAMILIES_LIMITED)
        severity = _SEVERITIES.get(family, _OTHER_FAMILIES)
        if self.path.unconfirmed:
            severity = max(severity, Severity.MEDIUM, key=_rank)
        return _SMALLER[severity] if self.regional else severity


def _rank(severity: Severity) -> int:
    return severity.rank


# Reading the file takes about 1 ms, and each audited principal needs it.
@cache
def known_paths() -> tuple[EscalationPath, ...]:
    """All paths, in the order of the data file, without broad grants."""
    rows = json.loads(resources.text(ASSET))["paths"]
    return tuple(_path(row) for row in rows if row["class"] != "broad grant")


@cache
def escalation_paths() -> tuple[EscalationPath, ...]:
    """The confirmed paths."""
    return tuple(path for path in known_paths() if not path.unconfirmed)


def _path(row: Mapping[str, Any]) -> EscalationPath:
    return EscalationPath(
        id=row["id"],
        family=row["class"],
        title=row["title"],
        required=tuple(
            NeededAction(action=n["action"], on=n.get("on", "")) for n in row["required"]
        ),
        passes_role_to=row.get("passes_role_to", ""),
        may_pass_to=(row.get("passes_role_to", ""), *row.get("passes_role_to_or", ())),
        prerequisites=tuple(row.get("prerequisites", ())),
        yields=row.get("yields", ""),
        blocked_by=frozenset(map(str.lower, row.get("blocked_by_condition_keys", ()))),
        smaller=frozenset(row.get("contains_smaller_paths", ())),
        unconfirmed=row.get("unconfirmed", False),
        held_by=row.get("held_by", ""),
    )


def open_paths(access: Access) -> tuple[OpenPath, ...]:
    """The confirmed paths whose actions the policies allow on every target; only those that contain no smaller open path."""
    return _smallest(
        opened for path in escalation_paths() if (opened := _opened_on_all(path, access))
    )


def possible_paths(access: Access) -> tuple[OpenPath, ...]:
    """The paths whose actions the policies allow on every target or on named ones, and the unconfirmed paths."""
    by_first = _by_first_action()
    begun = [row for first in by_first.keys() & access.actions.keys() for row in by_first[first]]
    if not begun:
        return ()
    opened = [
        open_path
        for _, path, actions in sorted(begun, key=itemgetter(0))
        if actions <= access.actions.keys()
        and (
            open_path := _opened_on_all(path, access)
            or (
                any(access.actions[name].regional for name in actions)
                and _opened(path, access, _in_one_region)
            )
            or _opened(path, access, _on_named_targets)
        )
    ]
    confirmed = [path for path in opened if not path.path.unconfirmed]
    return _smallest(
        path
        for path in opened
        if not (path.path.unconfirmed and any(_outweighs(other, path) for other in confirmed))
    )


# Most paths fall by their first action: validating a policy takes a sixth longer when each is asked of the access.
@cache
def _by_first_action() -> Mapping[str, tuple[tuple[int, EscalationPath, frozenset[str]], ...]]:
    """By its first action each path with its number and its actions, in lower case."""
    by_first: dict[str, list[tuple[int, EscalationPath, frozenset[str]]]] = defaultdict(list)
    for number, path in enumerate(known_paths()):
        names = [need.action.lower() for need in path.required]
        by_first[names[0]].append((number, path, frozenset(names)))
    return {first: tuple(rows) for first, rows in by_first.items()}


def _outweighs(confirmed: OpenPath, other: OpenPath) -> bool:
    """Whether a confirmed path with the same actions and more makes an unconfirmed one superfluous."""
    return (
        other.path.actions < confirmed.path.actions
        and confirmed.severity.rank <= other.severity.rank
    )


def _smallest(paths: Iterable[OpenPath]) -> tuple[OpenPath, ...]:
    """The paths that contain no other open path that is at least as grave and open on every target."""
    by_id = {path.path.id: path for path in paths}
    by_id.pop(NEVER_ALONE, None)
    return tuple(
        opened
        for opened in by_id.values()
        if not any(
            (smaller := by_id.get(name))
            and not smaller.limited
            and smaller.severity.rank <= opened.severity.rank
            for name in opened.path.smaller
        )
    )


def _opened_on_all(path: EscalationPath, access: Access) -> OpenPath | None:
    """The path, if the policies allow all of its actions on every target; else None."""
    return _opened(path, access, _on_all_targets)


def _opened(path: EscalationPath, access: Access, granting: GrantingStatements) -> OpenPath | None:
    granted = []
    for need in path.required:
        reach = access.reach(need.action)
        candidates = tuple(granting(path, need, reach)) if reach else ()
        if not candidates:
            return None
        granted.append(candidates)
    statements = [group[0] for group in granted]
    if path.required[0].on in _ONE_TARGET:
        statements = _of_one_name(granted)
        granted = _with_partners(granted)
    if not statements:
        return None
    return OpenPath(
        path=path,
        statements=tuple(statements),
        granting=tuple(granted),
        unsettled=path.prerequisites,
        limited=granting is _on_named_targets,
        regional=granting is _in_one_region,
    )


def _with_partners(granted: Sequence[tuple[Statement, ...]]) -> list[tuple[Statement, ...]]:
    """The statements of each group that can apply to the same name as one of every other group."""
    if max(map(len, granted)) > _MOST_PARTNERS:
        return list(granted)
    return [
        tuple(
            statement
            for statement in group
            if all(any(_may_meet(statement, o) for o in other) for other in granted)
        )
        for group in granted
    ]


def _of_one_name(granted: Sequence[tuple[Statement, ...]]) -> list[Statement]:
    """Statements, one of each group, that can apply to the same name; empty when there are none."""
    first, *others = granted
    for statement in first:
        fitting = [next((o for o in group if _may_meet(statement, o)), None) for group in others]
        found = [match for match in fitting if match is not None]
        if len(found) == len(others):
            return [statement, *found]
    return []


def _may_meet(one: Statement, other: Statement) -> bool:
    if one is other or not one.resources or not other.resources:
        return True
    if len(one.resources) * len(other.resources) > _MOST_RESOURCE_PAIRS:
        # Comparing them would take too long, so they may.
        return True
    texts = [without_variables(resource.value, "*") for resource in other.resources]
    return any(
        intersects(without_variables(resource.value, "*"), text)
        for resource in one.resources
        for text in texts
    )


def _on_all_targets(
    path: EscalationPath, need: NeededAction, reach: ActionReach
) -> Iterator[Statement]:
    """The statements that allow the needed action on the resources that the path needs."""
    yield from _on_every_target(path, need, reach, reach.unlimited)


def _in_one_region(
    path: EscalationPath, need: NeededAction, reach: ActionReach
) -> Iterator[Statement]:
    """The statements that allow the needed action on every resource that the path needs, at least in one Region."""
    yield from _on_every_target(path, need, reach, (*reach.unlimited, *reach.regional))


def _on_every_target(
    path: EscalationPath,
    need: NeededAction,
    reach: ActionReach,
    candidates: tuple[Statement, ...],
) -> Iterator[Statement]:
    if any(_closes_by_denying(deny, path) for deny in reach.denied_by):
        return
    # A new principal can have any name, so a permission for some names is enough.
    anywhere = need.on in NEW_PRINCIPALS or (
        path.family == NEW_COMPUTE and need.action != _PASSING
    )
    candidates = reach.allowed_by if anywhere else candidates
    if need.on == _OWN_USER:
        candidates = (*candidates, *filter(_is_own_user, reach.allowed_by))
    yield from (candidate for candidate in candidates if not _is_closed(candidate, need, path))


def _on_named_targets(
    path: EscalationPath, need: NeededAction, reach: ActionReach
) -> Iterator[Statement]:
    """The statements that allow the needed action on some resource that the path can use."""
    if any(_closes_by_denying(deny, path) for deny in reach.denied_by):
        return
    for candidate in reach.allowed_by:
        texts = [resource.value for resource in candidate.resources]
        only_own = need.on in _OTHER_USERS and all(map(_is_callers, texts))
        unchangeable = all(any(part in text for part in _UNCHANGEABLE) for text in texts)
        # Tags pick out certain resources, as ARNs do.
        closed = any(
            _closes(condition, need, path)
            for condition in candidate.conditions
            if "resourcetag/" not in condition.name
        )
        if not (closed or (texts and (only_own or unchangeable))):
            yield candidate


def _is_callers(resource: str) -> bool:
    return resource.endswith("/${aws:username}")


def _is_own_user(statement: Statement) -> bool:
    return any(_is_callers(resource.value) for resource in statement.resources)


def _is_closed(statement: Statement, need: NeededAction, path: EscalationPath) -> bool:
    return any(_closes(condition, need, path) for condition in statement.conditions)


def _closes(condition: Condition, need: NeededAction, path: EscalationPath) -> bool:
    """Whether the condition keeps an Allow from opening the path."""
    if not condition.demanded:
        # Every request that passes a role carries iam:PassedToService.
        return condition.name == _PASSED_TO and _excludes(condition, path.may_pass_to)
    if condition.name == _PASSED_TO and path.passes_role_to:
        return not any(_names(condition, service) for service in path.may_pass_to)
    if condition.name in path.blocked_by:
        return not any(_names(condition, arn) for arn in _STRONG.get(condition.name, ()))
    # A condition on tags limits the resources, but IAM does not check the tags of a role that is passed.
    return "resourcetag/" in condition.name and need.action != _PASSING


def _closes_by_denying(deny: Statement, path: EscalationPath) -> bool:
    """Whether a Deny closes the path: it exempts only certain values of a key that blocks the path."""
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
    forms = _forms(text)
    return any(
        matches(value, form)
        for value in [value.value.lower() for value in condition.values]
        for form in forms
    )


@cache
def _forms(text: str) -> tuple[str, ...]:
    """A service or an ARN of the data file as it is written in each partition, in lower case."""
    forms = [text.replace("arn:aws:", f"arn:{partition}:") for partition in _PARTITIONS]
    forms += [f"{text}.cn"] if text.endswith(".amazonaws.com") else []
    return tuple(dict.fromkeys(map(str.lower, forms)))
