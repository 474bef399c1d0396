"""Files that commands read are regular ones: a pipe or a device is refused at once, whatever the option."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

READERS = {
    "document": ("policy", "validate", "--document", "FILE"),
    "a folder's file": ("policy", "validate", "FOLDER", "--fail-on-unread"),
    "records": ("policy", "generate", "--events", "FILE"),
    "snapshot": ("audit", "run", "--snapshot", "FILE"),
    "accounts": ("audit", "run", "--accounts", "FILE", "--out", "results"),
    "results": ("audit", "run", "--demo", "--against", "FILE"),
    "kubeconfig": ("irsa", "check", "--kube-context", "c", "--demo"),
}


def run(words: tuple[str, ...], **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aws_iam", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("words", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(
    kind: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "policy.json"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    named = tuple({"FILE": str(path), "FOLDER": str(tmp_path)}.get(word, word) for word in words)
    done = run(named, KUBECONFIG=str(path))
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    said = done.stdout + done.stderr
    assert any(words in said for words in ("regular file", "not a file", "nor a file")), said


def test_the_pipe_of_a_shell_is_read(tmp_path: Path) -> None:
    policy = tmp_path / "p.json"
    policy.write_text(
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}'
    )
    shell = f"exec {sys.executable} -m aws_iam policy explain --document <(cat {policy})"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "s3:GetObject" in done.stdout) == (0, True), done.stderr
