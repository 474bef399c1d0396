"""What goes wrong on the way ends in `unknown` with its reason, within bounds: never in a crash, never in a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from aws_iam.account.calls import circuit_breaker, clients
from aws_iam.account.collect.identity import credential_report
from aws_iam.answer import Status
from aws_iam.errors import AwsError
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.controls.benchmark import benchmark
from aws_iam.tools.audit.controls.judge import rolled_up
from helpers.caller import KEYS, calls_to, forget
from helpers.faulty_server import (
    CUT,
    EXPIRED,
    HTML_200,
    HTML_500,
    SILENT,
    THROTTLED,
    Asked,
    Error,
    Faulty,
    Given,
    Spoilt,
    faulty,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.answer import Answer, Finding

pytestmark = pytest.mark.process

HOME, AWAY = "us-east-1", "eu-west-1"
REGIONS = [HOME, AWAY]


@pytest.fixture(scope="module")
def server() -> Iterator[Faulty]:
    with faulty() as running, pytest.MonkeyPatch.context() as patch:
        calls_to(running.url, patch, **KEYS)
        # Every moto server of a process answers from the same backends.
        forget(running.url)
        for region in REGIONS:
            client: Any = boto3.client("kms", region_name=region)
            key = client.create_key()["KeyMetadata"]["KeyId"]
            client.enable_key_rotation(KeyId=key)
        # Moto's credential report has no row for root; without any row it would be no report of AWS's.
        iam: Any = boto3.client("iam", region_name=HOME)
        iam.create_user(UserName="someone")
        yield running
        forget(running.url)


@pytest.fixture(autouse=True)
def _impatient(server: Faulty, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The bounds are the product's own, made small: what is shown is that they hold."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    # Opened in the Region that is never spoilt.
    monkeypatch.setenv("AWS_REGION", HOME)
    monkeypatch.setattr(clients, "ATTEMPTS", 1)
    monkeypatch.setattr(credential_report, "_POLL_SECONDS", 0)
    server.calls.clear()
    server.over.clear()
    yield
    server.over.set()
    server.spoil = lambda _asked: None


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long enough for moto on a busy machine, short enough to wait for."""
    monkeypatch.setattr(clients, "READ_SECONDS", 2)


def ask(**arguments: Any) -> Answer:
    return tool.run({"regions": REGIONS} | arguments, cli=True)


def on(operation: str, spoilt: Spoilt, region: str = AWAY) -> Callable[[Asked], Spoilt]:
    return lambda asked: spoilt if (asked.operation, asked.region) == (operation, region) else None


def status_in(answer: Answer, key: str) -> dict[str | None, tuple[Status, str]]:
    return {
        finding.region: (finding.status, finding.reason or "")
        for finding in answer.findings
        if finding.code == key
    }


GROUPS = "DescribeSecurityGroups"


@pytest.mark.parametrize(
    ("key", "operation", "spoilt", "reason"),
    [
        ("sg_admin_ports_v4", GROUPS, THROTTLED, "ThrottlingException"),
        ("sg_admin_ports_v4", GROUPS, Error("RequestLimitExceeded", 503), "RequestLimitExceeded"),
        ("sg_admin_ports_v4", GROUPS, HTML_500, "ResponseParserError"),
        ("sg_admin_ports_v4", GROUPS, HTML_200, "ResponseParserError"),
        ("sg_admin_ports_v4", GROUPS, CUT, "ResponseParserError"),
        ("kms_rotation", "ListKeys", THROTTLED, "ThrottlingException"),
        ("kms_rotation", "ListKeys", HTML_500, "500"),
        ("kms_rotation", "ListKeys", HTML_200, "ResponseParserError"),
        ("kms_rotation", "ListKeys", CUT, "ResponseParserError"),
        ("kms_rotation", "DescribeKey", CUT, "ResponseParserError"),
    ],
)
def test_a_call_that_fails_is_unknown_in_its_region_and_judged_in_the_other(
    server: Faulty, key: str, operation: str, spoilt: Spoilt, reason: str
) -> None:
    server.spoil = on(operation, spoilt)
    answer = ask(controls=[key])
    found = status_in(answer, key)
    status, why = found[AWAY]
    assert (status, reason in why, operation in why) == (Status.UNKNOWN, True, True), why
    assert found[HOME][0] is Status.PASS
    assert reason in answer.summary


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("key", "operation"), [("sg_admin_ports_v4", GROUPS), ("kms_rotation", "ListKeys")]
)
def test_a_call_without_an_answer_is_unknown(server: Faulty, key: str, operation: str) -> None:
    server.spoil = on(operation, SILENT)
    found = status_in(ask(controls=[key]), key)
    assert (found[AWAY][0], found[HOME][0]) == (Status.UNKNOWN, Status.PASS)
    assert "ReadTimeoutError" in found[AWAY][1]


def test_a_second_page_that_fails_makes_the_whole_list_unknown(server: Faulty) -> None:
    first = b'{"Keys": [], "Truncated": true, "NextMarker": "more"}'

    def spoil(asked: Asked) -> Spoilt:
        if (asked.operation, asked.region) != ("ListKeys", AWAY):
            return None
        return (
            Error("KMSInternalException", 500) if b"Marker" in asked.body else Given("json", first)
        )

    server.spoil = spoil
    status, why = status_in(ask(controls=["kms_rotation"]), "kms_rotation")[AWAY]
    assert (status, "KMSInternalException" in why) == (Status.UNKNOWN, True)


