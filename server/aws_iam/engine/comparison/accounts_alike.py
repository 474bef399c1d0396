"""Accounts that policies name in the same places: what holds for callers of one holds for those of the others.

    accounts_alike(policies)   →   {"111122223333": "111122223333", "444455556666": "111122223333"}

Exchanging two such accounts, with the names of their principals, leaves the policies as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Policy, Principal

_ACCOUNTS = re.compile(r"(?<!\d)\d{12}(?!\d)")
# Part of an account id in a pattern, such as `1111*`: it may match one account and not another.
_PARTIAL = re.compile(r"\d[*?]|[*?]\d")
_NAME = 5


def accounts_alike(policies: Sequence[Policy]) -> Mapping[str, str]:
    """Every account that the policies name, with the first one that is named like it."""
    places: dict[str, list[tuple[object, ...]]] = {}
    written = list(_texts(policies))
    exact = any(map(_PARTIAL.search, (text for _, text in written)))
    # Only where nothing is compared with a principal's name do names not matter.
    named = not any("principal" in key or "user" in key for key in _keys(policies))
    names: dict[str, dict[str, int]] = {}
    for place, text in written:
        for account in dict.fromkeys(_ACCOUNTS.findall(text)):
            own = names.setdefault(account, {})
            places.setdefault(account, []).append((place, _form(text, account, own, named=named)))
    first: dict[object, str] = {}
    return {
        account: account if exact else first.setdefault(tuple(found), account)
        for account, found in places.items()
    }


def _form(text: str, account: str, names: dict[str, int], *, named: bool) -> str:
    """The text without the account, and without the name of the account's principal."""
    bare = text.replace(account, "#")
    fields = bare.split(":", _NAME)
    is_name = named and len(fields) > _NAME and fields[2] == "iam" and fields[4] == "#"
    kind, slash, name = fields[_NAME].partition("/") if is_name else ("", "", "")
    if not slash or kind not in {"role", "user"}:
        return bare
    number = names.setdefault(name, len(names))
    return ":".join((*fields[:_NAME], f"{kind}/#{number}"))


def _texts(policies: Sequence[Policy]) -> Iterator[tuple[object, str]]:
    """Every text in which an account can stand, with its place: an element of a statement, or a condition."""
    for number, policy in enumerate(policies):
        for at, statement in enumerate(policy.statements):
            where = (number, at)
            yield from _of_principals((*where, "Principal"), statement.principals)
            yield from _of_principals((*where, "NotPrincipal"), statement.not_principals)
            for resource in (*statement.resource_words, *statement.not_resource_words):
                yield (*where, "Resource"), resource
            for condition in statement.conditions:
                for value in condition.values:
                    yield (*where, condition.operator.value, condition.name), value.value


def _of_principals(
    place: tuple[object, ...], principals: Iterable[Principal]
) -> Iterator[tuple[object, str]]:
    for principal in principals:
        # A session is named after its role, without the path.
        kind = "session" if ":assumed-role/" in principal.value else principal.type
        yield (*place, kind), principal.value


def _keys(policies: Sequence[Policy]) -> Iterator[str]:
    for policy in policies:
        for statement in policy.statements:
            yield from (condition.name for condition in statement.conditions)
            if any(":assumed-role/" in p.value for p in statement.principals):
                yield "aws:userid"
            if "${" in "".join((*statement.resource_words, *statement.not_resource_words)):
                yield "aws:principalarn"
