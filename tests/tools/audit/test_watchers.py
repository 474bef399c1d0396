"""Trails and analyzers: what the answers show, and the commands that fix what fails."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.collect.detection.access_analyzer import (
    ANALYZER_FINDINGS,
    ANALYZERS,
    Analyzer,
    AnalyzerFinding,
    AnalyzerFindings,
)
from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.logging.cloudtrail import (
    TRAIL_INSIGHTS,
    TRAILS,
    Selectors,
    Trail,
    TrailInsights,
    Trails,
    TrailStatus,
)
from aws_iam.account.collect.organization.organization import ORGANIZATION
from aws_iam.account.collect.storage.trail_buckets import TRAIL_BUCKET_ACCESS, TrailBucketAccess
from aws_iam.account.reading.snapshot import account_of
from aws_iam.answer import Status
from aws_iam.tools.audit import access_analyzer
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.controls.benchmark import controls
from aws_iam.tools.audit.trails import trails as audit_trails
from helpers.documented_commands import commands, problems

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer


def ask(**arguments: Any) -> Answer:
    return tool.run(arguments, cli=True)


def test_refused_findings_of_an_analyzer_are_not_no_findings() -> None:
    analyzer = Analyzer(name="main", arn="arn:analyzer/main", type="ACCOUNT", status="ACTIVE")
    account = account_of(
        ANALYZERS.held_in("us-east-1", (analyzer,)),
        ANALYZER_FINDINGS.held_in("us-east-1", denied("access-analyzer:ListFindings")),
    )
    answer = access_analyzer.analyzers_answer(account)
    assert "Their findings could not be read" in answer.summary
    assert "0 active findings" not in answer.summary
    assert answer.facts["active_findings"] == "unknown"


def denied(call: str, message: str = "") -> Miss:
    return Miss(
        kind=MissKind.DENIED, call=call, code="AccessDenied", permission=call, message=message
    )


@pytest.fixture(scope="module")
def verified(saved: Path) -> Answer:
    return ask(action="cloudtrail", snapshot=str(saved))


def test_trails_are_verified_one_by_one(verified: Answer) -> None:
    rows = {row["trail"]: row for row in verified.facts["trails"]}
    assert rows["main"]["all_regions"]
    assert rows["main"]["logging"]
    assert rows["main"]["management_events"] == "reads and writes"
    assert rows["main"]["s3_objects"] == "writes only"
    assert not rows["eu-debugging"]["validation"]
    assert rows["eu-debugging"]["management_events"] == "writes only"
    failed = [finding.code for finding in verified.findings if finding.status is Status.FAIL]
    assert "4 of 6 controls of CIS 7.0 fail" in verified.summary
    assert all(f"`{code}`" in verified.summary for code in failed)


@pytest.mark.parametrize("version", ["1.2", "2.0", "7.0"])
def test_findings_on_trails_have_a_number_of_the_version_and_the_others_are_a_table(
    saved: Path, version: str
) -> None:
    answer = ask(action="cloudtrail", snapshot=str(saved), benchmark=version)
    assert answer.facts["benchmark"] == version
    assert all(version in (finding.controls or {}) for finding in answer.findings)
    further = {row["check"] for row in answer.facts["checks_of_other_versions"]}
    assert len({finding.code for finding in answer.findings} | further) == 8
    assert not further & {finding.code for finding in answer.findings}


def test_a_check_of_older_versions_says_which_and_is_still_mended(verified: Answer) -> None:
    failed = [row for row in verified.facts["checks_of_other_versions"] if row["status"] == "fail"]
    assert [row["check"] for row in failed] == ["cloudtrail_cloudwatch"]
    assert "2.0: 3.4" in failed[0]["cis"]
    assert "controls of other CIS versions that fail: `cloudtrail_cloudwatch`" in verified.summary
    assert "--cloud-watch-logs-log-group-arn" in verified.artifacts[0].content


def test_the_commands_to_mend_trails_are_commands_of_the_aws_cli(verified: Answer) -> None:
    (script,) = verified.artifacts
    lines = [line for line in script.content.splitlines() if line.startswith("aws ")]
    assert len(lines) == 5
    assert [found for line in lines for words in commands(line) for found in problems(words)] == []


def test_the_script_runs_nothing_before_the_owner_has_chosen(verified: Answer) -> None:
    done = run_script(verified.artifacts[0].content, {})
    assert done.returncode != 0
    assert "set it to a KMS key in the Region of bucket larkspur-eu-debugging" in done.stderr
    assert done.stdout == ""


def test_the_script_runs_when_everything_is_chosen(verified: Answer) -> None:
    bucket = "OF_LARKSPUR_EU_DEBUGGING_111122223333"
    at_home = {f"{name}__EU_WEST_1": f"my-{name}" for name in ("LOG_GROUP_ARN", "LOG_ROLE_ARN")}
    beside = {f"{name}__{bucket}": f"my-{name}" for name in ("KEY_ARN", "LOG_BUCKET")}
    done = run_script(verified.artifacts[0].content, at_home | beside)
    assert done.returncode == 0, done.stderr
    assert "[--kms-key-id] [my-KEY_ARN]" in done.stdout
    assert (
        '{"TargetBucket":"my-LOG_BUCKET","TargetPrefix":"s3/larkspur-eu-debugging' in done.stdout
    )


def run_script(script: str, chosen: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it with a stand-in for `aws` that prints its arguments, one in each bracket."""
    stand_in = 'aws() { printf "[%s] " "$@"; echo; }\n'
    return subprocess.run(
        ["bash", "-c", stand_in + script],
        env={"PATH": os.environ["PATH"], **chosen},
        capture_output=True,
        text=True,
        check=False,
    )


