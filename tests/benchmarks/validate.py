"""`aws_iam.validate` beside parliament, over AWS's managed policies, in one run.

python -m tests.benchmarks.validate [ROUNDS]

parliament comes from PyPI into an environment of its own in a temporary folder, so that nothing of it stays. Each tool
has a process of its own and judges every policy once unmeasured. Then they take short turns, so that a machine that runs
slower for a while does so for all of them. The clock counts processor time; a policy's time is its median over the rounds.

Both are measured twice: parliament's core checks alone (syntax, names, resource types) beside our rules, and parliament
with the community auditors that it ships (privilege escalation, exposure, credentials, …) beside `validate` as a whole, which
judges such risks too. The auditors are slow, so they judge every tenth policy.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from tests.benchmarks.measure import against, environment, fresh, machine, say

LEAST_RATIO = 5.0
MOST_MEDIAN = 2.0
MOST_LARGEST = 150.0
MOST_IMPORT = 150.0
MOST_MEGABYTE = 5.0
# parliament reads its data with pkg_resources, which later setuptools no longer have.
PARLIAMENT = ("parliament==1.6.4", "setuptools<81")

# A policy that the tool cannot judge, for which parliament raises a plain Exception, is told as nan and counts for neither.
MEASURE = """
import json, math, sys, time
def timed(text):
    begun = time.process_time()
    try:
        judge(text)
    except Exception as failure:
        if type(failure) is not Exception:
            raise
        return math.nan
    return (time.process_time() - begun) * 1000
policies = json.load(open(sys.argv[1], encoding="utf-8"))
for text in policies[:: int(sys.argv[-1])]:
    timed(text)
print("ready", flush=True)
for line in sys.stdin:
    first, end, step = map(int, line.split())
    print(*(timed(policies[at]) for at in range(first, end, step)), flush=True)
"""
OURS = f"""
from aws_iam import validate
def judge(text):
    return validate(text, "identity")
{MEASURE}
"""
# What `validate` does but for the risks of what a policy allows, and for ordering.
RULES = f"""
from aws_iam.engine.sources.gather import sources_of
from aws_iam.rules.policy.run import rule_findings
def judge(text):
    return [rule_findings(source) for source in sources_of(text, "identity")]
{MEASURE}
"""
# Without looking for auditors of the user's, which costs it time and finds nothing here.
THEIRS = """
import sys, warnings
warnings.simplefilter("ignore")
from parliament import analyze_policy_string
community = sys.argv[2] == "community"
def judge(text):
    answer = analyze_policy_string(
        text, ignore_private_auditors=True, include_community_auditors=community
    )
    return answer.findings
"""
THEIRS += MEASURE
EVERY = 10
TURN = 10 * EVERY
"""Policies that a tool judges before the next tool does."""
IMPORT = """
import time
begun = time.process_time()
from aws_iam import validate
validate
print((time.process_time() - begun) * 1000)
"""
MEGABYTE = """
import sys, time
from aws_iam import validate
from aws_iam.errors import InputError
text = open(sys.argv[1], encoding="utf-8").read()
begun = time.process_time()
try:
    validate(text, "identity")
except InputError:
    pass
print(time.process_time() - begun)
"""


def corpus() -> dict[str, str]:
    """Every managed policy as text, by name."""
    policies = json.loads(aws_managed_policies_data)
    return {name: json.dumps(policy["Document"], indent=4) for name, policy in policies.items()}


def megabytes() -> dict[str, str]:
    """Policies of a megabyte, each long in another way."""
    bucket = "arn:aws:s3:::amzn-s3-demo-bucket/"
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}*"}

    def policy(*statements: dict[str, Any]) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": statements})

    keys = {f"s3:ExistingObjectTag/{n}": "x" for n in range(26_000)}
    return {
        "statements": policy(*({**allow, "Sid": f"S{n}"} for n in range(8_500))),
        "actions": policy({**allow, "Action": [f"s3:GetObject{n}" for n in range(42_000)]}),
        "wildcard actions": policy({**allow, "Action": [f"s3:*{n}*" for n in range(70_000)]}),
        "resources": policy({**allow, "Resource": [f"{bucket}{n}/*" for n in range(22_000)]}),
        "conditions": policy({**allow, "Condition": {"StringEquals": keys}}),
        "values": policy(
            {
                **allow,
                "Condition": {"StringLike": {"aws:userid": [f"AROA{n}:*" for n in range(65_000)]}},
            }
        ),
        "one long text": policy({**allow, "Resource": bucket + "*a" * 500_000}),
        "nested": '{"Statement":' + "[" * 500_000 + "]" * 500_000 + "}",
    }


def parliament(folder: Path) -> Path:
    """The interpreter of a new environment that has parliament."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *PARLIAMENT,
    ]
    subprocess.run(command, check=True)
    return python


