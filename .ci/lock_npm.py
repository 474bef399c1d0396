"""Lock the programs that the tests take from npm, as `lock.py` does for Python: `lock_npm.py [--upgrade]`, or `--check`.

Each folder below tests/helpers with a package.json gets a package-lock.json: exact versions and the hash of each, and no
address of a registry (its .npmrc says so). CI installs with `npm ci`, which takes nothing else.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = sorted(path.parent for path in (ROOT / "tests/helpers").glob("*/package.json"))


def write(*, upgrade: bool) -> None:
    """Write each lock with npm; it keeps the versions that it finds unless newer ones are asked for."""
    for folder in FOLDERS:
        words = ["npm", "update" if upgrade else "install", "--package-lock-only"]
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
        subprocess.run([*words, *quiet], cwd=folder, check=True)


def problems(declared: dict[str, Any], locked: dict[str, Any]) -> Iterator[str]:
    """What in a lock is not as its package.json asks, or names no hash."""
    top, *others = locked["packages"].items()
    if top[1].get("dependencies", {}) != declared["dependencies"]:
        yield "not in step with package.json"
    for name, package in others:
        if not package.get("integrity", "").startswith("sha512-"):
            yield f"{name} has no SHA-512"
        if "resolved" in package:
            yield f"{name} names an address"


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a folder asks for, and what is locked."""
    declared, locked = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("package.json", "package-lock.json")
    )
    return declared, locked


def main(argv: list[str]) -> int:
    """Write the locks; with `--check` only name what is wrong and exit with 1."""
    if "--check" not in argv:
        write(upgrade="--upgrade" in argv)
    found = [f"{folder.name}: {text}" for folder in FOLDERS for text in problems(*read(folder))]
    for text in found:
        print(f"tests/helpers/{text}: run `make lock`", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
