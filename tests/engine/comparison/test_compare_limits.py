"""Comparisons at their limits: what cannot be read, and policies built to blow the search up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aws_iam import compare
from helpers import hostile_policies

pytestmark = pytest.mark.growth

PLAIN = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
MEGABYTES = 500
SECONDS = 60
# Each pair has a process that gives itself the limits: what is allocated beyond them fails, and the kernel ends what
# computes for longer. They part from one that has loaded everything.
MEASURED = f"""
import json, os, resource, sys
from aws_iam import compare
pairs = json.load(sys.stdin)
(simple, _), *_ = pairs.values()
compare({{**simple, "Statement": []}}, {{**simple, "Statement": []}})
for name, (new, old) in pairs.items():
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_AS, ({MEGABYTES * 2**20}, {MEGABYTES * 2**20}))
        resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
        print(name, compare(new, old).relation, compare(new, new).relation, flush=True)
        sys.exit()
    _, status = os.waitpid(child, 0)
    print(name, "ended with", os.waitstatus_to_exitcode(status), flush=True)
"""


def document(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": [PLAIN | statement for statement in statements]}


@pytest.mark.parametrize(
    "statements",
    [
        [{"Resource": "arn:aws:s3:::b/${aws:username}"}],
        [{"Resource": "*"}, {"Effect": "Deny", "Resource": "arn:aws:s3:::b/${aws:username}/*"}],
        [{"Condition": {"StringEquals": {"aws:PrincipalTag/t": "${aws:username}"}}}],
        [{"Condition": {"StringSounds": {"aws:PrincipalTag/t": "x"}}}],
        [{"Condition": {"Bool": {"aws:SecureTransport": "${aws:username}"}}}],
        [
            {
                "Principal": {
                    "CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7c"
                }
            }
        ],
    ],
)
@pytest.mark.parametrize("version", ["2008-10-17", "2012-10-17"])
def test_what_cannot_be_read_is_still_the_same_as_itself(
    statements: list[dict[str, Any]], version: str
) -> None:
    policy = document(*statements, version=version)
    assert compare(policy, policy).relation == "equal"
    assert compare(policy, document(*reversed(statements), version=version)).relation == "equal"


def test_what_cannot_be_read_is_neither_more_nor_less_than_something_else() -> None:
    unread = {"Condition": {"StringSounds": {"aws:PrincipalTag/t": "x"}}}
    other = {"Condition": {"StringSounds": {"aws:PrincipalTag/t": "y"}}}
    assert compare(document(unread), document(other)).relation == "unknown"
    # The same text bounds an Allow in both, and one of them reaches further.
    assert compare(document({**unread, "Resource": "*"}), document(unread)).relation == "unknown"


@pytest.mark.parametrize("element", ["Resource", "Condition"])
def test_text_of_the_old_version_is_no_variable_of_the_new_one(element: str) -> None:
    made: dict[str, Any] = {
        "Resource": "arn:aws:s3:::b/${aws:username}",
        "Condition": {"StringEquals": {"aws:PrincipalTag/t": "${aws:username}"}},
    }
    statement = {element: made[element]}
    found = compare(document(statement, version="2008-10-17"), document(statement))
    assert found.relation == "incomparable"


@pytest.fixture(scope="module")
def measured() -> tuple[set[str], str]:
    """What the process writes: for each pair how they are related, and how its process ended; and their errors."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        input=json.dumps({name: hostile_policies.pair(name) for name in hostile_policies.NAMES}),
        env={"PYTHONPATH": str(Path(compare.__code__.co_filename).parents[3])},
        check=False,
        capture_output=True,
        text=True,
    )
    return {*done.stdout.splitlines()}, done.stderr


@pytest.mark.parametrize("name", hostile_policies.NAMES)
def test_a_policy_built_against_the_search_ends_within_bounded_work_and_memory(
    measured: tuple[set[str], str], name: str
) -> None:
    lines, errors = measured
    assert f"{name} ended with 0" in lines, errors[-2000:]
    assert lines & {f"{name} {relation} equal" for relation in hostile_policies.RELATIONS[name]}
