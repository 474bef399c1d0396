"""The checks of keys: each one's examples and traps, what it says when a fact is missing, and thresholds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.kms.grants import KEY_GRANTS, KeyGrants
from aws_iam.account.collect.kms.key_uses import KEY_USES, KeyUse
from aws_iam.account.collect.kms.keys import KMS_KEYS, KeyRotation
from aws_iam.account.reading.snapshot import account_of
from aws_iam.answer import Severity, Status
from aws_iam.rules.examples import allow_to
from aws_iam.rules.on_account import findings_on
from aws_iam.tools.kms import checks
from aws_iam.tools.kms.checks import samples as sample
from aws_iam.tools.kms.checks.catalogue import FAMILIES, ON_ACCOUNT, ON_POLICY, needs
from aws_iam.tools.kms.checks.subject import OTHER, ROOT, KeyPolicy, arn, key_policy
from aws_iam.tools.kms.terms import KeyTerms
from helpers.families import declaring
from helpers.missing_facts import assert_never_a_pass_without

if TYPE_CHECKING:
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding


TERMS = KeyTerms()


def on_account(kind: str) -> list[Any]:
    return [
        pytest.param(code, account, id=f"{code}-{number}")
        for code, check in ON_ACCOUNT.items()
        for number, account in enumerate(getattr(check, kind))
    ]


def on_policy(kind: str) -> list[Any]:
    return [
        pytest.param(code, subject, id=f"{code}-{number}")
        for code, check in ON_POLICY.items()
        for number, subject in enumerate(getattr(check, kind))
    ]


def found(code: str, account: Account, terms: KeyTerms = TERMS) -> tuple[Finding, ...]:
    return findings_on(account, [ON_ACCOUNT[code]], terms)


def statuses(code: str, account: Account, terms: KeyTerms = TERMS) -> set[Status]:
    return {finding.status for finding in found(code, account, terms)}


def codes(subject: KeyPolicy) -> set[str]:
    return {code for code, check in ON_POLICY.items() if check.findings(subject)}


def test_every_family_of_checks_is_listed() -> None:
    assert {module for _, module in FAMILIES} == declaring(checks)


@pytest.mark.parametrize(("code", "subject"), on_policy("bad"))
def test_a_bad_policy_fails_with_its_place_and_its_fix(code: str, subject: KeyPolicy) -> None:
    failed = ON_POLICY[code].findings(subject)
    assert failed
    for finding in failed:
        assert finding.status is Status.FAIL
        assert finding.where
        assert finding.fix
        assert finding.message


@pytest.mark.parametrize(("code", "subject"), on_policy("good"))
def test_a_good_policy_keeps_the_check(code: str, subject: KeyPolicy) -> None:
    assert ON_POLICY[code].findings(subject) == ()


@pytest.mark.parametrize(("code", "account"), on_account("bad"))
def test_a_bad_account_fails_with_its_resource_and_its_fix(code: str, account: Account) -> None:
    failed = [finding for finding in found(code, account) if finding.status is Status.FAIL]
    assert failed
    for finding in failed:
        assert finding.resource
        assert finding.fix
        assert finding.message


@pytest.mark.parametrize(("code", "account"), on_account("good"))
def test_a_good_account_passes(code: str, account: Account) -> None:
    assert statuses(code, account) == {Status.PASS}


@pytest.mark.parametrize(("code", "account"), on_account("trap"))
def test_what_only_looks_bad_is_left_alone(code: str, account: Account) -> None:
    assert statuses(code, account) <= {Status.PASS, Status.NOT_APPLICABLE}


@pytest.mark.parametrize("code", ON_ACCOUNT)
def test_without_its_facts_a_check_is_unknown_and_names_the_permission(code: str) -> None:
    for finding in found(code, account_of()):
        assert finding.status is Status.UNKNOWN
        assert ":" in (finding.reason or "")
        assert finding.fix is None


# What makes a pending deletion worse, and never decides it, may be missing.
_BESIDE = {("KMS-DEL-PENDING", "kms.grants"), ("KMS-DEL-PENDING", "kms.uses")}
MISSING = [
    pytest.param(code, fact, id=f"{code}-{fact.name}")
    for code, check in ON_ACCOUNT.items()
    for fact in check.needs
    if (code, fact.name) not in _BESIDE
]


@pytest.mark.parametrize(("code", "fact"), MISSING)
def test_one_missing_fact_never_looks_like_a_pass(code: str, fact: Any) -> None:
    assert_never_a_pass_without(fact, ON_ACCOUNT[code], partial(found, code), sample.REGION)


def test_a_deletion_is_told_even_where_grants_and_use_are_refused() -> None:
    refused = Miss(kind=MissKind.DENIED, call="kms:ListGrants", permission="kms:ListGrants")
    account = sample.holding(
        sample.of(KMS_KEYS, sample.key(state="PendingDeletion")),
        KEY_GRANTS.held_in(sample.REGION, refused),
        KEY_USES.held_in(sample.REGION, refused),
    )
    (told,) = found("KMS-DEL-PENDING", account)
    assert (told.status, told.severity) == (Status.FAIL, Severity.HIGH)
    assert "not known: its grants, its last use" in told.message


def test_signs_of_use_make_a_deletion_critical() -> None:
    grants = KeyGrants(arn=sample.ARN, grants=(sample.grant(),))
    ending = sample.key(state="PendingDeletion")
    for rest, sign in (
        (sample.of(KEY_GRANTS, grants), "grants"),
        (sample.of(KEY_USES, sample.used(10)), "used on"),
    ):
        (told,) = found("KMS-DEL-PENDING", sample.with_key(ending, rest))
        assert told.severity is Severity.CRITICAL
        assert sign in told.message


@pytest.mark.parametrize(
    ("use", "status"),
    [
        (sample.used(200), Status.FAIL),
        (sample.used(3), Status.PASS),
        # Never used since it was made, which tracking covers.
        (sample.used(None, tracked=500), Status.FAIL),
        # Older than the tracking: nobody knows.
        (sample.used(None, tracked=200), Status.UNKNOWN),
        (KeyUse(arn=sample.ARN, use=None), Status.UNKNOWN),
    ],
)
def test_the_last_use_is_read_as_aws_means_it(use: KeyUse, status: Status) -> None:
    account = sample.with_key(sample.key(), sample.of(KEY_USES, use))
    assert statuses("KMS-UNUSED", account) == {status}


def test_thresholds_of_the_callers_decide() -> None:
    slow = sample.with_key(sample.key(rotation=KeyRotation(enabled=True, period_days=730)))
    assert statuses("KMS-ROT-LONG", slow, KeyTerms(rotation_days=730)) == {Status.PASS}
    idle = sample.with_key(sample.key(), sample.of(KEY_USES, sample.used(200)))
    assert statuses("KMS-UNUSED", idle, KeyTerms(unused_days=300)) == {Status.PASS}
    (account, *_) = ON_ACCOUNT["KMS-GRANT-XACCT"].bad
    trusting = KeyTerms(trusted=frozenset({sample.OTHER}))
    assert statuses("KMS-GRANT-XACCT", account, trusting) == {Status.PASS}


def test_a_period_that_aws_did_not_send_is_unknown() -> None:
    account = sample.with_key(sample.key(rotation=KeyRotation(enabled=True)))
    assert statuses("KMS-ROT-LONG", account) == {Status.UNKNOWN}
    assert statuses("KMS-ROT-OFF", account) == {Status.PASS}


def test_a_policy_that_does_not_tell_its_account_is_unknown_about_others() -> None:
    subject = key_policy(allow_to(arn("role/App", OTHER), "kms:Decrypt"), account="")
    (told,) = ON_POLICY["KMS-POL-XACCT"].findings(subject)
    assert told.status is Status.UNKNOWN
    assert "account" in (told.reason or "")


def test_owner_only_operations_are_told_to_have_no_effect_abroad() -> None:
    subject = key_policy(
        ROOT, allow_to(arn("role/P", OTHER), ["kms:Encrypt", "kms:ScheduleKeyDeletion"])
    )
    (told,) = ON_POLICY["KMS-POL-XACCT"].findings(subject)
    assert "`kms:ScheduleKeyDeletion` has no effect" in told.message


def test_the_default_policy_of_the_console_is_clean() -> None:
    grants = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    use = [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:DescribeKey",
    ]
    subject = key_policy(
        ROOT,
        allow_to(arn("role/Admin"), ["kms:Create*", "kms:Describe*", "kms:Put*", "kms:ScheduleKeyDeletion"]),
        allow_to(arn("role/App"), use),
        allow_to(arn("role/App"), ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], condition=grants),
    )  # fmt: skip
    assert codes(subject) == set()


def test_aws_own_policies_for_services_are_clean() -> None:
    own = "111122223333"
    logs = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{own}:*"}}
    trail = {
        "StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:eu-west-1:{own}:trail/main"},
        "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{own}:trail/*"},
    }  # fmt: skip
    subject = key_policy(
        ROOT,
        allow_to({"Service": "logs.eu-west-1.amazonaws.com"}, ["kms:Decrypt*", "kms:Describe*"], condition=logs),
        allow_to({"Service": "cloudtrail.amazonaws.com"}, "kms:GenerateDataKey*", condition=trail),
        allow_to({"Service": "cloudtrail.amazonaws.com"}, "kms:DescribeKey"),
    )  # fmt: skip
    assert codes(subject) == set()


def test_facts_are_asked_for_only_where_a_check_needs_them() -> None:
    assert [need.name for need in needs(["KMS-STORE-DOWN"])] == ["kms.stores"]
    assert [need.name for need in needs(["KMS-ROT-OFF"])] == ["kms.keys"]
    assert "kms.uses" not in {need.name for need in needs(ON_POLICY)}
