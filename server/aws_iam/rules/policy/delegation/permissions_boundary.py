"""Delegated user and role management: a permissions boundary that is demanded in one statement and lost in another."""

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
from aws_iam.rules.outcomes import Fail
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

_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"
_KINDS = (Kind.IDENTITY, Kind.BOUNDARY)
_KEY = "iam:permissionsboundary"
# A delegation has one boundary or a few.
_MOST = 20
_BOUNDARY = "arn:aws:iam::111122223333:policy/dev-boundary"
_WITH = {"StringEquals": {"iam:PermissionsBoundary": _BOUNDARY}}
_ROLES = "arn:aws:iam::111122223333:role/dev/*"


_CREATE = allow(["iam:CreateRole", "iam:AttachRolePolicy"], _ROLES, _WITH)
_KEEP = deny(["iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"])
_SEAL = deny(["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"], _BOUNDARY)


def _values(condition: Condition) -> list[str]:
    return [value.value.lower() for value in condition.values]


def _on_boundary(policy: Policy) -> Iterator[tuple[Statement, Condition]]:
    """Every condition by which the policy asks for a boundary."""
    for statement in policy.statements:
        for condition in statement.conditions_on(_KEY):
            if statement.allows != condition.negated:
                yield statement, condition


def _boundaries(policy: Policy) -> tuple[str, ...]:
    """The boundaries that the policy demands, as patterns; none when it delegates nothing."""
    found = (
        without_variables(value.value, "*")
        for _, condition in _on_boundary(policy)
        if condition.base != "Null"
        for value in condition.values
    )
    return tuple(dict.fromkeys(found))


# The first word in the name of an action that tells on which resources it works.
_ARNS = {
    "Version": "arn:*:iam::*:policy/*",
    "Group": "arn:*:iam::*:group/*",
    "Role": "arn:*:iam::*:role/*",
    "User": "arn:*:iam::*:user/*",
}


def _delegated(policy: Policy, *actions: str) -> Grants | None:
    """What a policy that demands a boundary allows of the actions; None when it demands none."""
    return (
        Grants.of(policy, {action: _arns(action) for action in actions})
        if _boundaries(policy)
        else None
    )


def _arns(action: str) -> str:
    return next(arns for word, arns in _ARNS.items() if word in action)


def _holds_without(condition: Condition) -> bool:
    """Whether the condition of a Deny holds for a request without the boundary."""
    of_boundary = condition.name == _KEY and (
        condition.negated or (condition.base == "Null" and _values(condition) == ["true"])
    )
    return of_boundary or spares_some(condition)


def _free(grants: Grants, action: str) -> Iterator[Grant]:
    """The Allows of the action for which no boundary is asked, nor a policy that is among those named."""
    for grant in grants.allowing(action):
        # A condition on the key that holds without it has a code of its own.
        asked = grant.statement.conditions_on(_KEY) or demands(grant.statement, "iam:policyarn")
        if not asked and not grants.is_denied(action, grant.resources, _holds_without):
            yield grant


_DELETE = ("iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary")


_ASKED = (at_keys(_KEY),)


@check(
    "BOUNDARY_CAN_BE_REMOVED",
    on=Policy,
    when=_ASKED,
    severity=Severity.SECURITY_WARNING,
    title="The required permissions boundary can be removed",
    fix='Deny iam:DeleteRolePermissionsBoundary and iam:DeleteUserPermissionsBoundary on "*".',
    source=_PAGE,
    kinds=_KINDS,
    bad=[
        policy_with(_CREATE, allow("iam:Delete*", _ROLES)),
        policy_with(allow("iam:*", _ROLES, _WITH), _SEAL),
    ],
    good=[
        policy_with(_CREATE, allow("iam:Delete*", _ROLES), _KEEP),
        policy_with(_CREATE, allow("iam:DeleteRole", _ROLES)),
    ],
)
def removable(policy: Policy) -> Iterator[Fail]:
    """Without its boundary a role has all that its policies allow, and those the delegate may write."""
    grants = _delegated(policy, *_DELETE)
    if grants is None:
        return
    found = (
        (grant, action)
        for action in _DELETE
        for grant in grants.allowing(action)
        if not grants.is_denied(action, grant.resources, spares_some)
    )
    for entry, actions in grouped(found):
        yield Fail(
            entry.where, f"{quoted(entry.value)} allows {actions}: the boundary can be removed"
        )


_PUT = ("iam:PutRolePermissionsBoundary", "iam:PutUserPermissionsBoundary")


