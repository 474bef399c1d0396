"""`policy shrink` over all AWS managed policies above the 6,144 characters of a managed policy.

python -m tests.benchmarks.shrink [EVERY]

AWS is not held to the limit; who copies such a policy is. Each is shrunk once as an identity policy, in processor time. Then
`aws_iam.compare` takes the result beside the policy, and `aws_iam.evaluate` decides requests by both: for actions that the policy
names and for others, on resources that it names and on one that it does not. With EVERY only each so-manieth policy.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import against, machine, say

from aws_iam import compare, evaluate
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.managed_policies import managed_policy, managed_policy_names
from aws_iam.engine.reference.policy_quotas import MANAGED, MOST_ATTACHED, size
from aws_iam.tools.policy.actions import tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer

MOST_SECONDS = 5.0
REQUESTS = 40
CALLER = "arn:aws:iam::111122223333:role/app"


def corpus() -> Iterator[tuple[str, dict[str, Any]]]:
    """The policies that are too long, by name."""
    for name in managed_policy_names():
        policy = managed_policy(name)
        document = json.loads(policy.document) if policy else {}
        if size(document) > MANAGED:
            yield name, document


def documents(answer: Answer) -> list[dict[str, Any]]:
    """The policies of an answer."""
    return [json.loads(artifact.content) for artifact in answer.artifacts]


def requests(document: dict[str, Any], chance: random.Random) -> Iterator[dict[str, Any]]:
    """Requests for actions that the policy names, and for some of any service."""
    named, resources = set(), {"arn:aws:s3:::amzn-s3-demo-bucket/key"}
    for statement in document["Statement"]:
        actions, places = statement.get("Action", ()), statement.get("Resource", ())
        for action in [actions] if isinstance(actions, str) else actions:
            named.update(catalog().expand(action))
        listed = [places] if isinstance(places, str) else places
        resources.update(text for text in listed if is_literal(text) and "${" not in text)
    services = sorted(catalog().services)
    while True:
        service = catalog().service(chance.choice(services))
        others = [f"{service.prefix}:{name}" for name in service.action_names] if service else []
        pool = chance.choice([sorted(named), others])
        if pool:
            resource = chance.choice(sorted(resources))
            yield {"principal": CALLER, "action": chance.choice(pool), "resource": resource}


def decided_otherwise(document: dict[str, Any], found: list[dict[str, Any]], name: str) -> int:
    """How many of some requests the result decides in another way."""
    asked = requests(document, random.Random(name))  # noqa: S311 - no secret
    several = [next(asked) for _ in range(REQUESTS)]
    return sum(
        evaluate(request, {"identity": [document]}).outcome
        != evaluate(request, {"identity": found}).outcome
        for request in several
    )


def main() -> None:
    """All of it."""
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    policies = list(corpus())[::every]
    say(machine())
    longest = max(size(document) for _, document in policies)
    say(f"{len(policies)} managed policies of {MANAGED + 1:,} to {longest:,} characters")
    parts: dict[str, Counter[int]] = {"with wildcards": Counter(), "without": Counter()}
    unequal: list[str] = []
    in_parts: list[str] = []
    not_fitting: list[str] = []
    otherwise = 0
    times: dict[str, float] = {}
    ratios = []
    for name, document in policies:
        begun = time.process_time()
        answer = tool.run({"action": "shrink", "document": document, "kind": "identity"})
        times[name] = time.process_time() - begun
        found = documents(answer)
        plain = tool.run(
            {"action": "shrink", "document": document, "kind": "identity", "split": True}
        )
        for kind, own in (("with wildcards", answer), ("without", plain)):
            if own.facts["fits"]:
                parts[kind][len(own.artifacts)] += 1
            else:
                not_fitting.append(f"{name} ({kind})")
            relation = compare(documents(own), document).relation
            if relation == "unknown":
                in_parts.append(f"{name} ({kind})")
            elif relation != "equal":
                unequal.append(f"{name} ({kind})")
        otherwise += decided_otherwise(document, found, name)
        ratios.append(sum(row["characters"] for row in answer.facts["after"]) / size(document))
    for kind, counts in parts.items():
        rows = ", ".join(f"{number} in {count}" for count, number in sorted(counts.items()))
        many = sum(number for count, number in counts.items() if count > MOST_ATTACHED)
        say(f"policies each, {kind}: {rows}; more than {MOST_ATTACHED}: {many}")
    say(f"one statement too long: {', '.join(not_fitting) or 'none'}")
    say(f"characters left, median: {statistics.median(ratios):.0%}")
    say(f"requests decided otherwise: {otherwise} of {REQUESTS * len(policies):,}")
    say(f"unequal: {', '.join(unequal) or 'none'}")
    say(f"proved in parts only, unknown to one comparison: {', '.join(in_parts) or 'none'}")
    against("median", statistics.median(times.values()), MOST_SECONDS, "s")
    slowest = max(times, key=times.__getitem__)
    against(f"slowest ({slowest})", times[slowest], MOST_SECONDS, "s")


if __name__ == "__main__":
    main()
