"""Policies as people and AWS's pages write them: the good ones stay quiet, the bad ones are told what is wrong."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Kind
from aws_iam.rules.policy.run import validate
from helpers.folders import TESTS
from helpers.tables.each import for_each

CASES = TESTS / "cases/validate"
GOOD, BAD = (
    json.loads((CASES / f"{name}-policies.json").read_text(encoding="utf-8"))
    for name in ("good", "bad")
)
SERIOUS = {Severity.ERROR, Severity.SECURITY_WARNING}


def _found(case: dict[str, Any]) -> list[tuple[str, str, Severity]]:
    found = validate(case["document"], case["kind"], case.get("resource_type"))
    return [
        (finding.code, finding.where.pointer if finding.where else "", finding.severity)
        for finding in found
    ]


@for_each(GOOD, name=lambda case: case["name"])
def test_a_good_policy_has_no_findings_but_the_justified_ones(case: dict[str, Any]) -> None:
    found = [(code, pointer) for code, pointer, _ in _found(case)]
    assert sorted(found) == sorted((row["code"], row["pointer"]) for row in case["expect"])
    assert all(row["why"] for row in case["expect"])


@for_each(BAD, name=lambda case: case["name"])
def test_a_bad_policy_is_told_the_one_thing_that_is_wrong(case: dict[str, Any]) -> None:
    found = _found(case)
    assert (case["code"], case["pointer"]) in [(code, pointer) for code, pointer, _ in found]
    expected = Counter([case["code"], *case.get("also", ())])
    serious = Counter(code for code, _, severity in found if severity in SERIOUS)
    assert not serious - expected, f"more than {case['wrong']}"


def test_the_policies_are_of_every_kind() -> None:
    assert {case["kind"] for case in GOOD} == set(Kind)
    assert {"identity", "resource", "scp", "rcp", "trust"} <= {case["kind"] for case in BAD}
    for cases in (GOOD, BAD):
        assert len({case["name"] for case in cases}) == len(cases)
