"""CIS: IAM users, their passwords and access keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.credential_report import CREDENTIAL_REPORT
from aws_iam.engine.language.frozen import slotted
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from aws_iam.account.collect.identity.authorization import User
    from aws_iam.account.collect.identity.credential_report import CredentialReportRow, ReportedKey
    from aws_iam.account.reading.snapshot import Account

_NO_USER = "the account has no IAM user"
_LOGIN_OFF = "aws iam delete-login-profile --user-name USER"
_KEY_OFF = "aws iam update-access-key --user-name USER --access-key-id KEY --status Inactive"


@slotted
class Credential:
    """A credential that works: since when it is idle, whether it was ever used, how to end it."""

    name: str
    since: datetime | None
    used: bool
    fix: str


@control("user_console_mfa", needs=(CREDENTIAL_REPORT,))
def user_console_mfa(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Only users with a console password count; a user newer than the report is not in it.

    Wrong where the MFA was added after the report was made.
    """
    taken = f"report of {account.require(CREDENTIAL_REPORT).generated_at:%Y-%m-%d %H:%M} UTC"

    def test(row: CredentialReportRow) -> Iterator[Outcome]:
        if not _told(row.password_enabled, row, "password_enabled"):
            yield NotApplicable(row.arn, "no IAM user has a console password")
        elif _told(row.mfa_active, row, "mfa_active"):
            yield Pass(row.arn, f"{quoted(row.user)} has a console password and MFA ({taken})")
        else:
            yield Fail(row.arn, f"{quoted(row.user)} has a console password and no MFA ({taken})")

    return _users(account, test)


@control("credentials_unused", needs=(CREDENTIAL_REPORT,))
def credentials_unused(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A credential that was never used ages from the day it was created.

    A used key does not excuse an idle password. Wrong for emergency users that are meant to be
    idle.
    """
    limit = terms.threshold("max_idle_days")

    def test(row: CredentialReportRow) -> Iterator[Outcome]:
        ages = [(credential, _age(account, credential.since, row)) for credential in _live(row)]
        idle = [(credential, days) for credential, days in ages if days >= limit]
        if not ages:
            yield NotApplicable(row.arn, "no IAM user has a password or an active key")
        elif idle:
            found = ", ".join(
                f"{credential.name} {'unused' if credential.used else 'never used'} for {days} days"
                for credential, days in idle
            )
            yield Fail(
                row.arn,
                f"{quoted(row.user)}: {found} (limit: less than {limit} days)",
                fix="; ".join(credential.fix for credential, _ in idle),
            )
        else:
            yield Pass(row.arn, f"{quoted(row.user)}: all used within {limit} days{_more(row)}")

    return _users(account, test)


@control("key_rotation_90", needs=(CREDENTIAL_REPORT,))
def key_rotation_90(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A key of exactly the threshold passes. The keys of the root user belong to another control.

    Wrong where the key was replaced after the report was made.
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
            yield Pass(row.arn, f"{quoted(row.user)}: the oldest active key is {oldest} days old")

    return _users(account, test)


@control("user_no_initial_key", needs=(CREDENTIAL_REPORT,))
def user_no_initial_key(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A key of a console user that was never used was made by habit; most surely if both were created in the same minute.

    Wrong where the key is about to be used for the first time.
    """

    def test(row: CredentialReportRow) -> Iterator[Outcome]:
        enabled = _told(row.password_enabled, row, "password_enabled")
        unused = [key for key in _active(row) if key.last_used is None]
        if not (enabled and unused):
            yield Pass(row.arn, f"{quoted(row.user)} has no unused key beside a password")
            return
        at_once = any(_same_minute(key.last_rotated, row.created) for key in unused)
        numbers = " and ".join(str(key.number) for key in unused)
        yield Fail(
            row.arn,
            terms.question(
                f"{quoted(row.user)} has a console password and the never used access key {numbers}"
            ),
            low_confidence=not at_once,
        )

    return _users(account, test)


@control("user_one_active_key", needs=(CREDENTIAL_REPORT,))
def user_one_active_key(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """Two keys during a rotation are normal: the age of the younger one tells.

    Wrong where a rotation takes longer than that.
    """
    limit = terms.threshold("max_active_keys")

    def test(row: CredentialReportRow) -> Iterator[Outcome]:
        active = _active(row)
        if len(active) <= limit:
            yield Pass(row.arn, f"{quoted(row.user)} has no more than {limit} active access key")
            return
        made = [key.last_rotated for key in active if key.last_rotated]
        younger = f", the younger {_days(account, max(made))} days old" if made else ""
        yield Fail(row.arn, f"{quoted(row.user)} has {len(active)} active access keys{younger}")

    return _users(account, test)


@control("user_policies_via_groups", needs=(AUTHORIZATION,))
def user_policies_via_groups(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """A boundary is no attachment, and roles are not judged."""
    users = account.require(AUTHORIZATION).users
    if not users:
        yield NotApplicable(None, _NO_USER)
    for user in users:
        names = [policy.name for policy in user.attached]
        names += [policy.name for policy in user.inline]
        if names:
            yield Fail(user.arn, f"{quoted(user.name)} has policies of its own: {_listed(names)}")
        else:
            yield Pass(user.arn, f"{quoted(user.name)} gets permissions {_through(user)}")


def _users(
    account: Account, test: Callable[[CredentialReportRow], Iterable[Outcome]]
) -> Iterator[Outcome]:
    rows = account.require(CREDENTIAL_REPORT).users
    if not rows:
        yield NotApplicable(None, _NO_USER)
    yield from for_each(rows, test, name=lambda row: row.arn)


def _active(row: CredentialReportRow) -> list[ReportedKey]:
    return [key for key in row.keys if key.active]


def _live(row: CredentialReportRow) -> Iterator[Credential]:
    """Each credential that works."""
    if _told(row.password_enabled, row, "password_enabled"):
        used = row.password_last_used
        since = used or row.password_last_changed or row.created
        yield Credential(name="password", since=since, used=bool(used), fix=_LOGIN_OFF)
    for key in _active(row):
        name = f"access key {key.number}"
        made = f", made or changed on {key.last_rotated:%Y-%m-%d}" if key.last_rotated else ""
        yield Credential(
            name=name,
            since=key.last_used or key.last_rotated,
            used=bool(key.last_used),
            fix=f"{_KEY_OFF} (KEY is the id of {name}{made}: list-access-keys)",
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


def _told(value: bool | None, row: CredentialReportRow, column: str) -> bool:  # noqa: FBT001 - a cell of the report
    if value is None:
        raise NotCollected(
            f"the credential report does not tell {column} of {quoted(row.user)}",
            call="iam:GetCredentialReport",
            code="no value",
        )
    return value


def _same_minute(made: datetime | None, created: datetime | None) -> bool:
    return bool(made and created) and str(made)[:16] == str(created)[:16]


def _more(row: CredentialReportRow) -> str:
    return f" (not in the report: {quoted(row.additional)})" if row.additional else ""


def _through(user: User) -> str:
    return "through groups only" if user.groups else "from no policy"


def _listed(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(quoted, names[:most])) + more
