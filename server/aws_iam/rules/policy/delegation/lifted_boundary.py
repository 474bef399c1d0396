"""Permissions boundaries that do not stop whoever has them from taking them off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Kind, Policy
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow, deny, policy_with
from aws_iam.rules.outcomes import Fail, ended_early
from aws_iam.rules.policy.delegation.iam_grants import Grants, grouped, spares_some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.rules.outcomes import Outcome

_LIFTING = {
    "iam:DeleteRolePermissionsBoundary": "arn:*:iam::*:role/*",
    "iam:DeleteUserPermissionsBoundary": "arn:*:iam::*:user/*",
    "iam:PutRolePermissionsBoundary": "arn:*:iam::*:role/*",
    "iam:PutUserPermissionsBoundary": "arn:*:iam::*:user/*",
}
_KEY = "iam:permissionsboundary"
_KEEP = deny("iam:*PermissionsBoundary")


def _keeps_it(condition: Condition) -> bool:
    """Whether a Deny with the condition keeps boundaries on: for all but some principals, or by which boundary it is."""
    return condition.name == _KEY or spares_some(condition)


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
    ],
    good=[
        policy_with(allow(["s3:*", "ec2:*"])),
        policy_with(allow("*"), _KEEP),
        policy_with(
            allow("*"),
            deny("iam:*PermissionsBoundary", "*", {"StringNotEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/dev"}}),
        ),
        policy_with(allow(["iam:Get*", "iam:List*", "iam:PassRole"])),
        policy_with(
            allow("iam:PutRolePermissionsBoundary", "*", {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/dev"}})
        ),
    ],
)  # fmt: skip
def lifted(policy: Policy) -> Iterator[Outcome]:
    """A boundary limits what other policies allow, and one of them may allow to remove the boundary or to set a wide one.

    False alarm when no policy of those who have the boundary allows these actions.
    """
    if not policy.statements:
        return
    grants = Grants.of(policy, _LIFTING)
    lifting = (
        (grant, action)
        for action in _LIFTING
        for grant in grants.allowing(action)
        if not grant.statement.conditions
        and not grants.is_denied(action, grant.resources, _keeps_it)
    )
    for entry, name in grouped(lifting):
        yield Fail(
            entry.where,
            f"{name} is not stopped: whoever has the boundary can remove or replace it where another policy allows that",
        )
    yield from ended_early(
        grants.effort, policy.statements[0], "some Allows were not compared with the Denies"
    )
