"""The audit as a whole: no control vanishes, nothing unread passes, order does not matter."""

from __future__ import annotations

import random
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.collect.catalogue import FACTS
from aws_iam.account.collect.detection.macie import MACIE
from aws_iam.account.collect.fact import AccountFact, Miss, MissKind
from aws_iam.account.collect.storage.buckets import BUCKETS, Bucket
from aws_iam.account.reading.snapshot import Account, Regions, account_of
from aws_iam.answer import Finding, Severity, Status
from aws_iam.errors import InputError, NotCollected
from aws_iam.rules.check import checks_in
from aws_iam.rules.outcomes import Fail, Outcome, Pass
from aws_iam.tools.audit.controls.benchmark import benchmark, controls, versions
from aws_iam.tools.audit.controls.control import ControlTerms, control, findings_of
from aws_iam.tools.audit.controls.judge import CHECKS, judge, needs, rolled_up, score
from helpers.cis_full import FULL
from helpers.cis_snapshots import CONTROLS, denied, empty, refused, snapshot
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_FACTS_NEEDED = {"account_security_questions"}


@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("account", [FULL, empty(), refused(), account_of()])
def test_every_control_of_the_version_is_reported(version: str, account: Account) -> None:
    findings = judge(account, version)
    assert {f.code for f in findings} == {c.key for c in benchmark(version).controls}
    numbers = [f.controls[version] for f in findings if f.controls]
    assert set(numbers) == {c.ids[version] for c in benchmark(version).controls}
    assert all(f.fix and f.message and (f.source or "").startswith("https://") for f in findings)


@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("account", [refused(), account_of()])
def test_what_was_not_read_neither_passes_nor_fails(version: str, account: Account) -> None:
    status = rolled_up(judge(account, version))
    by_hand = {key for key, value in status.items() if value is Status.MANUAL}
    assert by_hand <= NO_FACTS_NEEDED
    assert set(status.values()) <= {Status.UNKNOWN, Status.MANUAL}


def test_a_full_account_passes_what_can_pass() -> None:
    status = rolled_up(judge(FULL))
    assert [key for key, value in status.items() if value is Status.FAIL] == []
    assert [key for key, value in status.items() if value is Status.UNKNOWN] == []


@for_each(FACTS)
def test_one_refused_fact_changes_the_controls_that_need_it_and_no_other(name: str) -> None:
    fact = FACTS[name]
    keys = (
        [("", name)] if isinstance(fact, AccountFact) else [(r, name) for r in FULL.regions.read]
    )
    miss = denied("service:Action")
    facts = dict(FULL.facts) | {(name, region): miss for region, name in keys}
    before, after = judge(FULL, "6.0"), judge(replace(FULL, facts=facts), "6.0")
    was, now = rolled_up(before), rolled_up(after)
    changed = {key for key in was if was[key] is not now[key]}
    needing = {key for key, check in CHECKS.items() if fact in check.needs}
    assert changed <= needing
    for key in changed:
        assert now[key] is Status.UNKNOWN
        reasons = [f.reason for f in after if f.code == key and f.status is Status.UNKNOWN]
        assert any("allow service:Action" in (reason or "") for reason in reasons)


def test_the_order_of_facts_and_regions_does_not_matter() -> None:
    items = list(FULL.facts.items())
    for seed in range(5):
        random.Random(seed).shuffle(items)  # noqa: S311 - a shuffle, no secret
        assert judge(replace(FULL, facts=dict(items))) == judge(FULL)


def test_needs_are_those_of_the_controls_asked_for() -> None:
    assert [fact.name for fact in needs(controls=["cloudtrail_kms"])] == ["cloudtrail.trails"]
    assert {fact.name for fact in needs(controls=["root_mfa", "4.2"])} == {
        "iam.summary",
        "iam.credential_report",
        "cloudtrail.trails",
    }
    assert len({fact.name for fact in needs()}) == len(needs())
    assert {fact.name for fact in needs()} <= set(FACTS)


def test_findings_below_a_severity_are_left_out() -> None:
    found = judge(empty(), severity=Severity.HIGH)
    assert {f.severity for f in found} == {Severity.CRITICAL, Severity.HIGH}


def test_unknown_controls_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="did you mean `root_mfa`"):
        judge(empty(), controls=["root_mfx"])


def test_the_score_counts_what_was_evaluated() -> None:
    found = judge(empty(), "7.0")
    result = score(found, "7.0")
    status = list(rolled_up(found).values())
    passed, failed = status.count(Status.PASS), status.count(Status.FAIL)
    unknown = status.count(Status.UNKNOWN)
    assert unknown
    assert result.total.score == round(passed / (passed + failed + unknown), 3)
    assert result.total.evaluated == passed + failed
    assert result.total.not_evaluated == CONTROLS - passed - failed
    assert [tally.name.split()[0] for tally in result.sections] == ["2", "3", "4", "5", "6"]
    assert sum(tally.row()["fail"] for tally in result.sections) == failed
    levels = score(found, "7.0", by="level")
    assert [tally.name for tally in levels.sections] == ["level 1", "level 2"]
    nothing = score(judge(refused()))
    assert nothing.total.score is None
    assert nothing.total.not_evaluated == CONTROLS


