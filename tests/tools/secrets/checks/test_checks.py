"""The checks of secrets: each one's examples, what it says when a fact is missing, and thresholds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.collect.compute.functions import (
    FUNCTIONS,
    ROTATION_FUNCTIONS,
    Function,
    RotationFunction,
)
from aws_iam.account.collect.compute.task_definitions import (
    TASK_DEFINITIONS,
    Container,
    SecretReference,
)
from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.secrets.secret_keys import SECRET_KEYS
from aws_iam.account.collect.secrets.secret_policies import (
    NAMED_POLICIES,
    NamedPolicy,
    SecretPolicies,
)
from aws_iam.account.collect.secrets.secrets import Schedule
from aws_iam.account.reading.snapshot import account_of
from aws_iam.answer import Status
from aws_iam.rules.check import checks_in
from aws_iam.rules.on_account import findings_on
from aws_iam.tools.secrets import checks
from aws_iam.tools.secrets.checks import samples as sample
from aws_iam.tools.secrets.checks.catalogue import CHECKS, FAMILIES
from aws_iam.tools.secrets.terms import SecretTerms
from helpers.families import declaring
from helpers.missing_facts import assert_never_a_pass_without

if TYPE_CHECKING:
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding

TERMS = SecretTerms(customer_key=True)


def examples(kind: str) -> list[Any]:
    return [
        pytest.param(code, account, id=f"{code}-{number}")
        for code, check in CHECKS.items()
        for number, account in enumerate(getattr(check, kind))
    ]


def found(code: str, account: Account, terms: SecretTerms = TERMS) -> tuple[Finding, ...]:
    return findings_on(account, [CHECKS[code]], terms)


def statuses(code: str, account: Account, terms: SecretTerms = TERMS) -> set[Status]:
    return {finding.status for finding in found(code, account, terms)}


def test_every_family_of_checks_is_listed() -> None:
    assert {module for _, module in FAMILIES} == declaring(checks)


def test_a_code_declared_twice_is_refused() -> None:
    with pytest.raises(TypeError, match="SEC-ROT-OFF is declared twice"):
        checks_in(FAMILIES[0][1], FAMILIES[0][1])


@pytest.mark.parametrize(("code", "account"), examples("bad"))
def test_a_bad_example_fails_with_its_place_and_its_fix(code: str, account: Account) -> None:
    failed = [finding for finding in found(code, account) if finding.status is Status.FAIL]
    assert failed
    for finding in failed:
        assert finding.resource
        assert finding.fix
        assert finding.message
        assert finding.source == CHECKS[code].source


@pytest.mark.parametrize(("code", "account"), examples("good"))
def test_a_good_example_passes(code: str, account: Account) -> None:
    assert statuses(code, account) == {Status.PASS}


@pytest.mark.parametrize(("code", "account"), examples("trap"))
def test_what_only_looks_bad_is_left_alone(code: str, account: Account) -> None:
    assert statuses(code, account) <= {Status.PASS, Status.NOT_APPLICABLE}


@pytest.mark.parametrize("code", CHECKS)
def test_without_its_facts_a_check_is_unknown_and_names_the_permission(code: str) -> None:
    for finding in found(code, account_of()):
        assert finding.status is Status.UNKNOWN
        assert ":" in (finding.reason or "")
        assert finding.fix is None


MISSING = [
    pytest.param(code, fact, id=f"{code}-{fact.name}")
    for code, check in CHECKS.items()
    for fact in check.needs
]


@pytest.mark.parametrize(("code", "fact"), MISSING)
def test_one_missing_fact_never_looks_like_a_pass(code: str, fact: Any) -> None:
    assert_never_a_pass_without(fact, CHECKS[code], partial(found, code), sample.REGION)


def test_a_threshold_of_the_callers_decides() -> None:
    account = sample.with_secrets(sample.rotating(schedule=Schedule(days=60)))
    assert statuses("SEC-ROT-SLOW", account) == {Status.PASS}
    assert statuses("SEC-ROT-SLOW", account, SecretTerms(rotation_days=30)) == {Status.FAIL}
    assert statuses("SEC-KEY-DEFAULT", account, SecretTerms()) == {Status.NOT_APPLICABLE}


def test_a_trusted_account_is_no_stranger() -> None:
    (account, *_) = CHECKS["SEC-POL-XACCT"].bad
    trusting = SecretTerms(trusted=frozenset({sample.OTHER}))
    assert statuses("SEC-POL-XACCT", account, trusting) == {Status.PASS}
    (shared, *_) = CHECKS["SSM-SHARED"].bad
    assert statuses("SSM-SHARED", shared, trusting) == {Status.PASS}
    (under_aws_key, *_) = CHECKS["SEC-XACCT-AWSKEY"].bad
    assert statuses("SEC-XACCT-AWSKEY", under_aws_key, trusting) == {Status.FAIL}


@pytest.mark.parametrize("number", [3, 4], ids=["another account", "denied"])
def test_a_rotation_that_the_functions_policy_refuses_is_told_by_its_secret(number: int) -> None:
    account = CHECKS["SEC-ROT-LAMBDA-PERM"].bad[number]
    (finding, *others) = found("SEC-ROT-LAMBDA-PERM", account)
    assert (finding.severity, finding.status) == ("high", Status.FAIL)
    assert f"for secret `{sample.ARN}`" in finding.message
    assert Status.FAIL not in {other.status for other in others}


def test_a_rotation_function_that_everyone_may_invoke_says_anyone() -> None:
    for_any_account, by_anyone = CHECKS["SEC-ROT-LAMBDA-PERM"].bad[1:3]
    (finding,) = found("SEC-ROT-LAMBDA-PERM", by_anyone)
    assert finding.message.endswith("lets anyone invoke the function")
    assert finding.severity == "high"
    (finding,) = found("SEC-ROT-LAMBDA-PERM", for_any_account)
    assert finding.message.endswith("lets Secrets Manager invoke the function for any account")


def test_writing_from_outside_is_worse_than_reading() -> None:
    reading, writing = (
        found("SEC-POL-XACCT", account)[0] for account in CHECKS["SEC-POL-XACCT"].bad
    )
    assert (reading.severity, writing.severity) == ("medium", "high")
    assert "may read it" in reading.message
    assert "may use and change it" in writing.message


def test_a_list_of_policies_that_was_refused_is_unknown_beside_what_is_known() -> None:
    refused = Miss(
        kind=MissKind.DENIED, call="secretsmanager:ListResourcePolicies", permission="x:Y"
    )
    policies = SecretPolicies(
        arn=sample.ARN,
        policies=(NamedPolicy(name="default", document=sample.policy(sample.allow("*"))),),
        listed=refused,
    )
    told = found("SEC-POL-PUBLIC", sample.holding((NAMED_POLICIES, (policies,))))
    assert [finding.status for finding in told] == [Status.FAIL, Status.UNKNOWN]


def test_a_policy_that_cannot_be_read_is_unknown() -> None:
    broken = SecretPolicies(arn=sample.ARN, policies=(NamedPolicy(name="default", document="{"),))
    told = found("SEC-POL-PUBLIC", sample.holding((NAMED_POLICIES, (broken,))))
    assert [finding.status for finding in told] == [Status.UNKNOWN]


@pytest.mark.parametrize("code", ["SEC-XACCT-AWSKEY", "SEC-XACCT-KEYPOL"])
def test_a_secret_whose_key_an_edited_snapshot_lacks_is_unknown(code: str) -> None:
    (account,) = CHECKS["SEC-XACCT-KEYPOL"].bad
    edited = replace(account, facts={**account.facts, (SECRET_KEYS.name, sample.REGION): ()})
    (told,) = found(code, edited)
    assert told.status is Status.UNKNOWN
    assert "does not hold the key" in told.message
    assert "kms:DescribeKey" in (told.reason or "")


def test_an_environment_that_aws_hides_is_unknown_and_says_why() -> None:
    function = Function(arn=f"{sample.FUNCTION}", name="f", hidden="AccessDeniedException")
    account = sample.holding((FUNCTIONS, (function,)))
    for code in ("ENV-LAMBDA", "ENV-LAMBDA-CMK"):
        (told,) = found(code, account)
        assert told.status is Status.UNKNOWN
        assert "kms:Decrypt" in (told.reason or "")


def test_a_name_with_control_characters_cannot_steer_a_reader() -> None:
    hostile = "prod/\x1b[31m`app`\n\u202eevil" + "x" * 5_000
    (told,) = found(
        "SEC-DEL-PENDING", sample.with_secrets(sample.secret(name=hostile, deleted=sample.ago(1)))
    )
    assert told.message.isprintable()
    assert len(told.message) < 2_100


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("cron(0 4 1 1 ? *)", 366),
        ("cron(0 4 1 JAN,JUL ? *)", 184),
        ("cron(0 4 1 1/4 ? *)", 123),
        ("cron(0 4 L 3-12/3 ? *)", 92),
        ("cron(0 4 31 * ? *)", 61),
        ("cron(0 4 ? 1,2 MON *)", 315),
    ],
)
def test_the_longest_time_between_two_days_of_a_cron_schedule_counts(
    expression: str, days: int
) -> None:
    secret = sample.rotating(schedule=Schedule(expression=expression))
    most = replace(TERMS, rotation_days=days)
    assert statuses("SEC-ROT-SLOW", sample.with_secrets(secret), most) == {Status.PASS}
    (told,) = found(
        "SEC-ROT-SLOW", sample.with_secrets(secret), replace(TERMS, rotation_days=days - 1)
    )
    assert f"every {days} days" in told.message


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 4 15W * ? *)",
        "cron(0 4 ? * 6#3 *)",
        "cron(0 4 1 1 ? 2027)",
        "cron(0 4 30 2 ? *)",
        "x",
    ],
)
def test_a_schedule_that_is_not_understood_is_unknown(expression: str) -> None:
    secret = sample.rotating(schedule=Schedule(expression=expression))
    assert statuses("SEC-ROT-SLOW", sample.with_secrets(secret)) == {Status.UNKNOWN}


@pytest.mark.parametrize(
    "expression",
    ["cron(0 16 1,15 * ? *)", "cron(0 */8 * * ? *)", "cron(0 4 ? * SUN *)", "cron(0 4 ? * 2-6 *)"],
)
def test_a_cron_schedule_of_days_or_weeks_is_often_enough(expression: str) -> None:
    secret = sample.rotating(schedule=Schedule(expression=expression))
    terms = replace(TERMS, rotation_days=31)
    assert statuses("SEC-ROT-SLOW", sample.with_secrets(secret), terms) == {Status.PASS}


def test_what_passes_is_counted_not_listed() -> None:
    many = [sample.rotating(arn=f"{sample.ARN}{number}") for number in range(50)]
    (told,) = found("SEC-UNUSED", sample.with_secrets(*many))
    assert told.message == "50 pass"


def test_a_runtime_is_judged_on_the_day_of_the_snapshot() -> None:
    function = RotationFunction(arn=sample.FUNCTION, state="Active", runtime="python3.9")
    account = sample.holding((ROTATION_FUNCTIONS, (function,)))
    earlier = replace(account, collected_at=account.collected_at - timedelta(days=365))
    assert statuses("SEC-ROT-LAMBDA-RUNTIME", account) == {Status.FAIL}
    assert statuses("SEC-ROT-LAMBDA-RUNTIME", earlier) == {Status.PASS}


def test_a_definition_that_no_service_uses_may_name_a_secret_that_is_gone() -> None:
    account = CHECKS["ENV-ECS-DANGLING"].bad[0]
    (region,) = account.regions.read
    (task,) = account.require_in(region, TASK_DEFINITIONS)
    place = (TASK_DEFINITIONS.name, region)
    unused = {**account.facts, place: (replace(task, services=()),)}
    assert statuses("ENV-ECS-DANGLING", replace(account, facts=unused)) == {Status.NOT_APPLICABLE}


def test_another_accounts_secret_behind_a_container_is_unknown() -> None:
    (account, *_) = CHECKS["ENV-ECS-DANGLING"].good
    (region,) = account.regions.read
    (task,) = account.require_in(region, TASK_DEFINITIONS)
    foreign = SecretReference(
        variable="X", value_from=sample.ARN.replace(sample.OWN, sample.OTHER)
    )
    changed = replace(task, containers=(Container(name="app", secrets=(foreign,)),))
    place = (TASK_DEFINITIONS.name, region)
    told = found("ENV-ECS-DANGLING", replace(account, facts={**account.facts, place: (changed,)}))
    assert [finding.status for finding in told] == [Status.UNKNOWN]