@pytest.mark.usefixtures("hasty")
def test_a_region_that_answers_nothing_is_asked_a_few_times_and_left(server: Faulty) -> None:
    server.spoil = lambda asked: SILENT if asked.region == AWAY else None
    # More calls than there are threads: what has begun when the third one fails cannot be taken back.
    answer = ask()
    status = rolled_up(finding for finding in answer.findings if finding.region == AWAY)
    assert set(status.values()) == {Status.UNKNOWN}
    assert any("RegionSilent" in (finding.reason or "") for finding in answer.findings)
    asked = sum(count for (_, region, _), count in server.calls.items() if region == AWAY)
    assert asked <= 2 * clients.WORKERS
    judged = {finding.status for finding in answer.findings if finding.region == HOME}
    assert Status.PASS in judged


@pytest.mark.usefixtures("hasty")
def test_a_run_that_aws_lets_hang_has_one_deadline_for_all_of_it(
    server: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Over as soon as calls hang. Every Region answers something: none is left for its silence.
    monkeypatch.setattr(circuit_breaker, "DEADLINE_SECONDS", 0)
    server.spoil = lambda asked: SILENT if asked.service in {"ec2", "rds", "s3"} else None
    opening = ("DescribeRegions",)
    spoil = server.spoil
    server.spoil = lambda asked: None if asked.operation in opening else spoil(asked)
    answer = ask()
    assert any("DeadlineReached" in (finding.reason or "") for finding in answer.findings)
    assert set(rolled_up(answer.findings)) == {control.key for control in benchmark().controls}


def test_a_token_that_expires_on_the_way_leaves_what_was_read_by_then(server: Faulty) -> None:
    seen: list[str] = []

    def spoil(asked: Asked) -> Spoilt:
        seen.append(asked.operation)
        return EXPIRED if len(seen) > 30 else None

    server.spoil = spoil
    answer = ask()
    assert set(rolled_up(answer.findings)) == {control.key for control in benchmark().controls}
    unread = [finding for finding in answer.findings if "ExpiredToken" in (finding.reason or "")]
    assert unread
    assert {finding.status for finding in unread} == {Status.UNKNOWN}
    assert "could not be judged" in answer.summary
    assert "ExpiredToken" in answer.summary
    (not_judged,) = answer.facts["not_judged"]
    assert f"{not_judged}." in answer.summary
    # Whoever knows of the expiry asks nothing more; some calls were under way.
    assert len(seen) < 30 + 2 * clients.WORKERS


def test_a_token_that_has_expired_before_anything_was_read_is_an_error(server: Faulty) -> None:
    server.spoil = lambda _asked: EXPIRED
    with pytest.raises(AwsError, match="has expired"):
        ask()


def test_a_credential_report_that_never_becomes_ready_is_unknown(server: Faulty) -> None:
    body = (
        b"<GenerateCredentialReportResponse><GenerateCredentialReportResult><State>STARTED</State>"
        b"</GenerateCredentialReportResult></GenerateCredentialReportResponse>"
    )

    def spoil(asked: Asked) -> Spoilt:
        answers: dict[str, Spoilt] = {
            "GenerateCredentialReport": Given("text/xml", body),
            "GetCredentialReport": Error("ReportInProgress", 404),
        }
        return answers.get(asked.operation)

    server.spoil = spoil
    answer = ask(controls=["credentials_unused", "user_console_mfa"])
    assert {finding.status for finding in answer.findings} == {Status.UNKNOWN}
    assert all(
        "iam:GenerateCredentialReport" in (finding.reason or "") for finding in answer.findings
    )
    made = sum(n for (_, _, name), n in server.calls.items() if name == "GenerateCredentialReport")
    assert made == credential_report._POLLS  # noqa: SLF001 - the bound that holds


def test_nothing_fails_or_passes_where_every_answer_is_a_page(server: Faulty) -> None:
    opening = {"GetCallerIdentity", "DescribeRegions"}
    server.spoil = lambda asked: None if asked.operation in opening else HTML_200
    answer = ask(regions=[HOME])
    verdicts: list[Finding] = [
        finding for finding in answer.findings if finding.status in {Status.PASS, Status.FAIL}
    ]
    assert verdicts == []
    assert "could not be judged" in answer.summary


@pytest.mark.parametrize(
    "error",
    [Error("AccessDenied", 403), Error("InternalFailure", 500)],
    ids=lambda fault: fault.code,
)
def test_whatever_is_refused_is_unknown_with_its_code(server: Faulty, error: Error) -> None:
    opening = {"GetCallerIdentity", "DescribeRegions"}
    server.spoil = lambda asked: None if asked.operation in opening else error
    answer = ask(regions=[HOME])
    assert {finding.status for finding in answer.findings} <= {Status.UNKNOWN, Status.MANUAL}
    assert set(rolled_up(answer.findings)) == {control.key for control in benchmark().controls}
    services = {service for service, _, _ in server.calls}
    assert {"rds", "ec2", "s3", "iam", "kms", "elasticfilesystem", "cloudtrail"} <= services
    assert any(error.code in (finding.reason or "") for finding in answer.findings)


def test_a_call_is_bounded_in_time_and_in_attempts() -> None:
    config: Any = clients.client_config()
    assert (config.connect_timeout, config.read_timeout) == (5, 20)
    assert config.retries["total_max_attempts"] == 4
