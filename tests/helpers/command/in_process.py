"""The command without a process of its own, for what a process shows no better: its output and its exit status."""

from __future__ import annotations

import io
from contextlib import chdir, nullcontext, redirect_stderr, redirect_stdout
from subprocess import CompletedProcess
from typing import TYPE_CHECKING

from aws_iam.cli.command_line import main

if TYPE_CHECKING:
    from pathlib import Path


def run_in_process(*words: str, cwd: Path | None = None) -> CompletedProcess[str]:
    """Run `aws-iam`, which reads no standard input here."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with chdir(cwd) if cwd else nullcontext(), redirect_stdout(out), redirect_stderr(err):
        status = main(words, {})
    shown = []
    for stream in (out, err):
        stream.seek(0)
        shown.append(stream.read())
    return CompletedProcess(words, status, *shown)
