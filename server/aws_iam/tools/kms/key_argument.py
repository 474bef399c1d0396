"""The argument `key`: the ARN of the key whose policy is judged."""

from __future__ import annotations

import re
import shlex

from aws_iam.engine.language.aws_names import checked_name
from aws_iam.errors import InputError
from aws_iam.escape import quoted

# Only these characters, so that the command in the hint is as harmless as it looks.
_ALIAS = re.compile(r"^(?:arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:)?alias/[A-Za-z0-9/_-]{1,250}$")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")


def key_argument(key: str | None, account: str | None) -> str:
    """The checked ARN, empty if there is none; it belongs to the account, if that is given."""
    if not key:
        return ""
    if _ALIAS.search(key) or _ID.fullmatch(key):
        what = "is an alias" if _ALIAS.search(key) else "has no account and Region"
        raise InputError(
            f"`key`: {quoted(key, 200)} {what}",
            hint=f"give the key's ARN: aws kms describe-key --key-id {shlex.quote(key)} --query KeyMetadata.Arn",
        )
    arn = checked_name("key", key, "key_arn")
    owner = arn.split(":")[4]
    if account and owner != account:
        raise InputError(
            f"`key` belongs to account {owner}, and `account` is {account}",
            hint="leave `account` out",
        )
    return arn
