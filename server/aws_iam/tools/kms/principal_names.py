"""How callers write accounts, roles and users: with what has one meaning, and what is asked of the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.aws_names import checked_account, checked_name
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Policy

SHORT = re.compile(r"(?:role|user)/.+")
"""A role or user without its account."""

WHOLE_ACCOUNT = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):root", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")


def account_id(name: str, text: str) -> str:
    """The 12 digits of an account, also from groups of four (1111-2222-3333) and from the ARN of the account."""
    whole = WHOLE_ACCOUNT.fullmatch(text.strip())
    return whole[1] if whole else checked_account(name, text)


def principal_arn(name: str, text: str, own: str) -> str:
    """The ARN of a role or user, also from role/NAME and user/NAME; `own` is the start of the account's ARNs."""
    if SHORT.fullmatch(text):
        return checked_name(name, f"{own}:{text}", "principal_arn")
    if why := _why_not(text, own):
        raise InputError(f"`{name}`: {quoted(text, 80)} {why[0]}", hint=why[1])
    return checked_name(name, text, "principal_arn")


def _why_not(text: str, own: str) -> tuple[str, str] | None:
    """What is wrong with a form that people use, and what to write instead."""
    arn = Arn.of(text)
    resource = arn.resource if arn and arn.service in {"iam", "sts"} else text
    kind, _, rest = resource.partition("/")
    if kind == "group":
        return "is a group, and groups cannot be principals", "name its users, or a role"
    if kind == "assumed-role":
        role = rest.partition("/")[0]
        return "is a session of a role", f"name the role, with its path: role/{role}"
    if text in {"root", f"{own}:root"}:
        return "is the whole account, which the policy includes anyway", "name roles and users"
    if resource == "root":
        return "is a whole account, not a role or user", "name its roles or users"
    if _NAME.fullmatch(text):
        return "can be a role or a user", f"write role/{text} or user/{text}"
    return None


def partition_in(policy: Policy, key: str = "") -> str:
    """The partition of the key, else of the first ARN among the policy's principals."""
    principals = (p.value for statement in policy.statements for p in statement.principals)
    return next((arn.partition for text in (key, *principals) if (arn := Arn.of(text))), "aws")
