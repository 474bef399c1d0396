from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aws_iam.account.collect.fact import Miss, MissKind, RefusedError
from aws_iam.account.collect.identity.credential_report import (
    CREDENTIAL_REPORT,
    CredentialReport,
    parse_report,
)
from helpers.scripted_aws import Refusal, Script

HEAD = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date"
)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ANSWER = {
    "Content": f"{HEAD}\nci,arn:ci,2025-01-01T00:00:00Z,false,N/A,N/A,false,true,"
    "2025-01-01T00:00:00+00:00,N/A\n".encode(),
    "ReportFormat": "text/csv",
    "GeneratedTime": NOW,
}
STARTED = {"State": "STARTED", "Description": "no report exists"}
COMPLETE = {"State": "COMPLETE"}


def _parsed(*rows: str, head: str = HEAD) -> CredentialReport:
    text = "\n".join((head, *rows)) + "\n"
    return parse_report({"Content": text.encode(), "GeneratedTime": NOW})


def test_sentinels_in_any_case_are_read_as_no_value() -> None:
    (row,) = _parsed(
        "a,arn:a,not_supported,Not_Supported,no_information,n/a,TRUE,FALSE,N/A,N/A"
    ).rows
    assert (row.created, row.password_enabled, row.password_last_used) == (None, None, None)
    assert (row.mfa_active, row.keys[0].active, row.keys[0].last_used) == (True, False, None)


def test_dates_end_in_z_or_in_an_offset() -> None:
    (row,) = _parsed(
        "a,arn:a,2025-01-02T03:04:05Z,true,2025-01-02T03:04:05+00:00,N/A,false,false,N/A,N/A"
    ).rows
    assert row.created == row.password_last_used == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_an_unreadable_date_makes_the_fact_a_miss() -> None:
    with pytest.raises(RefusedError, match="column password_last_used does not hold a time: soon"):
        _parsed("a,arn:a,N/A,true,soon,N/A,false,false,N/A,N/A")


def test_columns_are_found_by_name_in_any_order_and_number() -> None:
    head = "arn,cert_1_active,cert_2_active,access_key_3_active,additional_credentials_info,user"
    (row,) = _parsed("arn:a,true,true,true,2 more,a", head=head).rows
    assert (row.user, row.active_certificates, row.additional) == ("a", 2, "2 more")
    assert [(key.number, key.active) for key in row.keys] == [(3, True)]


def test_a_name_with_commas_is_one_name_quoted_or_not() -> None:
    rest = "2025-01-01T00:00:00Z,true,N/A,N/A,true,false,N/A,N/A"
    arn = "arn:aws:iam::111122223333:user/ops/a,b,c"
    for named in (f"a,b,c,{arn}", f'"a,b,c","{arn}"'):
        (row,) = _parsed(f"{named},{rest}").rows
        assert (row.user, row.arn, row.mfa_active) == ("a,b,c", arn, True)


def test_the_root_row_is_apart_from_the_users() -> None:
    report = _parsed(
        "<root_account>,arn:root,N/A,not_supported,N/A,N/A,true,false,N/A,N/A",
        "a,arn:a,N/A,true,N/A,N/A,false,false,N/A,N/A",
    )
    assert report.root is not None
    assert report.root.mfa_active is True
    assert [row.user for row in report.users] == ["a"]
    # As an emulator writes it; of users it tells all the same.
    assert _parsed("a,arn:a,N/A,true,N/A,N/A,false,false,N/A,N/A").root is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no row with"),
        (f"{HEAD}\n", "has no row with"),
        ("<html>\n<body>\n", "has no row with"),
        (
            f"{HEAD}\na,arn:a,N/A,true,N/A,N/A,false,false,N/A,N/A\nb,arn:b,2025-0",
            "row of b does not have",
        ),
        # A name with a comma that is not quoted shifts the cells after it.
        (f"{HEAD}\na,b,arn:a,b,N/A,true,N/A,N/A,false,true,N/A,N/A\n", "row of a does not have"),
        (f"{HEAD}\n{'x' * 200_000}", "is not valid CSV"),
    ],
)
def test_an_incomplete_report_is_a_miss(text: str, told: str) -> None:
    with pytest.raises(RefusedError, match=told) as refused:
        parse_report({"Content": text.encode(), "GeneratedTime": NOW})
    assert refused.value.miss.kind is MissKind.BROKEN


def _read(**answers: Any) -> Any:
    script = Script({f"iam:{name}": answer for name, answer in answers.items()})
    aws = script.aws()
    value = aws.fact_or_miss(CREDENTIAL_REPORT, "")
    aws.close()
    return value, script.operations


def test_a_report_that_is_being_written_is_waited_for() -> None:
    states = iter([STARTED, {"State": "INPROGRESS"}, COMPLETE])
    value, calls = _read(
        GenerateCredentialReport=lambda *_: next(states), GetCredentialReport=ANSWER
    )
    assert value.generated_at == NOW
    assert calls == ["iam:GenerateCredentialReport"] * 3 + ["iam:GetCredentialReport"]


def test_waiting_for_a_report_ends() -> None:
    value, calls = _read(
        GenerateCredentialReport=STARTED,
        GetCredentialReport=Refusal("ReportInProgress", "wait", 404),
    )
    assert isinstance(value, Miss)
    assert value.kind is MissKind.TIMEOUT
    assert len(calls) == 41


def test_an_auditor_who_may_not_make_a_report_reads_the_one_that_is_there() -> None:
    value, _ = _read(GenerateCredentialReport=Refusal(), GetCredentialReport=ANSWER)
    assert value.users[0].user == "ci"


def test_without_a_report_the_refusal_to_make_one_is_the_reason() -> None:
    value, _ = _read(
        GenerateCredentialReport=Refusal(),
        GetCredentialReport=Refusal("ReportNotPresent", "none", 410),
    )
    assert isinstance(value, Miss)
    assert (value.kind, value.permission) == (MissKind.DENIED, "iam:GenerateCredentialReport")
