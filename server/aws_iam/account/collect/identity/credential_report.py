"""IAM's credential report: generated on demand, polled, and parsed by the names of its columns."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError, one
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.account.calls.aws import Aws


ROOT_ROW = "<root_account>"


@slotted
class ReportedKey:
    """The columns of one access key; `last_used` None: never, as far as AWS knows."""

    number: int
    active: bool
    last_rotated: datetime | None = None
    last_used: datetime | None = None


@slotted
class CredentialReportRow:
    """One row of the credential report; None stands for its `N/A`, `no_information` and `not_supported`."""

    user: str
    arn: str
    created: datetime | None = None
    password_enabled: bool | None = None
    password_last_used: datetime | None = None
    password_last_changed: datetime | None = None
    mfa_active: bool | None = None
    keys: tuple[ReportedKey, ...] = ()
    active_certificates: int = 0
    additional: str | None = None
    """`additional_credentials_info`, where AWS sends it: credentials without columns of their own."""

    @property
    def is_root(self) -> bool:
        """Whether the row is the root user's."""
        return self.user == ROOT_ROW


@slotted
class CredentialReport:
    """The whole report; `generated_at` because AWS may serve one that is up to four hours old."""

    generated_at: datetime
    rows: tuple[CredentialReportRow, ...]

    @property
    def root(self) -> CredentialReportRow | None:
        """The root user's row; None when the report has none, which proves nothing."""
        return next((row for row in self.rows if row.is_root), None)

    @property
    def users(self) -> tuple[CredentialReportRow, ...]:
        """The rows of IAM users."""
        return tuple(row for row in self.rows if not row.is_root)


CREDENTIAL_REPORT = one("iam.credential_report", CredentialReport)
_GENERATE_CREDENTIAL_REPORT = "iam:GenerateCredentialReport"
_GET_CREDENTIAL_REPORT = "iam:GetCredentialReport"
_POLLS = 40
_POLL_SECONDS = 0.5
_NO_REPORT = ("ReportInProgress", "ReportNotPresent", "ReportExpired")
_IDENTITY_COLUMNS = ("user", "arn")
_NO_VALUE = {"", "n/a", "no_information", "not_supported"}
_KEY_COLUMN = re.compile(r"access_key_(\d+)_active")
_CERTIFICATE_COLUMN = re.compile(r"cert_\d+_active")


@collector(CREDENTIAL_REPORT, _GENERATE_CREDENTIAL_REPORT, _GET_CREDENTIAL_REPORT, slow=True)
def credential_report(aws: Aws) -> CredentialReport:
    """A new report where AWS generates one, else one of the last four hours."""
    refused = _generate(aws)
    answer = aws.get(_GET_CREDENTIAL_REPORT, absent=_NO_REPORT)
    if answer is None:
        raise refused or RefusedError(
            Miss(
                kind=MissKind.TIMEOUT,
                call=_GENERATE_CREDENTIAL_REPORT,
                permission=_GENERATE_CREDENTIAL_REPORT,
            )
        )
    return parse_report(answer)


def _generate(aws: Aws) -> RefusedError | None:
    # An auditor who may not generate a report may still be allowed to read an existing one.
    try:
        for _ in range(_POLLS):
            if aws.need(_GENERATE_CREDENTIAL_REPORT).get("State") == "COMPLETE":
                return None
            aws.sleep(_POLL_SECONDS)
    except RefusedError as refused:
        return refused
    return None


def parse_report(answer: Mapping[str, Any]) -> CredentialReport:
    """The answer of GetCredentialReport as rows."""
    content = answer["Content"]
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
    rows = [_row(row) for row in _complete_rows(text)]
    return CredentialReport(
        generated_at=answer["GeneratedTime"], rows=tuple(sorted(rows, key=lambda row: row.arn))
    )


def _complete_rows(text: str) -> list[dict[str, str]]:
    """The rows. Every report has root's; one that is cut or shifted is refused, or it would turn into verdicts."""
    try:
        header, *rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row] or [[]]
    except csv.Error as error:
        raise _unreadable(f"the report is not valid CSV: {error}") from None
    if not rows or not {*_IDENTITY_COLUMNS} <= {*header}:
        raise _unreadable("the report has no row with `user` and `arn`")
    complete = []
    for row in rows:
        cells = _with_commas(row, header)
        if len(cells) != len(header):
            raise _unreadable(f"the row of {row[0]} does not have as many cells as the header")
        complete.append(dict(zip(header, cells, strict=True)))
    return complete


def _with_commas(row: list[str], header: list[str]) -> list[str]:
    """The row with name and ARN in one cell each, where a name has commas and AWS does not quote it."""
    more = (len(row) - len(header)) // 2
    end = 2 * (more + 1)
    name, arn = ",".join(row[: more + 1]), ",".join(row[more + 1 : end])
    is_name = (
        more > 0
        and tuple(header[:2]) == _IDENTITY_COLUMNS
        and arn.startswith("arn:")
        and arn.endswith(f"/{name}")
    )
    return [name, arn, *row[end:]] if is_name else row


def _unreadable(message: str) -> RefusedError:
    return RefusedError(
        Miss(
            kind=MissKind.BROKEN,
            call=_GET_CREDENTIAL_REPORT,
            permission=_GET_CREDENTIAL_REPORT,
            message=message,
        )
    )


def _row(row: Mapping[str, str]) -> CredentialReportRow:
    return CredentialReportRow(
        user=row.get("user") or "",
        arn=row.get("arn") or "",
        created=_time(row, "user_creation_time"),
        password_enabled=_flag(row, "password_enabled"),
        password_last_used=_time(row, "password_last_used"),
        password_last_changed=_time(row, "password_last_changed"),
        mfa_active=_flag(row, "mfa_active"),
        keys=tuple(
            _key(row, int(found[1])) for name in row if (found := _matched(_KEY_COLUMN, name))
        ),
        active_certificates=sum(
            _flag(row, name) is True for name in row if _matched(_CERTIFICATE_COLUMN, name)
        ),
        additional=_text(row, "additional_credentials_info"),
    )


def _key(row: Mapping[str, str], number: int) -> ReportedKey:
    prefix = f"access_key_{number}"
    return ReportedKey(
        number=number,
        active=_flag(row, f"{prefix}_active") is True,
        last_rotated=_time(row, f"{prefix}_last_rotated"),
        last_used=_time(row, f"{prefix}_last_used_date"),
    )


def _matched(column: re.Pattern[str], name: str | None) -> re.Match[str] | None:
    return column.fullmatch(name or "")


def _text(row: Mapping[str, str], name: str) -> str | None:
    value = (row.get(name) or "").strip()
    return None if value.lower() in _NO_VALUE else value


def _flag(row: Mapping[str, str], name: str) -> bool | None:
    # The report has written both `TRUE` and `true`.
    return {"true": True, "false": False}.get((_text(row, name) or "").lower())


def _time(row: Mapping[str, str], name: str) -> datetime | None:
    value = _text(row, name)
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        # If an unreadable date were read as `never`, it would turn into a verdict.
        raise _unreadable(f"column {name} does not hold a time: {value[:60]}") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
