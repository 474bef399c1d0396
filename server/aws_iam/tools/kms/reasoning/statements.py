"""What the statements of a key policy say of a key: which have an effect, whom they name, whose account it is.

Sources: KMS Developer Guide, pages key-policy-overview and key-policy-default; KMS API Reference, PutKeyPolicy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.layers import Ready
from aws_iam.engine.language.arn import Arn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Policy, Principal, Statement

MANAGE = "kms:PutKeyPolicy"
_ACCOUNT = re.compile(r"[0-9]{12}")
# What stands in a policy for a role or user that is deleted: IAM User Guide, reference_identifiers (unique ids).
_UNIQUE_ID = re.compile(r"A[A-Z]{2}A[A-Z0-9]{12,124}")


def has_effect(statement: Statement) -> bool:
    """Whether KMS takes notice of the statement: without Action or without Resource it stores and ignores it."""
    actions = statement.actions or statement.not_actions
    return bool(actions) and bool(statement.resources or statement.not_resources)


def takes(statement: Statement, action: str) -> bool:
    """Whether the statement speaks of the action."""
    return Ready.of(statement).takes(action.lower())


def account_of(principal: Principal) -> str:
    """The account that the principal stands for as a whole; empty for anything else."""
    if principal.type != "AWS":
        return ""
    if _ACCOUNT.fullmatch(principal.value):
        return principal.value
    arn = Arn.of(principal.value)
    return arn.account if arn and arn.service == "iam" and arn.resource == "root" else ""


def owner_of(principal: Principal) -> str:
    """The account that the principal is of; empty where its text does not tell."""
    if principal.type != "AWS":
        return ""
    arn = Arn.of(principal.value)
    of_arn = arn.account if arn and arn.service in {"iam", "sts"} else ""
    return account_of(principal) or of_arn


def is_unique_id(principal: Principal) -> bool:
    """Whether the principal is the unique id of a role or user, as AWS shows one that was deleted."""
    return principal.type == "AWS" and _UNIQUE_ID.fullmatch(principal.value) is not None


def told_owner(policy: Policy) -> str:
    """The account whose key it is, as the policy itself tells; empty: it does not.

    That is the account of its account statement, else that of whoever may change the policy, which nobody outside may.
    """
    manages = [
        principal
        for statement in policy.statements
        if statement.allows and has_effect(statement) and takes(statement, MANAGE)
        for principal in statement.principals
    ]
    for told in (account_of, owner_of):
        found = {told(manage) for manage in manages} - {""}
        if found:
            return found.pop() if len(found) == 1 else ""
    return ""


def delegating(policy: Policy, account: str) -> Iterator[Statement]:
    """The statements that let IAM policies of the account decide on something."""
    for statement in policy.statements:
        named = bool(account) and any(account_of(p) == account for p in statement.principals)
        if statement.allows and named and has_effect(statement):
            yield statement
