"""A snapshot from another time: its day is said, and its ages are those of that day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from aws_iam.account.reading.snapshot import load, save
from aws_iam.tools.audit.controls.judge import rolled_up
from aws_iam.tools.registry import tools

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer

LIVE = (
    ("audit", "run"),
    ("audit", "report"),
    ("audit", "principals"),
    ("audit", "cloudtrail"),
    ("audit", "access_analyzer"),
    ("secrets", "check"),
    ("kms", "check"),
    ("irsa", "check"),
)


def ask(saved: Path, tmp_path: Path, moment: datetime | None, words: tuple[str, str]) -> Answer:
    account = load(saved)
    file = tmp_path / "snapshot.json"
    save(replace(account, collected_at=moment or account.collected_at), file)
    (tool,) = (tool for tool in tools() if tool.name == words[0])
    return tool.run({"action": words[1], "snapshot": str(file)}, cli=True)


@pytest.mark.parametrize("words", LIVE, ids=" ".join)
def test_a_snapshot_of_long_ago_or_from_the_future_says_so(
    words: tuple[str, str], saved: Path, tmp_path: Path
) -> None:
    old = ask(saved, tmp_path, datetime(2020, 3, 1, tzinfo=UTC), words).summary
    assert "The snapshot of 2020-03-01 is 2," in old
    assert old.count("days old; everything is judged as of that day.") == 1
    future = ask(saved, tmp_path, datetime(9000, 1, 1, tzinfo=UTC), words).summary
    assert "The snapshot of 9000-01-01 is from the future by 2," in future
    now = ask(saved, tmp_path, datetime.now(UTC), words).summary
    assert "The snapshot of" not in now


def test_its_ages_are_those_of_its_own_day(saved: Path, tmp_path: Path) -> None:
    first = rolled_up(ask(saved, tmp_path, None, ("audit", "run")).findings)
    # Judged years before, no key or password of the account is old.
    early = datetime(2020, 3, 1, tzinfo=UTC)
    early_findings = rolled_up(ask(saved, tmp_path, early, ("audit", "run")).findings)
    aged = {"key_rotation_90", "credentials_unused"}
    assert {first[key].value for key in aged} == {"fail"}
    assert {early_findings[key].value for key in aged} == {"pass"}
