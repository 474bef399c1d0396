"""Every rule of policy validation: its examples, its words, its sources; and the families against the folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from aws_iam.answer import Finding, Severity
from aws_iam.engine.language.document import Kind, Policy, Statement, Syntax
from aws_iam.engine.sources.gather import sources_of
from aws_iam.rules import policy
from aws_iam.rules.check import Check, check, checks_in
from aws_iam.rules.outcomes import Fail
from aws_iam.rules.policy.catalogue import FAMILIES, POLICY_RULES
from aws_iam.rules.policy.run import validate
from helpers.families import declaring
from helpers.folders import ROOT, TESTS
from helpers.tables.each import for_each

AWS_CODES: dict[str, str] = json.loads(
    (TESTS / "cases/validate/aws-issue-codes.json").read_text(encoding="utf-8")
)["codes"]
MODULES = tuple(module for _, module in FAMILIES)
JUDGED = (Policy, Statement, Syntax)
EXAMPLES = {
    f"{rule.code}-{'bad' if is_bad else 'good'}-{number}": (rule, example, is_bad)
    for rule in POLICY_RULES
    for is_bad, examples in ((True, rule.bad), (False, rule.good))
    for number, example in enumerate(examples)
}


def findings(rule: Check[Any], example: Any) -> list[Finding]:
    """What the rule finds in its example, judged as a kind that it is for."""
    document = example
    if rule.on is Statement:
        document = {"Version": "2012-10-17", "Statement": [example]}
    kind = None
    content = sources_of(document)[0].content
    if rule.kinds and isinstance(content, Policy) and content.kind not in rule.kinds:
        kind = min(rule.kinds)
    found = validate(document, None if rule.resource_type else kind, rule.resource_type)
    return [finding for finding in found if finding.code == rule.code]


@for_each(EXAMPLES)
def test_a_rule_finds_its_bad_examples_and_no_good_one(name: str) -> None:
    rule, example, is_bad = EXAMPLES[name]
    found = findings(rule, example)
    assert bool(found) is is_bad, found
    for finding in found:
        assert finding.where is not None
        assert finding.message
        assert not finding.message.endswith(".")
        assert finding.fix


@for_each(POLICY_RULES, name=lambda rule: rule.code)
def test_a_rule_is_declared_in_full(rule: Check[Any]) -> None:
    assert rule.why
    assert not rule.title.endswith(".")
    assert rule.fix.endswith(".")
    assert rule.source.startswith("https://")
    assert rule.severity in set(list(Severity)[:4])
    assert rule.kinds <= set(Kind)


@for_each(POLICY_RULES, name=lambda rule: rule.code)
def test_a_code_of_aws_has_the_severity_of_aws_and_its_page(rule: Check[Any]) -> None:
    has_page_of_checks = "access-analyzer-reference-policy-checks" in rule.source
    assert has_page_of_checks is (rule.code in AWS_CODES)
    if rule.code in AWS_CODES:
        assert rule.severity == AWS_CODES[rule.code]


def test_the_source_of_a_warning_is_the_anchor_that_aws_gives_it() -> None:
    by_code = {rule.code: rule.source.partition("#")[2] for rule in POLICY_RULES}
    prefix = "access-analyzer-reference-policy-checks"
    assert by_code["MISSING_VERSION"] == f"{prefix}-general-warning-missing-version"
    assert by_code["INVALID_ACTION"] == f"{prefix}-error-invalid-action"
    assert by_code["EMPTY_SID_VALUE"] == f"{prefix}-suggestion-empty-sid-value"


def test_every_family_of_the_folder_that_judges_policies_is_listed() -> None:
    assert declaring(policy) == set(MODULES)


def test_a_family_has_at_most_a_dozen_rules() -> None:
    assert all(len(checks_in(module)) <= 12 for module in MODULES)


def test_a_code_is_declared_once() -> None:
    with pytest.raises(TypeError, match="declared twice"):
        checks_in(MODULES[0], MODULES[0])


def test_a_rule_without_reason_or_example_is_refused() -> None:
    def silent(_: Policy) -> Any:
        yield from ()

    declare = check(
        "X", on=Policy, severity=Severity.ERROR, title="x", fix="y.", bad=["{"], good=["{}"]
    )
    with pytest.raises(TypeError, match="docstring"):
        declare(silent)


def test_a_rule_stops_at_the_number_asked_for() -> None:
    elements = next(rule for rule in POLICY_RULES if rule.code == "INVALID_POLICY_ELEMENT")
    body = {"Version": "2012-10-17", "Statement": [], **{f"X{n}": 1 for n in range(9)}}
    content = sources_of(body)[0].content
    assert len(elements.findings(content)) == 9
    assert len(elements.findings(content, at_most=4)) == 4


def test_a_problem_may_be_less_severe_or_less_sure_than_its_rule() -> None:
    def doubted(policy: Policy) -> Any:
        """Because."""
        yield Fail(policy.node.where, "x", severity=Severity.WARNING, low_confidence=True)

    declare = check(
        "X", on=Policy, severity=Severity.ERROR, title="x", fix="y.", bad=["{"], good=["{}"]
    )
    content = sources_of({})[0].content
    assert isinstance(content, Policy)
    (finding,) = declare(doubted).findings(content)
    assert (finding.severity, finding.confidence) == (Severity.WARNING, "low")


def test_policy_rules_load_neither_an_account_nor_its_controls_nor_any_sdk() -> None:
    code = (
        "import sys, aws_iam.rules.policy.catalogue; print([name for name in sys.modules if name.startswith("
        "('boto3', 'mcp', 'httpx', 'pydantic', 'aws_iam.account', 'aws_iam.tools'))])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "server")},
    )
    assert answer.stdout.strip() == "[]"
