"""Permissions boundaries that do not stop whoever has them from taking them off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Kind, Policy, Statement
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow, deny, policy_with
from aws_iam.rules.outcomes import Fail
from aws_iam.rules.policy.delegation.iam_grants import Grants, grouped

if TYPE_CHECKING:
    from collections.abc import Iterator


_LIFTING = {
    "iam:DeleteRolePermissionsBoundary": "arn:*:iam::*:role/*",
    "iam:DeleteUserPermissionsBoundary": "arn:*:iam::*:user/*",
    "iam:PutRolePermissionsBoundary": "arn:*:iam::*:role/*",
    "iam:PutUserPermissionsBoundary": "arn:*:iam::*:user/*",
}
_KEY = "iam:permissionsboundary"
_KEEP = deny("iam:*PermissionsBoundary")
# They tell neither who calls nor which boundary it is about.
_OF_ANYBODY = frozenset({"aws:currenttime", "aws:epochtime", "aws:multifactorauthage", "aws:multifactorauthpresent", "aws:requestedregion", "aws:securetransport"})  # fmt: skip
_DEV = {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/dev"}


def _may_stop(deny: Statement, action: str) -> bool:
    """Whether a Deny may keep the boundary on; not where it only forbids to remove others, or to set this one again."""
    removes = "Delete" in action
    return not any(own.negated is removes for own in deny.conditions_on(_KEY))


@check(
    "BOUNDARY_CAN_LIFT_ITSELF",
    on=Policy,
    severity=Severity.WARNING,
    title="Whoever has the permissions boundary can take it off",
    fix="Deny iam:DeleteRolePermissionsBoundary, iam:DeleteUserPermissionsBoundary, iam:PutRolePermissionsBoundary and"
    ' iam:PutUserPermissionsBoundary on "*".',
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",
    kinds=(Kind.BOUNDARY,),
    bad=[
        policy_with(allow("*")),
        policy_with(allow(["s3:*", "iam:*"])),
        policy_with(allow("*"), deny("iam:Delete*PermissionsBoundary")),
        policy_with(allow("*", "*", {"Bool": {"aws:SecureTransport": "true"}})),
        policy_with(allow("*"), deny("iam:*PermissionsBoundary", "*", {"StringNotEquals": _DEV})),
        policy_with(allow("*"), deny("iam:*PermissionsBoundary", "*", {"StringEquals": _DEV})),
    ],
    good=[
        policy_with(allow(["s3:*", "ec2:*"])),
        policy_with(allow("*"), _KEEP),
        policy_with(
            allow("*"),
            deny("iam:Put*PermissionsBoundary", "*", {"StringNotEquals": _DEV}),
            deny("iam:Delete*PermissionsBoundary", "arn:aws:iam::111122223333:*"),
        ),
        policy_with(allow(["iam:Get*", "iam:List*", "iam:PassRole"])),
        policy_with(allow("iam:PutRolePermissionsBoundary", "*", {"StringEquals": _DEV})),
    ],
)  # fmt: skip
def lifted(policy: Policy) -> Iterator[Fail]:
    """A boundary limits what other policies allow, and one of them may allow to remove the boundary or to set a wide one.

    False alarm when no policy of those who have the boundary allows these actions.
    """
    grants = Grants.of(policy, _LIFTING)
    lifting = (
        (grant, action)
        for action in _LIFTING
        for grant in grants.allowing(action)
        if all(own.name in _OF_ANYBODY for own in grant.statement.conditions)
        and not any(_may_stop(deny, action) for deny in grants.denying(action))
    )
    for entry, name in grouped(lifting):
        yield Fail(
            entry.where,
            f"{name} is not stopped: whoever has the boundary can remove or replace it where another policy allows that",
        )
