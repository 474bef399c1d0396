"""The demonstration account in a process of its own, for tests that read it live."""

from __future__ import annotations

import fcntl
import os
import shlex
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from helpers.folders import ROOT, TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PYTHONPATH = os.pathsep.join((str(ROOT / "server"), str(TESTS)))


@contextmanager
def served_once(folder: Path, *options: str) -> Iterator[Mapping[str, str]]:
    """The environment that leads the AWS SDK to it. All test processes that name the folder have the same account.

    test process ──┐
    test process ──┴─▶ the pipe that is the server's standard input: it ends with the last who holds it open
    """
    folder.mkdir(exist_ok=True)
    pipe, told = folder / "pipe", folder / "settings"
    server = None
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = _open_end(pipe)
        if held is None:
            server, held = _started(pipe, *options)
            assert server.stdout
            told.write_text(server.stdout.readline(), encoding="utf-8")
        fcntl.flock(lock, fcntl.LOCK_UN)
        try:
            _, *settings = shlex.split(told.read_text(encoding="utf-8"))
            yield dict(setting.split("=", 1) for setting in settings)
        finally:
            if server:
                # Nobody joins a server that is about to end.
                fcntl.flock(lock, fcntl.LOCK_EX)
            os.close(held)
            if server:
                with server:
                    server.wait()


def _open_end(pipe: Path) -> int | None:
    """The end that keeps the server; None where none reads the other one."""
    with suppress(OSError):
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    return None


def _started(pipe: Path, *options: str) -> tuple[subprocess.Popen[str], int]:
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    # An end for reading opens at once only without blocking, and the server is to wait.
    read = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    held = os.open(pipe, os.O_WRONLY)
    os.set_blocking(read, True)
    try:
        server = subprocess.Popen(
            [sys.executable, "-m", "demo_account", *options],
            env={**os.environ, "PYTHONPATH": PYTHONPATH},
            stdin=read,
            stdout=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(read)
    return server, held
