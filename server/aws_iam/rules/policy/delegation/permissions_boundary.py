"""Delegated user and role management: a permissions boundary that one statement requires and another lets go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import IDENTITY_KINDS, Condition, Kind, Policy, Statement
from aws_iam.engine.language.pattern import intersects, matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow, deny, policy_with
from aws_iam.rules.gates import at_keys
from aws_iam.rules.outcomes import Fail, Unknown, ended_early
from aws_iam.rules.policy.delegation.iam_grants import (
    Grant,
    Grants,
    demands,
    entry_of,
    grouped,
    spares_some,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.rules.outcomes import Outcome

_BOUNDARIES_PAGE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"
)
_KINDS = (Kind.IDENTITY, Kind.BOUNDARY)
_KEY = "iam:permissionsboundary"
_BOUNDARY = "arn:aws:iam::111122223333:policy/dev-boundary"
_WITH = {"StringEquals": {"iam:PermissionsBoundary": _BOUNDARY}}
_ROLES = "arn:aws:iam::111122223333:role/dev/*"


_CREATE = allow(["iam:CreateRole", "iam:AttachRolePolicy"], _ROLES, _WITH)
_KEEP_BOUNDARY = deny(["iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"])
_PROTECT_POLICY = deny(["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"], _BOUNDARY)


def _values(condition: Condition) -> list[str]:
    return [value.value.lower() for value in condition.values]


def _boundary_conditions(policy: Policy) -> Iterator[tuple[Statement, Condition]]:
    """Every condition by which the policy requires a boundary."""
    for statement in policy.statements:
        for condition in statement.conditions_on(_KEY):
            if statement.allows != condition.negated:
                yield statement, condition


def _boundaries(policy: Policy) -> tuple[str, ...]:
    """The boundaries that the policy requires, as patterns; none when it delegates nothing."""
    boundaries = (
        without_variables(value.value, "*")
        for _, condition in _boundary_conditions(policy)
        if condition.base != "Null"
        for value in condition.values
    )
    return tuple(dict.fromkeys(boundaries))


# The resources of an action, by the first of these words that occurs in its name.
_ARNS = {
    "Version": "arn:*:iam::*:policy/*",
    "Group": "arn:*:iam::*:group/*",
    "Role": "arn:*:iam::*:role/*",
    "User": "arn:*:iam::*:user/*",
}


def _delegated(policy: Policy, *actions: str) -> Grants | None:
    """What a policy that requires a boundary allows of the actions; None when it requires none."""
    return (
        Grants.of(policy, {action: _arns(action) for action in actions})
        if _boundaries(policy)
        else None
    )


def _ended_early(grants: Grants, policy: Policy) -> Iterator[Unknown]:
    return ended_early(
        grants.effort,
        policy.statements[0],
        "some Allows were not compared with the Denies and the boundaries",
    )


def _arns(action: str) -> str:
    return next(arns for word, arns in _ARNS.items() if word in action)


def _denies_without_boundary(condition: Condition) -> bool:
    """Whether the condition of a Deny is true for a request without the boundary."""
    is_true_without = condition.name == _KEY and (
        condition.negated or (condition.base == "Null" and _values(condition) == ["true"])
    )
    return is_true_without or spares_some(condition)


def _without_boundary(grants: Grants, action: str) -> Iterator[Grant]:
    """The Allows of the action that require neither a boundary nor one of the policies that they name."""
    for grant in grants.allowing(action):
        # A condition on the key that is also true without the key has its own code.
        is_limited = grant.statement.conditions_on(_KEY) or demands(
            grant.statement, "iam:policyarn"
        )
        if not is_limited and not grants.is_denied(
            action, grant.resources, _denies_without_boundary
        ):
            yield grant


_DELETE = ("iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary")


_HAS_BOUNDARY_CONDITION = (at_keys(_KEY),)


@check(
    "BOUNDARY_CAN_BE_REMOVED",
    on=Policy,
    when=_HAS_BOUNDARY_CONDITION,
    severity=Severity.SECURITY_WARNING,
    title="The required permissions boundary can be removed",
    fix='Deny iam:DeleteRolePermissionsBoundary and iam:DeleteUserPermissionsBoundary on "*".',
    source=_BOUNDARIES_PAGE,
    kinds=_KINDS,
    bad=[
        policy_with(_CREATE, allow("iam:Delete*", _ROLES)),
        policy_with(allow("iam:*", _ROLES, _WITH), _PROTECT_POLICY),
    ],
    good=[
        policy_with(_CREATE, allow("iam:Delete*", _ROLES), _KEEP_BOUNDARY),
        policy_with(_CREATE, allow("iam:DeleteRole", _ROLES)),
    ],
)
def removable(policy: Policy) -> Iterator[Outcome]:
    """Without the boundary a role has everything that its policies allow, and the delegated administrator writes these.

    False alarm when another policy of the administrator denies the action.
    """
    grants = _delegated(policy, *_DELETE)
    if grants is None:
        return
    removals = (
        (grant, action)
        for action in _DELETE
        for grant in grants.allowing(action)
        if not grants.is_denied(action, grant.resources, spares_some)
    )
    for entry, name in grouped(removals):
        yield Fail(entry.where, f"{name} allows removing the required boundary")
    yield from _ended_early(grants, policy)


_PUT = ("iam:PutRolePermissionsBoundary", "iam:PutUserPermissionsBoundary")


@check(
    "BOUNDARY_CAN_BE_REPLACED",
    on=Policy,
    when=_HAS_BOUNDARY_CONDITION,
    severity=Severity.SECURITY_WARNING,
    title="The required permissions boundary can be replaced by any other",
    fix="Move the action to the statement with the condition on iam:PermissionsBoundary.",
    source=_BOUNDARIES_PAGE,
    kinds=_KINDS,
    bad=[policy_with(_CREATE, allow("iam:PutRolePermissionsBoundary", _ROLES), _KEEP_BOUNDARY)],
    good=[
        policy_with(
            _CREATE, allow("iam:PutRolePermissionsBoundary", _ROLES, _WITH), _KEEP_BOUNDARY
        ),
        policy_with(_CREATE, allow("iam:PutRolePolicy", _ROLES)),
    ],
)
def replaceable(policy: Policy) -> Iterator[Outcome]:
    """Any managed policy can be a boundary, even AdministratorAccess, which limits nothing.

    False alarm when another policy of the administrator denies the action without the required boundary.
    """
    grants = _delegated(policy, *_PUT)
    if grants is None:
        return
    replacements = (
        (grant, action) for action in _PUT for grant in _without_boundary(grants, action)
    )
    for entry, name in grouped(replacements):
        yield Fail(entry.where, f"{name} allows setting any policy as the boundary")
    yield from _ended_early(grants, policy)


_NAMED_POLICY = {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}
_JOIN = "iam:AddUserToGroup"
# The actions that create a role or user, with the actions that give it permissions.
_CREATING = {
    "iam:CreateRole": ("iam:AttachRolePolicy", "iam:PutRolePolicy"),
    "iam:CreateUser": ("iam:AttachUserPolicy", "iam:PutUserPolicy", _JOIN),
}
_WITH_BOUNDARY_KEY = (
    *_CREATING,
    *(
        granting_action
        for granting in _CREATING.values()
        for granting_action in granting
        if granting_action != _JOIN
    ),
)
_ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
_GRANTING = tuple(
    granting_action for granting in _CREATING.values() for granting_action in granting
)


@check(
    "BOUNDARY_NOT_DEMANDED_EVERYWHERE",
    on=Policy,
    when=_HAS_BOUNDARY_CONDITION,
    severity=Severity.SECURITY_WARNING,
    title="The policy requires a permissions boundary for some actions but not for others",
    fix="Move the actions to the statement with the condition on iam:PermissionsBoundary.",
    source=_BOUNDARIES_PAGE,
    kinds=_KINDS,
    bad=[
        policy_with(_CREATE, allow(["iam:CreateUser", "iam:AddUserToGroup"], "*")),
        policy_with(_CREATE, allow("iam:PutRolePolicy", "*")),
    ],
    good=[
        policy_with(_CREATE, allow("iam:TagRole", "*")),
        # A role without policies can do nothing.
        policy_with(_CREATE, allow("iam:CreateRole", "*")),
        # Roles under the path were created with the boundary.
        policy_with(_CREATE, allow("iam:PutRolePolicy", _ROLES)),
        policy_with(_CREATE, allow("iam:AttachRolePolicy", "*", _NAMED_POLICY)),
    ],
)
def unbounded(policy: Policy) -> Iterator[Outcome]:
    """An administrator who can create a role, or give it permissions, without the boundary has a role without limits.

    False alarm when another policy of the administrator denies the actions without the boundary.
    """
    grants = _delegated(policy, *_CREATING, *_GRANTING)
    if grants is None:
        return
    for entry, name in grouped(_unbounded(grants)):
        yield Fail(entry.where, f"{name} does not require the boundary")
    yield from _ended_early(grants, policy)


def _unbounded(grants: Grants) -> Iterator[tuple[Grant, str]]:
    for action, granting in _CREATING.items():
        if any(
            True
            for granting_action in granting
            for _ in _without_boundary(grants, granting_action)
        ):
            yield from ((grant, action) for grant in _without_boundary(grants, action))
    for action in _GRANTING:
        # Members of a group keep their own boundaries.
        for grant in _without_boundary(grants, action) if action != _JOIN else ():
            if any(map(_matches_all, grant.resources)):
                yield grant, action


@check(
    "BOUNDARY_CONDITION_HOLDS_WITHOUT_IT",
    on=Statement,
    when=_HAS_BOUNDARY_CONDITION,
    severity=Severity.SECURITY_WARNING,
    title="The condition on the permissions boundary is also true without any boundary",
    fix="Use StringEquals with the ARN of the boundary, without Not and without IfExists.",
    source=_BOUNDARIES_PAGE,
    kinds=_KINDS,
    bad=[
        allow("iam:CreateRole", _ROLES, {"StringNotEquals": {"iam:PermissionsBoundary": _ADMIN}}),
        allow("iam:Create*", "*", {"StringEqualsIfExists": _WITH["StringEquals"]}),
    ],
    good=[
        allow("iam:CreateRole", _ROLES, _WITH),
        allow(
            "iam:CreateRole",
            _ROLES,
            {**_WITH, "ArnNotEquals": {"iam:PermissionsBoundary": _ADMIN}},
        ),
        allow("iam:TagRole", _ROLES, {"StringNotEquals": {"iam:PermissionsBoundary": _ADMIN}}),
        {**deny("iam:CreateRole"), "Condition": {"StringNotEquals": _WITH["StringEquals"]}},
    ],
)
def holds_without(statement: Statement) -> Iterator[Fail]:
    """A request to create a role without a boundary lacks the key, so a negated or IfExists condition is true.

    False alarm when another statement or policy denies requests without the boundary.
    """
    conditions = statement.conditions_on(_KEY) if statement.allows else ()
    if not conditions or not all(
        condition.negated or condition.if_exists for condition in conditions
    ):
        return
    action = next((name for name in _WITH_BOUNDARY_KEY if entry_of(statement, name)), None)
    if action:
        operator, key = conditions[0].operator, conditions[0].key
        yield Fail(
            operator.where,
            f"{quoted(operator.value)} on {quoted(key.value)} is also true for `{action}` without any boundary",
        )


def _matches_all(resource: str) -> bool:
    """Whether the pattern matches all users or roles of the account, not only those under a path or a prefix."""
    arn = Arn.of(resource)
    name = arn.resource.partition("/")[2] if arn else resource
    return not name.strip("*")


_EDITS = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")


@check(
    "BOUNDARY_POLICY_CAN_BE_EDITED",
    on=Policy,
    when=_HAS_BOUNDARY_CONDITION,
    severity=Severity.SECURITY_WARNING,
    title="The policy that serves as the permissions boundary can be changed",
    fix="Deny iam:CreatePolicyVersion and iam:SetDefaultPolicyVersion on the ARN of the boundary, or allow them only on another path.",
    source=_BOUNDARIES_PAGE,
    kinds=_KINDS,
    bad=[
        policy_with(_CREATE, allow("iam:CreatePolicyVersion", "*")),
        policy_with(
            _CREATE,
            allow("iam:*PolicyVersion", "arn:aws:iam::111122223333:policy/dev-*"),
            deny("iam:CreatePolicyVersion", _BOUNDARY),
        ),
    ],
    good=[
        policy_with(_CREATE, allow("iam:CreatePolicyVersion", "*"), _PROTECT_POLICY),
        policy_with(
            _CREATE, allow("iam:CreatePolicyVersion", "arn:aws:iam::111122223333:policy/dev/*")
        ),
    ],
)
def editable(policy: Policy) -> Iterator[Outcome]:
    """A principal that can change the boundary can lift every limit that it sets, including its own.

    False alarm when another policy of the principal denies the action on the boundary.
    """
    grants = _delegated(policy, *_EDITS)
    if grants is None:
        return
    for boundary in _boundaries(policy):
        if grants.effort.is_spent:
            break
        for entry, name in grouped(_editing(grants, boundary)):
            yield Fail(
                entry.where, f"{name} allows changing the required boundary {quoted(boundary)}"
            )
    yield from _ended_early(grants, policy)


def _editing(grants: Grants, boundary: str) -> Iterator[tuple[Grant, str]]:
    for action in () if _is_managed_by_aws(boundary) else _EDITS:
        if not grants.is_denied(action, (boundary,), spares_some):
            for grant in grants.allowing(action):
                # NotResource may exclude the boundary, so only Resource counts.
                own = grant.statement.resources
                if grants.effort.spend(len(own)) and any(
                    intersects(resource.value, boundary) for resource in own
                ):
                    yield grant, action


def _is_managed_by_aws(boundary: str) -> bool:
    """Whether it is an AWS managed policy, which only AWS can change."""
    arn = Arn.of(boundary)
    return arn is not None and arn.account == "aws"


_ANY_BOUNDARY = {"Null": {"iam:PermissionsBoundary": "false"}}


@check(
    "BOUNDARY_NOT_NAMED",
    on=Policy,
    when=_HAS_BOUNDARY_CONDITION,
    severity=Severity.SECURITY_WARNING,
    title="The condition accepts any policy as the permissions boundary",
    fix="Use StringEquals on iam:PermissionsBoundary with the ARN of the boundary.",
    source=_BOUNDARIES_PAGE,
    kinds=(*_KINDS, Kind.SCP),
    bad=[
        policy_with(allow("iam:CreateRole", "*", _ANY_BOUNDARY)),
        policy_with(
            allow("iam:CreateRole", "*", {"StringLike": {"iam:PermissionsBoundary": "*"}}),
        ),
    ],
    good=[
        policy_with(_CREATE),
        policy_with(allow("iam:CreateRole", "*", {**_ANY_BOUNDARY, **_WITH})),
        policy_with(allow("iam:GetRole", "*", _ANY_BOUNDARY)),
    ],
)
def unnamed(policy: Policy) -> Iterator[Fail]:
    """The caller can choose AdministratorAccess as the boundary, which limits nothing.

    False alarm when another statement or policy limits which boundary the caller can choose.
    """
    for statement in policy.statements:
        conditions = statement.conditions_on(_KEY)
        if not conditions or not all(
            _accepts_any(statement, condition) for condition in conditions
        ):
            continue
        if any(entry_of(statement, action) for action in (*_CREATING, *_PUT)):
            key = conditions[0].key
            yield Fail(
                key.where,
                f"{quoted(key.value)} may have any value, even AdministratorAccess",
            )


def _accepts_any(statement: Statement, condition: Condition) -> bool:
    values = _values(condition)
    if condition.base == "Null":
        return values == (["false"] if statement.allows else ["true"])
    like = "Like" in condition.base and not condition.if_exists
    return (
        like
        and statement.allows != condition.negated
        and any(
            not value.strip("*") or matches(value, "arn:aws:iam::aws:policy/administratoraccess")
            for value in values
        )
    )


_PASSED = "iam:passedtoservice"
_OPTIONAL = {"StringEqualsIfExists": {"iam:PassedToService": "ec2.amazonaws.com"}}


@check(
    "PASSED_TO_SERVICE_NOT_DEMANDED",
    on=Statement,
    when=(at_keys(_PASSED),),
    severity=Severity.SUGGESTION,
    title="The condition on iam:PassedToService is also true for requests without the key",
    fix="Use StringEquals, without IfExists, or name the roles in Resource.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
    kinds=IDENTITY_KINDS,
    bad=[allow("iam:PassRole", "*", _OPTIONAL)],
    good=[
        allow("iam:PassRole", "*", {"StringEquals": _OPTIONAL["StringEqualsIfExists"]}),
        allow("iam:PassRole", "arn:aws:iam::111122223333:role/app", _OPTIONAL),
    ],
)
def service_optional(statement: Statement) -> Iterator[Fail]:
    """A condition with `IfExists` is true for a request without the key, so such a request can pass any role.

    False alarm when every request to pass a role has the key; AWS does not document whether it does.
    """
    conditions = statement.conditions_on(_PASSED) if statement.allows else ()
    if not conditions or not all(condition.if_exists for condition in conditions):
        return
    roles = [e.value for e in statement.resources if intersects(e.value, _ARNS["Role"])]
    if entry_of(statement, "iam:PassRole") and any(map(_matches_all, roles)):
        operator, key = conditions[0].operator, conditions[0].key
        yield Fail(
            operator.where,
            f"{quoted(operator.value)} allows passing any role when the request has no {quoted(key.value)}",
            # AWS does not say whether there are requests without the key.
            low_confidence=True,
        )
