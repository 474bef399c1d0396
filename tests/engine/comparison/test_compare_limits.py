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
# The child gives itself the limits: what is allocated beyond them fails, and the kernel ends what computes for longer.
MEASURED = f"""
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEGABYTES * 2**20}, {MEGABYTES * 2**20}))
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
from aws_iam import compare
new, old = json.load(sys.stdin)
print(compare(new, old).relation, compare(new, new).relation)
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


@pytest.mark.parametrize("name", hostile_policies.NAMES)
def test_a_policy_built_against_the_search_ends_within_bounded_work_and_memory(name: str) -> None:
    new, old = hostile_policies.pair(name)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        input=json.dumps([new, old]),
        env={"PYTHONPATH": str(Path(compare.__code__.co_filename).parents[3])},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    relation, same = done.stdout.split()
    assert same == "equal"
    assert relation in hostile_policies.RELATIONS[name]