def test_less_access_never_looks_like_better_security() -> None:
    dark, bare = score(judge(refused())).total, score(judge(empty())).total
    assert bare.score is not None
    assert dark.score is None
    assert dark.row()["pass"] == 0
    assert dark.not_evaluated > bare.not_evaluated


HOME, OTHER = "us-east-1", "eu-west-1"


def _unlisted(account: Account, *asked: str) -> Account:
    """The same account, whose Regions AWS will not list: its own alone is read."""
    regions = Regions(read=(HOME,), enabled=denied("ec2:DescribeRegions"), asked=asked)
    kept = {key: value for key, value in account.facts.items() if key[1] != OTHER}
    return replace(account, regions=regions, facts=kept)


def _of_regions(version: str) -> set[str]:
    """The controls that are judged on what each Region holds."""
    listed = benchmark(version).controls
    return {finding.key for finding in listed if finding.regional or finding.scope == "trail"}


@pytest.mark.parametrize("version", versions())
def test_what_passes_is_unknown_when_aws_will_not_list_the_regions(version: str) -> None:
    found = judge(_unlisted(FULL), version)
    was, now = rolled_up(judge(FULL, version)), rolled_up(found)
    assert {key for key in now if now[key] is not was[key]} == _of_regions(version)
    for key in _of_regions(version):
        assert now[key] is Status.UNKNOWN
        (gap,) = (
            finding
            for finding in found
            if finding.code == key and finding.status is Status.UNKNOWN
        )
        assert gap.reason == "ec2:DescribeRegions: AccessDenied; allow ec2:DescribeRegions"
        assert f"so only {HOME} was read" in gap.message


def test_a_fail_that_was_hidden_with_its_region_is_no_pass() -> None:
    gone = {("config.recorders", OTHER): (), ("accessanalyzer.analyzers", OTHER): ()}
    bad = replace(FULL, facts=dict(FULL.facts) | gone)
    chosen = ("config_all_regions", "access_analyzer")
    assert set(rolled_up(judge(bad, controls=chosen)).values()) == {Status.FAIL}
    assert set(rolled_up(judge(_unlisted(bad), controls=chosen)).values()) == {Status.UNKNOWN}


def test_a_fail_that_is_proved_stands_without_the_list_of_regions() -> None:
    gone = {("config.recorders", HOME): (), ("accessanalyzer.analyzers", HOME): ()}
    bad = _unlisted(replace(FULL, facts=dict(FULL.facts) | gone))
    chosen = ("config_all_regions", "access_analyzer")
    assert set(rolled_up(judge(bad, controls=chosen)).values()) == {Status.FAIL}


@pytest.mark.parametrize("version", versions())
def test_regions_that_were_named_are_judged_though_aws_lists_none(version: str) -> None:
    found = judge(_unlisted(FULL, HOME), version)
    assert Status.UNKNOWN not in {rolled_up(found)[key] for key in _of_regions(version)}
    assert not any("ec2:DescribeRegions" in (finding.reason or "") for finding in found)


def test_nothing_found_in_the_regions_read_is_no_answer_for_the_others() -> None:
    account = replace(
        empty(), regions=Regions(read=(HOME,), enabled=denied("ec2:DescribeRegions"))
    )
    assert rolled_up(judge(account, controls=["efs_encryption"])) == {
        "efs_encryption": Status.UNKNOWN
    }


def test_a_muted_control_leaves_the_score() -> None:
    found = judge(empty(), controls=["root_mfa", "securityhub"])
    muted = tuple(replace(f, muted="known") if f.code == "root_mfa" else f for f in found)
    total = score(muted).total
    assert (total.row()["fail"], total.muted, total.not_evaluated) == (1, 1, 1)


def test_names_from_the_account_cannot_steer_the_text() -> None:
    name = "a`b\nc\u202ed\x1b[31m"
    row = {"user": name, "arn": f"arn:{name}", "password_enabled": True, "mfa_active": False}
    facts = {"iam.credential_report": {"generated_at": "1 hours ago", "rows": [row]}}
    (finding,) = judge(snapshot(facts), controls=["user_console_mfa"])
    for text in (finding.message, finding.resource or ""):
        assert text.isprintable()
    assert finding.message.count("`") == 2


def module_with(**values: Any) -> ModuleType:
    module = ModuleType("family")
    vars(module).update(values)
    return module


