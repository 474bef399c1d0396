"""A file that a command writes is whole, or the earlier one is as it was: shown with commands whose disk is full."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.command.in_process import run_in_process

pytestmark = pytest.mark.process

LIMIT = 10_000
SAVE = ("audit", "run", "--demo", "--controls", "root_mfa", "--save")
REPORT = (
    "audit",
    "report",
    "--demo",
    "--controls",
    "root_no_access_key",
    "--format",
    "html",
    "--out",
)


def run(*words: str, limit: int | None = None, mask: int = 0o022) -> tuple[int, str]:
    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        # Compiled modules that are cut at the limit would break every later start.
        [sys.executable, "-B", "-m", "aws_iam", *words],
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


def test_only_the_owner_can_read_what_is_written(tmp_path: Path) -> None:
    snapshot, report, shared = (tmp_path / name for name in ("s.json", "r.html", "shared.html"))
    shared.touch()
    shared.chmod(0o644)
    run(*SAVE, str(snapshot))
    run(*REPORT, str(report), mask=0o002)
    run(*REPORT, str(shared))
    modes = [stat.S_IMODE(file.stat().st_mode) for file in (snapshot, report, shared)]
    assert modes == [0o600, 0o600, 0o600]


@pytest.mark.parametrize("words", [SAVE, REPORT], ids=["save", "out"])
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("link", "it is a symbolic link"),
        ("dangling", "it is a symbolic link"),
        ("pipe", "it is not a regular file"),
        ("device", "it is not a regular file"),
    ],
)
def test_nothing_is_written_through_what_is_no_file(
    words: tuple[str, ...], kind: str, why: str, tmp_path: Path
) -> None:
    target, path = tmp_path / "target", tmp_path / "path"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path(os.devnull)
    else:
        if kind == "link":
            target.write_text("somebody else's")
        path.symlink_to(target)
    done = run_in_process(*words, str(path))
    assert (done.returncode, f"cannot be written: {why}" in done.stderr) == (2, True), done
    if kind == "link":
        assert target.read_text() == "somebody else's"
    assert target.exists() == (kind == "link")
