"""The argument `key`: the ARN of the key whose policy is judged."""

from __future__ import annotations

from aws_iam.engine.language.aws_names import checked_name
from aws_iam.errors import InputError


def key_argument(key: str | None, account: str | None) -> str:
    """The checked ARN, empty if there is none; it belongs to the account, if that is given."""
    if not key:
        return ""
    arn = checked_name("key", key, "key_arn")
    owner = arn.split(":")[4]
    if account and owner != account:
        raise InputError(
            f"`key` belongs to account {owner}, and `account` is {account}",
            hint="leave `account` out",
        )
    return arn