def test_a_fail_before_a_missing_fact_stands() -> None:
    @control("root_mfa")
    def test(_account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
        """A proof, then a gap."""
        yield Pass("one", "fine")
        yield Fail("two", "broken")
        raise NotCollected("gone", call="iam:GetX", code="AccessDenied", permission="iam:GetX")

    found = findings_of(controls()["root_mfa"], test[0], empty(), benchmark())
    assert [(f.status, f.resource) for f in found] == [
        (Status.PASS, "one"),
        (Status.FAIL, "two"),
        (Status.UNKNOWN, None),
    ]
    assert found[2].reason == "iam:GetX: AccessDenied; needs iam:GetX"
    assert rolled_up(found) == {"root_mfa": Status.FAIL}


def test_a_test_that_says_nothing_had_nothing_to_judge() -> None:
    @control("root_mfa")
    def test(_account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
        """Silence."""
        return iter(())

    (found,) = findings_of(controls()["root_mfa"], test[0], empty(), benchmark())
    assert (found.status, found.message) == (Status.NOT_APPLICABLE, "nothing to judge")


def test_a_control_without_judge_says_what_to_check_by_hand() -> None:
    (found,) = findings_of(controls()["root_mfa"], None, empty(), benchmark())
    assert found.status is Status.MANUAL
    assert "AccountMFAEnabled is 1" in found.message


def test_a_control_is_judged_once_and_with_a_reason() -> None:
    @control("root_mfa")
    def first(_account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
        """One."""
        return iter(())

    with pytest.raises(TypeError, match="root_mfa is declared twice"):
        checks_in(module_with(first=first, second=first))
    with pytest.raises(TypeError, match="docstring"):
        control("root_mfa")(lambda _account, _terms: iter(()))
    with pytest.raises(TypeError, match="needs a docstring and a row"):
        control("root_mfx")(first[0].test)
    assert checks_in(module_with(first=first, other=3)) == first


def test_findings_carry_every_number_and_the_account() -> None:
    (found,) = judge(empty(id="123456789012"), controls=["root_mfa"])
    assert isinstance(found, Finding)
    assert found.account == "123456789012"
    assert found.controls == dict(controls()["root_mfa"].ids)
    assert (
        found.source
        == "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-9"
    )


def test_a_region_that_does_not_have_the_service_has_nothing_to_judge() -> None:
    nowhere = Miss(kind=MissKind.NOWHERE, call="macie2:GetMacieSession", region="eu-south-2")
    bucket = BUCKETS.held((Bucket(name="b", region="us-east-1"),))
    there = MACIE.held_in("us-east-1", None)
    account = account_of(
        bucket, there, MACIE.held_in("eu-south-2", nowhere), regions=("eu-south-2", "us-east-1")
    )
    found = judge(account, "7.0", controls=["s3_macie"])
    assert [(finding.region, finding.status) for finding in found] == [
        ("us-east-1", Status.MANUAL)
    ]
    alone = account_of(bucket, MACIE.held_in("eu-south-2", nowhere), regions=("eu-south-2",))
    (only,) = judge(alone, "7.0", controls=["s3_macie"])
    assert (only.status, only.message) == (
        Status.NOT_APPLICABLE,
        "eu-south-2 does not have the service macie2",
    )


def test_a_region_without_the_service_leaves_what_counts_over_regions_judged() -> None:
    def without(*names: str) -> Account:
        nowhere = Miss(kind=MissKind.NOWHERE, call="service:Call", region=OTHER)
        return replace(FULL, facts=dict(FULL.facts) | {(name, OTHER): nowhere for name in names})

    for key, fact in (
        ("federation", "sso.instances"),
        ("org_mgmt_no_workloads", "ec2.instances"),
        ("org_mgmt_no_workloads", "rds.instances"),
        ("org_mgmt_no_workloads", "efs.file_systems"),
    ):
        assert rolled_up(judge(without(fact), "7.0", controls=[key])) == {key: Status.MANUAL}

    recorders = FULL.facts["config.recorders", HOME]
    local = tuple(replace(recorder, global_types=False) for recorder in recorders)
    account = without("config.recorders")
    account = replace(account, facts=dict(account.facts) | {("config.recorders", HOME): local})
    found = judge(account, controls=["config_all_regions"])
    (failed,) = (finding for finding in found if finding.status is not Status.PASS)
    assert failed.status is Status.FAIL
    assert "no Region records global resource types" in failed.message


def test_a_service_that_no_region_has_is_not_judged() -> None:
    nowhere = Miss(kind=MissKind.NOWHERE, call="config:Call", region=HOME)
    account = snapshot({})
    account = replace(account, facts={("config.recorders", HOME): nowhere})
    assert rolled_up(judge(account, controls=["config_all_regions"])) == {
        "config_all_regions": Status.NOT_APPLICABLE
    }
