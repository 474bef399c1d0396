"""ARNs whose account or partition is known only at deployment: a made-up account for each, so that they can be compared.

    with_made_up_accounts(source)   →   (source with `arn:aws:iam::618342709155:role/x`, {"618342709155": "var-hub"})

A request is about an ARN whose account has twelve digits: in `arn:aws:iam::var-hub:role/x` nothing would ever be gained.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.unresolved_changes import (
    may_be_known_later,
    texts_of,
    with_unknown_values,
)
from aws_iam.engine.language.arn import PARTITIONS
from aws_iam.engine.language.document import Policy, policy_of
from aws_iam.engine.language.memo import ByWord
from aws_iam.engine.language.placeholders import placeholders
from aws_iam.engine.parsing.json_nodes import Member

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.language.document import Source, Statement
    from aws_iam.engine.parsing.json_nodes import Node

_FIELDS = 6
_PARTITION, _ACCOUNT = 1, 4
_DIGITS = 12
# A pattern of accounts, or an account that the caller has.
_KNOWN = re.compile(r"[0-9*?]*|.*[*?].*|.*\$\{.*", re.DOTALL)
# What AWS's own resources have in the place of an account.
_OF_AWS = frozenset({"aws", "amazon", "cloudfront", "aws-marketplace"})
# What a text is: the account of a condition is a value by itself.
_RESOURCE, _PRINCIPAL, _CONDITION, _ACCOUNT_ID = "resource", "principal", "condition", "account"
_ACCOUNT_ID_IN_TEXT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_ACCOUNT_KEY = "account"


def with_made_up_accounts(source: Source) -> tuple[Source, Mapping[str, str]]:
    """The policy with a number for each unknown account outside of its principals, and what the numbers stand for.

    Whether the account of a principal is the own one decides too much for a made-up one: of those nothing is known.
    """
    policy = source.content
    if not isinstance(policy, Policy):
        return source, {}
    accounts: dict[str, str] = {}
    texts: dict[str, str] = {}
    unfilled: set[str] = set()
    statements = policy.statements
    if not source.unresolved:
        statements = tuple(filter(_is_unfilled, filter(may_be_known_later, statements)))
    for statement in statements:
        for pointer, text, what in _texts(statement):
            is_open = pointer in source.unresolved
            if not is_open and what is not _CONDITION and placeholders(text):
                is_open = True
                # What a condition is on is compared as it stands.
                unfilled |= {pointer} if what is not _ACCOUNT_ID else set()
            filled = _filled(text, what, accounts, is_open=is_open)
            if filled != text:
                texts[pointer] = filled
    if unfilled:
        source = replace(source, unresolved=source.unresolved | unfilled)
    if not texts:
        return source, {}
    known = policy_of(_with_texts(policy.node, texts), policy.kind, None)
    content = replace(known, kind_guessed=policy.kind_guessed, resource_type=policy.resource_type)
    return replace(source, content=content), accounts


def filled(source: Source) -> tuple[Source, Mapping[str, str]]:
    """The policy with something in the place of all that is unknown, and what the made-up accounts stand for."""
    policy = source.content
    if not isinstance(policy, Policy):
        return source, {}
    if not source.unresolved and not any(map(may_be_known_later, policy.statements)):
        return source, {}
    return with_made_up_accounts(with_unknown_values(source))


def with_accounts_as_written(text: str, made_up: Mapping[str, str]) -> str:
    """A text with what the files have in the place of made-up accounts."""
    if not made_up:
        return text
    return _ACCOUNT_ID_IN_TEXT.sub(lambda own: made_up.get(own[0], own[0]), text)


def _is_unfilled(statement: Statement) -> bool:
    """Whether a text outside of any template has a part that somebody has yet to fill in."""
    return any(map(_HAS_PLACEHOLDER.__getitem__, texts_of(statement)))


def _has_placeholder(text: str) -> bool:
    account = text.split(":", _FIELDS - 1)[_ACCOUNT : _ACCOUNT + 1]
    return bool(placeholders(text) or (account and placeholders(_in_arn(account[0]))))


# The texts of policies repeat from one to the next.
_HAS_PLACEHOLDER = ByWord(_has_placeholder, of_reference=False)


def _in_arn(account: str) -> str:
    return f"arn:aws:::{account}:"


def _texts(statement: Statement) -> Iterator[tuple[str, str, str]]:
    """The texts in which an account may stand, with their pointers and what they are."""
    for entry in (*statement.resources, *statement.not_resources):
        yield entry.at.pointer, entry.value, _RESOURCE
    for principal in (*statement.principals, *statement.not_principals):
        yield principal.name.at.pointer, principal.value, _PRINCIPAL
    for condition in statement.conditions:
        is_account = condition.name.endswith(_ACCOUNT_KEY)
        for value in condition.values:
            yield value.at.pointer, value.value, _ACCOUNT_ID if is_account else _CONDITION


def _filled(text: str, what: str, accounts: dict[str, str], *, is_open: bool) -> str:
    """The text with a number for an unknown account, and with a partition."""
    if what is _ACCOUNT_ID:
        return _number(text, accounts) if is_open and _is_unknown(text) else text
    fields = text.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS or fields[0] != "arn":
        return text
    partition, account = fields[_PARTITION], fields[_ACCOUNT]
    if partition not in PARTITIONS and not _KNOWN.fullmatch(partition) and is_open:
        # In the other partitions the same is so.
        fields[_PARTITION] = "aws"
    is_open = is_open or bool(placeholders(_in_arn(account)))
    if what is not _PRINCIPAL and is_open and _is_unknown(account):
        fields[_ACCOUNT] = _number(account, accounts)
    return ":".join(fields)


def _is_unknown(account: str) -> bool:
    return not _KNOWN.fullmatch(account) and account not in _OF_AWS


def _number(word: str, accounts: dict[str, str]) -> str:
    """The number of the unknown account of a name, the same on both sides of a comparison."""
    digest = hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
    number = f"{int.from_bytes(digest[:8]) % 10**_DIGITS:0{_DIGITS}}"
    accounts[number] = word
    return number


def _with_texts(node: Node, texts: Mapping[str, str]) -> Node:
    """A copy of a document with other texts at some pointers."""
    return node.but(
        value=texts.get(node.at.pointer, node.text),
        items=tuple(_with_texts(item, texts) for item in node.items),
        members=tuple(
            Member.named(own.name, _with_texts(own.value, texts)) for own in node.members
        ),
    )
