"""Each control on small snapshots: the trap fails, its good twin passes, what is missing is unknown."""

from __future__ import annotations

import json
from typing import Any

from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.account.guard.allowlist import actions_of
from aws_iam.answer import Status
from aws_iam.tools.audit import controls as audit_controls
from aws_iam.tools.audit.controls.benchmark import benchmark, controls
from aws_iam.tools.audit.controls.judge import CHECKS, MODULES, judge, rolled_up
from helpers.cis_snapshots import snapshot
from helpers.families import declaring
from helpers.folders import TESTS
from helpers.tables.each import for_each

FOLDER = TESTS / "cases" / "cis"
CASES = [
    case
    for file in sorted(FOLDER.glob("*.json"))
    if file.stem != "filter-patterns"
    for case in json.loads(file.read_text("utf-8"))
]


def version_of(case: dict[str, Any]) -> str:
    """The version the case names, else the newest that has the control."""
    return case.get("benchmark") or list(controls()[case["control"]].ids)[-1]


@for_each(CASES, name=lambda case: f"{case['control']}: {case['name']}")
def test_a_control_on_a_snapshot(case: dict[str, Any]) -> None:
    options = {key: case[key] for key in ("partition", "regions", "enabled") if key in case}
    account = snapshot(case["facts"], **options)
    findings = judge(account, version_of(case), controls=[case["control"]])
    assert rolled_up(findings) == {case["control"]: Status(case["expect"])}
    if "also" in case:
        assert case["also"] in {finding.status for finding in findings}
    told = "\n".join(
        f"{finding.message} {finding.reason or ''}"
        for finding in findings
        if finding.status == case["expect"]
    )
    assert case.get("says", "") in told
    for finding in findings:
        assert finding.message
        assert finding.controls == dict(controls()[case["control"]].ids)
        assert bool(finding.reason) == (finding.status is Status.UNKNOWN)


def test_each_judged_control_is_shown_both_ways() -> None:
    shown = {(case["control"], case["expect"]) for case in CASES}
    for key in CHECKS:
        if controls()[key].verdict == "api" and not key.startswith("alarm_"):
            assert {(key, "pass"), (key, "fail")} <= shown, key


def test_only_the_control_that_no_api_shows_has_no_judge() -> None:
    assert set(controls()) - set(CHECKS) == {"account_security_questions"}


def test_every_family_is_judged() -> None:
    declared = set(CHECKS)
    assert declaring(audit_controls) == set(MODULES)
    assert declared <= set(controls())
    assert {control.key for control in benchmark("7.0").controls} <= declared


def test_the_permissions_of_a_control_are_those_of_the_facts_that_it_needs() -> None:
    # One fact holds everything about a trail, and its bucket is looked up in the list of buckets.
    around = {"cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors", "s3:ListAllMyBuckets"}
    for key, check in CHECKS.items():
        said = set(controls()[key].iam)
        needed = {action for fact in check.needs for action in actions_of(fact.name)}
        assert said <= needed, key
        assert needed - said <= (around if TRAILS in check.needs else set()), key
