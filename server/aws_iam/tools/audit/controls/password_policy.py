"""CIS controls on the account's password policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.credential_report import CREDENTIAL_REPORT
from aws_iam.account.collect.identity.password_policy import PASSWORD_POLICY, PasswordPolicy
from aws_iam.rules.outcomes import Fail, Outcome, Pass
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.controls.benchmark import Benchmark


def _length(policy: PasswordPolicy, terms: ControlTerms) -> tuple[bool, str]:
    required, length = terms.threshold("min_length"), policy.minimum_length
    return (
        length >= required,
        f"passwords need at least {length} characters (required: {required})",
    )


def _reuse(policy: PasswordPolicy, terms: ControlTerms) -> tuple[bool, str]:
    required, remembered = terms.threshold("remembered"), policy.reuse_prevention
    if remembered is None:
        return False, f"passwords can be reused at once (required: not the last {required})"
    message = f"the last {remembered} passwords cannot be reused (required: {required})"
    return remembered >= required, message


def _expiry(policy: PasswordPolicy, terms: ControlTerms) -> tuple[bool, str]:
    most, days = terms.threshold("max_age_days"), policy.max_age_days
    if not days:
        return False, f"passwords never expire (required: within {most} days)"
    return days <= most, f"passwords expire after {days} days (required: {most} or less)"


def _required(name: str, word: str) -> Callable[[PasswordPolicy, ControlTerms], tuple[bool, str]]:
    def met(policy: PasswordPolicy, _terms: ControlTerms) -> tuple[bool, str]:
        required = bool(getattr(policy, name))
        return required, f"passwords {'need' if required else 'do not need'} {word}"

    return met


_TESTS: Mapping[str, Callable[[PasswordPolicy, ControlTerms], tuple[bool, str]]] = {
    "pw_length_14": _length,
    "pw_reuse_24": _reuse,
    "pw_expiry_90": _expiry,
    "pw_uppercase": _required("uppercase", "an uppercase letter"),
    "pw_lowercase": _required("lowercase", "a lowercase letter"),
    "pw_symbol": _required("symbols", "a symbol"),
    "pw_number": _required("numbers", "a digit"),
}
_FLAGS = {
    "pw_uppercase": ("uppercase", "--require-uppercase-characters"),
    "pw_lowercase": ("lowercase", "--require-lowercase-characters"),
    "pw_number": ("numbers", "--require-numbers"),
    "pw_symbol": ("symbols", "--require-symbols"),
}
# AWS's default requires three of the four kinds of characters. A policy cannot express that, so only all four are as strict.
_STRICT = PasswordPolicy(
    minimum_length=8, uppercase=True, lowercase=True, numbers=True, symbols=True
)
# Options that the snapshot does not contain.
_UNREAD = (
    " (every option that is left out goes back to its default: add --hard-expiry if it is on today,"
    " and leave out --allow-users-to-change-password if that is off)"
)


@control(*_TESTS, needs=(PASSWORD_POLICY,))
def password_policy(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """An account without its own policy fails, whatever AWS's default requires."""
    policy = account.require(PASSWORD_POLICY)
    if policy is None:
        met, message = False, "the account has no password policy of its own"
    else:
        met, message = _TESTS[terms.control.key](policy, terms)
    if met:
        yield Pass(account.root_arn, message)
    else:
        yield Fail(
            account.root_arn, message + _affects_nobody(account), fix=_fix(policy, terms.benchmark)
        )


def _affects_nobody(account: Account) -> str:
    """A note that no user is affected, if the credential report was read; the verdict does not need it."""
    report = account.get(CREDENTIAL_REPORT)
    if isinstance(report, Miss) or any(row.password_enabled for row in report.users):
        return ""
    return "; no IAM user has a password today"


def _fix(policy: PasswordPolicy | None, benchmark: Benchmark) -> str:
    """One command that meets every control of the version and keeps what is stricter today, because the call replaces the policy."""
    today = policy or _STRICT
    controls = {control.key: control for control in benchmark.controls}

    def required(key: str, name: str) -> int:
        return int(benchmark.threshold(controls[key], name)) if key in controls else 0

    length = max(today.minimum_length, required("pw_length_14", "min_length"))
    reuse = max(today.reuse_prevention or 0, required("pw_reuse_24", "remembered"))
    most = required("pw_expiry_90", "max_age_days")
    age = min(filter(None, (today.max_age_days, most)), default=0)
    words = [
        f"aws iam update-account-password-policy --minimum-password-length {length}",
        f"--password-reuse-prevention {reuse}" if reuse else "",
        *(flag for key, (name, flag) in _FLAGS.items() if key in controls or getattr(today, name)),
        "--allow-users-to-change-password",
        f"--max-password-age {age}" if age else "",
    ]
    return " ".join(filter(None, words)) + (_UNREAD if policy else "")
