"""Ask pip-audit whether a locked version has a known vulnerability: `advisories.py [--required]`.

Exit status 1: one has. Where the index of advisories cannot be reached, or lacks a package, this is said: nothing known is
not the same as nothing found. With `--required` (the scheduled workflow) it is exit status 3.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lock import FOLDER, Pin, pins

if TYPE_CHECKING:
    from collections.abc import Iterator

# The smallest file first: if nothing of it is known, no index of advisories answers here. `dev.txt` has what is shipped, too.
AUDITED = ("build.txt", "node.txt", "emulator.txt", "dev.txt")
ACCEPTED: dict[str, str] = {}
"""Advisories that do not concern us, by id, with the reason."""
VULNERABLE, NOT_LOOKED_UP = 1, 3


@dataclass(slots=True)
class Found:
    """What was learned, over all files."""

    asked: set[str] = field(default_factory=set)
    vulnerable: list[str] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)

    def add(self, answer: dict[str, Any]) -> None:
        """What pip-audit answers for a file: a package without `vulns` was not looked up."""
        for package in answer["dependencies"]:
            name = package["name"]
            if "vulns" not in package:
                self.skipped.add(name)
                continue
            self.asked.add(name)
            for advisory in package["vulns"]:
                known_as = {advisory["id"], *advisory.get("aliases", ())}
                if known_as.isdisjoint(ACCEPTED):
                    mended = " or ".join(advisory["fix_versions"]) or "no version yet"
                    self.vulnerable.append(
                        f"{name} {package['version']}: {advisory['id']}, mended in {mended}"
                    )

    def said(self) -> Iterator[str]:
        """The outcome in lines, the gravest first."""
        yield from (f"advisories: {line}" for line in sorted(set(self.vulnerable)))
        if not self.asked:
            yield "advisories: NOT LOOKED UP: no index of advisories can be reached from here"
            return
        if self.skipped:
            yield f"advisories: NOT LOOKED UP: {', '.join(sorted(self.skipped))}"
        known = "some with" if self.vulnerable else "none with"
        yield f"advisories: {len(self.asked)} packages looked up, {known} a known vulnerability"

    def status(self, *, required: bool) -> int:
        """0 if nothing speaks against the locked versions."""
        if self.vulnerable:
            return VULNERABLE
        return NOT_LOOKED_UP if required and (self.skipped or not self.asked) else 0


def audited(name: str) -> dict[str, Any]:
    """What pip-audit answers for a file; if it has no answer, that each of its packages was not looked up."""
    program = Path(sysconfig.get_path("scripts")) / "pip-audit"
    done = subprocess.run(
        [
            program, "--requirement", FOLDER / name, "--require-hashes", "--disable-pip",
            "--progress-spinner", "off", "--format", "json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        locked = pins((FOLDER / name).read_text(encoding="utf-8"))
        return {"dependencies": [{"name": pin.name} for pin in locked if isinstance(pin, Pin)]}
    return answer


def main(argv: list[str]) -> int:
    """Ask for each file, and say what was learned."""
    found = Found()
    for name in AUDITED:
        found.add(audited(name))
        if not found.asked:
            break
    for line in found.said():
        print(line)
    return found.status(required="--required" in argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
