"""CIS controls on the root user."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.account_summary import SUMMARY
from aws_iam.account.collect.identity.credential_report import CREDENTIAL_REPORT
from aws_iam.account.collect.identity.mfa_devices import VIRTUAL_MFA
from aws_iam.account.collect.organization.organization import ORGANIZATION
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aws_iam.account.collect.identity.credential_report import (
        CredentialReport,
        CredentialReportRow,
    )
    from aws_iam.account.reading.snapshot import Account

# https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam.html
_NOBODY = {"aws-cn": "accounts of AWS in China have no root user, only IAM users"}
_NO_SIGN_IN = {
    **_NOBODY,
    "aws-us-gov": "the root user of AWS GovCloud (US) does not sign in to the console",
}
_MFA = "Console only, as root: register two MFA devices (up to eight are allowed)."


@control("root_mfa", needs=(SUMMARY, CREDENTIAL_REPORT))
def root_mfa(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """The account summary decides, because it is always current; without a password, MFA has nothing to protect.

    False alarm when the organization manages root credentials centrally, but the summary still shows a
    password.
    """
    if account.partition in _NO_SIGN_IN:
        yield NotApplicable(account.root_arn, _NO_SIGN_IN[account.partition])
    elif account.require(SUMMARY).root_mfa:
        yield Pass(account.root_arn, "the root user has an MFA device")
    elif _password(account) is False:
        yield _without_password(account, terms)
    else:
        fix = None if _may_lose_root(account) else _MFA
        yield Fail(account.root_arn, "the root user has no MFA device", fix=fix)


@control("root_hardware_mfa", needs=(SUMMARY, CREDENTIAL_REPORT, VIRTUAL_MFA))
def root_hardware_mfa(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A virtual device next to a hardware key fails, because the weaker one can be used.

    A synced passkey passes: the API does not distinguish it from a hardware key.
    """
    if account.partition in _NO_SIGN_IN:
        yield NotApplicable(account.root_arn, _NO_SIGN_IN[account.partition])
        return
    has_mfa = account.require(SUMMARY).root_mfa
    if _password(account) is False:
        yield _without_password(account, terms)
    elif not has_mfa:
        yield Fail(account.root_arn, "the root user has no MFA device")
    else:
        yield _devices(account)


@control("root_no_access_key", needs=(SUMMARY, CREDENTIAL_REPORT))
def root_no_access_key(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """A key in either source fails: the summary is current, but the credential report can be four hours old."""
    report = account.get(CREDENTIAL_REPORT)
    row = None if isinstance(report, Miss) else report.root
    active = [key.number for key in row.keys if key.active] if row else []
    reported = _report_says(report, row, active)
    summary = account.get(SUMMARY)
    if isinstance(summary, Miss):
        if active:
            yield Fail(account.root_arn, f"the root user has an access key ({reported})")
        raise summary.error()
    present = summary.root_access_keys
    evidence = f"{present} in the account summary, {reported}"
    if present or active:
        yield Fail(account.root_arn, f"the root user has an access key ({evidence})")
    else:
        yield Pass(account.root_arn, f"the root user has no access key ({evidence})")


@control("root_not_used", needs=(CREDENTIAL_REPORT,))
def root_not_used(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """The latest of the three dates decides: a key that was used yesterday counts, whatever the password's date.

    False alarm when the task needed the root user; a person decides that.
    """
    if account.partition in _NOBODY:
        yield NotApplicable(account.root_arn, _NOBODY[account.partition])
        return
    report = account.require(CREDENTIAL_REPORT)
    row = _root_row(report)
    dates = {"password": row.password_last_used}
    dates |= {f"access key {key.number}": key.last_used for key in row.keys}
    uses = ", ".join(f"{name} {_day(date)}" for name, date in dates.items())
    latest = max((date for date in dates.values() if date), default=None)
    days = terms.threshold("root_recent_days")
    if latest and account.collected_at - latest < timedelta(days=days):
        evidence = f"the root user was used in the last {days} days (last use: {uses})"
        yield Fail(account.root_arn, terms.question(evidence))
    else:
        yield Pass(
            account.root_arn,
            f"the root user was not used in the last {days} days (last use: {uses})",
        )


def _may_lose_root(account: Account) -> bool:
    """Whether the organization could remove the root credentials; true unless the account is known not to be a member."""
    organization = account.get(ORGANIZATION)
    if isinstance(organization, Miss):
        return True
    return organization is not None and organization.management_account != account.id


def _password(account: Account) -> bool | None:
    """Whether root has a console password; None if neither source says."""
    from_summary = account.require(SUMMARY).root_password
    if from_summary is not None:
        return from_summary
    row = account.require(CREDENTIAL_REPORT).root
    return row.password_enabled if row else None


def _without_password(account: Account, terms: ControlTerms) -> Outcome:
    if terms.threshold("no_root_password_is_enough"):
        return Pass(account.root_arn, "the root user has no console password")
    return NotApplicable(
        account.root_arn,
        f"the root user has no console password, a case that benchmark {terms.benchmark.version} does not cover",
    )


def _devices(account: Account) -> Outcome:
    virtual = [device.serial for device in account.require(VIRTUAL_MFA) if device.is_root]
    if virtual:
        names = ", ".join(map(quoted, virtual))
        return Fail(account.root_arn, f"the root user has a virtual MFA device: {names}")
    return Pass(
        account.root_arn,
        "the root user has MFA and no virtual device; the API does not show whether it is a hardware key or a synced passkey",
    )


def _root_row(report: CredentialReport) -> CredentialReportRow:
    if report.root is None:
        raise NotCollected(
            "the credential report has no row for the root user",
            call="iam:GetCredentialReport",
            code="no root row",
        )
    return report.root


def _report_says(
    report: CredentialReport | Miss, row: CredentialReportRow | None, active: list[int]
) -> str:
    if isinstance(report, Miss):
        return "the credential report could not be read"
    if row is None:
        return "the credential report has no row for the root user"
    numbers = " and ".join(f"key {number}" for number in active)
    keys = f"{numbers} as active" if active else "no active key"
    return f"the credential report of {report.generated_at:%Y-%m-%d %H:%M} UTC shows {keys}"


def _day(date: datetime | None) -> str:
    return f"{date:%Y-%m-%d}" if date else "never"
