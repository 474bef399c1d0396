"""CIS controls on IAM users, their passwords and access keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.credential_report import CREDENTIAL_REPORT
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from aws_iam.account.collect.identity.authorization import User
    from aws_iam.account.collect.identity.credential_report import CredentialReportRow, ReportedKey
    from aws_iam.account.reading.snapshot import Account

_NO_USER = "the account has no IAM user"
_LOGIN_OFF = (
    "This ends the console access of the user: aws iam delete-login-profile --user-name USER"
)
_KEY_OFF = "aws iam update-access-key --user-name USER --access-key-id KEY --status Inactive"


@slotted
class Credential:
    """An active credential: since when it is unused, whether it was ever used, and the command that disables it."""

    name: str
    since: datetime | None
    used: bool
    fix: str


@control("user_console_mfa", needs=(CREDENTIAL_REPORT,))
def user_console_mfa(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Only users with a console password count; a user created after the credential report is not in it.

    False alarm when the MFA device was added after the report was generated.
    """
    report = f"report of {account.require(CREDENTIAL_REPORT).generated_at:%Y-%m-%d %H:%M} UTC"

    def test(row: CredentialReportRow) -> Iterator[Outcome]:
        if not _reported(row.password_enabled, row, "password_enabled"):
            yield NotApplicable(row.arn, "no IAM user has a console password")
        elif _reported(row.mfa_active, row, "mfa_active"):
            yield Pass(row.arn, f"{quoted(row.user)} has a console password and MFA ({report})")
        else:
            yield Fail(row.arn, f"{quoted(row.user)} has a console password but no MFA ({report})")

    return _users(account, test)


