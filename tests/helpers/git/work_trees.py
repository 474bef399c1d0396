"""Git work trees with a change, and what `policy review --base` says of them."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from aws_iam.cli.command_line import main

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
PASS = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
ALL_CLEAR = "The change gains and loses no access"


def policy(*statements: Any) -> str:
    """The text of a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def git(top: Path, *words: str) -> str:
    """What git writes, without the settings of whoever runs the tests."""
    settings = ("-c", "user.email=a@b.example", "-c", "user.name=a", "-c", "commit.gpgsign=false")
    # A commit would start a second git, which looks for garbage.
    settings += ("-c", "maintenance.auto=false")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *settings, *words],
        cwd=top,
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    return done.stdout


def write(top: Path, files: Mapping[str, str | None]) -> None:
    """Write the files by path; one of None is deleted."""
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            (top / name).unlink()
        else:
            (top / name).write_text(text)


def committed(top: Path, message: str = "one") -> None:
    """Commit everything."""
    git(top, "add", "--all", "--force")
    git(top, "commit", "--quiet", f"--message={message}")


def new_tree(folder: Path, files: Mapping[str, str | None]) -> Path:
    """A work tree with the files on its branch `main`, and the branch `change` checked out."""
    top = folder / "tree"
    top.mkdir()
    write(top, files)
    git(top, "init", "--quiet", "--template=", "--initial-branch=change", ".")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message=one")
    branches = top / ".git/refs/heads"
    (branches / "main").write_bytes((branches / "change").read_bytes())
    return top


def with_base(top: Path, files: Mapping[str, str | None]) -> None:
    """Write and commit the files, on the branch `main` too."""
    write(top, files)
    committed(top, "base")
    git(top, "branch", "--force", "main")


def reviewed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the answer of a review."""
    status = main(["policy", "review", "--json", *words], {})
    return status, json.loads(capsys.readouterr().out)


def gains(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Each policy with an action that it gains."""
    told = [own for own in answer.get("findings", ()) if own["status"] == "fail"]
    found = [own for own in told if own["code"] == "ACCESS_GAINED"]
    return [(own["resource"], own["message"].split("`")[1]) for own in found]


def not_judged(answer: dict[str, Any]) -> dict[str, str]:
    """The places that were not judged, with why."""
    return {row["place"]: row["why"] for row in answer["facts"].get("not_judged", ())}