def trail(name: str, **parts: Any) -> Trail:
    arn = f"arn:aws:cloudtrail:us-east-1:111122223333:trail/{name}"
    known: dict[str, Any] = {"status": TrailStatus(logging=False), "selectors": Selectors()}
    return Trail(name=name, arn=arn, home_region="us-east-1", **{**known, **parts})


def mended(*trails: Trail) -> Answer:
    account = account_of(TRAILS.held(Trails(trails=trails)))
    return audit_trails.trails_answer(account)


@pytest.mark.parametrize(("start", "kept"), [("x", True), ("x\n", False)])
def test_names_of_the_account_cannot_become_commands(
    tmp_path: Path, start: str, *, kept: bool
) -> None:
    mark = tmp_path / "ran"
    hostile = f"{start} touch {mark} #$(touch {mark})`touch {mark}`';\"touch {mark}"
    answer = mended(trail(hostile, bucket=hostile))
    script = answer.artifacts[0].content
    asked = [
        line[5:].partition(":")[0] for line in script.splitlines() if line.startswith(': "${')
    ]
    done = run_script(script, dict.fromkeys(asked, "chosen"))
    assert not mark.exists()
    assert ("update-trail" in script) == kept
    assert done.stderr.count("touch") == 0


def test_a_stopped_trail_of_one_region_is_extended_and_started() -> None:
    script = mended(trail("only")).artifacts[0].content
    assert "--is-multi-region-trail" in script
    assert "start-logging" in script
    assert "create-trail" not in script


def test_an_account_without_a_trail_gets_the_commands_for_a_new_one() -> None:
    (artifact,) = mended().artifacts
    lines = [line for line in artifact.content.splitlines() if line.startswith("aws ")]
    assert lines[0].startswith("aws cloudtrail create-trail --region us-east-1 --name main")
    assert [found for line in lines for words in commands(line) for found in problems(words)] == []


def test_a_new_trail_records_the_objects_that_nothing_records() -> None:
    answer = mended()
    failed = {finding.code for finding in answer.findings if finding.status is Status.FAIL}
    assert {"s3_data_events_read", "s3_data_events_write"} <= failed
    chosen = {"KEY_ARN__US_EAST_1": "k", "TRAIL_BUCKET__US_EAST_1": "b"}
    done = run_script(answer.artifacts[0].content, chosen)
    (selectors,) = (line for line in done.stdout.splitlines() if "put-event-selectors" in line)
    assert "AWS::S3::Object" in selectors
    assert "Management" in selectors


