"""The accounts of a run over many accounts, and the role to assume in each: from a list, a file or the organization.

# production
111122223333                                   # a comment may follow
arn:aws:iam::444455556666:role/other-audit     # this account's own role
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import positional, slotted
from aws_iam.regular_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST_ACCOUNTS = 100_000
"""Accounts of a run: more than any organization has."""
_MOST_BYTES = 16 * 1024 * 1024
_ID = re.compile(r"\d{12}", re.ASCII)
_ROLE = re.compile(r"arn:aws[a-z-]{0,20}:iam::(\d{12}):role/[\w+=,.@/-]{1,575}", re.ASCII)
_ROLE_NAME = re.compile(r"[\w+=,.@/-]{1,575}", re.ASCII)
_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)
_ACCEPTED_FORMS = "write a 12-digit account id or arn:aws:iam::111122223333:role/NAME"
_PLACEHOLDER = "{account}"


@slotted
class AccountTarget:
    """An account and the role to assume in it; None in the caller's own account."""

    account: str
    role_arn: str | None = None


@positional
class Shard:
    """One of several parts of the accounts; an account's part depends on nothing but its id."""

    number: int
    of: int

    def holds(self, account: str) -> bool:
        """Whether the account is in this part."""
        # Not `hash`: it differs from process to process.
        digest = hashlib.sha256(account.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse_shard(text: str | None) -> Shard | None:
    """The shard that `i/n` names."""
    if text is None:
        return None
    match = _SHARD.fullmatch(text.strip())
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= of:
        raise InputError(
            f"`shard` {quoted(text)} is not a shard",
            hint="write 1/4, 2/4, 3/4 or 4/4 for four shards",
        )
    return Shard(number, of)


def parse_accounts(names: Sequence[str]) -> tuple[AccountTarget, ...]:
    """The accounts of the list and of the files in it; InputError names the line that is wrong."""
    targets: dict[str, AccountTarget] = {}
    for target, where in _targets_in(names):
        earlier = targets.setdefault(target.account, target)
        if earlier != target:
            raise InputError(
                f"{where}: account {target.account} is named twice, with different roles",
                hint="remove one of the two",
            )
        if len(targets) > MOST_ACCOUNTS:
            raise InputError(f"{where}: more than {MOST_ACCOUNTS:,} accounts are named")
    if not targets:
        raise InputError("`accounts` names no account", hint=_ACCEPTED_FORMS)
    return tuple(targets.values())


def with_roles(
    targets: Iterable[AccountTarget], role: str | None, *, caller: str, partition: str
) -> tuple[AccountTarget, ...]:
    """The accounts with the role that `role_arn` names in each; the caller's own needs none."""
    pattern = None if role is None else _pattern(role, partition)
    return tuple(_with_role(target, pattern, caller) for target in targets)


def _with_role(target: AccountTarget, pattern: str | None, caller: str) -> AccountTarget:
    if target.role_arn is not None or target.account == caller:
        return target
    if pattern is None:
        raise InputError(
            f"account {target.account} needs a role to assume",
            hint="give `role_arn: NAME`, `role_arn: arn:aws:iam::{account}:role/NAME`, or the role's ARN in the list",
        )
    return AccountTarget(
        account=target.account, role_arn=pattern.replace(_PLACEHOLDER, target.account)
    )


def _pattern(role: str, partition: str) -> str:
    if _PLACEHOLDER in role:
        sample = role.replace(_PLACEHOLDER, "0" * 12)
        if _ROLE.fullmatch(sample) and role.count(_PLACEHOLDER) == 1:
            return role
    elif _ROLE_NAME.fullmatch(role) and not role.startswith("/"):
        return f"arn:{partition}:iam::{_PLACEHOLDER}:role/{role}"
    raise InputError(
        f"`role_arn` {quoted(role)} does not name a role in each account",
        hint="write the role's name, or arn:aws:iam::{account}:role/NAME with the literal text {account}",
    )


def _targets_in(names: Sequence[str]) -> Iterator[tuple[AccountTarget, str]]:
    for name in names:
        target = _target(name)
        if target is not None:
            yield target, "`accounts`"
        else:
            yield from _targets_of_file(name)


def _target(text: str) -> AccountTarget | None:
    if _ID.fullmatch(text):
        return AccountTarget(account=text)
    role = _ROLE.fullmatch(text)
    return AccountTarget(account=role[1], role_arn=text) if role else None


def _targets_of_file(name: str) -> Iterator[tuple[AccountTarget, str]]:
    for number, line in enumerate(_lines(name), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        where = f"{quoted(name)} line {number}"
        target = _target(text)
        if target is None:
            raise InputError(f"{where}: {quoted(text)} names no account", hint=_ACCEPTED_FORMS)
        yield target, where


def _lines(name: str) -> list[str]:
    problem = f"`accounts`: {quoted(name)} is neither an account nor a file that can be read"
    try:
        content = read_regular(name, _MOST_BYTES)
        text = content.decode("utf-8-sig")
    except (OSError, ValueError):
        raise InputError(problem, hint=_ACCEPTED_FORMS) from None
    if len(content) > _MOST_BYTES:
        raise InputError(f"`accounts`: {quoted(name)} is too large for a list of accounts")
    return text.splitlines()
