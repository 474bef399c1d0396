"""The exit statuses: each reason for one, and the table of the README."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.answer import (
    Answer,
    Comparison,
    Counts,
    Decision,
    Severity,
)
from aws_iam.cli import command_line, tool_command
from aws_iam.cli.exit_status import (
    BROKEN,
    FOUND,
    MEANINGS,
    OK,
    UNREADABLE,
    WRONG,
    Gate,
    exit_status,
)
from helpers.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN, UNREAD, DENIED = Gate(unknown=True), Gate(unread=True), Gate(denied=True)
FAILED = Counts(status={"fail": 1}, severity={"WARNING": 1})


def answer(**fields: Any) -> Answer:
    return Answer(summary="s", **fields)


CASES = (
    (answer(), Gate(), OK),
    (answer(counts=FAILED), Gate(), OK),
    (answer(counts=FAILED), Gate(severity=Severity.MEDIUM), FOUND),
    (answer(counts=FAILED), Gate(severity=Severity.WARNING), FOUND),
    (answer(counts=FAILED), Gate(severity=Severity.ERROR), OK),
    (answer(counts=Counts(status={"fail": 1}, severity={"SUGGESTION": 1})), Gate(severity=Severity.LOW), FOUND),
    (answer(comparison=Comparison(violations=({"of": "public"},))), Gate(), FOUND),
    (answer(action="lookup", facts={"known": False}), Gate(), FOUND),
    (answer(action="lookup", facts={"known": True}), Gate(), OK),
    (answer(action="lockout", facts={"put_key_policy": "refused"}), Gate(), FOUND),
    (answer(action="lockout", facts={"put_key_policy": "unknown"}), Gate(), OK),
    (answer(action="lockout", facts={"put_key_policy": "unknown"}), UNKNOWN, FOUND),
    (answer(action="lockout", facts={"put_key_policy": "accepted"}), UNKNOWN, OK),
    (answer(action="repair", facts={"repaired": False}), Gate(severity=None), FOUND),
    (answer(action="repair", facts={"repaired": True}), Gate(), OK),
    (answer(counts=Counts(status={"unknown": 1})), Gate(), OK),
    (answer(counts=Counts(status={"unknown": 1})), UNKNOWN, FOUND),
    (answer(decision=Decision(outcome="Unknown")), Gate(), OK),
    (answer(decision=Decision(outcome="Unknown")), UNKNOWN, FOUND),
    (answer(decision=Decision(outcome="Unknown")), DENIED, FOUND),
    (answer(decision=Decision(outcome="ImplicitlyDenied")), UNKNOWN, OK),
    (answer(decision=Decision(outcome="ImplicitlyDenied")), DENIED, FOUND),
    (answer(decision=Decision(outcome="Allowed")), DENIED, OK),
    (answer(comparison=Comparison(relation="unknown")), UNKNOWN, FOUND),
    (answer(facts={"not_judged": [{"place": "a", "why": "b"}]}), UNKNOWN, FOUND),
    (answer(facts={"not_judged": [{"place": "a", "why": "b"}]}), UNREAD, OK),
    (answer(facts={"files_not_read": 1}), UNREAD, FOUND),
    (answer(facts={"document_read": {"files_not_read": 1}}), UNREAD, FOUND),
    (answer(facts={"sections": [{"section": "2", "unknown": 1}]}), UNKNOWN, FOUND),
    (answer(facts={"sections": [{"section": "2", "unknown": 0}]}), UNKNOWN, OK),
    (answer(facts={"sections": [{"section": "2", "unknown": 0}], "not_judged": ["1 of 70 controls asked for"]}), UNKNOWN, OK),
    (answer(counts=FAILED, facts={"online": {"aws_read": False}}), Gate(), UNREADABLE),
    (answer(facts={"not_saved": "no space"}), Gate(), WRONG),
)  # fmt: skip


@pytest.mark.parametrize(("result", "gate", "status"), CASES)
def test_an_answer_decides_the_exit_status(result: Answer, gate: Gate, status: int) -> None:
    assert exit_status(result, gate) == status


def test_the_readme_has_every_status_in_one_table() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [f"| {status} | {text} |" for status, texts in MEANINGS.items() for text in texts]
    assert "| exit status | meaning |\n| --- | --- |\n" + "\n".join(rows) + "\n\n" in page


POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "",
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::b/k",
            }
        ],
    }
)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), 0),
        (("--fail-on", "SUGGESTION"), 1),
        (("--fail-on", "suggestion"), 1),
        (("--fail_on", "Low"), 1),
        (("--fail-on", "WARNING"), 0),
        (("--fail-on", "never"), 0),
        (("--fail-on", "worse"), 2),
        (("--quiet", "--json"), 2),
    ],
)
def test_the_severity_may_be_one_of_aws(
    words: tuple[str, ...], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["policy", "validate", POLICY, "--kind", "identity", *words]
    assert command_line.main(command, {}) == status
    assert ("SECURITY_WARNING" in capsys.readouterr().err) is (words == ("--fail-on", "worse"))


REQUEST = {"principal": "arn:aws:iam::111122223333:role/app", "resource": "arn:aws:s3:::b/k"}


@pytest.mark.parametrize(("action", "status"), [("s3:GetObject", 0), ("s3:PutObject", 1)])
def test_a_request_that_is_denied_ends_with_1_if_asked(
    action: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["policy", "evaluate", json.dumps({**REQUEST, "action": action}), POLICY]
    assert command_line.main([*words, "--quiet"], {}) == 0
    assert command_line.main([*words, "--quiet", "--fail-on-denied"], {}) == status
    assert capsys.readouterr().out.count("\n") == 2


@pytest.mark.parametrize(
    "error",
    [IndexError("x"), RecursionError(), MemoryError(), OSError("x"), ValueError("\x1b]0;y\u202e")],
)
def test_a_failure_of_its_own_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(tool_command, "run_tool", fail)
    assert command_line.main(["policy", "validate"], {}) == BROKEN
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" in printed.err
    assert "no verdict" in printed.err
    assert printed.err.replace("\n", "").isprintable()


def test_a_file_that_cannot_be_read_ends_with_1_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.json").write_text(POLICY, encoding="utf-8")
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe\x00\xd8")
    words = ["policy", "explain", str(tmp_path), "--json"]
    assert command_line.main(words, {}) == 0
    assert json.loads(capsys.readouterr().out)["facts"]["files_not_read"] == 1
    assert command_line.main([*words, "--fail-on-unread"], {}) == 1
