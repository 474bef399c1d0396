"""AWS's own managed policies, as moto ships them: which codes fire, how often, and why each is no false alarm.

The table is cases/validate/managed-policies.json. Moto follows AWS, so a newer one has more policies and changed ones: each
count may be off by a tenth and a handful, and one policy in 300 may have an error that nobody has looked at yet. A code that
is new or gone is always looked at.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from aws_iam.answer import Severity
from aws_iam.engine.explain.statement_risk import RISK_CODES
from aws_iam.rules.policy.run import validate
from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.answer import Finding

pytestmark = pytest.mark.growth
CASES = TESTS / "cases/validate/managed-policies.json"
TABLE = {row["code"]: row for row in json.loads(CASES.read_text(encoding="utf-8"))}
AWS_CODES = json.loads((CASES.parent / "aws-issue-codes.json").read_text(encoding="utf-8"))[
    "codes"
]
HANDFUL = 5


@pytest.fixture(scope="module")
def found() -> Mapping[str, tuple[Finding, ...]]:
    """The findings of every policy, by its name."""
    policies = json.loads(aws_managed_policies_data)
    return {
        name: tuple(validate(policy["Document"], "identity")) for name, policy in policies.items()
    }


def _level(finding: Finding) -> str:
    return f"{finding.severity} unsure" if finding.confidence == "low" else f"{finding.severity}"


def _off(counted: Mapping[str, int], expected: Mapping[str, int]) -> dict[str, int]:
    """What was counted too seldom or too often."""
    return {
        name: counted.get(name, 0)
        for name in {*counted, *expected}
        if abs(counted.get(name, 0) - (n := expected.get(name, 0))) > n / 10 + HANDFUL
    }


def test_the_codes_that_fire_on_policies_of_aws_are_the_justified_ones(
    found: Mapping[str, tuple[Finding, ...]],
) -> None:
    assert {finding.code for finding in chain.from_iterable(found.values())} == set(TABLE)
    assert all(row["why"].endswith(".") for row in TABLE.values())


def test_each_code_fires_as_often_as_the_table_says(
    found: Mapping[str, tuple[Finding, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    levels = Counter(f"{finding.code} {_level(finding)}" for finding in chain(*found.values()))
    holders = Counter(
        code for findings in found.values() for code in {one.code for one in findings}
    )
    with capsys.disabled():
        print(f" {levels.total()} findings on {len(found)} managed policies:")  # noqa: T201 - the counts are to be seen
        for code, row in sorted(TABLE.items()):
            counts = ", ".join(f"{levels[f'{code} {level}']} {level}" for level in row["levels"])
            print(f"  {code}: {counts}; in {holders[code]} policies")  # noqa: T201
    expected = {
        f"{code} {level}": number
        for code, row in TABLE.items()
        for level, number in row["levels"].items()
    }
    assert _off(levels, expected) == {}
    assert _off(holders, {code: row["policies"] for code, row in TABLE.items()}) == {}


def test_a_code_of_aws_keeps_the_severity_of_aws_in_every_finding(
    found: Mapping[str, tuple[Finding, ...]],
) -> None:
    other = {
        (finding.code, finding.severity)
        for finding in chain.from_iterable(found.values())
        if finding.severity != AWS_CODES.get(finding.code, finding.severity)
    }
    assert other == set()


def test_next_to_no_policy_of_aws_has_an_error_that_nobody_has_looked_at(
    found: Mapping[str, tuple[Finding, ...]],
) -> None:
    unknown = {
        (finding.code, name)
        for name, findings in found.items()
        for finding in findings
        if finding.severity is Severity.ERROR
        and name not in TABLE.get(finding.code, {}).get("errors_in", ())
    }
    assert len(unknown) <= len(found) / 300, unknown


def test_most_policies_of_aws_have_no_finding_but_suggestions_wildcards_of_services_and_risks(
    found: Mapping[str, tuple[Finding, ...]],
) -> None:
    quiet = [
        name
        for name, findings in found.items()
        if all(
            finding.severity is Severity.SUGGESTION
            or finding.code in {"SERVICE_WILDCARD_ALLOWED", *RISK_CODES}
            for finding in findings
        )
    ]
    assert len(quiet) > len(found) * 0.8