def test_objects_are_recorded_beside_the_trail_of_another_account() -> None:
    arn = "arn:aws:cloudtrail:us-east-1:999999999999:trail/organization"
    foreign = replace(
        trail("organization", multi_region=True, status=TrailStatus(logging=True)), arn=arn
    )
    (artifact,) = mended(foreign).artifacts
    assert "--name s3-objects" in artifact.content
    assert "Management" not in artifact.content


def test_the_fix_for_data_events_is_one_command_that_runs_as_it_is() -> None:
    for key in ("s3_data_events_read", "s3_data_events_write"):
        fix = controls()[key].fix
        assert "file://" not in fix
        words = shlex.split(fix.partition(" (")[0])
        chosen = json.loads(words[words.index("--advanced-event-selectors") + 1])
        assert [selector["Name"] for selector in chosen] == ["Management events", "S3 objects"]


def test_trails_that_were_refused_in_every_region_are_unknown_not_none() -> None:
    refused = replace(denied("cloudtrail:DescribeTrails"), region="us-east-1")
    account = account_of(TRAILS.held(Trails(unread=(refused,))))
    answer = audit_trails.trails_answer(account)
    assert "could not be read in us-east-1: refused: cloudtrail:DescribeTrails" in answer.summary
    assert "0 trails" not in answer.summary
    assert "6 of them could not be judged" in answer.summary
    assert answer.facts["trails"] == "unknown: refused: cloudtrail:DescribeTrails"
    assert "cloudtrail:DescribeTrails" in {row["needs"] for row in answer.facts["not_read"]}


def test_selectors_that_could_not_be_read_are_left_as_they_are() -> None:
    refused = denied("cloudtrail:GetEventSelectors")
    answer = mended(trail("dark", multi_region=True, selectors=refused))
    assert answer.facts["trails"][0]["management_events"] == "unknown"
    assert "put-event-selectors" not in answer.artifacts[0].content


def test_trails_that_could_not_be_read_are_unknown_and_get_no_commands() -> None:
    refused = denied("cloudtrail:DescribeTrails")
    answer = audit_trails.trails_answer(account_of(TRAILS.held(refused)))
    assert "could not be read" in answer.summary
    assert answer.artifacts == ()
    assert {finding.status for finding in answer.findings} == {Status.UNKNOWN}


def test_analyzers_are_shown_by_region_with_their_findings() -> None:
    answer = ask(action="access_analyzer", demo=True)
    rows = [
        (row["region"], row["type"], row["active_findings"]) for row in answer.facts["analyzers"]
    ]
    assert rows == [
        ("eu-west-1", None, None),
        ("us-east-1", "ACCOUNT", 4),
        ("us-east-1", "ACCOUNT_UNUSED_ACCESS", 3),
    ]
    assert answer.facts["findings_by_type"]["ExternalAccess"] == 4
    assert answer.facts["regions_without_external_access_analyzer"] == ["eu-west-1"]
    lines = [line for line in answer.artifacts[0].content.splitlines() if line.startswith("aws ")]
    assert [found for line in lines for words in commands(line) for found in problems(words)] == []
    assert "--region eu-west-1" in lines[0]


def test_findings_of_every_kind_of_analyzer_are_counted_and_listed() -> None:
    kinds = {
        "ACCOUNT_INTERNAL_ACCESS": "InternalAccess",
        "ORGANIZATION_INTERNAL_ACCESS": "InternalAccess",
        "ACCOUNT_UNUSED_ACCESS": "UnusedPermission",
    }
    arn = "arn:aws:access-analyzer:us-east-1:111122223333:analyzer"
    analyzers = tuple(
        Analyzer(name=kind, arn=f"{arn}/{kind}", type=kind, status="ACTIVE") for kind in kinds
    )
    held = tuple(
        AnalyzerFindings(
            analyzer=f"{arn}/{kind}",
            findings=(
                AnalyzerFinding(
                    id=f"f-{kind}",
                    type=found,
                    resource="arn:aws:s3:::b",
                    resource_type="AWS::S3::Bucket",
                ),
            ),
        )
        for kind, found in kinds.items()
    )
    account = account_of(
        ANALYZERS.held_in("us-east-1", analyzers),
        ANALYZER_FINDINGS.held_in("us-east-1", held),
        ORGANIZATION.held(None),
    )
    answer = access_analyzer.analyzers_answer(account)
    assert answer.facts["findings_by_type"] == {"InternalAccess": 2, "UnusedPermission": 1}
    assert {row["id"] for row in answer.facts["active_findings"]} == {f"f-{k}" for k in kinds}
    assert {row["active_findings"] for row in answer.facts["analyzers"]} == {1}
    # Neither kind watches what outsiders may reach.
    assert answer.facts["regions_without_external_access_analyzer"] == ["us-east-1"]
    assert "3 analyzers with 3 active findings" in answer.summary


