"""`policy repair` on specifications of 10, 30 and 50 requests, beside a naive repair.

python -m tests.benchmarks.repair [EVERY]

The policies are AWS's managed policies as the package ships them, each so-manieth with EVERY; a request is an action that the
policy names, or another one of the same services, on a resource of a format that the action works on, a quarter of them with a
condition key; a coin says whether it must be allowed. No request is asked for twice, and what a Deny takes by a pattern of
resources must be denied: so every specification can be met. The naive repair appends one statement for each allowed request,
and deletes each statement that is in the way.

Beside them, policies that deny widely, with up to thirty Denies, mostly by NotAction and NotResource, and so many patterns of
requests; and random policies with Not elements, variables and negated conditions, of all kinds, 5,000 divided
by EVERY of each size (a tenth of the wide ones); a request there may lie within the pattern of a Deny, out of which no policy can leave it.

Counted: specifications that are met with the proof; those in which something is gained or lost beside what was asked, by
comparison; changed lines of the document in JSON with two blanks. The clock counts processor time of one call.
"""

from __future__ import annotations

import difflib
import json
import statistics
import sys
import time
from random import Random
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import machine, say
from tests.helpers.repair import random_documents
from tests.helpers.repair import specifications as made
from tests.helpers.repair.wide_specifications import wide_specification

from aws_iam.engine.language.document import Kind
from aws_iam.engine.repair.judge import Judge
from aws_iam.engine.repair.requirements import Effect, cells_of
from aws_iam.engine.sources.gather import one_policy
from aws_iam.tools.policy.actions import tool
from aws_iam.tools.policy.repair.specification import specification_of

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (10, 30, 50)
PUBLISHED = {10: "84.0 %", 30: "54.3 %", 50: "2.5 %"}


def naive(specification: made.Specification) -> dict[str, Any]:
    """The policy with a statement for each allowed request, and without every statement in the way."""
    document = specification.document
    statements = made.statements_of(document)
    for request in specification.deny:
        statements = [own for own in statements if not _takes(own, request, "Allow")]
    for request in specification.allow:
        statements = [own for own in statements if not _takes(own, request, "Deny")]
    for request in specification.allow:
        new = {"Version": "2012-10-17", "Statement": statements}
        if made.outcome(new, request, "identity") != "Allowed":
            action, resource = request["action"], request["resource"]
            statements = [*statements, {"Effect": "Allow", "Action": action, "Resource": resource}]
    return {**document, "Statement": statements}


def _takes(statement: dict[str, Any], request: dict[str, Any], effect: str) -> bool:
    alone = {"Version": "2012-10-17", "Statement": [{**statement, "Effect": "Allow"}]}
    return statement["Effect"] == effect and made.outcome(alone, request, "identity") == "Allowed"


def changed_lines(before: dict[str, Any], after: dict[str, Any]) -> int:
    """The lines that a reviewer reads as added or removed."""
    texts = (json.dumps(own, indent=2).splitlines() for own in (before, after))
    lines = difflib.unified_diff(*texts, n=0, lineterm="")
    return sum(line[:1] in "+-" and line[:3] not in {"+++", "---"} for line in lines)


def besides(specification: made.Specification, new: dict[str, Any]) -> tuple[bool, bool]:
    """Whether something is gained, and lost, that was not asked for."""
    old = one_policy(specification.document, Kind.IDENTITY)
    asked = specification_of(specification.allow, specification.deny, old)
    judge = Judge(kind=Kind.IDENTITY, version="2012-10-17")
    changed = judge.policy(made.statements_of(new))
    sides = []
    for pair, effect in (((changed, old), Effect.ALLOW), ((old, changed), Effect.DENY)):
        found = (cells_of(own, Kind.IDENTITY) for own in asked.of(effect))
        cells = [cell for own in found if isinstance(own, tuple) for cell in own]
        sides.append(bool(judge.beyond(*pair, judge.apart_from(cells)).differences))
    return sides[0], sides[1]


