"""The accounts that policies name, and which of them owns the resource."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.clauses import principals_of
from aws_iam.engine.language.arn import Arn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.engine.language.document import Policy, Principal

_ACCOUNT = re.compile(r"\d{12}")
_ACCOUNTS = re.compile(r"(?<!\d)\d{12}(?!\d)")


def known_owner(policies: Sequence[Policy]) -> str:
    """The account that owns the resource, if the ARNs of the policies tell, or the policies of a key; else empty."""
    named = (
        entry.value
        for policy in policies
        for statement in policy.statements
        for entry in (*statement.resources, *statement.not_resources)
    )
    # A provider in a trust policy belongs to the role's own account.
    providers = (
        principal.value for principal in principals_of(policies) if principal.type == "Federated"
    )
    for text in (*named, *providers):
        arn = Arn.of(text)
        if arn and _ACCOUNT.fullmatch(arn.account):
            return arn.account
    roots = {
        account
        for policy in policies
        for statement in policy.statements
        if statement.allows and "kms:*" in statement.action_words
        for account in accounts_of(statement.principals)
        if any(p.value.endswith((f":{account}:root", account)) for p in statement.principals)
    }
    # A key keeps itself manageable by the statement for its own account.
    return roots.pop() if len(roots) == 1 else ""


def accounts_of(principals: Iterable[Principal]) -> frozenset[str]:
    """The accounts that principals name."""
    return frozenset(a for principal in principals for a in _ACCOUNTS.findall(principal.value))


def named_accounts(policies: Iterable[Policy]) -> frozenset[str]:
    """The accounts that policies name as principals or in the ARNs of resources."""
    texts = [
        text
        for policy in policies
        for statement in policy.statements
        for text in (*statement.resource_words, *(p.value for p in statement.principals))
    ]
    return frozenset(_ACCOUNTS.findall(" ".join(texts)))
