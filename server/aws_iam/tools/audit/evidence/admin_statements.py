"""Which statements of an identity policy make an administrator: all actions on all resources, or all that matter.

Action: "*"          Resource: "*"                         everything
NotAction: "s3:*"    Resource: "*"                         all but S3: enough to grant oneself S3 too
NotAction: "iam:*"   Resource: "*"                         no administrator: it cannot grant itself anything,
                                                           unless another statement allows that
Action: "*"          NotResource: "arn:aws:s3:::logs/*"    all but a bucket
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Policy, Statement, Text

# Each of them is enough to give oneself, or another identity, every permission.
_GRANTS = (
    ("iam:AttachGroupPolicy", "group"),
    ("iam:AttachRolePolicy", "role"),
    ("iam:AttachUserPolicy", "user"),
    ("iam:CreatePolicyVersion", "policy"),
    ("iam:PutGroupPolicy", "group"),
    ("iam:PutRolePolicy", "role"),
    ("iam:PutUserPolicy", "user"),
)


def admin_statements(policy: Policy, account: Account) -> tuple[Statement, ...]:
    """The statements that make whoever has the policy an administrator."""
    denials = [statement for statement in policy.statements if _denies_always(statement)]
    free = [
        statement
        for statement in policy.statements
        if statement.allows
        and not statement.conditions
        and _has_all_resources(statement, account.partition)
    ]
    return tuple(
        statement
        for statement in policy.statements
        if statement.allows and _is_of_administrator(statement, free, denials, account)
    )


def is_everything(statement: Statement, partition: str) -> bool:
    """Whether the statement allows every action on every resource, without an exception."""
    return _has_all_actions(statement) and _has_all_resources(statement, partition)


def _is_of_administrator(
    statement: Statement,
    free: Sequence[Statement],
    denials: Sequence[Statement],
    account: Account,
) -> bool:
    """Whether it is one of an administrator; `free` are those of its policy that allow actions on all resources."""
    partition = account.partition
    if is_everything(statement, partition):
        return True
    actions = _has_all_actions(statement) or statement.has("NotAction")
    resources = _has_all_resources(statement, partition) or statement.has("NotResource")
    return (
        actions
        and resources
        and any(
            (
                _takes(statement, action, f"arn:{partition}:iam::{account.id}:{kind}/?*")
                or any(_has_action(own.actions, action) for own in free)
            )
            and not any(_has_action(denial.actions, action) for denial in denials)
            for action, kind in _GRANTS
        )
    )


def _takes(statement: Statement, action: str, arns: str) -> bool:
    """Whether its NotAction and NotResource leave the action on these ARNs."""
    return not _has_action(statement.not_actions, action) and not _has_arn(
        statement.not_resources, arns
    )


def _has_all_actions(statement: Statement) -> bool:
    # Neither an action nor an ARN has an empty service or name.
    return any(pattern.covers(action.value, "?*:?*") for action in statement.actions)


def _has_all_resources(statement: Statement, partition: str) -> bool:
    every = f"arn:{partition}:?*:*:*:?*"
    return any(pattern.covers(resource.value, every) for resource in statement.resources)


def _denies_always(statement: Statement) -> bool:
    everywhere = any(resource.value == "*" for resource in statement.resources)
    return not statement.allows and everywhere and not statement.conditions


def _has_action(patterns: Iterable[Text], action: str) -> bool:
    return any(pattern.covers(text.value, action, ignore_case=True) for text in patterns)


def _has_arn(patterns: Iterable[Text], arns: str) -> bool:
    return any(pattern.covers(text.value, arns) for text in patterns)
