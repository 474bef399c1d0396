from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.errors import InputError
from aws_iam.tools.audit.fleet.targets import (
    AccountTarget,
    Shard,
    parse_accounts,
    parse_shard,
    with_roles,
)

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::444455556666:role/ops/other-audit"
IDS = st.integers(0, 10**12 - 1).map("{:012}".format)


def roles(role: str | None, *accounts: str, partition: str = "aws") -> list[str | None]:
    targets = [AccountTarget(account=account) for account in accounts]
    found = with_roles(targets, role, caller="123456789012", partition=partition)
    return [target.role_arn for target in found]


def test_a_file_has_an_account_a_line_with_comments_and_blank_lines(tmp_path: Path) -> None:
    file = tmp_path / "accounts.txt"
    file.write_text(
        f"\ufeff# production\r\n111122223333  # main\n\n  {ROLE}\n111122223333\n", encoding="utf-8"
    )
    assert parse_accounts([str(file), "777788889999"]) == (
        AccountTarget(account="111122223333"),
        AccountTarget(account="444455556666", role_arn=ROLE),
        AccountTarget(account="777788889999"),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("111122223333\n1111\n", "line 2: `1111` names no account"),
        ("arn:aws:iam::111122223333:user/x\n", "names no account"),
        ("\uff11" * 12 + "\n", "names no account"),
        ("1" * 5_000_000, "names no account"),
        ("# nobody\n", "names no account"),
        (f"444455556666\n{ROLE}\n", "line 2: account 444455556666 is named twice"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        parse_accounts([str(file)])


@pytest.mark.parametrize("name", ["accounts.txt", ".", "/dev/null", "a\0b", "1" * 5000])
def test_what_is_no_account_and_no_file_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="neither an account nor a file"):
        parse_accounts([name])


def test_a_role_is_named_for_all_accounts_by_its_name_or_a_pattern() -> None:
    assert roles("audit", "111122223333") == ["arn:aws:iam::111122223333:role/audit"]
    assert roles("ops/audit", "111122223333", partition="aws-cn") == [
        "arn:aws-cn:iam::111122223333:role/ops/audit"
    ]
    pattern = "arn:aws-us-gov:iam::{account}:role/audit"
    assert roles(pattern, "111122223333") == ["arn:aws-us-gov:iam::111122223333:role/audit"]


def test_the_callers_own_account_is_read_without_a_role_and_a_role_in_the_list_stands() -> None:
    assert roles(None, "123456789012") == [None]
    assert roles("audit", "123456789012") == [None]
    own = AccountTarget(account="444455556666", role_arn=ROLE)
    assert with_roles([own], "audit", caller="123456789012", partition="aws") == (own,)


@pytest.mark.parametrize(
    "role",
    [
        "arn:aws:iam::111122223333:role/audit",
        "arn:aws:iam::{account}:user/audit",
        "{account}{account}",
        "arn:aws:iam::{account}:role/{account}",
        "{account}",
        "/audit",
        "au dit",
        "",
    ],
)
def test_a_role_that_cannot_be_in_every_account_is_refused(role: str) -> None:
    with pytest.raises(InputError, match="does not name a role in each account"):
        roles(role, "111122223333")


def test_an_account_without_any_role_says_how_to_give_one() -> None:
    with pytest.raises(InputError, match=r"account 111122223333 needs a role.*`role_arn: NAME`"):
        roles(None, "111122223333")


@given(st.integers(1, 12), st.lists(IDS, unique=True))
def test_every_account_is_in_exactly_one_part(of: int, accounts: list[str]) -> None:
    parts = [Shard(number, of) for number in range(1, of + 1)]
    assert all(sum(part.holds(account) for part in parts) == 1 for account in accounts)


def test_parts_are_the_same_in_every_process_and_of_a_like_size() -> None:
    accounts = [f"{number:012}" for number in range(4000)]
    sizes = [sum(Shard(n, 4).holds(account) for account in accounts) for n in (1, 2, 3, 4)]
    assert sizes == [1011, 1044, 979, 966]


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "-1/4", "a/b", "1/4/2", "٣/٤"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a shard"):
        parse_shard(text)
    assert parse_shard(" 3/4 ") == Shard(3, 4)
