"""The clients that start our server, and the validators of package formats that come from npm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.folders import TESTS
from helpers.node import REQUIRED

FOLDER = TESTS / "helpers" / "clients"
_PACKAGES = FOLDER / "node_modules"
_INSTALL = (
    "Node.js or the clients are not installed: `sudo apt-get install nodejs npm`, "
    "then `npm install --prefix tests/helpers/clients` (900 MB)"
)
# Claude Code puts its program beside this file when it is installed with scripts; the file finds it without them.
_PROGRAMS = {
    "claude": ("node", str(_PACKAGES / "@anthropic-ai/claude-code/cli-wrapper.cjs")),
    "codex": (str(_PACKAGES / ".bin/codex"),),
    "gemini": (str(_PACKAGES / ".bin/gemini"),),
    "mcpb": (str(_PACKAGES / ".bin/mcpb"),),
}


def run(program: str, *words: object, home: object, folder: object) -> str:
    """What a client prints on both streams, in a home of its own; any complaint by its exit status fails the test."""
    require()
    done = subprocess.run(
        [*_PROGRAMS[program], *map(str, words)],
        cwd=str(folder),
        env={
            # The server that these tests run with is found as an installed one.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "NO_COLOR": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def require() -> None:
    """Skip the test where Node.js or a client is missing, with the command that installs it."""
    if shutil.which("node") and _PACKAGES.is_dir():
        return
    if os.environ.get(REQUIRED):
        pytest.fail(_INSTALL)
    pytest.skip(_INSTALL)


def schema(name: str) -> str:
    """The text of a schema that the bundle's own package brings."""
    require()
    return (_PACKAGES / "@anthropic-ai/mcpb/schemas" / name).read_text(encoding="utf-8")
