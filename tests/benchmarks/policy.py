"""`policy lookup` of one service in a new process, and `policy validate` of a 2 KB policy once warm.

python -m tests.benchmarks.policy [RUNS]
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

from tests.benchmarks.measure import SERVER, against, fresh, machine, say, spread

MOST_LOOKUP = 10.0
MOST_VALIDATE = 3.0
MOST_SERVICE = 5.0
QUERIES = ("s3", "ec2", "s3:GetObject")
WARM = 300

# The clock starts after the imports: what is measured is opening the data and reading one service of it.
LOOKUP = """
import sys, time
from aws_iam.tools.policy.actions import tool
begun = time.perf_counter()
tool.run({"action": "lookup", "query": sys.argv[1]})
print((time.perf_counter() - begun) * 1000)
"""
SERVICE = """
import sys, time
from aws_iam.engine.reference.catalog import catalog
begun = time.perf_counter()
catalog().service(sys.argv[1])
print((time.perf_counter() - begun) * 1000)
"""


def document(least: int = 2_048) -> str:
    """A policy of at least so many bytes, of the kind that people write."""
    statements: list[dict[str, Any]] = []
    while len(text := json.dumps({"Version": "2012-10-17", "Statement": statements})) < least:
        number = len(statements)
        statements.append(
            {
                "Sid": f"Read{number}",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:ListBucket", "dynamodb:GetItem"],
                "Resource": [
                    f"arn:aws:s3:::bucket-{number}",
                    f"arn:aws:s3:::bucket-{number}/*",
                    f"arn:aws:dynamodb:eu-west-1:111122223333:table/orders-{number}",
                ],
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": "orders"}},
            }
        )
    return text


def lookups(runs: int) -> None:
    """Each lookup in an interpreter of its own."""
    for query in QUERIES:
        times = [fresh(LOOKUP, query)[0] for _ in range(runs)]
        say(f"lookup {query}, cold: {spread(times, 'ms')}")
        against(f"lookup {query}, cold", statistics.median(times), MOST_LOOKUP, "ms")
    times = [fresh(SERVICE, "ec2")[0] for _ in range(runs)]
    against(
        "catalogue open and one service (ec2), cold", statistics.median(times), MOST_SERVICE, "ms"
    )


def validations() -> None:
    """One policy many times in this process, the first ones not counted."""
    sys.path.insert(0, str(SERVER))
    from aws_iam.tools.policy.actions import tool  # noqa: PLC0415 - the path above is needed first

    text = document()
    times = []
    for _ in range(WARM):
        begun = time.perf_counter()
        tool.run({"action": "validate", "document": text})
        times.append((time.perf_counter() - begun) * 1000)
    warm = times[WARM // 3 :]
    say(f"validate {len(text)} bytes, warm: {spread(warm, 'ms')}; the first one {times[0]:.1f} ms")
    against("validate, warm", statistics.median(warm), MOST_VALIDATE, "ms")


def main() -> None:
    """All of it."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    say(machine())
    lookups(runs)
    validations()


if __name__ == "__main__":
    main()
