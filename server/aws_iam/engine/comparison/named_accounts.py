"""The accounts that policies name, and which of them owns the resource."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.comparison import identity_callers
from aws_iam.engine.comparison.accounts_alike import accounts_alike
from aws_iam.engine.comparison.clauses import principals_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.memo import memo_on_subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.comparison.distinct_values import Atom
    from aws_iam.engine.language.document import Policy, Principal, Statement

_ACCOUNT = re.compile(r"\d{12}")
_ACCOUNTS = re.compile(r"(?<!\d)\d{12}(?!\d)")
_EXAMPLES = ("111122223333", "444455556666", "777788889999", "123456789012", "210987654321")


def known_owner(policies: Sequence[Policy]) -> str:
    """The account that owns the resource, if the ARNs of the policies tell, or the policies of a key; else empty."""
    owner = _owner_in_arns(policies)
    roots = frozenset() if owner else _key_administrators(policies)
    return owner or (next(iter(roots)) if len(roots) == 1 else "")


def likely_owners(new: Sequence[Policy], old: Sequence[Policy]) -> frozenset[str] | None:
    """The accounts that may own the resource; None where the old policies name none.

    A principal that a change names does not say whose the resource is.
    """
    if owner := _owner_in_arns((*new, *old)):
        return frozenset({owner})
    if not accounts_of(principals_of(old)):
        return _key_administrators(new) or None
    return _key_administrators(old) or kept_accounts(new, old)


def _owner_in_arns(policies: Sequence[Policy]) -> str:
    for policy in policies:
        for account in filter(None, map(_account_of_resources, policy.statements)):
            return account
    # A provider in a trust policy belongs to the role's own account.
    return _first_account(p.value for p in principals_of(policies) if p.type == "Federated")


@memo_on_subject
def _account_of_resources(statement: Statement) -> str:
    return _first_account((*statement.resource_words, *statement.not_resource_words))


def _first_account(texts: Iterable[str]) -> str:
    """The first account in an ARN; empty if none names one."""
    for text in texts:
        arn = Arn.of(text) if _ACCOUNT.search(text) else None
        if arn and _ACCOUNT.fullmatch(arn.account):
            return arn.account
    return ""


def _key_administrators(policies: Sequence[Policy]) -> frozenset[str]:
    """The accounts that a key stays manageable for: its own has such a statement."""
    return frozenset(
        account
        for policy in policies
        for statement in policy.statements
        if statement.allows and "kms:*" in statement.action_words
        for account in accounts_of(statement.principals)
        if any(p.value.endswith((f":{account}:root", account)) for p in statement.principals)
    )


def kept_accounts(new: Sequence[Policy], old: Sequence[Policy]) -> frozenset[str]:
    """The accounts in principals and conditions that both sides have: a change of others does not say whose the resource is."""
    kept = set(_texts_with_accounts(new)).intersection(_texts_with_accounts(old))
    return frozenset(_ACCOUNTS.findall(" ".join(kept)))


def _texts_with_accounts(policies: Iterable[Policy]) -> Iterator[str]:
    for policy in policies:
        for statement in policy.statements:
            yield from (p.value for p in (*statement.principals, *statement.not_principals))
            yield from (v.value for c in statement.conditions for v in c.values)


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


def owners_of(policies: Sequence[Policy]) -> tuple[str, ...]:
    """The accounts that may own the resource: the one in its ARNs, else an account that no policy names and those named.

    Of accounts that the policies name alike only the first one counts.
    """
    owner = known_owner(policies)
    if owner:
        return (owner,)
    # A policy that only denies may name its own account in what it excepts alone.
    accounts = all_accounts(policies, ()) | _excepted_accounts(policies)
    alike = accounts_alike(policies)
    return (unused_account(accounts), *sorted({alike[account] for account in accounts}))


def all_accounts(policies: Sequence[Policy], atoms: Sequence[Atom]) -> set[str]:
    """The accounts in principals and in conditions on the caller."""
    texts = [p.value for p in principals_of(policies)]
    texts += [text for atom in atoms if atom.key in identity_callers.KEYS for text in atom.wanted]
    return set(_ACCOUNTS.findall(" ".join(texts)))


def written_accounts(policies: Sequence[Policy], owner: str) -> set[str]:
    """The accounts that the policies spell out; those that a scenario puts in for a variable can be a stranger's."""
    texts = [p.value for p in principals_of(policies)]
    texts += _caller_values(own for policy in policies for own in policy.statements)
    return {*_ACCOUNTS.findall(" ".join(texts)), owner}


def _excepted_accounts(policies: Sequence[Policy]) -> set[str]:
    """The accounts that the conditions of Deny statements name: an Allow lets in whoever it names, the owner's or not."""
    denying = (own for policy in policies for own in policy.statements if not own.allows)
    return set(_ACCOUNTS.findall(" ".join(_caller_values(denying))))


def _caller_values(statements: Iterable[Statement]) -> Iterator[str]:
    """What the conditions on the caller compare with."""
    for statement in statements:
        for condition in statement.conditions:
            if condition.name in identity_callers.KEYS:
                yield from (value.value for value in condition.values)


def unused_account(named: Iterable[str]) -> str:
    """An example account that is not among these."""
    taken = set(named)
    return next(
        a for a in (*_EXAMPLES, *(f"{n:012}" for n in range(len(taken) + 1))) if a not in taken
    )
