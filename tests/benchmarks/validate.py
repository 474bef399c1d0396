"""`aws_iam.validate` beside parliament, over AWS's managed policies, in one run.

python -m tests.benchmarks.validate [ROUNDS]

parliament comes from PyPI into an environment of its own in a temporary folder, so that nothing of it stays. Both tools
get the same texts in processes of their own, by turns; each loads its definitions before the clock starts and judges
every policy once unmeasured. The clock counts processor time, so that other work on the machine does not; a policy's
time is its median over the rounds.

parliament is measured twice: with its core checks alone (syntax, names, resource types), and with the community
auditors that it ships (privilege escalation, exposure, credentials, …), which are the counterpart of our further rules.
The auditors are slow, so they judge every tenth policy.
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

# A policy that the tool cannot judge is told as nan and counts for neither.
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
for text in policies:
    timed(text)
for text in policies:
    print(timed(text))
"""
OURS = f"""
from aws_iam import validate
def judge(text):
    return validate(text, "identity")
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
    return {name: json.dumps(each["Document"], indent=4) for name, each in policies.items()}


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


def judged(python: Path | str, code: str, *arguments: object) -> list[float]:
    """Milliseconds for each policy of the file that the first argument names."""
    done = subprocess.run(
        [str(python), "-c", code, *map(str, arguments)],
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"the measured code failed:\n{done.stderr[-2000:]}")
    return [float(number) for number in done.stdout.split()]


def medians(rounds: list[list[float]]) -> list[float]:
    """Each policy's median over the rounds."""
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def compare(policies: dict[str, str], rounds: int, folder: Path) -> None:
    """Both tools by turns over the corpus."""
    whole, part = folder / "corpus.json", folder / "part.json"
    texts = list(policies.values())
    whole.write_text(json.dumps(texts), encoding="utf-8")
    part.write_text(json.dumps(texts[::EVERY]), encoding="utf-8")
    python = parliament(folder / "parliament")
    ours, core, community = [], [], []
    for _ in range(rounds):
        ours.append(judged(sys.executable, OURS, whole))
        core.append(judged(python, THEIRS, whole, "core"))
        community.append(judged(python, THEIRS, part, "community"))
    own = medians(ours)
    say(f"{len(texts)} managed policies, {rounds} rounds, warm, milliseconds of a policy")
    beside("parliament, core checks", own, medians(core))
    beside("parliament with its auditors", own[::EVERY], medians(community), at_least=LEAST_RATIO)
    limits(list(policies), texts, own)


def beside(
    name: str, own: list[float], other: list[float], *, at_least: float | None = None
) -> None:
    """Our times and another tool's for the policies that it can judge."""
    pairs = [(a, b) for a, b in zip(own, other, strict=True) if not math.isnan(b)]
    failed = len(own) - len(pairs)
    say(f"{name}: {len(pairs)} policies" + (f", fails on {failed} more" if failed else ""))
    for who, times in zip(("ours", "its"), zip(*pairs, strict=True), strict=True):
        say(f"  {who}: median {statistics.median(times):.2f}, sum {sum(times):,.0f}")
    ratios = [b / a for a, b in pairs]
    ratio = statistics.median(ratios)
    sums = sum(b for _, b in pairs) / sum(a for a, _ in pairs)
    verdict = ""
    if at_least is not None:
        verdict = f", wanted {at_least:g}: {'ok' if ratio >= at_least else 'UNDER'}"
    say(f"  ratio: median of the policies {ratio:.1f}, of the sums {sums:.1f}{verdict}")


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
