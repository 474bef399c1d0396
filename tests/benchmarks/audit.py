"""The audit of the demonstration account in a new process, after the imports: first run and second.

python -m tests.benchmarks.audit [RUNS]
"""

from __future__ import annotations

import re
import statistics
import sys
import tomllib

from tests.benchmarks.measure import ROOT, against, fresh, machine, say, spread

MOST_SECONDS = 3.0

# Moto loads a service's backend with the first call to it: that is an import too, so it is done beforehand.
CODE = """
import importlib, sys, time
begun = time.perf_counter()
import boto3
from aws_iam.account import demo
from aws_iam.modes.audit import tool
for name in sys.argv[1:]:
    for part in ("models", "urls"):
        importlib.import_module(f"moto.{name}.{part}")
print(time.perf_counter() - begun)
for turn in range(2):
    begun = time.perf_counter()
    answer = tool.run({"action": "run", "demo": True})
    print(time.perf_counter() - begun)
print(len(answer.findings))
"""


def services() -> list[str]:
    """The services of moto that the extra `demo` installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirement = project["project"]["optional-dependencies"]["demo"][0]
    listed = re.search(r"\[(.*?)\]", requirement)
    return listed[1].split(",") if listed else []


def main() -> None:
    """Each round in an interpreter of its own."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    say(machine())
    rounds = [fresh(CODE, *services()) for _ in range(runs)]
    for place, name in enumerate(("imports", "first audit", "second audit")):
        say(f"{name}: {spread([round_[place] for round_ in rounds], 's')}")
    first = statistics.median(round_[1] for round_ in rounds)
    against(f"demo audit after imports ({rounds[0][3]:.0f} findings)", first, MOST_SECONDS, "s")


if __name__ == "__main__":
    main()