@check(
    "BOUNDARY_CAN_BE_REPLACED",
    on=Policy,
    when=_ASKED,
    severity=Severity.SECURITY_WARNING,
    title="The required permissions boundary can be replaced by another",
    fix="Move the action into the statement with the condition on iam:PermissionsBoundary.",
    source=_PAGE,
    kinds=_KINDS,
    bad=[policy_with(_CREATE, allow("iam:PutRolePermissionsBoundary", _ROLES), _KEEP)],
    good=[
        policy_with(_CREATE, allow("iam:PutRolePermissionsBoundary", _ROLES, _WITH), _KEEP),
        policy_with(_CREATE, allow("iam:PutRolePolicy", _ROLES)),
    ],
)
def replaceable(policy: Policy) -> Iterator[Fail]:
    """Any managed policy can be a boundary, AdministratorAccess among them."""
    grants = _delegated(policy, *_PUT)
    if grants is None:
        return
    found = ((grant, action) for action in _PUT for grant in _free(grants, action))
    for entry, actions in grouped(found):
        yield Fail(
            entry.where, f"{quoted(entry.value)} allows {actions} with any policy as boundary"
        )


_NAMED = {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}
_JOIN = "iam:AddUserToGroup"
# What makes a user or role, and what gives it permissions.
_MAKING = {
    "iam:CreateRole": ("iam:AttachRolePolicy", "iam:PutRolePolicy"),
    "iam:CreateUser": ("iam:AttachUserPolicy", "iam:PutUserPolicy", _JOIN),
}
_BOUNDED = (
    *_MAKING,
    *(
        granting_action
        for granting in _MAKING.values()
        for granting_action in granting
        if granting_action != _JOIN
    ),
)
_ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
_GRANTING = tuple(granting_action for granting in _MAKING.values() for granting_action in granting)


@check(
    "BOUNDARY_NOT_DEMANDED_EVERYWHERE",
    on=Policy,
    when=_ASKED,
    severity=Severity.SECURITY_WARNING,
    title="The policy requires a permissions boundary for some actions and not for others",
    fix="Move the actions into the statement with the condition on iam:PermissionsBoundary.",
    source=_PAGE,
    kinds=_KINDS,
    bad=[
        policy_with(_CREATE, allow(["iam:CreateUser", "iam:AddUserToGroup"], "*")),
        policy_with(_CREATE, allow("iam:PutRolePolicy", "*")),
    ],
    good=[
        policy_with(_CREATE, allow("iam:TagRole", "*")),
        # A role without policies can do nothing.
        policy_with(_CREATE, allow("iam:CreateRole", "*")),
        # What lies under the path was created with the boundary.
        policy_with(_CREATE, allow("iam:PutRolePolicy", _ROLES)),
        policy_with(_CREATE, allow("iam:AttachRolePolicy", "*", _NAMED)),
    ],
)
def unbounded(policy: Policy) -> Iterator[Fail]:
    """Whoever may create or fill a role without the boundary has a role without limits."""
    grants = _delegated(policy, *_MAKING, *_GRANTING)
    if grants is None:
        return
    for entry, actions in grouped(_unbounded(grants)):
        yield Fail(entry.where, f"{quoted(entry.value)} allows {actions} without the boundary")


def _unbounded(grants: Grants) -> Iterator[tuple[Grant, str]]:
    for action, granting in _MAKING.items():
        if any(True for granting_action in granting for _ in _free(grants, granting_action)):
            yield from ((grant, action) for grant in _free(grants, action))
    for action in _GRANTING:
        # A group's members have boundaries of their own.
        for grant in _free(grants, action) if action != _JOIN else ():
            if any(map(_takes_all, grant.resources)):
                yield grant, action


