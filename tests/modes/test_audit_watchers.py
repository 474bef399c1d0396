"""Trails and analyzers: what the answer shows, and the commands that mend it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.fact import Miss, MissKind
from aws_iam.account.facts.governance import ANALYZERS
from aws_iam.account.facts.trails import TRAILS, Selectors, Trail, Trails, TrailStatus
from aws_iam.account.snapshot import account_of
from aws_iam.answer import Status
from aws_iam.modes import audit_analyzers, audit_trails
from aws_iam.modes.audit import tool
from aws_iam.modes.parameters import Source
from references.commands import commands, problems

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer


def ask(**arguments: Any) -> Answer:
    return tool.run(arguments, cli=True)


def denied(call: str, message: str = "") -> Miss:
    return Miss(
        kind=MissKind.DENIED, call=call, code="AccessDenied", permission=call, message=message
    )


@pytest.fixture(scope="module")
def verified(saved: Path) -> Answer:
    return ask(action="cloudtrail", snapshot=str(saved))


def test_trails_are_verified_one_by_one(verified: Answer) -> None:
    rows = {row["trail"]: row for row in verified.facts["trails"]}
    assert rows["main"]["all_regions"]
    assert rows["main"]["logging"]
    assert rows["main"]["management_events"] == "reads and writes"
    assert rows["main"]["s3_objects"] == "writes only"
    assert not rows["eu-debugging"]["validation"]
    assert rows["eu-debugging"]["management_events"] == "writes only"
    failed = [each.code for each in verified.findings if each.status is Status.FAIL]
    assert "5 of 8 checks fail" in verified.summary
    assert all(f"`{code}`" in verified.summary for code in failed)


def test_the_commands_to_mend_trails_are_commands_of_the_aws_cli(verified: Answer) -> None:
    (script,) = verified.artifacts
    lines = [line for line in script.content.splitlines() if line.startswith("aws ")]
    assert len(lines) == 5
    assert [found for line in lines for words in commands(line) for found in problems(words)] == []


def test_the_script_runs_nothing_before_the_owner_has_chosen(verified: Answer) -> None:
    done = run_script(verified.artifacts[0].content, {})
    assert done.returncode != 0
    assert "KEY_ARN__EU_WEST_1: set it to a KMS key in eu-west-1" in done.stderr
    assert done.stdout == ""


def test_the_script_runs_when_everything_is_chosen(verified: Answer) -> None:
    names = ("KEY_ARN", "LOG_BUCKET", "LOG_GROUP_ARN", "LOG_ROLE_ARN")
    done = run_script(
        verified.artifacts[0].content, {f"{name}__EU_WEST_1": f"my-{name}" for name in names}
    )
    assert done.returncode == 0, done.stderr
    assert "[--kms-key-id] [my-KEY_ARN]" in done.stdout
    assert (
        '{"TargetBucket":"my-LOG_BUCKET","TargetPrefix":"s3/larkspur-eu-debugging' in done.stdout
    )


def run_script(script: str, chosen: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it with a stand-in for `aws` that prints its arguments, one in each bracket."""
    stand_in = 'aws() { printf "[%s] " "$@"; echo; }\n'
    return subprocess.run(
        ["bash", "-c", stand_in + script],
        env={"PATH": os.environ["PATH"], **chosen},
        capture_output=True,
        text=True,
        check=False,
    )


def trail(name: str, **parts: Any) -> Trail:
    arn = f"arn:aws:cloudtrail:us-east-1:111122223333:trail/{name}"
    known: dict[str, Any] = {"status": TrailStatus(logging=False), "selectors": Selectors()}
    return Trail(name=name, arn=arn, home_region="us-east-1", **{**known, **parts})


def mended(*trails: Trail) -> Answer:
    account = account_of(TRAILS.held(Trails(trails=trails)))
    return audit_trails.answer(account, Source())


def test_names_of_the_account_cannot_become_commands(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    hostile = f"x\n touch {mark} #$(touch {mark})`touch {mark}`';\"touch {mark}"
    answer = mended(trail(hostile, bucket=hostile))
    script = answer.artifacts[0].content
    done = run_script(script, {"KEY_ARN__US_EAST_1": "k", "LOG_BUCKET__US_EAST_1": "b"})
    assert not mark.exists()
    assert "update-trail" in script
    assert done.stderr.count("touch") == 0


def test_a_stopped_trail_of_one_region_is_extended_and_started() -> None:
    script = mended(trail("only")).artifacts[0].content
    assert "--is-multi-region-trail" in script
    assert "start-logging" in script
    assert "create-trail" not in script


def test_an_account_without_a_trail_gets_the_commands_for_a_new_one() -> None:
    (artifact,) = mended().artifacts
    lines = [line for line in artifact.content.splitlines() if line.startswith("aws ")]
    assert lines[0].startswith("aws cloudtrail create-trail --region us-east-1 --name main")
    assert [found for line in lines for words in commands(line) for found in problems(words)] == []


def test_selectors_that_could_not_be_read_are_left_as_they_are() -> None:
    refused = denied("cloudtrail:GetEventSelectors")
    answer = mended(trail("dark", multi_region=True, selectors=refused))
    assert answer.facts["trails"][0]["management_events"] == "unknown"
    assert "put-event-selectors" not in answer.artifacts[0].content


def test_trails_that_could_not_be_read_are_unknown_and_get_no_commands() -> None:
    refused = denied("cloudtrail:DescribeTrails")
    answer = audit_trails.answer(account_of(TRAILS.held(refused)), Source())
    assert "could not be read" in answer.summary
    assert answer.artifacts == ()
    assert {each.status for each in answer.findings} == {Status.UNKNOWN}


def test_analyzers_are_shown_by_region_with_their_findings() -> None:
    answer = ask(action="access_analyzer", demo=True)
    rows = [
        (row["region"], row["type"], row["active_findings"]) for row in answer.facts["analyzers"]
    ]
    assert rows == [
        ("eu-west-1", None, None),
        ("us-east-1", "ACCOUNT", 4),
        ("us-east-1", "ACCOUNT_UNUSED_ACCESS", 3),
    ]
    assert answer.facts["findings_by_type"]["ExternalAccess"] == 4
    assert answer.facts["regions_without_external_access_analyzer"] == ["eu-west-1"]
    lines = [line for line in answer.artifacts[0].content.splitlines() if line.startswith("aws ")]
    assert [found for line in lines for words in commands(line) for found in problems(words)] == []
    assert "--region eu-west-1" in lines[0]


def test_regions_whose_analyzers_could_not_be_read_are_unknown() -> None:
    refused = denied("access-analyzer:ListAnalyzers")
    account = account_of(ANALYZERS.held_in("us-east-1", refused))
    answer = audit_analyzers.answer(account, Source())
    assert "us-east-1" not in answer.facts["regions_without_external_access_analyzer"]
    assert answer.facts["analyzers"][0]["status"] == "unknown"
    assert {each.status for each in answer.findings} == {Status.UNKNOWN}
    assert answer.artifacts == ()
