"""The cost of an account in a run over many: one, ten, fifty, two hundred of them, each run in a new process.

python -m tests.benchmarks.accounts [MOST]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import machine, say
from tests.benchmarks.served import served

if TYPE_CHECKING:
    from tests.benchmarks.served import Cost, Served

STEPS = (1, 10, 50, 200)
REGIONS = "us-east-1,eu-west-1"


def measured(server: Served, number: int) -> Cost:
    """A run over so many accounts that nobody has met before."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = folder / "accounts.txt"
        # Another range for each step: moto makes an account with the first call to it.
        listed.write_text("".join(f"{number * 1_000 + n:012}\n" for n in range(number)))
        command = [sys.executable, "-m", "aws_iam", "audit", "run", "--role-arn", "audit"]
        command += ["--accounts", str(listed), "--regions", REGIONS, "--json"]
        command += ["--out", str(folder / "results.jsonl")]
        cost = server.cost(command, folder)
        lines = (folder / "results.jsonl").read_text().count("\n")
        if cost.status != 1 or lines != number + 1:
            raise SystemExit((folder / "output").read_text()[-2000:])
    return cost


def main() -> None:
    """Each step in an interpreter of its own, on one server."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS[-1]
    say(machine())
    say("accounts | wall | CPU | CPU for each further account | memory | calls an account")
    with served() as server:
        measured(server, 2)
        first: Cost | None = None
        for number in (step for step in STEPS if step <= most):
            cost = measured(server, number)
            first = first or cost
            further = (cost.cpu - first.cpu) / (number - 1) * 1000 if number > 1 else 0.0
            say(
                f"{number} | {cost.wall:.1f} s | {cost.cpu:.1f} s | {further:.0f} ms | "
                f"{cost.memory:.0f} MB | {cost.calls / number:.0f}"
            )


if __name__ == "__main__":
    main()
