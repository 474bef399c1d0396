"""An account that answers nothing ends every live command with 3, whatever the reason, and no file says that all is well."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.calls import clients, retries
from aws_iam.account.collect.identity import credential_report
from aws_iam.cli import command_line
from helpers.caller import KEYS, calls_to, forget
from helpers.faulty_server import (
    EXPIRED,
    HTML_500,
    SILENT,
    THROTTLED,
    Asked,
    Error,
    Faulty,
    faulty,
)
from helpers.tables.examples import IS_WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from helpers.faulty_server import Spoilt

pytestmark = pytest.mark.process

DENIED = Error("AccessDenied", 403)
ONE_REGION = ("--regions", "us-east-1")
MANY = ("--accounts", "111122223333,222233334444", "--role-arn", "audit")
LIVE = (
    ("audit", "run"),
    ("audit", "run", "--controls", "root_mfa"),
    # In this version some controls have no check: they are manual without any reading.
    ("audit", "run", "--benchmark", "1.2"),
    ("audit", "report", "--format", "csv"),
    ("audit", "principals"),
    ("audit", "rightsize"),
    ("audit", "cloudtrail"),
    ("audit", "access_analyzer"),
    ("secrets", "check"),
    ("kms", "check"),
    ("irsa", "check"),
    ("audit", "run", *MANY),
    ("audit", "access", "--to", "admin"),
    ("audit", "access", "--to", "admin", "--format", "html"),
    ("audit", "access", "--to", "admin", *MANY),
    ("audit", "access", "--who-can", "s3:GetObject", "--on", "arn:aws:s3:::b/k"),
    ("audit", "access", "--who-can", "s3:GetObject", "--on", "s3:bucket"),
    ("audit", "access", "--principal", "someone"),
    ("audit", "rightsize", "--principal", "someone"),
    ("audit", "report", "--format", "html", *MANY),
    ("audit", "report", "--format", "ocsf", "--ndjson", *MANY),
)
ACTIONS = tuple({words[:2]: words for words in reversed(LIVE)}.values())
"""Each action once, in the first form that stands here."""


@pytest.fixture(scope="module")
def server() -> Iterator[Faulty]:
    with faulty() as running, pytest.MonkeyPatch.context() as patch:
        calls_to(running.url, patch, **KEYS)
        forget(running.url)
        yield running
        forget(running.url)


@pytest.fixture(autouse=True)
def _impatient(server: Faulty, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    calls_to(server.url, monkeypatch, AWS_REGION="us-east-1", **KEYS)
    monkeypatch.setattr(clients, "ATTEMPTS", 1)
    monkeypatch.setattr(credential_report, "_POLL_SECONDS", 0)
    server.over.clear()
    yield
    server.over.set()
    server.spoil = lambda _asked: None


def shut(fault: Spoilt) -> Any:
    """Nothing but who one is, the Regions and the role of an account can be asked."""
    opening = {"GetCallerIdentity", "DescribeRegions", "AssumeRole"}

    def spoil(asked: Asked) -> Spoilt:
        return None if asked.operation in opening else fault

    return spoil


@pytest.mark.parametrize("words", LIVE, ids=" ".join)
def test_a_command_that_is_refused_everything_ends_with_3(
    server: Faulty, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    server.spoil = shut(DENIED)
    assert command_line.main([*words, *ONE_REGION], {}) == 3
    said = capsys.readouterr()
    assert "o problem found" not in said.out + said.err
    assert "Traceback" not in said.err


FAULTS = {"throttled": THROTTLED, "pages": HTML_500, "silent": SILENT}
# A fault meets the reading, which the forms of an action share: each action meets all, in `make test` its other forms one in turn.
MET = [
    pytest.param(words, fault, id=f"{' '.join(words)}-{name}")
    for number, words in enumerate(LIVE)
    for turn, (name, fault) in enumerate(FAULTS.items())
    if IS_WHOLE or words in ACTIONS or number % len(FAULTS) == turn
]


@pytest.mark.parametrize(("words", "fault"), MET)
def test_so_does_one_that_gets_no_answer_of_another_kind(
    server: Faulty,
    words: tuple[str, ...],
    fault: Spoilt,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(clients, "READ_SECONDS", 0.5)
    # How much slower calls become while AWS throttles them is not what is shown here.
    monkeypatch.setattr(retries.RetryStates, "_before_send", lambda *_args, **_event: None)
    server.spoil = shut(fault)
    assert command_line.main([*words, *ONE_REGION], {}) == 3
    said = capsys.readouterr()
    assert "o problem found" not in said.out
    assert "Traceback" not in said.err


def test_one_that_hangs_ends_after_a_few_calls(
    server: Faulty, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clients, "READ_SECONDS", 1)
    server.spoil = shut(SILENT)
    server.calls.clear()
    assert command_line.main(["audit", "run", *ONE_REGION], {}) == 3
    assert "could not be judged" in capsys.readouterr().out
    assert sum(server.calls.values()) < 3 * clients.WORKERS


@pytest.mark.parametrize("words", LIVE[3:], ids=" ".join)
def test_no_live_command_ends_in_a_trace_when_its_session_expires(
    server: Faulty, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    # Each action at twenty places, which together are all up to the fortieth; its other forms at two, as in `make test` the
    # report, which reads what `audit run` does.
    first = 1 + LIVE.index(words) % 2
    often = words in ACTIONS and (IS_WHOLE or words[1] != "report")
    for after in range(first, 41, 2) if often else (first, 10 + first):
        seen: list[str] = []

        def spoil(asked: Asked, after: int = after, seen: list[str] = seen) -> Spoilt:
            seen.append(asked.operation)
            return EXPIRED if len(seen) > after else None

        server.spoil = spoil
        status = command_line.main([*words, *ONE_REGION, "--fail-on-unknown"], {})
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert "never retrieved" not in said.err
        # 2: in what was read nobody has the name that was asked for.
        assert status in {0, 1, 2, 3}
        if "could not be judged" in said.out or "is not known" in said.out:
            assert status in {1, 3}
        if len(seen) <= after:
            # It was done before its session expired, as it will be at every later place.
            break


def test_one_account_of_several_that_cannot_be_entered_is_unknown(
    server: Faulty, capsys: pytest.CaptureFixture[str]
) -> None:
    server.spoil = lambda asked: (
        DENIED if "222233334444" in asked.form.get("RoleArn", "") else None
    )
    for words in (LIVE[14], LIVE[19]):
        asked = [*words, *ONE_REGION, "--fail-on", "never"]
        assert command_line.main(asked, {}) == 0
        said = capsys.readouterr()
        assert "222233334444" in said.out + said.err
        assert command_line.main([*asked, "--fail-on-unknown"], {}) == 1
        capsys.readouterr()


@pytest.mark.parametrize("after", range(2, 42, 2))
def test_a_session_that_expires_on_the_way_never_ends_in_a_trace(
    server: Faulty, after: int, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def spoil(asked: Asked) -> Spoilt:
        seen.append(asked.operation)
        return EXPIRED if len(seen) > after else None

    server.spoil = spoil
    status = command_line.main(["audit", "run", *ONE_REGION], {})
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert "ExpiredToken" in said.out + said.err
    # What passed or failed by then is judged; without any of it there is no verdict.
    evaluated = re.search(r"Score \d+% on (\d+) of 70 controls", said.out)
    assert (status == 3) is (evaluated is None)


@pytest.mark.parametrize("after", range(10, 110, 20))
def test_a_session_that_expires_in_one_of_many_accounts_stops_no_other(
    server: Faulty, after: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def spoil(asked: Asked) -> Spoilt:
        # The caller's own session goes on: it is the roles' that end.
        seen.append(asked.operation)
        return EXPIRED if len(seen) > after and asked.service != "sts" else None

    server.spoil = spoil
    accounts = [f"11112222330{number}" for number in range(4)]
    out = tmp_path / "results.jsonl"
    words = ["audit", "run", "--accounts", ",".join(accounts), "--role-arn", "audit"]
    words += [
        "--controls",
        "root_mfa,kms_rotation,sg_admin_ports_v4,s3_deny_http,pw_length_14",
        "--fail-on",
        "low",
    ]
    status = command_line.main([*words, "--out", str(out), *ONE_REGION], {})
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    lines = [json.loads(line) for line in out.read_text().splitlines()[1:]]
    assert {line["account"] for line in lines} == set(accounts)
    read = {line["account"] for line in lines if line["status"] == "read"}
    assert status == (1 if read else 3)
    # A new session reads the others, and those that were read are not read again.
    server.spoil = lambda _asked: None
    server.calls.clear()
    assert command_line.main([*words, "--out", str(out), *ONE_REGION], {}) == 1
    assert " over 4 of 4 accounts" in capsys.readouterr().out
    assumed = sum(count for (*_, name), count in server.calls.items() if name == "AssumeRole")
    assert assumed == len(accounts) - len(read)


def test_an_account_that_refuses_everything_is_read_again(
    server: Faulty, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["audit", "run", "--accounts", "111122223333,111122223344", "--role-arn", "audit"]
    words += [
        "--fail-on",
        "low",
        "--controls",
        "root_mfa,pw_length_14",
        "--out",
        str(tmp_path / "r.jsonl"),
        *ONE_REGION,
    ]
    server.spoil = shut(DENIED)
    assert command_line.main(words, {}) == 3
    said = capsys.readouterr().out
    assert said.startswith(
        "Nothing could be evaluated in 2 accounts (111122223333, 111122223344). Score none"
    )
    server.spoil = lambda _asked: None
    assert command_line.main(words, {}) == 1
    assert "Nothing could be evaluated" not in capsys.readouterr().out
    server.calls.clear()
    assert command_line.main(words, {}) == 1
    assert not server.calls


def test_a_call_that_is_refused_among_others_is_unknown_and_no_reason_for_3(
    server: Faulty, capsys: pytest.CaptureFixture[str]
) -> None:
    server.spoil = lambda asked: DENIED if asked.operation == "ListKeys" else None
    for words in (("irsa", "check"), ("secrets", "check"), ("kms", "check")):
        assert command_line.main([*words, *ONE_REGION, "--fail-on", "critical"], {}) in {0, 1}
    assert "ListKeys" in capsys.readouterr().out


def test_the_score_rests_on_what_was_evaluated_and_never_rises_by_a_refusal(
    server: Faulty, capsys: pytest.CaptureFixture[str]
) -> None:
    def scored() -> dict[str, Any]:
        command_line.main(["audit", "run", "--json", *ONE_REGION], {})
        answer = json.loads(capsys.readouterr().out)
        return {**answer["facts"]["score"], "summary": answer["summary"]}

    whole = scored()
    seen: dict[str, float] = {}
    for operation in ("GetAccountSummary", "DescribeTrails", "DescribeSecurityGroups"):
        server.spoil = lambda asked, name=operation: DENIED if asked.operation == name else None
        part = scored()
        seen[operation] = part["overall"]
        assert part["evaluated"] < whole["evaluated"], operation
        assert f" on {part['evaluated']} of 70 controls (" in part["summary"]
        assert (
            "count as not passed" in part["summary"] or "counts as not passed" in part["summary"]
        )
    assert all(part <= whole["overall"] for part in seen.values()), (whole, seen)


def test_reports_of_a_refused_account_close_no_alert_and_are_errors(
    server: Faulty, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.spoil = shut(DENIED)
    sarif, junit = tmp_path / "a.sarif", tmp_path / "a.xml"
    for file in (sarif, junit):
        assert command_line.main(["audit", "report", "--out", str(file), *ONE_REGION], {}) == 3
    capsys.readouterr()
    (run,) = json.loads(sarif.read_text())["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "/7.0/part-" in run["automationDetails"]["id"]
    suites = ET.fromstring(junit.read_text())  # noqa: S314 - our own text
    assert int(suites.attrib["errors"]) == int(suites.attrib["tests"]) == 70
    error = suites.find(".//error")
    assert error is not None
    assert "AccessDenied; allow iam:" in error.attrib["message"]
