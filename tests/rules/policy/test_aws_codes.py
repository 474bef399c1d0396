"""The issue codes of ValidatePolicy: each has a rule with its proof, or stands on the list of those not raised, with why."""

from __future__ import annotations

import json

import pytest

from aws_iam.rules.policy.catalogue import NOT_OFFLINE, POLICY_RULES
from helpers.folders import ROOT, TESTS
from helpers.tables.each import for_each

CODES: dict[str, str] = json.loads(
    (TESTS / "cases/validate/aws-issue-codes.json").read_text(encoding="utf-8")
)["codes"]
BY_CODE = {rule.code: rule for rule in POLICY_RULES}


@for_each(CODES)
def test_a_code_of_aws_is_raised_and_proved_or_listed_with_its_reason(code: str) -> None:
    rule, listed = BY_CODE.get(code), NOT_OFFLINE.get(code)
    assert (rule is None) is not (listed is None)
    if rule:
        assert rule.bad
        assert rule.good
        assert rule.severity == CODES[code]
    if listed:
        assert len(listed.reason) > 40
        assert listed.source.startswith("https://docs.aws.amazon.com/")


def test_only_codes_of_aws_are_listed_as_not_raised() -> None:
    assert set(NOT_OFFLINE) <= set(CODES)


def test_nearly_all_codes_of_aws_are_raised(capsys: pytest.CaptureFixture[str]) -> None:
    raised = set(CODES) & set(BY_CODE)
    with capsys.disabled():
        print(f" {len(raised)} of {len(CODES)} codes raised, {len(NOT_OFFLINE)} listed ", end="")  # noqa: T201 - the count is to be seen
    assert len(raised) + len(NOT_OFFLINE) == len(CODES)
    assert len(NOT_OFFLINE) <= 4


@pytest.mark.parametrize("page", ["rules.md", "policy-design.md"])
def test_the_pages_say_how_many_codes_aws_has_and_how_many_are_raised(page: str) -> None:
    text = " ".join((ROOT / "references" / page).read_text("utf-8").split())
    assert f"{len(CODES)} codes" in text
    assert str(len(CODES) - len(NOT_OFFLINE)) in text