@check(
    "BOUNDARY_CONDITION_HOLDS_WITHOUT_IT",
    on=Statement,
    when=_ASKED,
    severity=Severity.SECURITY_WARNING,
    title="The condition on the permissions boundary also holds without any boundary",
    fix="Write StringEquals with the ARN of the boundary, without Not and without IfExists.",
    source=_PAGE,
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
    """A request to create a role without boundary lacks the key, and a negated or optional condition holds then."""
    tested = statement.conditions_on(_KEY) if statement.allows else ()
    if not tested or not all(condition.negated or condition.if_exists for condition in tested):
        return
    action = next((bounded for bounded in _BOUNDED if entry_of(statement, bounded)), None)
    if action:
        yield Fail(
            tested[0].operator.where,
            f"{quoted(tested[0].operator.value)} on {quoted(tested[0].key.value)} also holds for `{action}`"
            " without any boundary",
        )


def _takes_all(resource: str) -> bool:
    """Whether the pattern takes all users or roles of the account, not those under a path or a prefix."""
    arn = Arn.of(resource)
    name = arn.resource.partition("/")[2] if arn else resource
    return not name.strip("*")


_EDITS = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")


@check(
    "BOUNDARY_POLICY_CAN_BE_EDITED",
    on=Policy,
    when=_ASKED,
    severity=Severity.SECURITY_WARNING,
    title="The policy that serves as permissions boundary can be rewritten",
    fix="Deny iam:CreatePolicyVersion and iam:SetDefaultPolicyVersion on the ARN of the boundary, or allow them under another path.",
    source=_PAGE,
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
        policy_with(_CREATE, allow("iam:CreatePolicyVersion", "*"), _SEAL),
        policy_with(
            _CREATE, allow("iam:CreatePolicyVersion", "arn:aws:iam::111122223333:policy/dev/*")
        ),
    ],
)
def editable(policy: Policy) -> Iterator[Fail]:
    """Who writes the boundary sets the limits, those of the own role included."""
    grants = _delegated(policy, *_EDITS)
    if grants is None:
        return
    for boundary in _boundaries(policy)[:_MOST]:
        for entry, actions in grouped(_editing(grants, boundary)):
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} allows {actions} on {quoted(boundary)}, the boundary itself",
            )


def _editing(grants: Grants, boundary: str) -> Iterator[tuple[Grant, str]]:
    for action in () if _is_of_aws(boundary) else _EDITS:
        if not grants.is_denied(action, (boundary,), spares_some):
            for grant in grants.allowing(action):
                # NotResource may be there to leave the boundary out.
                if any(
                    intersects(resource.value, boundary) for resource in grant.statement.resources
                ):
                    yield grant, action


def _is_of_aws(boundary: str) -> bool:
    """Whether it is a managed policy of AWS, which nobody can change."""
    arn = Arn.of(boundary)
    return arn is not None and arn.account == "aws"


_ANY = {"Null": {"iam:PermissionsBoundary": "false"}}


@check(
    "BOUNDARY_NOT_NAMED",
    on=Policy,
    when=_ASKED,
    severity=Severity.SECURITY_WARNING,
    title="Any policy is accepted as the required permissions boundary",
    fix="Name the boundary: StringEquals on iam:PermissionsBoundary with its ARN.",
    source=_PAGE,
    kinds=(*_KINDS, Kind.SCP),
    bad=[
        policy_with(allow("iam:CreateRole", "*", _ANY)),
        policy_with(
            allow("iam:CreateRole", "*", {"StringLike": {"iam:PermissionsBoundary": "*"}}),
        ),
    ],
    good=[
        policy_with(_CREATE),
        policy_with(allow("iam:CreateRole", "*", {**_ANY, **_WITH})),
        policy_with(allow("iam:GetRole", "*", _ANY)),
    ],
)
def unnamed(policy: Policy) -> Iterator[Fail]:
    """The caller chooses the boundary, and AdministratorAccess limits nothing."""
    for statement in policy.statements:
        tested = statement.conditions_on(_KEY)
        open_ = [condition for condition in tested if _asks_for_any(statement, condition)]
        if not open_ or len(open_) != len(tested):
            continue
        if any(entry_of(statement, action) for action in (*_MAKING, *_PUT)):
            yield Fail(
                open_[0].key.where,
                f"{quoted(open_[0].key.value)} may have any value, AdministratorAccess among them",
            )


def _asks_for_any(statement: Statement, condition: Condition) -> bool:
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
    title="The condition on the service that gets a role also holds without one",
    fix="Write StringEquals, without IfExists, or name the roles in Resource.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
    kinds=IDENTITY_KINDS,
    bad=[allow("iam:PassRole", "*", _OPTIONAL)],
    good=[
        allow("iam:PassRole", "*", {"StringEquals": _OPTIONAL["StringEqualsIfExists"]}),
        allow("iam:PassRole", "arn:aws:iam::111122223333:role/app", _OPTIONAL),
    ],
)
def service_optional(statement: Statement) -> Iterator[Fail]:
    """`IfExists` asks nothing of a request without the key: where that happens, any role may be passed."""
    tested = statement.conditions_on(_PASSED) if statement.allows else ()
    if not tested or not all(condition.if_exists for condition in tested):
        return
    roles = [e.value for e in statement.resources if intersects(e.value, _ARNS["Role"])]
    if entry_of(statement, "iam:PassRole") and any(map(_takes_all, roles)):
        yield Fail(
            tested[0].operator.where,
            f"{quoted(tested[0].operator.value)} lets any role be passed where the request has no"
            f" {quoted(tested[0].key.value)}",
            # AWS does not say whether a request without the key exists.
            low_confidence=True,
        )
