"""The account's password policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import maybe
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class PasswordPolicy:
    """The account's own password policy; an account without one uses AWS's default of 8 characters."""

    minimum_length: int
    uppercase: bool = False
    lowercase: bool = False
    numbers: bool = False
    symbols: bool = False
    max_age_days: int | None = None
    reuse_prevention: int | None = None


PASSWORD_POLICY = maybe("iam.password_policy", PasswordPolicy)


@collector(PASSWORD_POLICY, "iam:GetAccountPasswordPolicy")
def password_policy(aws: Aws) -> PasswordPolicy | None:
    """The account's password policy; None when it has none of its own."""
    answer = aws.get("iam:GetAccountPasswordPolicy", absent=("NoSuchEntity",))
    if answer is None:
        return None
    policy = answer["PasswordPolicy"]
    return PasswordPolicy(
        minimum_length=policy.get("MinimumPasswordLength", 6),
        uppercase=policy.get("RequireUppercaseCharacters", False),
        lowercase=policy.get("RequireLowercaseCharacters", False),
        numbers=policy.get("RequireNumbers", False),
        symbols=policy.get("RequireSymbols", False),
        # 0 stands for `never`, as an absent field does.
        max_age_days=policy.get("MaxPasswordAge") or None,
        reuse_prevention=policy.get("PasswordReusePrevention") or None,
    )
