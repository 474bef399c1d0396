"""Which statements of an identity policy make an administrator: all actions on all resources, or all that matter.

Action: "*"          Resource: "*"                         everything
NotAction: "s3:*"    Resource: "*"                         all but S3: enough to grant oneself S3 too
NotAction: "iam:*"   Resource: "*"                         no administrator: it cannot grant itself anything,
                                                           unless another statement allows that
Action: "*"          NotResource: "arn:aws:s3:::logs/*"    all but a bucket
Action: ["a*:*", …]  Resource: "*"                         everything, if no action is known that is not among them

The benchmark speaks of `"Action": "*"`; what allows each known action by other words, in one statement or several, is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.effective.action_expansion import Expansion
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
    """The statements that make whoever has the policy an administrator.

    InputError for a policy with so many wildcards that this takes too long.
    """
    denials = [statement for statement in policy.statements if _denies_always(statement)]
    free = [
        statement
        for statement in policy.statements
        if statement.allows
        and not statement.conditions
        and _has_all_resources(statement, account.partition)
    ]
    found = tuple(
        statement
        for statement in policy.statements
        if statement.allows and _is_of_administrator(statement, free, denials, account)
    )
    together = not found and len(free) > 1 and _has_every_known_action(free)
    return tuple(free) if together and _leaves_a_grant(denials) else found


def is_every_known_action(statements: Sequence[Statement], partition: str) -> bool:
    """Whether the statements together allow each known action on every resource."""
    everywhere = all(_has_all_resources(own, partition) for own in statements)
    return everywhere and _has_every_known_action(statements)


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
    actions = (
        statement.has("NotAction")
        or _has_all_actions(statement)
        or _has_every_known_action([statement])
    )
    resources = _has_all_resources(statement, partition) or statement.has("NotResource")
    return (
        actions
        and resources
        and any(
            (
                _takes(statement, action, f"arn:{partition}:iam::{account.id}:{kind}/?*")
                or any(_has_action(own.actions, action) for own in free)
            )
            and not _is_denied(action, denials)
            for action, kind in _GRANTS
        )
    )


def _has_every_known_action(statements: Sequence[Statement]) -> bool:
    """Whether no action is known that none of the statements is about."""
    expansion = Expansion()
    words = [word for own in statements for word in own.action_words]
    but = [own.not_action_words for own in statements if own.has("NotAction")]
    if but:
        named = expansion.union(words)
        left = [expansion.union(own) for own in but]
        return all(any(name not in own for own in left[1:]) or name in named for name in left[0])
    if not any(_has_action(own.actions, _GRANTS[0][0]) for own in statements):
        # Known soon, where others are thousands to look up.
        return False
    if len(words) < len(expansion.facts.services) and not any(map(_is_of_services, words)):
        # Each is about one service at most.
        return False
    return len(expansion.union(words)) == len(expansion.pattern("*"))


def _is_of_services(action: str) -> bool:
    return not pattern.is_literal(action.partition(":")[0])


def _leaves_a_grant(denials: Sequence[Statement]) -> bool:
    return not all(_is_denied(action, denials) for action, _ in _GRANTS)


def _is_denied(action: str, denials: Sequence[Statement]) -> bool:
    return any(_has_action(denial.actions, action) for denial in denials)


def _takes(statement: Statement, action: str, arns: str) -> bool:
    """Whether its NotAction and NotResource leave the action on these ARNs."""
    return not _has_action(statement.not_actions, action) and not _has_arn(
        statement.not_resources, arns
    )


def _has_all_actions(statement: Statement) -> bool:
    # Neither an action nor an ARN has an empty service or name.
    return any(
        "*" in action.value and pattern.covers(action.value, "?*:?*")
        for action in statement.actions
    )


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
