"""The command as a process: its output and its exit status."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from helpers.command.in_process import run_in_process

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

# PYTHONPATH selects the checkout.
BARE = {
    "PATH": os.defpath,
    "HOME": "/nonexistent",
    "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
}


def run(
    *words: str,
    stdin: str | bytes = b"",
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> Any:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "aws_iam", *words],
        input=data,
        capture_output=True,
        env=env or BARE,
        cwd=cwd,
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(
        words, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


WRONG = [
    (["policy", "lookup"], "needs `--query`"),
    (["serve", "--http", "0.0.0.0:8080"], "credentials"),
    (["serve", "--http", "nonsense"], "HOST:PORT"),
]
WRONG_IN_PROCESS = [
    (["polcy"], "did you mean `policy`"),
    (["policy", "lokup"], "did you mean `lookup`"),
    (["policy", "validate", "--document", "{}", "--kind", "identty"], "did you mean `identity`"),
    (["policy", "validate", "--document", "/dev/zero"], "not a regular file"),
    (["policy", "lookup", "--query", "s3", "--nonsense", "x"], "--nonsense"),
    (["policy", "guide", "--topic", "XYZ-ZY"], "the sections are"),
    (["policy", "validate", "--document", "/nonexistent/policy.json"], "no such file"),
    (["policy", "template", "--values", "/"], "a folder, not a regular file"),
    (["policy", "template", "--name", "s3-reed"], "s3-read"),
    (["audit", "run", "--benchmark", "9.9", "--demo"], "7.0"),
    (["audit", "control", "--id", "root_mfaa"], "root_mfa"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=lambda value: " ".join(value)[:40])
def test_a_wrong_request_ends_with_2_and_says_what_would_work(words: list[str], said: str) -> None:
    is_refused(run(*words), said)


@pytest.mark.parametrize(
    ("words", "said"), WRONG_IN_PROCESS, ids=lambda value: " ".join(value)[:40]
)
def test_so_does_every_other_wrong_request(words: list[str], said: str) -> None:
    is_refused(run_in_process(*words), said)


def is_refused(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_document_that_is_no_text_is_refused_by_its_byte() -> None:
    done = run("policy", "validate", "--document", "-", stdin=b'{"Version": "\xff"}')
    assert done.returncode == 2
    assert "not UTF-8 text (byte 13)" in done.stderr


def test_both_spellings_of_an_option_work() -> None:
    spelled = (
        run_in_process("audit", "run", "--role-arn", "nonsense", "--demo").stderr,
        run_in_process("audit", "run", "--role_arn", "nonsense", "--demo").stderr,
    )
    assert spelled[0] == spelled[1]


def test_json_is_the_answer_and_nothing_else() -> None:
    done = run_in_process("policy", "lookup", "--query", "s3:GetObjcet", "--json")
    answer = json.loads(done.stdout)
    assert answer["tool"] == "policy"
    assert "s3:GetObject" in answer["summary"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("s3:GetObject", 0),
        ("s3:Get*", 0),
        ("s3:GetObject, iam:PassRole", 0),
        ("s3:GetObjcet", 1),
        ("s3:Gettt*", 1),
        ("ReadOnlyAcces", 1),
        ("s3:GetObject, s3:GetObjcet", 1),
    ],
)
def test_a_lookup_exits_with_1_if_any_name_is_unknown(query: str, status: int) -> None:
    assert run_in_process("policy", "lookup", "--query", query).returncode == status


@pytest.mark.parametrize(("administrator", "status"), [("root", 0), ("user/someone-else", 1)])
def test_a_lockout_that_would_be_refused_exits_with_1(administrator: str, status: int) -> None:
    principal = {"AWS": f"arn:aws:iam::111122223333:{administrator}"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    caller = "arn:aws:iam::111122223333:role/admin"
    allows = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
    }
    policies = json.dumps({"identity": [allows]})
    words = ["--document", document, "--caller", caller, "--policies", policies]
    assert run_in_process("kms", "lockout", *words).returncode == status


def test_a_wildcard_is_expanded_by_level() -> None:
    done = run_in_process("policy", "lookup", "--query", "s3:Get*")
    assert "Read" in done.stdout
    assert "GetObject" in done.stdout


COMMA = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObjectt","Resource":"*",}]}'


def test_a_syntax_error_is_found_with_line_and_column() -> None:
    done = run("policy", "validate", "--document", "-", "--json", stdin=COMMA)
    assert done.returncode == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["code"] == "JSON_SYNTAX_ERROR"
    assert (finding["where"]["line"], finding["where"]["column"]) == (1, COMMA.index(",}") + 1)


def test_an_unknown_action_is_found_at_its_place() -> None:
    done = run_in_process("policy", "validate", "--document", COMMA.replace(",}", "}"), "--json")
    assert done.returncode == 1
    finding = next(f for f in json.loads(done.stdout)["findings"] if f["code"] == "INVALID_ACTION")
    assert finding["where"]["pointer"] == "/Statement/0/Action"
    assert "s3:GetObject" in finding["message"]


def test_fail_on_decides_the_exit_status() -> None:
    policy = '{"Statement":[{"Sid":"","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/k"}]}'
    lenient = run_in_process("policy", "validate", "--document", policy, "--kind", "identity")
    strict = run_in_process(
        "policy", "validate", "--document", policy, "--kind", "identity", "--fail-on", "low"
    )
    assert (lenient.returncode, strict.returncode) == (0, 1)


GITHUB = ("irsa", "trust_policy", "--provider", "github", "--owner", "octo", "--repository", "app")


def test_an_artifact_alone_goes_down_a_pipe() -> None:
    done = run_in_process(*GITHUB, "--branch", "main", "--account", "111122223333")
    policy = json.loads(done.stdout)
    assert policy["Statement"][0]["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert "repo:octo/app:ref:refs/heads/main" in done.stdout
    assert done.returncode == 0


def test_files_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    words = ("kms", "key_policy", "--account", "111122223333", "--out")
    several = run_in_process(*words, "made", cwd=tmp_path)
    assert (several.returncode, several.stderr) == (0, "")
    assert "Wrote made/create-key.sh" in several.stdout
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [
        "create-key.sh",
        "key-policy.json",
    ]
    alone = run_in_process(*words, "stack.yaml", "--format", "cloudformation", cwd=tmp_path)
    assert alone.stdout.startswith("Wrote stack.yaml\n")
    assert (tmp_path / "stack.yaml").read_text().startswith("AWSTemplateFormatVersion")
    refused = run_in_process(*words, "stack.yaml/below", cwd=tmp_path)
    assert refused.returncode == 2
    assert "cannot be written" in refused.stderr


ROTATION = ("secrets", "rotation", "--target", "custom", "--format")


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("cloudformation", {"rotation-custom.yaml"}),
        ("terraform", {"rotation-custom.tf", "rotation_function.py"}),
    ],
)
def test_a_folder_holds_exactly_the_files_of_a_rotation_and_a_pipe_its_main_file(
    form: str, names: set[str], tmp_path: Path
) -> None:
    done = run_in_process(*ROTATION, form, "--out", "rotation/", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "rotation"
    assert {path.name for path in folder.iterdir()} == names
    (main,) = [path for path in folder.iterdir() if path.stem == "rotation-custom"]
    assert run_in_process(*ROTATION, form).stdout == main.read_text(encoding="utf-8")


def test_an_answer_is_taken_as_a_document() -> None:
    answer = run(*GITHUB, "--branch", "main", "--account", "111122223333", "--json").stdout
    done = run("policy", "validate", "--document", "-", "--kind", "trust", "--json", stdin=answer)
    assert done.returncode == 0, done.stderr
    assert not json.loads(done.stdout).get("findings")


def test_without_credentials_the_command_says_how_to_connect_instead_of_waiting() -> None:
    # The timeout only ends a process that hangs; speed is measured in tests/benchmarks.
    done = run("audit", "run")
    assert done.returncode == 3
    assert done.stdout == ""
    assert "credentials" in done.stderr
    assert "--demo" in done.stderr


def test_help_needs_no_tool() -> None:
    for words in (
        [],
        ["--help"],
        ["policy", "--help"],
        ["policy", "lookup", "--help"],
        ["serve", "--help"],
    ):
        done = run(*words)
        assert done.returncode == 0
        assert "usage" in done.stdout


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m aws_iam audit checklist --detail full | head -c 10"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, env=BARE, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", ["run --json", "report --format html", "run --detail full"])
def test_a_reader_that_leaves_early_does_not_turn_what_fails_into_a_pass(words: str) -> None:
    command = f"{sys.executable} -m aws_iam audit {words} --demo | head -c 10"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, env=BARE, check=False
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["", "--json", "--detail full"])
@pytest.mark.parametrize(
    ("output", "said"),
    [
        (">/dev/full", "the answer cannot be written to standard output: no space left on device"),
        (">&-", "standard output is closed"),
    ],
)
def test_an_answer_that_cannot_be_written_ends_with_2_and_says_so(
    words: str, output: str, said: str
) -> None:
    for command in (f"audit checklist {words}", "catalog show"):
        shell = f"{sys.executable} -m aws_iam {command} {output}"
        done = subprocess.run(["bash", "-c", shell], capture_output=True, env=BARE, check=False)
        assert done.returncode == 2
        assert done.stderr.decode().startswith(f"aws-iam: {said}")
        assert done.stderr.count(b"\n") == 1


def test_serve_says_at_a_terminal_what_it_waits_for() -> None:
    main, side = pty.openpty()
    server = subprocess.Popen(
        [sys.executable, "-m", "aws_iam", "serve"],
        stdin=side,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=BARE,
    )
    os.close(side)
    assert server.stderr is not None
    said = server.stderr.readline().decode()
    # The end of the input ends the server.
    os.write(main, b"\x04")
    output, _ = server.communicate(timeout=60)
    os.close(main)
    assert "waiting for an MCP client's messages on standard input" in said
    assert output == b""


def test_a_terminal_gets_colour_and_a_table() -> None:
    main, side = pty.openpty()
    shell = subprocess.Popen(
        [sys.executable, "-m", "aws_iam", "policy", "lookup", "--query", "s3:GetObject"],
        stdout=side,
        stderr=side,
        env={**BARE, "TERM": "xterm-256color", "COLUMNS": "100"},
    )
    os.close(side)
    shown = b""
    try:
        while chunk := os.read(main, 65536):
            shown += chunk
    except OSError:
        pass  # a terminal's end is an error on Linux
    os.close(main)
    assert shell.wait() == 0
    assert b"\x1b[" in shown
    assert b"GetObject" in shown
