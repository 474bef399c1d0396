"""A file that a command writes is whole, or the earlier one is as it was: shown with commands whose disk is full."""

from __future__ import annotations

import resource
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

LIMIT = 10_000
SAVE = ("audit", "run", "--demo", "--controls", "root_mfa", "--save")
REPORT = ("audit", "report", "--demo", "--format", "html", "--out")


def run(*words: str, limit: int | None = None, mask: int = 0o022) -> tuple[int, str]:
    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-m", "aws_iam", *words],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limited,
        umask=mask,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "words", [("audit", "run", "--demo", "--save"), REPORT], ids=["save", "out"]
)
def test_a_file_that_does_not_fit_leaves_the_earlier_one(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    for earlier in (None, "the earlier one"):
        if earlier:
            file.write_text(earlier)
        status, said = run(*words, str(file), limit=LIMIT)
        assert (status, "cannot be written: file too large" in said) == (2, True)
        assert [path.name for path in tmp_path.iterdir()] == (["file"] if earlier else [])
    assert file.read_text() == "the earlier one"
    status, _ = run(*words, str(file))
    assert (status, file.stat().st_size > LIMIT) == (1, True)


def test_a_snapshot_is_private_a_report_as_other_files_and_one_that_is_there_keeps_its_mode(
    tmp_path: Path,
) -> None:
    snapshot, report, shared = (tmp_path / name for name in ("s.json", "r.html", "shared.html"))
    shared.touch()
    shared.chmod(0o640)
    run(*SAVE, str(snapshot))
    run(*REPORT, str(report), mask=0o002)
    run(*REPORT, str(shared))
    modes = [stat.S_IMODE(file.stat().st_mode) for file in (snapshot, report, shared)]
    assert modes == [0o600, 0o664, 0o640]


def test_a_link_stays_a_link_and_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    link, target = tmp_path / "link.json", tmp_path / "elsewhere" / "target.json"
    target.parent.mkdir()
    link.symlink_to(target)
    for _ in range(2):
        run(*SAVE, str(link))
        assert link.is_symlink()
        assert target.read_text().startswith("{")
    status, said = run("audit", "report", "--demo", "--format", "json", "--out", "/dev/null")
    assert (status, "Wrote /dev/null" in said) == (1, True)
