"""A document has so much processor time on the command line, and whoever gives it may allow more."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli.exit_status import OK, WRONG
from aws_iam.cli.parsers import Use, action_parser
from aws_iam.cli.time_limits import OF_A_DOCUMENT, is_limited, time_limit
from aws_iam.engine.sources.files import File, Files
from aws_iam.tools.registry import tool_named, tools

if TYPE_CHECKING:
    from pathlib import Path

VALIDATE = tool_named("policy").actions["validate"]
# Takes some tenths of a second, most of it to load what judges.
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": [f"ec2:*{n}*" for n in range(60)], "Resource": "*"}
        for _ in range(150)
    ],
}


@pytest.mark.process
@pytest.mark.parametrize(("seconds", "status"), [("0.05", WRONG), ("100", OK), ("0", OK)])
def test_what_takes_longer_ends_in_words_that_say_how_to_allow_more(
    seconds: str, status: int, tmp_path: Path
) -> None:
    """In a process of its own: what is broken off anywhere leaves modules half loaded."""
    file = tmp_path / "p.json"
    file.write_text(json.dumps(POLICY), encoding="utf-8")
    words = ("policy", "validate", str(file), "--fail-on", "never", "--seconds", seconds)
    done = subprocess.run(
        [sys.executable, "-m", "aws_iam", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert ("of processor time" in done.stderr) == (status == WRONG)
    assert ("--seconds" in done.stderr) == (status == WRONG)
    assert "Traceback" not in done.stderr


def limit(*words: str, **values: Any) -> float:
    options = action_parser(tool_named("policy"), VALIDATE, Use.PARSING).parse_words(list(words))
    return time_limit(options, VALIDATE, values)


def test_each_file_has_its_time_and_a_long_one_more() -> None:
    short, long = File(name="a", text="{}"), File(name="b", text="x" * 4_100_000)
    assert limit(document="{}") == OF_A_DOCUMENT
    assert limit(document=Files(files=(short,) * 7)) == 7 * OF_A_DOCUMENT
    assert limit(document=Files(files=(short, long))) == 4 * OF_A_DOCUMENT
    assert limit("--seconds", "2.5", document="{}") == 2.5
    assert limit(document="{}", base="main") == 0


def test_an_account_has_no_limit_and_every_action_with_documents_has() -> None:
    limited = {
        tool.name: [a.name for a in tool.actions.values() if is_limited(a)] for tool in tools()
    }
    assert limited["audit"] == []
    assert {"validate", "explain", "compare", "evaluate", "review", "generate"} <= set(
        limited["policy"]
    )
    assert {"check", "lockout"} <= set(limited["kms"])
    check = tool_named("secrets").actions["check"]
    options = action_parser(tool_named("secrets"), check, Use.PARSING).parse_words([])
    assert time_limit(options, check, {"limits": "{}"}) == 0
