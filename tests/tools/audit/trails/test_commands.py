"""Generated scripts run nothing but the AWS CLI, whatever an account, a snapshot or its writer calls things."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.collect.detection.access_analyzer import ANALYZERS
from aws_iam.account.collect.logging.cloudtrail import (
    TRAILS,
    Selectors,
    Trail,
    Trails,
    TrailStatus,
)
from aws_iam.account.reading.snapshot import Regions, account_of
from aws_iam.tools.audit import access_analyzer
from aws_iam.tools.audit.trails import trails as audit_trails

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Answer

pytestmark = pytest.mark.process

HOSTILE = [
    "us-east-1; touch {mark} #",
    "a$(touch {mark})",
    "a`touch {mark}`",
    "a' ; touch {mark} ; '",
    'a" ; touch {mark} ; "',
    "a && touch {mark}",
    "a | touch {mark}",
    "a > {mark}",
    "a\ntouch {mark}",
    "a\rtouch {mark}",
    "\\\ntouch {mark}",
    "!touch",
    "$KEY_ARN__US_EAST_1",
    "$FOO__BAR",
    "${IFS}touch {mark}",
    "}; touch {mark}; {",
]
HIDDEN = ["a\x1b[31m", "a\u202eb", "a\u200bb", "a\nb", "a\x00b", "a\u2028b"]
# Each is a value that no AWS name holds: a snapshot with it is refused, so the values are made by hand.
_ASKED = ': "${'
FIELDS = ("name", "resource", "home_region", "bucket", "log_group_arn")


def trail(**parts: Any) -> Trail:
    resource = parts.pop("resource", "main")
    given: dict[str, Any] = {
        "name": "main",
        "home_region": "us-east-1",
        "bucket": "logs",
        "status": TrailStatus(logging=False),
        "selectors": Selectors(),
        "arn": f"arn:aws:cloudtrail:us-east-1:111122223333:trail/{resource}",
    }
    return Trail(**{**given, **parts})


def of_trails(*trails: Trail) -> Account:
    return account_of(TRAILS.held(Trails(trails=trails)))


def in_region(region: str) -> Account:
    account = account_of(TRAILS.held(Trails()), ANALYZERS.held_in(region, ()))
    return replace(account, regions=Regions(read=(region,), enabled=(region,)))


def scripts(account: Account) -> list[str]:
    answers: Iterable[Answer] = (
        audit_trails.trails_answer(account),
        access_analyzer.analyzers_answer(account),
    )
    found = [
        artifact
        for answer in answers
        for artifact in answer.artifacts
        if artifact.language == "bash"
    ]
    return [artifact.content for artifact in found]


def run(script: str, folder: Path) -> int:
    """Run the script beside a stand-in for `aws`: how often that was called."""
    log = folder / "log"
    log.write_text("")
    stand_in = folder / "aws"
    stand_in.write_text(f'#!/bin/sh\necho "call" >> "{log}"\n')
    stand_in.chmod(0o755)
    file = folder / "script.sh"
    file.write_text(script)
    chosen = {
        line.removeprefix(_ASKED).partition(":")[0]: "chosen"
        for line in script.splitlines()
        if line.startswith(_ASKED)
    }
    env = {"PATH": f"{folder}:{os.environ['PATH']}", **chosen}
    parsed = subprocess.run(
        ["bash", "-n", str(file)], env=env, capture_output=True, text=True, check=False
    )
    assert (parsed.returncode, parsed.stderr) == (0, "")
    done = subprocess.run(
        ["bash", str(file)], env=env, capture_output=True, text=True, check=False, cwd=folder
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    return len(log.read_text().splitlines())


def shown_alone(script: str, folder: Path) -> None:
    calls = sum(line.startswith("aws ") for line in script.splitlines())
    before = {"log", "aws", "script.sh"}
    assert run(script, folder) == calls
    assert {path.name for path in folder.iterdir()} == before


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_trail_runs_nothing_but_the_aws_cli(
    text: str, field: str, tmp_path: Path
) -> None:
    hostile = text.replace("{mark}", str(tmp_path / "mark"))
    made = scripts(of_trails(trail(**{field: hostile})))
    assert made
    for script in made:
        shown_alone(script, tmp_path)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_region_runs_nothing_but_the_aws_cli(text: str, tmp_path: Path) -> None:
    made = scripts(in_region(text.replace("{mark}", str(tmp_path / "mark"))))
    assert bool(made) == text.isprintable()
    for script in made:
        shown_alone(script, tmp_path)


@pytest.mark.parametrize("field", ["name", "resource", "home_region", "bucket"])
@pytest.mark.parametrize("text", HIDDEN)
def test_a_trail_with_control_characters_is_left_out_and_said_to_be(
    text: str, field: str, tmp_path: Path
) -> None:
    made = "".join(scripts(of_trails(trail(**{field: text}), trail(name="second"))))
    assert "left out" in made
    assert all(character.isprintable() or character == "\n" for character in made)
    alone = scripts(of_trails(trail(**{field: text})))[0]
    assert [line for line in alone.splitlines() if line.startswith("aws ")] == []
    assert run(alone, tmp_path) == 0


@pytest.mark.parametrize("text", HIDDEN)
def test_a_region_with_control_characters_is_left_out(text: str) -> None:
    assert scripts(in_region(text)) == []


def test_without_any_region_there_is_nothing_to_command() -> None:
    account = replace(of_trails(), regions=Regions(read=(), enabled=()))
    assert scripts(account) == []