def is_met(specification: made.Specification, new: dict[str, Any]) -> bool:
    """Whether every request is decided as asked, by the public door."""
    return all(
        (made.outcome(new, request, "identity") == "Allowed") is wanted
        for requests, wanted in ((specification.allow, True), (specification.deny, False))
        for request in requests
    )


def measure(requests: int, every: int) -> None:
    """One row of the table for each of both."""
    times: list[float] = []
    rows: dict[str, list[tuple[bool, bool, bool, int]]] = {"ours": [], "naive": []}
    for number, document in enumerate(made.managed_documents()[::every]):
        random = Random(number)  # noqa: S311 - reproducible, and nobody's secret
        specification = made.of_document(random, document, requests)
        if specification is None:
            continue
        tool.run({"action": "repair", **specification.arguments()})
        start = time.process_time()
        answer = tool.run({"action": "repair", **specification.arguments()})
        times.append((time.process_time() - start) * 1_000)
        met = bool(answer.facts["repaired"])
        new = json.loads(answer.artifacts[0].content) if answer.artifacts else document
        met = met and is_met(specification, new)
        rows["ours"].append((met, *besides(specification, new), changed_lines(document, new)))
        new = naive(specification)
        met = is_met(specification, new)
        rows["naive"].append((met, *besides(specification, new), changed_lines(document, new)))
    times.sort()
    say(f"{requests} requests, {len(times)} policies: published {PUBLISHED[requests]}")
    for name, found in rows.items():
        met, gained, lost = (
            100 * statistics.fmean(own[column] for own in found) for column in range(3)
        )
        lines = statistics.median(own[3] for own in found)
        say(
            f"  {name}: met {met:.1f} %, gain beside {gained:.1f} %, lose beside {lost:.1f} %, {lines:.0f} lines"
        )
    say(
        f"  time: median {statistics.median(times):.0f} ms, 95 of 100 {times[len(times) * 95 // 100]:.0f} ms,"
        f" slowest {times[-1]:.0f} ms"
    )


def random_specification(random: Random, number: int, requests: int) -> made.Specification:
    """One for a policy with all that makes a repair hard."""
    kind = random_documents.KINDS[number % len(random_documents.KINDS)]
    return random_documents.specification(random, kind, requests)


def wide(random: Random, _: int, requests: int) -> made.Specification:
    """One of patterns for a policy that denies widely."""
    return wide_specification(random, requests)


def measure_made(
    name: str, make: Callable[[Random, int, int], made.Specification], requests: int, count: int
) -> None:
    """One row of the table of the policies that are made for it."""
    times: list[float] = []
    counts = dict.fromkeys(
        ("met, proved", "refused for a pattern of a Deny", "unproved", "other"), 0
    )
    for number in range(count):
        random = Random(number)  # noqa: S311 - reproducible, and nobody's secret
        specification = make(random, number, requests)
        start = time.process_time()
        facts = tool.run({"action": "repair", **specification.arguments()}).facts
        times.append((time.process_time() - start) * 1_000)
        if facts["repaired"]:
            counts["met, proved"] += 1
        elif any("statement" in row for row in facts["conflicts"]):
            counts["refused for a pattern of a Deny"] += 1
        else:
            counts["unproved" if "not_judged" in facts else "other"] += 1
    times.sort()
    rows = ", ".join(f"{how} {found}" for how, found in counts.items())
    say(f"{requests} requests, {len(times)} {name}: {rows}")
    say(
        f"  time: median {statistics.median(times):.0f} ms, 95 of 100 {times[len(times) * 95 // 100]:.0f} ms,"
        f" slowest {times[-1]:.0f} ms"
    )


def main() -> None:
    """Measure all sizes."""
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    say(machine())
    for requests in SIZES:
        measure(requests, every)
    for requests in random_documents.SIZES:
        measure_made("random policies", random_specification, requests, 5_000 // every)
    for requests in SIZES:
        measure_made("policies that deny widely", wide, requests, 500 // every)


if __name__ == "__main__":
    main()