@control("credentials_unused", needs=(CREDENTIAL_REPORT,))
def credentials_unused(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A credential that was never used counts from the day it was created, and a used key does not excuse an unused password.

    False alarm when the user is for emergencies only.
    """
    limit = terms.threshold("max_idle_days")

    def test(row: CredentialReportRow) -> Iterator[Outcome]:
        ages = [
            (credential, _age(account, credential.since, row))
            for credential in _active_credentials(row)
        ]
        idle = [(credential, days) for credential, days in ages if days >= limit]
        if not ages:
            yield NotApplicable(row.arn, "no IAM user has a password or an active key")
        elif idle:
            unused = ", ".join(
                f"{credential.name} {'unused' if credential.used else 'never used'} for {days} days"
                for credential, days in idle
            )
            yield Fail(
                row.arn,
                f"{quoted(row.user)} has an unused credential: {unused} (limit: less than {limit} days)",
                fix="; ".join(credential.fix for credential, _ in idle),
            )
        else:
            yield Pass(
                row.arn,
                f"no credential of {quoted(row.user)} is unused for {limit} days or more{_unreported(row)}",
            )

    return _users(account, test)


@control("key_rotation_90", needs=(CREDENTIAL_REPORT,))
def key_rotation_90(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A key that is exactly as old as the limit passes; root_no_access_key covers the keys of the root user.

    False alarm when the key was replaced after the report was generated.
    """
    limit = terms.threshold("max_age_days")

    def test(row: CredentialReportRow) -> Iterator[Outcome]:
        ages = [(key.number, _age(account, key.last_rotated, row)) for key in _active(row)]
        old = [f"access key {number} is {days} days old" for number, days in ages if days > limit]
        if not ages:
            yield NotApplicable(row.arn, "no IAM user has an active access key")
        elif old:
            yield Fail(row.arn, f"{quoted(row.user)}: {', '.join(old)} (limit: {limit} days)")
        else:
            oldest = max(days for _, days in ages)
            yield Pass(
                row.arn, f"the oldest active access key of {quoted(row.user)} is {oldest} days old"
            )

    return _users(account, test)


@control("user_no_initial_key", needs=(CREDENTIAL_REPORT,))
def user_no_initial_key(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A console user's access key that was never used was probably created by habit, most likely if both date from the same minute.

    False alarm when the key is about to be used for the first time.
    """

    def test(row: CredentialReportRow) -> Iterator[Outcome]:
        enabled = _reported(row.password_enabled, row, "password_enabled")
        unused = [key for key in _active(row) if key.last_used is None]
        if not (enabled and unused):
            yield Pass(
                row.arn,
                f"{quoted(row.user)} does not have both a console password and an unused access key",
            )
            return
        at_once = any(_same_minute(key.last_rotated, row.created) for key in unused)
        numbers = " and ".join(str(key.number) for key in unused)
        yield Fail(
            row.arn,
            terms.question(
                f"{quoted(row.user)} has a console password and has never used access key {numbers}"
            ),
            low_confidence=not at_once,
        )

    return _users(account, test)


@control("user_one_active_key", needs=(CREDENTIAL_REPORT,))
def user_one_active_key(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """Two active keys are normal during a rotation; the age of the newer key shows whether one is under way.

    False alarm when a rotation is under way.
    """
    limit = terms.threshold("max_active_keys")

    def test(row: CredentialReportRow) -> Iterator[Outcome]:
        active = _active(row)
        if len(active) <= limit:
            yield Pass(row.arn, f"{quoted(row.user)} has at most {limit} active access key")
            return
        dates = [key.last_rotated for key in active if key.last_rotated]
        newer = f"; the newer one is {_days(account, max(dates))} days old" if dates else ""
        yield Fail(row.arn, f"{quoted(row.user)} has {len(active)} active access keys{newer}")

    return _users(account, test)


@control("user_policies_via_groups", needs=(AUTHORIZATION,))
def user_policies_via_groups(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """A permissions boundary is not an attached policy, and roles are not checked."""
    users = account.require(AUTHORIZATION).users
    if not users:
        yield NotApplicable(None, _NO_USER)
    for user in users:
        names = [policy.name for policy in user.attached]
        names += [policy.name for policy in user.inline]
        if names:
            yield Fail(user.arn, f"{quoted(user.name)} has policies of its own: {_listed(names)}")
        else:
            yield Pass(user.arn, _without_own_policies(user))


def _users(
    account: Account, test: Callable[[CredentialReportRow], Iterable[Outcome]]
) -> Iterator[Outcome]:
    rows = account.require(CREDENTIAL_REPORT).users
    if not rows:
        yield NotApplicable(None, _NO_USER)
    yield from for_each(rows, test, name=lambda row: row.arn)


def _active(row: CredentialReportRow) -> list[ReportedKey]:
    return [key for key in row.keys if key.active]


def _active_credentials(row: CredentialReportRow) -> Iterator[Credential]:
    """The password, if it is enabled, and each active key."""
    if _reported(row.password_enabled, row, "password_enabled"):
        used = row.password_last_used
        since = used or row.password_last_changed or row.created
        yield Credential(name="password", since=since, used=bool(used), fix=_LOGIN_OFF)
    for key in _active(row):
        name = f"access key {key.number}"
        date = f", created or changed on {key.last_rotated:%Y-%m-%d}" if key.last_rotated else ""
        yield Credential(
            name=name,
            since=key.last_used or key.last_rotated,
            used=bool(key.last_used),
            fix=f"{_KEY_OFF} (KEY is the id of {name}{date}; list-access-keys shows it)",
        )


def _age(account: Account, since: datetime | None, row: CredentialReportRow) -> int:
    if since is None:
        raise NotCollected(
            f"the credential report gives no date for a credential of {quoted(row.user)}",
            call="iam:GetCredentialReport",
            code="no date",
        )
    return _days(account, since)


def _days(account: Account, since: datetime) -> int:
    return (account.collected_at - since).days


def _reported(value: bool | None, row: CredentialReportRow, column: str) -> bool:  # noqa: FBT001 - a cell of the report
    if value is None:
        raise NotCollected(
            f"the credential report has no value for {column} of {quoted(row.user)}",
            call="iam:GetCredentialReport",
            code="no value",
        )
    return value


def _same_minute(rotated: datetime | None, created: datetime | None) -> bool:
    return bool(rotated and created) and str(rotated)[:16] == str(created)[:16]


def _unreported(row: CredentialReportRow) -> str:
    return f" (not in the report: {quoted(row.additional)})" if row.additional else ""


def _without_own_policies(user: User) -> str:
    if user.groups:
        return f"{quoted(user.name)} gets permissions through groups only"
    return f"{quoted(user.name)} has no policy and is in no group"


def _listed(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(quoted, names[:most])) + more
