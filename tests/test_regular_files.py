"""Files that commands read are regular ones: a pipe or a device is refused at once, whatever the option."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
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


KINDS = ("pipe", "device")
# A start takes longer than what is refused at once.
ONE_AFTER_ANOTHER = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from aws_iam.cli.command_line import main
done = []
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        status = main(words, {})
    done.append((status, said.getvalue()))
print(json.dumps(done))
"""


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], tuple[int, str]]:
    """By kind and reader the exit status and all that was said."""
    found = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind)
        path = folder / "policy.json"
        if kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero")
        names = {"FILE": str(path), "FOLDER": str(folder)}
        commands = [[names.get(word, word) for word in words] for words in READERS.values()]
        done = subprocess.run(
            [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(commands)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={**os.environ, "KUBECONFIG": str(path)},
            stdin=subprocess.DEVNULL,
        )
        for reader, (status, said) in zip(READERS, json.loads(done.stdout), strict=True):
            found[kind, reader] = (status, said)
    return found


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_regular_file_is_refused_and_not_waited_for(
    refused: Mapping[tuple[str, str], tuple[int, str]], kind: str, reader: str
) -> None:
    status, said = refused[kind, reader]
    assert status in {1, 2}
    assert "Traceback" not in said
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
