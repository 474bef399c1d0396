"""What the benchmarks share: this checkout's environment, medians, a line of output."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "server"


def environment() -> dict[str, str]:
    """The environment of a measured process: this checkout's package, no credentials, no cache of the user's."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ
    }
    return kept | {"PYTHONPATH": str(SERVER), "HOME": "/nonexistent"}


def fresh(code: str, *arguments: str) -> list[float]:
    """The numbers that a new interpreter prints when it runs the code."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"the measured code failed:\n{done.stderr[-2000:]}")
    return [float(number) for number in done.stdout.split()]


def need(*programs: str) -> None:
    """End with what to install when a program of Node.js is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise SystemExit(
            f"this benchmark needs {' and '.join(missing)}: install Node.js with npm"
            " (on Debian and Ubuntu: apt-get install nodejs npm)"
        )


def say(line: str = "") -> None:
    """A line of the report, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def machine() -> str:
    """Where the figures were taken."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores{load}"


def spread(values: Sequence[float], unit: str) -> str:
    """Median, least and most of the values."""
    middle = statistics.median(values)
    return f"median {middle:.1f} {unit} (least {min(values):.1f}, most {max(values):.1f}, {len(values)} runs)"


def against(name: str, value: float, limit: float, unit: str) -> None:
    """A figure beside the one it must stay under."""
    verdict = "ok" if value < limit else "OVER"
    shown = f"{value:,.0f}" if unit == "bytes" else f"{value:.2f}"
    say(f"{name}: {shown} {unit}, limit {limit:,g} {unit}: {verdict}")
