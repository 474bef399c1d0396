"""The demonstration account in a process of its own, for tests that read it live."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from helpers.folders import ROOT, TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PYTHONPATH = os.pathsep.join((str(ROOT / "server"), str(TESTS)))


@contextmanager
def served(*options: str) -> Iterator[Mapping[str, str]]:
    """The environment that leads the AWS SDK to it."""
    with subprocess.Popen(
        [sys.executable, "-m", "demo_account", *options],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        _, *settings = shlex.split(process.stdout.readline())
        yield dict(setting.split("=", 1) for setting in settings)
        process.stdin.close()
