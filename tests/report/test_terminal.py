"""`aws-iam` at a terminal: progress by service and Region, a table in 80 columns, colour only where it is wanted."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from functools import cache
from typing import TYPE_CHECKING

import pytest

from helpers.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

pytestmark = pytest.mark.process

SERVER = ROOT / "server"
# `\x1b[1;31m` is bold and red; the group holds the numbers.
STYLE = re.compile(r"\x1b\[([\d;]*)m")
CONTROL = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
COLOURS = {str(number) for number in (*range(30, 50), *range(90, 108))}


# A start takes longer than most commands do: those of one width share a process.
ONE_AFTER_ANOTHER = """
import json, sys
from aws_iam.__main__ import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["aws-iam", *words]
    main()
    print("\\x1e", end="", flush=True)
"""


def at_a_terminal(
    *commands: Sequence[str], columns: int = 80, **env: str
) -> Mapping[tuple[str, ...], str]:
    """By command its output on a terminal of this width, control sequences included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    kept = {name: text for name, text in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    process = subprocess.Popen(
        [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(commands)],
        env={**kept, "PYTHONPATH": str(SERVER), "TERM": "xterm-256color", **env},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65_536):
            shown += piece
    except OSError:
        # Linux raises EIO when the last writer has closed the terminal.
        pass
    finally:
        os.close(ours)
        process.wait(timeout=120)
    outputs = shown.decode().split("\x1e")
    assert len(outputs) == len(commands) + 1, shown.decode()
    return dict(zip(map(tuple, commands), outputs, strict=False))


def colours(text: str) -> set[str]:
    return {code for style in STYLE.findall(text) for code in style.split(";")} & COLOURS


LIVE = ("audit", "run", "--regions", "us-east-1")


@pytest.fixture(scope="module")
def demo(
    live_account: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    """The output while the demonstration account is read live, and the file it is saved in."""
    file = str(tmp_path_factory.mktemp("audit") / "demo.json")
    words = (*LIVE, "--save", file)
    return at_a_terminal(words, **live_account)[words], file


def test_a_reading_tells_which_service_and_region_is_read_and_how_much_is_left(
    demo: tuple[str, str],
) -> None:
    shown, _ = demo
    # The line may break after the word.
    progress, score, answer = CONTROL.sub("", shown).rpartition("Score")
    steps = re.findall(r"([a-z0-9]+(?: [a-z]+-[a-z]+-\d)?) +[━╸╺ ]+ +(\d+)/(\d+)", progress)
    assert any(re.fullmatch(r"[a-z0-9]+ [a-z]+-[a-z]+-\d", name) for name, _, _ in steps)
    assert steps[-1][1] == steps[-1][2]
    assert score
    assert "━━━━━ " not in answer
    assert colours(shown)


def test_the_answer_fits_80_columns_but_for_what_is_to_be_copied(demo: tuple[str, str]) -> None:
    words = ("audit", "run", "--snapshot", demo[1])
    shown = at_a_terminal(words)[words]
    lines = CONTROL.sub("", shown).splitlines()
    wide = [line for line in lines if len(line) > 80]
    assert all(line.startswith(("  fix: ", "  at ", "  aws-iam ")) for line in wide)
    assert any("root_no_access_key" in line for line in lines)


NEW = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*Object",'
    ' "Resource": "arn:aws:s3:::reports/*"}]}'
)
OLD = NEW.replace("s3:*Object", "s3:GetObject")
COPIED = re.compile(r"  (?:fix: |  )?(?:aws |aws-iam |at |https://|arn:|\{)")


PROSE = (
    ("audit", "run", "--demo", "--detail", "full"),
    ("audit", "principals", "--demo"),
    ("audit", "rightsize", "bob.okafor", "--demo"),
    ("policy", "compare", NEW, OLD),
    ("irsa", "check", "--demo", "--detail", "full"),
    ("kms", "check", "--demo", "--detail", "full"),
)


@pytest.mark.parametrize("columns", [40, 120])
@pytest.mark.parametrize("words", PROSE, ids=lambda words: " ".join(words[:2]))
def test_prose_fits_the_width_and_what_is_to_be_copied_has_its_own_line(
    words: tuple[str, ...], columns: int
) -> None:
    lines = CONTROL.sub("", shown_in(columns)[words]).splitlines()
    prose = [line for line in lines if " " in line.strip() and not COPIED.match(line)]
    assert [line for line in prose if len(line) > columns] == []


# What stood broken or together with words: brackets within quotes, two commands in a row, a command and a choice.
COMMANDS = {
    ("irsa", "check"): """
aws eks update-cluster-config --name storefront --region us-east-1 --logging 'clusterLogging=[{types=[audit,authenticator],enabled=true}]'
{"gitlab.com:aud": "https://gitlab.com"}
""",
    ("audit", "cloudtrail"): """
aws s3api put-bucket-logging --bucket larkspur-eu-debugging-111122223333 --bucket-logging-status '{"LoggingEnabled":{"TargetBucket":"LOG_BUCKET","TargetPrefix":"s3/larkspur-eu-debugging-111122223333/"}}'
aws cloudtrail update-trail --name arn:aws:cloudtrail:eu-west-1:111122223333:trail/eu-debugging --region eu-west-1 --cloud-watch-logs-log-group-arn ARN --cloud-watch-logs-role-arn ROLE
""",
    ("kms", "check"): """
aws kms cancel-key-deletion --region us-east-1 --key-id 4c4f3a09-0952-4120-a6b2-2b609c2d0b7d
aws kms enable-key --region us-east-1 --key-id 4c4f3a09-0952-4120-a6b2-2b609c2d0b7d
aws kms update-alias --region us-east-1 --alias-name alias/old-payments --target-key-id OTHER_KEY
""",
}


QUIET = ("audit", "run", "--demo", "--quiet")


@cache
def shown_in(columns: int) -> Mapping[tuple[str, ...], str]:
    """The outputs of these commands on a terminal of this width."""
    fixes = ((*call, "--demo", "--detail", "full") for call in COMMANDS)
    return at_a_terminal(*dict.fromkeys((*PROSE, *fixes, QUIET)), columns=columns)


@pytest.mark.parametrize("columns", [40, 120])
@pytest.mark.parametrize("call", COMMANDS, ids=" ".join)
def test_each_command_of_a_fix_stands_alone_and_whole_on_a_line(
    call: tuple[str, str], columns: int
) -> None:
    shown = CONTROL.sub("", shown_in(columns)[*call, "--demo", "--detail", "full"])
    lines = {line.removeprefix("  fix:").strip() for line in shown.splitlines()}
    assert set(COMMANDS[call].strip().splitlines()) <= lines


@pytest.mark.parametrize("columns", [40, 120])
def test_a_summary_alone_is_wrapped_between_words(columns: int) -> None:
    lines = CONTROL.sub("", shown_in(columns)[QUIET]).splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= columns
    assert "".join(lines).startswith("Fix first: `root_no_access_key` (critical): ")


def test_a_control_is_told_apart_from_what_is_wrong_without_colour_too() -> None:
    words = ("audit", "run", "--demo")
    shown = at_a_terminal(words, columns=160, NO_COLOR="1")[words]
    assert "the root user has an access key (root_no_access_key, 1 finding)" in shown


def test_no_color_is_plain_text(demo: tuple[str, str]) -> None:
    words = ("audit", "run", "--snapshot", demo[1], "--detail", "full")
    assert colours(at_a_terminal(words)[words])
    assert not STYLE.search(at_a_terminal(words, NO_COLOR="1")[words])


def test_a_pipe_has_neither_colour_nor_progress(demo: tuple[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aws_iam", "audit", "run", "--snapshot", demo[1]],
        env={**os.environ, "PYTHONPATH": str(SERVER), "TERM": "xterm-256color"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
