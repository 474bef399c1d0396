"""Serve the demonstration account while a command runs, or until standard input ends.

python -m demo_account aws-iam audit run     # with the command's exit status
python -m demo_account                       # prints the settings for a shell
python -m demo_account --at 2026-11-27       # its clock stands still, as in the record
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import time_machine

from demo_account.server import serving

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def main() -> int:
    """The exit status of the command."""
    parser = argparse.ArgumentParser(prog="python -m demo_account")
    parser.add_argument("--at", type=datetime.fromisoformat, help="the time, which does not pass")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    at = given.at and given.at.replace(tzinfo=given.at.tzinfo or UTC)
    theirs = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    with time_machine.travel(at, tick=False) if at else nullcontext(), serving() as settings:
        if given.command:
            return _run(given.command, theirs, settings)
        words = shlex.join(f"{name}={text}" for name, text in settings.items())
        sys.stdout.write(f"export {words}\n")
        sys.stdout.flush()
        sys.stdin.read()
    return 0


def _run(command: Sequence[str], theirs: Mapping[str, str], settings: Mapping[str, str]) -> int:
    sys.stderr.write(
        f"The demonstration account is at {settings['AWS_ENDPOINT_URL']}: {shlex.join(command)}\n"
    )
    with subprocess.Popen(command, env={**theirs, **settings}) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # A terminal sends it to the command as well, whose last words are waited for.
                continue


if __name__ == "__main__":
    sys.exit(main())
