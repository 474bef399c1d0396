"""CIS: the account's password policy."""

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
    least = terms.threshold("min_length")
    found = policy.minimum_length
    return found >= least, f"passwords need {found} characters (wanted: {least} or more)"


def _reuse(policy: PasswordPolicy, terms: ControlTerms) -> tuple[bool, str]:
    wanted, found = terms.threshold("remembered"), policy.reuse_prevention
    if found is None:
        return False, f"passwords may be reused at once (wanted: the last {wanted} are refused)"
    return found >= wanted, f"the last {found} passwords are refused (wanted: {wanted})"


def _expiry(policy: PasswordPolicy, terms: ControlTerms) -> tuple[bool, str]:
    most, found = terms.threshold("max_age_days"), policy.max_age_days
    if not found:
        return False, f"passwords never expire (wanted: within {most} days)"
    return found <= most, f"passwords expire after {found} days (wanted: {most} or less)"


def _required(name: str, word: str) -> Callable[[PasswordPolicy, ControlTerms], tuple[bool, str]]:
    def met(policy: PasswordPolicy, _terms: ControlTerms) -> tuple[bool, str]:
        required = bool(getattr(policy, name))
        return required, f"passwords {'need' if required else 'need not have'} {word}"

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
# AWS's own default asks for three of the four kinds, which no policy can: nothing less than all four is as strict.
_STRICT = PasswordPolicy(
    minimum_length=8, uppercase=True, lowercase=True, numbers=True, symbols=True
)
# What the snapshot does not hold of a policy.
_UNREAD = (
    " (every option that is left out goes back to its default: add --hard-expiry where it is on today,"
    " leave --allow-users-to-change-password out where that is off)"
)


@control(*_TESTS, needs=(PASSWORD_POLICY,))
def password_policy(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """No policy of its own fails, whatever AWS's built-in default would allow."""
    policy = account.require(PASSWORD_POLICY)
    if policy is None:
        met, message = False, "the account has no password policy of its own"
    else:
        met, message = _TESTS[terms.control.key](policy, terms)
    if met:
        yield Pass(account.root_arn, message)
    else:
        yield Fail(account.root_arn, message + _nobody(account), fix=_fix(policy, terms.benchmark))


def _nobody(account: Account) -> str:
    """Said only where the report happens to be there: the verdict does not need it."""
    report = account.get(CREDENTIAL_REPORT)
    if isinstance(report, Miss) or any(row.password_enabled for row in report.users):
        return ""
    return "; no IAM user has a password today"


def _fix(policy: PasswordPolicy | None, benchmark: Benchmark) -> str:
    """The call replaces the whole policy: one command for all the version asks, and for what is stricter today."""
    today = policy or _STRICT
    asked = {control.key: control for control in benchmark.controls}

    def wanted(key: str, name: str, otherwise: int) -> int:
        return int(benchmark.threshold(asked[key], name)) if key in asked else otherwise

    length = max(today.minimum_length, wanted("pw_length_14", "min_length", 0))
    reuse = max(today.reuse_prevention or 0, wanted("pw_reuse_24", "remembered", 0))
    most = wanted("pw_expiry_90", "max_age_days", 0)
    age = min(filter(None, (today.max_age_days, most)), default=0)
    words = [
        f"aws iam update-account-password-policy --minimum-password-length {length}",
        f"--password-reuse-prevention {reuse}" if reuse else "",
        *(flag for key, (name, flag) in _FLAGS.items() if key in asked or getattr(today, name)),
        "--allow-users-to-change-password",
        f"--max-password-age {age}" if age else "",
    ]
    return " ".join(filter(None, words)) + (_UNREAD if policy else "")
