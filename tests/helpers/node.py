"""Node.js for the tests that run TypeScript: compiled by tsc, its functions called from here."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER = TESTS / "helpers" / "typescript"
_PACKAGES = FOLDER / "node_modules"
_INSTALL = (
    "Node.js or the packages are not installed: `sudo apt-get install nodejs npm`, "
    "then `npm ci --prefix tests/helpers/typescript`"
)
_OPTIONS = {
    "target": "es2023",
    "module": "nodenext",
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "noUnusedLocals": True,
    "noImplicitReturns": True,
    # Of the libraries: theirs is not ours to check.
    "skipLibCheck": True,
    "types": ["node"],
    "rootDir": ".",
    "outDir": ".",
}


class NodeError(Exception):
    """What a function threw: its name and message."""


def require_node() -> None:
    """Skip the test where Node.js or a package is missing, with the command that installs it."""
    if shutil.which("node") and _PACKAGES.is_dir():
        return
    pytest.skip(_INSTALL)


def compiled(folder: Path, programs: Mapping[str, str]) -> None:
    """Check the programs, by name without suffix, and compile them into the folder; any complaint of tsc fails."""
    require_node()
    (folder / "node_modules").symlink_to(_PACKAGES)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    for name, content in programs.items():
        (folder / f"{name}.ts").write_text(content, encoding="utf-8")
    settings = {"compilerOptions": _OPTIONS, "files": [f"{name}.ts" for name in programs]}
    (folder / "tsconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = subprocess.run(
        [_PACKAGES / ".bin" / "tsc", "--project", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Program:
    """A compiled program in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.output = ""

    def call(self, name: str, *arguments: Any) -> Any:
        """What the function answers; raises NodeError when it throws."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([name, *map(_encoded, arguments)]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the program has ended"
        answer = json.loads(line)
        if "error" in answer:
            raise NodeError(answer["error"])
        value = answer.get("value")
        if isinstance(value, dict) and "bytes" in value:
            return base64.b64decode(value["bytes"])
        return value


def _encoded(value: Any) -> Any:
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


@contextmanager
def running(module: Path, environment: Mapping[str, str]) -> Iterator[Program]:
    """The compiled module, ready to be called; `output` of the program is what it wrote besides its answers."""
    with subprocess.Popen(
        ["node", "--no-warnings", FOLDER / "call.mjs", module],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        program = Program(process)
        try:
            yield program
        finally:
            rest, complaints = process.communicate(timeout=60)
            program.output = rest + complaints