def analyzer(name: str, kind: str, status: str = "ACTIVE", **parts: str) -> Analyzer:
    owner = parts.get("owner", "111122223333")
    arn = f"arn:aws:access-analyzer:us-east-1:{owner}:analyzer/{name}"
    return Analyzer(name=name, arn=arn, type=kind, status=status)


def test_a_list_of_findings_that_was_cut_is_nowhere_told_as_exact() -> None:
    listed = (analyzer("main", "ACCOUNT"), analyzer("unused", "ACCOUNT_UNUSED_ACCESS"))
    external = tuple(AnalyzerFinding(id=f"f{n}", type="ExternalAccess") for n in range(3))
    unused = (AnalyzerFinding(id="u", type="UnusedIAMRole"),)
    account = account_of(
        ANALYZERS.held_in("us-east-1", listed),
        ANALYZER_FINDINGS.held_in(
            "us-east-1",
            (
                AnalyzerFindings(analyzer=listed[0].arn, findings=external, more=True),
                AnalyzerFindings(analyzer=listed[1].arn, findings=unused),
            ),
        ),
        ORGANIZATION.held(None),
    )
    answer = access_analyzer.analyzers_answer(account)
    assert "2 analyzers with more than 4 active findings" in answer.summary
    assert answer.facts["findings_by_type"] == {"ExternalAccess": "at least 3", "UnusedIAMRole": 1}
    assert [row["active_findings"] for row in answer.facts["analyzers"]] == ["more than 3", 1]


def made_beside(*listed: Analyzer) -> str:
    account = account_of(
        ANALYZERS.held_in("us-east-1", listed),
        ANALYZER_FINDINGS.held_in("us-east-1", ()),
        ORGANIZATION.held(None),
    )
    return access_analyzer.analyzers_answer(account).artifacts[0].content


def test_an_analyzer_gets_a_name_that_none_of_another_type_has() -> None:
    unused = "ACCOUNT_UNUSED_ACCESS"
    assert "--analyzer-name external --type ACCOUNT" in made_beside(analyzer("main", unused))
    taken = (analyzer("external", unused), analyzer("external-2", "ACCOUNT_INTERNAL_ACCESS"))
    assert "--analyzer-name external-2 --type ACCOUNT" in made_beside(taken[0])
    assert "--analyzer-name external-3 --type ACCOUNT" in made_beside(*taken)


def test_an_analyzer_of_another_account_takes_no_name() -> None:
    above = analyzer("external", "ORGANIZATION", "DISABLED", owner="555566667777")
    assert "--analyzer-name external --type ACCOUNT" in made_beside(above)


def test_beside_a_disabled_analyzer_of_the_account_no_second_one_is_made() -> None:
    script = made_beside(analyzer("external", "ACCOUNT", "DISABLED"))
    assert "aws accessanalyzer create-analyzer" not in script
    assert "# us-east-1: analyzer external is DISABLED, and AWS allows no second one" in script


def test_regions_whose_analyzers_could_not_be_read_are_unknown() -> None:
    refused = denied("access-analyzer:ListAnalyzers")
    account = account_of(ANALYZERS.held_in("us-east-1", refused))
    answer = access_analyzer.analyzers_answer(account)
    assert answer.facts["regions_without_external_access_analyzer"] == "unknown"
    assert answer.facts["active_findings"] == "unknown"
    assert answer.facts["regions_not_judged"] == ["us-east-1"]
    assert answer.summary.startswith("The analyzers could not be read")
    assert "refused: access-analyzer:ListAnalyzers" in answer.summary
    assert "0 analyzers" not in answer.summary
    assert answer.facts["analyzers"][0]["status"] == "unknown"
    assert {finding.status for finding in answer.findings} == {Status.UNKNOWN}
    assert answer.artifacts == ()


