"""The statements of a key policy: which ones have an effect, the principals they name, and the key's account.

Sources: KMS Developer Guide, pages key-policy-overview and key-policy-default; KMS API Reference, PutKeyPolicy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.pattern import matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Policy, Principal, Statement, Text

PUT_KEY_POLICY = "kms:PutKeyPolicy"
# A Resource that ends before it names a Region or a key.
_NO_KEY = re.compile(r"(?:arn:(?:[a-z*-]+:(?:kms:)?)?)?\*[*:]*")
_ACCOUNT = re.compile(r"[0-9]{12}")
# AWS shows a deleted role or user as its unique id: IAM User Guide, reference_identifiers (unique ids).
_UNIQUE_ID = re.compile(r"A[A-Z]{2}A[A-Z0-9]{12,124}")


def has_effect(statement: Statement, key: str = "") -> bool:
    """Whether the statement has an effect on the key, if its ARN is known.

    KMS stores and ignores a statement without Action or Resource, and one whose Resource is another key.
    """
    actions = statement.actions or statement.not_actions
    resources = statement.resources or statement.not_resources
    return bool(actions) and bool(resources) and _is_about(statement, key)


def _is_about(statement: Statement, key: str) -> bool:
    if not key:
        return True
    named = any(matches(entry.value, key) or "${" in entry.value for entry in statement.resources)
    spared = any(matches(entry.value, key) for entry in statement.not_resources)
    return named or (bool(statement.not_resources) and not spared)


def key_of_statement(statement: Statement) -> Text | None:
    """The first key or pattern of keys that the Resource names, if the statement has an effect on some keys alone."""
    if any(_fits_every_key(entry.value) for entry in statement.resources):
        return None
    return next(
        (own for own in statement.resources if ":key/" in own.value or "*" in own.value), None
    )


def _fits_every_key(resource: str) -> bool:
    """Whether the Resource is no limit to some keys of the account, as far as its text tells."""
    fields = resource.split(":", 5)
    if "${" in resource:
        return True
    if len(fields) < 6:  # noqa: PLR2004 - the fields of an ARN
        return bool(_NO_KEY.fullmatch(resource))
    return fields[3] == "*" and fields[5] in {"*", "key/*"}


def covers_action(statement: Statement, action: str) -> bool:
    """Whether the statement covers the action."""
    return IndexedStatement.of(statement).takes(action.lower())


def account_meant_whole(principal: Principal) -> str:
    """The account if the principal stands for a whole account; else empty."""
    if principal.type != "AWS":
        return ""
    if _ACCOUNT.fullmatch(principal.value):
        return principal.value
    arn = Arn.of(principal.value)
    return arn.account if arn and arn.service == "iam" and arn.resource == "root" else ""


def account_of_principal(principal: Principal) -> str:
    """The account that the principal belongs to; empty if it does not say."""
    if principal.type != "AWS":
        return ""
    arn = Arn.of(principal.value)
    of_arn = arn.account if arn and arn.service in {"iam", "sts"} else ""
    return account_meant_whole(principal) or of_arn


def is_unique_id(principal: Principal) -> bool:
    """Whether the principal is the unique id of a deleted role or user."""
    return principal.type == "AWS" and _UNIQUE_ID.fullmatch(principal.value) is not None


def owner_shown_by(policy: Policy) -> str:
    """The account of the key, as far as the policy shows it; else empty.

    It is the account of the account statement, else of the principals that may change the policy: others never can.
    """
    managers = [
        principal
        for statement in policy.statements
        if statement.allows and has_effect(statement) and covers_action(statement, PUT_KEY_POLICY)
        for principal in statement.principals
    ]
    for account in (account_meant_whole, account_of_principal):
        found = {account(principal) for principal in managers} - {""}
        if found:
            return found.pop() if len(found) == 1 else ""
    return ""


def statements_for_account(policy: Policy, account: str, key: str = "") -> Iterator[Statement]:
    """The statements that let IAM policies of the account allow actions."""
    for statement in policy.statements:
        named = bool(account) and any(
            account_meant_whole(p) == account for p in statement.principals
        )
        if statement.allows and named and has_effect(statement, key):
            yield statement