class Judge:
    """A tool in a process of its own, which judges some policies when asked and says how long each took."""

    def __init__(self, python: Path | str, code: str, *arguments: object) -> None:
        """Start it; it judges policies of the file that the first argument names once, each so-manieth by the last."""
        self._process = subprocess.Popen(
            [str(python), "-c", code, *map(str, arguments)],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def milliseconds(self, turn: range) -> list[float]:
        """What each policy of the turn takes; nan for one that the tool cannot judge."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{turn.start} {turn.stop} {turn.step}\n")
        self._process.stdin.flush()
        return [float(number) for number in self._answer().split()]

    def end(self) -> None:
        """Let it end."""
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the measured code ended with {self._process.wait()}")
        return line


def medians(rounds: list[list[float]]) -> list[float]:
    """Each policy's median over the rounds."""
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def compare(policies: dict[str, str], rounds: int, folder: Path) -> None:
    """The tools by turns over the corpus."""
    corpus_ = folder / "corpus.json"
    texts = list(policies.values())
    corpus_.write_text(json.dumps(texts), encoding="utf-8")
    python = parliament(folder / "parliament")
    rules = Judge(sys.executable, RULES, corpus_, 1)
    ours = Judge(sys.executable, OURS, corpus_, 1)
    core = Judge(python, THEIRS, corpus_, "core", 1)
    community = Judge(python, THEIRS, corpus_, "community", EVERY)
    steps = {rules: 1, core: 1, ours: 1, community: EVERY}
    times: dict[Judge, list[list[float]]] = {judge: [] for judge in steps}
    for _ in range(rounds):
        for judge in steps:
            times[judge].append([])
        for first in range(0, len(texts), TURN):
            end = min(first + TURN, len(texts))
            for judge, step in steps.items():
                times[judge][-1] += judge.milliseconds(range(first, end, step))
    for judge in steps:
        judge.end()
    own = medians(times[ours])
    say(f"{len(texts)} managed policies, {rounds} rounds, warm, milliseconds of a policy")
    beside("our rules, and parliament's core checks", medians(times[rules]), medians(times[core]))
    beside("validate, and parliament with its auditors", own[::EVERY], medians(times[community]))
    limits(list(policies), texts, own)


def beside(name: str, own: list[float], other: list[float]) -> None:
    """Our times and another tool's for the policies that it can judge."""
    pairs = [(a, b) for a, b in zip(own, other, strict=True) if not math.isnan(b)]
    failed = len(own) - len(pairs)
    say(f"{name}: {len(pairs)} policies" + (f", fails on {failed} more" if failed else ""))
    for who, times in zip(("ours", "its"), zip(*pairs, strict=True), strict=True):
        say(f"  {who}: median {statistics.median(times):.2f}, sum {sum(times):,.0f}")
    own_times, its_times = zip(*pairs, strict=True)
    between_medians = statistics.median(its_times) / statistics.median(own_times)
    sums = sum(its_times) / sum(own_times)
    ratio = statistics.median(b / a for a, b in pairs)
    verdict = "ok" if min(ratio, sums) >= LEAST_RATIO else "UNDER"
    say(
        f"  ratio: median of the policies {ratio:.1f}, of the sums {sums:.1f}, wanted {LEAST_RATIO:g}:"
        f" {verdict}; of the medians {between_medians:.1f}"
    )


def limits(names: list[str], texts: list[str], own: list[float]) -> None:
    """Our times beside what they must stay under."""
    against("median", statistics.median(own), MOST_MEDIAN, "ms")
    largest = max(range(len(texts)), key=lambda at: len(texts[at]))
    slowest = max(range(len(own)), key=own.__getitem__)
    against(f"largest policy ({names[largest]})", own[largest], MOST_LARGEST, "ms")
    against(f"slowest policy ({names[slowest]})", own[slowest], MOST_LARGEST, "ms")


def main() -> None:
    """All of it."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    say(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare(corpus(), rounds, folder)
        imports = [fresh(IMPORT)[0] for _ in range(11)]
        against("import of the pure core", statistics.median(imports), MOST_IMPORT, "ms")
        for shape, text in megabytes().items():
            file = folder / "policy.json"
            file.write_text(text, encoding="utf-8")
            seconds = fresh(MEGABYTE, str(file))[0]
            against(f"{len(text) / 1e6:.2f} MB of {shape}", seconds, MOST_MEGABYTE, "s")


if __name__ == "__main__":
    main()