def test_delivery_insights_and_the_buckets_policy_are_checked_trail_by_trail(
    verified: Answer,
) -> None:
    rows = {
        (row["check"], row["trail"].rpartition("/")[2]): row["status"]
        for row in verified.facts["checks_beyond_cis"]
    }
    assert rows == {
        ("delivery", "main"): "pass",
        ("delivery", "eu-debugging"): "pass",
        ("bucket_policy", "main"): "pass",
        ("bucket_policy", "eu-debugging"): "pass",
        ("insights", "main"): "pass",
        ("insights", "eu-debugging"): "manual",
    }


def _statement(principal: Any, condition: Any = None) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::b/logs/AWSLogs/111122223333/*",
        **({"Condition": condition} if condition else {}),
    }


_TRAIL_ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/t"
_SERVICE = {"Service": "cloudtrail.amazonaws.com"}
_ACL = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def _checks(status: TrailStatus | Miss, document: str | Miss | None) -> dict[str, tuple[str, str]]:
    trail = Trail(
        name="t",
        arn=_TRAIL_ARN,
        home_region="us-east-1",
        bucket="b",
        prefix="logs",
        status=status,
        selectors=Selectors(),
    )
    access = TrailBucketAccess(
        bucket="b",
        public_grants=(),
        document=document,
        policy_public=False,
        block=denied("s3:GetBucketPublicAccessBlock"),
    )
    account = account_of(
        TRAILS.held(Trails(trails=(trail,))),
        TRAIL_BUCKET_ACCESS.held((access,)),
        TRAIL_INSIGHTS.held(
            (TrailInsights(trail=_TRAIL_ARN, kinds=denied("cloudtrail:GetInsightSelectors")),)
        ),
        collected_at=_NOW,
    )
    answer = audit_trails.trails_answer(account)
    return {
        row["check"]: (row["status"], row["message"]) for row in answer.facts["checks_beyond_cis"]
    }


@pytest.mark.parametrize(
    ("statement", "status", "says"),
    [
        (_statement(_SERVICE, _ACL), "fail", "on behalf of any account's trail"),
        (
            _statement(_SERVICE, {"StringEquals": {"aws:SourceArn": _TRAIL_ARN}}),
            "pass",
            "only for",
        ),
        (
            _statement(_SERVICE, {"StringEquals": {"aws:SourceAccount": "111122223333"}}),
            "pass",
            "only for",
        ),
        (
            _statement(_SERVICE, {"StringEquals": {"aws:SourceArn": f"{_TRAIL_ARN}2"}}),
            "fail",
            "does not let CloudTrail write",
        ),
        (_statement({"Service": "config.amazonaws.com"}), "fail", "does not let CloudTrail write"),
    ],
)
def test_the_policy_of_a_trails_bucket_lets_in_this_accounts_trails_alone(
    statement: dict[str, Any], status: str, says: str
) -> None:
    found = _checks(TrailStatus(logging=True), json.dumps({"Statement": [statement]}))
    assert found["bucket_policy"][0] == status
    assert says in found["bucket_policy"][1]


def test_what_was_refused_of_a_trail_is_unknown() -> None:
    found = _checks(denied("cloudtrail:GetTrailStatus"), denied("s3:GetBucketPolicy"))
    assert {status for status, _ in found.values()} == {"unknown"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (TrailStatus(logging=False), "not_applicable"),
        (TrailStatus(logging=True), "unknown"),
        (TrailStatus(logging=True, delivery_error="AccessDenied"), "fail"),
        (TrailStatus(logging=True, last_delivery=_NOW - timedelta(hours=24)), "pass"),
        (TrailStatus(logging=True, last_delivery=_NOW - timedelta(hours=25)), "fail"),
    ],
)
def test_a_delivery_that_fails_or_is_old_is_told(status: TrailStatus, expected: str) -> None:
    assert _checks(status, None)["delivery"][0] == expected
