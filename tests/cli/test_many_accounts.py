"""`aws-iam audit run` as a process: killed, interrupted, started again, and its exit status."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.answer import Status
from aws_iam.tools.audit.actions import tool
from helpers.estate_server import estate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from helpers.estate_server import Estate

pytestmark = pytest.mark.process

ACCOUNTS = [f"3333444455{number:02}" for number in range(24)]
SHUT = ACCOUNTS[3]
ROLE = ["--role-arn", "audit"]


@pytest.fixture(scope="module")
def server() -> Iterator[Estate]:
    with estate(refused=[SHUT]) as running:
        yield running


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    file = tmp_path / "accounts.txt"
    file.write_text("# all of them\n" + "\n".join(ACCOUNTS) + "\n", encoding="utf-8")
    return file


def start(server: Estate, folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server.url,
    }
    command = [sys.executable, "-m", "aws_iam", "audit", "run"]
    few = ["--controls", "root_mfa,pw_length_14", "--regions", "us-east-1"]
    pipes: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        [*command, *few, *words], env=environment, cwd=folder, **pipes, text=True
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


def at(server: Estate, wanted: str, number: int, act: Callable[[], Any]) -> None:
    """Act at the given number of calls of the operation, before that call is answered."""
    seen = 0

    def watch(operation: str) -> None:
        nonlocal seen
        if operation == wanted:
            seen += 1
            if seen == number:
                act()

    server.watch = watch


def accounts(file: Path) -> list[str]:
    return [json.loads(line)["account"] for line in file.read_text().splitlines()[1:]]


@pytest.mark.parametrize("number", [12, 20])
def test_a_run_that_is_killed_continues_and_is_complete_without_a_double(
    server: Estate, listed: Path, tmp_path: Path, number: int
) -> None:
    out = tmp_path / "results.jsonl"
    words = [*ROLE, "--accounts", str(listed), "--out", str(out), "--json"]
    first = start(server, tmp_path, *words)
    at(server, "sts:AssumeRole", number, lambda: os.kill(first.pid, signal.SIGKILL))
    assert finished(first)[0] == -signal.SIGKILL
    server.watch = lambda _: None
    server.calls.clear()
    done = out.read_bytes().count(b'"status":"read"')
    assert 0 < done < len(ACCOUNTS)
    status, told, errors = finished(start(server, tmp_path, *words))
    assert (status, errors) == (1, "")
    assert sorted(accounts(out)) == ACCOUNTS
    # The last request of the killed process may be counted too.
    assert len(ACCOUNTS) - done <= server.calls["sts:AssumeRole"] < len(ACCOUNTS)
    assert json.loads(told)["facts"]["accounts"] == {"named": 24, "read": 23, "not_read": 1}


@pytest.fixture
def silence(server: Estate) -> Iterator[threading.Event]:
    """Until it is set, no call is answered after the act of `at`."""
    event = threading.Event()
    yield event
    event.set()
    server.watch = lambda _: None


# Longer than the test waits for the command.
HANG = 120


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_ends_at_once_says_how_far_it_came_and_how_to_go_on(
    server: Estate,
    listed: Path,
    tmp_path: Path,
    silence: threading.Event,
    number: signal.Signals,
) -> None:
    out = tmp_path / "results.jsonl"
    process = start(server, tmp_path, *ROLE, "--accounts", str(listed), "--out", str(out))

    def stop() -> None:
        server.watch = lambda _: silence.wait(HANG)
        os.kill(process.pid, number)
        silence.wait(HANG)

    at(server, "sts:AssumeRole", 16, stop)
    status, told, errors = finished(process)
    done = len(accounts(out))
    assert 0 < done < 16
    assert (status, told) == (130, ""), errors
    assert errors == (
        f"aws-iam: interrupted; {done} of 24 accounts were done and are in {out}; "
        "the same command continues\n"
    )
    assert out.read_bytes().endswith(b"\n")


@pytest.fixture
def alone() -> Iterator[Estate]:
    """A server that no interrupted run of another test can still call."""
    with estate() as app:
        yield app


def test_a_reading_that_is_stopped_ends_at_once_and_saves_what_it_has(
    alone: Estate, tmp_path: Path, silence: threading.Event
) -> None:
    server, file = alone, tmp_path / "part.json"
    process = start(server, tmp_path, "--save", str(file))

    def stop() -> None:
        os.kill(process.pid, signal.SIGINT)
        silence.wait(HANG)

    at(server, "iam:GetAccountPasswordPolicy", 1, stop)
    status, told, errors = finished(process)
    assert (status, told) == (130, ""), errors
    assert re.fullmatch(
        rf"aws-iam: interrupted; \d+ of \d+ facts were read and saved in `{re.escape(str(file))}`\n",
        errors,
    )
    answer = tool.run({"snapshot": str(file), "controls": ["pw_length_14"]}, cli=True)
    (unknown,) = answer.findings
    assert unknown.status is Status.UNKNOWN
    assert (unknown.reason or "").startswith(
        "not part of this snapshot: its reading was interrupted"
    )
    assert "fewer controls" not in answer.summary


def test_the_status_is_3_only_when_no_account_could_be_read(
    server: Estate, tmp_path: Path
) -> None:
    status, told, errors = finished(start(server, tmp_path, *ROLE, "--accounts", SHUT))
    assert (status, told) == (3, "")
    assert errors.startswith(f"aws-iam: none of 1 accounts could be read; {SHUT}: AWS refused")
    both = f"{SHUT},{ACCOUNTS[0]}"
    status, told, _ = finished(start(server, tmp_path, *ROLE, "--accounts", both))
    assert status == 1
    assert told.startswith(f"1 account could not be read ({SHUT}). Fix first: ")


def test_the_file_of_another_job_is_a_wrong_request(server: Estate, tmp_path: Path) -> None:
    out = str(tmp_path / "r.jsonl")
    words = [*ROLE, "--accounts", ACCOUNTS[0], "--out", out]
    assert finished(start(server, tmp_path, *words))[0] == 1
    status, _, errors = finished(start(server, tmp_path, *words, "--benchmark", "6.0"))
    assert status == 2
    assert errors.startswith(f"aws-iam: `{out}` belongs to another job: its benchmark is `7.0`")
