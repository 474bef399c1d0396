"""`kms check` and `kms lockout` meet spoilt key policies, and answer each or refuse it with one clear error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aws_iam.answer import to_json
from aws_iam.errors import InputError
from aws_iam.rules.policy.catalogue import POLICY_RULES
from aws_iam.tools.kms.actions import tool
from aws_iam.tools.kms.checks.catalogue import ON_POLICY
from helpers.folders import TESTS
from helpers.mutations import Spoiler
from helpers.tables.examples import examples

pytestmark = pytest.mark.growth

CASES = TESTS / "cases/kms"
DOCUMENTS = [
    case["document"]
    for name in ("policy-checks", "lockout")
    for case in json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    if len(json.dumps(case["document"])) < 2_000
]
KEYS = [("resource", "AWS::KMS::Key", document) for document in DOCUMENTS]
CALLER = "arn:aws:iam::111122223333:role/ci"
CODES = {*ON_POLICY, *(rule.code for rule in POLICY_RULES)}
SEEDS = st.integers(min_value=0, max_value=2**60)
FUZZ = settings(
    max_examples=examples(60),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def answered(action: str, document: Any, **more: Any) -> None:
    """An answer that is JSON without control characters, or one error with words."""
    try:
        answer = tool.run({"action": action, "document": document, **more})
    except InputError as refused:
        answer_text = str(refused)
        assert answer_text
    else:
        answer_text = json.dumps(to_json(answer), ensure_ascii=False)
        if action == "lockout":
            assert answer.facts["put_key_policy"] in {"accepted", "refused", "unknown"}
        assert {finding.code for finding in answer.findings} <= CODES
    assert not any(
        ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in answer_text
    )


@FUZZ
@given(SEEDS)
def test_a_spoilt_key_policy_is_checked_or_refused(seed: int) -> None:
    spoiler = Spoiler(seed, KEYS)
    answered("check", spoiler.value(), users=["role/App"], account="111122223333")


@FUZZ
@given(SEEDS)
def test_the_answer_to_a_spoilt_key_policy_is_foreseen_or_refused(seed: int) -> None:
    answered("lockout", Spoiler(seed, KEYS).value(), caller=CALLER)


@FUZZ
@given(SEEDS)
def test_a_spoilt_text_is_answered_or_refused(seed: int) -> None:
    text = Spoiler(seed, KEYS).text()
    answered("check", text)
    answered("lockout", text, caller=CALLER)
