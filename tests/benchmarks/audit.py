"""The audit of one account: the recorded demonstration, an account over HTTP beside Prowler, and one over TLS.

python -m tests.benchmarks.audit [RUNS] [--prowler FOLDER | --alone]

Prowler is installed from PyPI into an environment of its own in a temporary folder: 2.3 GB and some minutes. With
`--prowler` the environment is made in, or taken from, that folder; with `--alone` there is no comparison.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.httpsession import get_cert_path
from tests.benchmarks.measure import against, fresh, machine, say, spread
from tests.benchmarks.served import REGIONS, served
from tests.helpers.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.served import Cost, Served

MOST_SECONDS = 1.0
PROWLER = "prowler==5.46.0"
VERSION = "7.0"
LEAST_FASTER, LEAST_LIGHTER = 10, 3
MOST_WIDE_SECONDS, MOST_WIDE_MEMORY = 4.0, 250.0

CODE = """
import time
begun = time.perf_counter()
from aws_iam.tools.audit.actions import tool
for turn in range(2):
    answer = tool.run({"action": "run", "demo": True})
    print(time.perf_counter() - begun)
    begun = time.perf_counter()
print(len(answer.findings))
"""


def demonstration(runs: int) -> None:
    """Each round in an interpreter of its own."""
    rounds = [fresh(CODE) for _ in range(runs)]
    for place, name in enumerate(("first audit, with the imports", "second audit")):
        say(f"{name}: {spread([round_[place] for round_ in rounds], 's')}")
    first = statistics.median(round_[0] for round_ in rounds)
    against(f"demo audit ({rounds[0][2]:.0f} findings)", first, MOST_SECONDS, "s")


def ours(regions: Sequence[str]) -> list[str]:
    """Our command."""
    words = [sys.executable, "-m", "aws_iam", "audit", "run", "--json", "--detail", "full"]
    return [*words, "--benchmark", VERSION, "--regions", ",".join(regions)]


def theirs(python: Path, regions: Sequence[str]) -> list[str]:
    """Prowler's command, with the cheapest of its reports."""
    words = [str(python.parent / "prowler"), "aws", "--compliance", f"cis_{VERSION}_aws"]
    return [*words, "--no-banner", "-M", "csv", "-o", "report", "-f", *regions]


def prowler(folder: Path) -> Path:
    """The interpreter of an environment with Prowler in it, made when it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        say(f"installing {PROWLER} into {folder}")
        venv.create(folder, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", PROWLER]
    subprocess.run(pip, check=True)
    return python


def told(name: str, regions: int, costs: Sequence[Cost]) -> tuple[float, float]:
    """A line of the table; the median wall time and memory."""
    wall = statistics.median(cost.wall for cost in costs)
    cpu = statistics.median(cost.cpu for cost in costs)
    memory = max(cost.memory for cost in costs)
    say(
        f"{name} | {regions} | {wall:.1f} s (least {min(c.wall for c in costs):.1f}) | {cpu:.1f} s | "
        f"{memory:.0f} MB | {costs[-1].calls}"
    )
    return wall, memory


def beside(server: Served, python: Path | None, runs: int) -> None:
    """Both on the same account, by turns."""
    server.furnish()
    say(f"CIS {VERSION} | Regions | wall | CPU | memory | calls")
    for regions in (REGIONS[:2], REGIONS):
        mine: list[Cost] = []
        other: list[Cost] = []
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            # Moto makes the backends of an account with the first call to each: nobody's run is to pay for that.
            server.cost(ours(regions), folder)
            for _ in range(runs):
                mine.append(server.cost(ours(regions), folder))
                if python:
                    other.append(server.cost(theirs(python, regions), folder, HOME=name))
        wall, memory = told("aws-iam", len(regions), mine)
        if len(regions) > 2:
            against("17 Regions", wall, MOST_WIDE_SECONDS, "s")
            against("17 Regions", memory, MOST_WIDE_MEMORY, "MB")
        if python:
            their_wall, their_memory = told("Prowler", len(regions), other)
            say(f"faster {their_wall / wall:.1f} times (aim {LEAST_FASTER})")
            say(f"lighter {their_memory / memory:.1f} times (aim {LEAST_LIGHTER})")


def as_in_aws(folder: Path, runs: int) -> None:
    """All Regions over TLS, on connections that are kept, trusting what the SDK trusts: as in AWS, and not moto's way."""
    certificate = self_signed(folder)
    # A client reads a hundred and more authorities, of which one is the server's.
    bundle = folder / "authorities.pem"
    others = Path(str(get_cert_path(True))).read_bytes()
    bundle.write_bytes(certificate.read_bytes() + others)
    with served(str(certificate)) as server:
        server.furnish()
        costs = [
            server.cost(ours(REGIONS), folder, AWS_CA_BUNDLE=str(bundle)) for _ in range(runs + 1)
        ]
    # The first run pays for the account's backends.
    told("aws-iam, TLS", len(REGIONS), costs[1:])


def main() -> None:
    """The demonstration, the comparison, and TLS."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="?", type=int, default=3)
    parser.add_argument("--prowler", type=Path)
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    say(machine())
    demonstration(options.runs)
    with tempfile.TemporaryDirectory() as name, served() as server:
        folder = options.prowler or Path(name)
        beside(server, None if options.alone else prowler(folder.resolve()), options.runs)
    with tempfile.TemporaryDirectory() as name:
        as_in_aws(Path(name), options.runs)


if __name__ == "__main__":
    main()
