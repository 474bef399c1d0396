"""What AWS's own ValidatePolicy said of AWS managed policies, held against ours by `tests.benchmarks.recordings`."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from helpers.folders import ROOT

LEAST = 0.98


@pytest.mark.process
def test_validate_raises_what_validate_policy_was_recorded_to_raise() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.recordings"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "server")},
        check=False,
        capture_output=True,
        text=True,
    )
    figures = re.search(r"AWS's codes: precision ([0-9.]+), recall ([0-9.]+)", done.stdout)
    assert figures, done.stderr
    assert min(map(float, figures.groups())) >= LEAST, done.stdout
