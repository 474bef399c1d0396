"""The audit of the demonstration account, through the tool's own door."""

from __future__ import annotations

import json
import re
import resource
import socket
import stat
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam import resources
from aws_iam.account.collect.catalogue import FACTS
from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.identity.account_summary import SUMMARY
from aws_iam.account.reading.snapshot import Regions, account_of, load, save
from aws_iam.answer import Severity, Status
from aws_iam.cli import command_line, exit_status
from aws_iam.errors import AwsError, InputError
from aws_iam.report.answer_text import plain
from aws_iam.report.next_calls import as_command
from aws_iam.report.page import CONCISE_BYTES, page, size
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.controls.benchmark import benchmark, controls, versions
from aws_iam.tools.audit.controls.judge import rolled_up
from aws_iam.tools.audit.run.no_credentials import without_credentials
from aws_iam.tools.kit.guide import sections
from helpers.cis_snapshots import CONTROLS, refused
from helpers.documented_commands import commands, problems
from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aws_iam.answer import Answer


CASES = TESTS / "cases" / "audit"


def cases(name: str) -> Any:
    return json.loads((CASES / name).read_text(encoding="utf-8"))


def ask(**arguments: Any) -> Answer:
    return tool.run(arguments, cli=True)


@pytest.fixture(scope="module")
def demo(saved: Path) -> Answer:
    return ask(snapshot=str(saved))


def test_ten_controls_of_the_demonstration_fail_and_ten_pass(demo: Answer) -> None:
    status = list(rolled_up(demo.findings).values())
    assert status.count(Status.FAIL) >= 10
    assert status.count(Status.PASS) >= 10
    assert status.count(Status.UNKNOWN) == 0


@pytest.mark.parametrize("version", versions())
def test_every_control_of_a_version_is_reported_with_its_number(saved: Path, version: str) -> None:
    answer = ask(snapshot=str(saved), benchmark=version)
    numbers = {(finding.controls or {}).get(version) for finding in answer.findings}
    assert numbers == {
        benchmark(version).id_of(control) for control in benchmark(version).controls
    }


@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("row", cases("seed-rows.json"), ids=lambda row: row["row"])
def test_every_row_of_the_seed_is_judged_in_every_version(
    saved: Path, row: dict[str, Any], version: str
) -> None:
    known = [key for key in row["verdicts"] if version in controls()[key].ids]
    if not known:
        assert row["row"] not in {"root MFA", "unused credentials", "trail in all Regions"}
        return
    answer = ask(snapshot=str(saved), benchmark=version, controls=known)
    status = {key: value.value for key, value in rolled_up(answer.findings).items()}
    # The idle limit was 90 days before 1.4, the administration ports only 22 in 1.2: still a fail here.
    assert status == {key: row["verdicts"][key] for key in known}


def test_the_summary_leads_with_the_worst_findings(demo: Answer) -> None:
    first, _, rest = demo.summary.partition(". Score ")
    assert first.startswith(
        "Fix first: `root_no_access_key` (critical): the root user has an access key; "
    )
    assert first.endswith(" (high): `bob.okafor` has a console password but no MFA")
    assert rest.startswith("29% on 58 of 70 controls for account ")
    counted = rolled_up(demo.findings).values()
    for status in Status:
        said = f"{list(counted).count(status)} {status.value.replace('_', ' ')}"
        assert said in demo.summary


def test_the_score_is_passed_by_evaluated_and_says_what_was_not_evaluated(demo: Answer) -> None:
    sections = demo.facts["sections"]
    passed, failed = (sum(row[name] for row in sections) for name in ("pass", "fail"))
    assert demo.facts["score"]["overall"] == round(passed / (passed + failed), 3)
    left = sum(row["manual"] + row["unknown"] + row["not_applicable"] for row in sections)
    assert demo.facts["score"]["not_evaluated"] == left
    assert set(demo.facts["score"]["by_section"]) == {row["section"] for row in sections}
    assert passed + failed + left == len(benchmark().controls)


def test_the_facts_name_account_regions_and_benchmark(demo: Answer) -> None:
    assert demo.facts["benchmark"] == "7.0"
    assert demo.facts["account"] == "111122223333 (larkspur-books)"
    assert demo.facts["regions"] == "2 of 2 enabled Regions"
    assert demo.as_of == "2026-11-24"


def test_failed_findings_come_first_and_the_worst_of_them_first(demo: Answer) -> None:
    places = [(finding.status.rank, finding.severity.rank) for finding in demo.findings]
    assert places == sorted(places)
    assert demo.findings[0].code == "root_no_access_key"
    assert demo.findings[0].fix


def test_the_text_shows_sections_and_each_failed_control_with_number_and_fix(demo: Answer) -> None:
    text = plain(demo)
    assert "| 2 identity and access |" in text
    assert "- fail [critical] root_no_access_key (CIS 7.0: 2.4)" in text
    assert "fix: First give whatever uses the key a role; then sign in as root" in text


def test_a_concise_answer_stays_small(demo: Answer) -> None:
    assert size(page(demo, CONCISE_BYTES)) <= CONCISE_BYTES


def test_severity_leaves_out_findings_but_not_the_score(saved: Path, demo: Answer) -> None:
    answer = ask(snapshot=str(saved), severity="high")
    assert {finding.severity for finding in answer.findings} <= {Severity.CRITICAL, Severity.HIGH}
    assert answer.facts["score"] == demo.facts["score"]
    assert answer.facts["left_out_by_severity"] == len(demo.findings) - len(answer.findings)


def test_named_controls_are_judged_alone() -> None:
    answer = ask(demo=True, controls=["2.5", "alarm_root_use"])
    assert set(rolled_up(answer.findings)) == {"root_mfa", "alarm_root_use"}


def test_an_audit_of_a_part_says_of_which(saved: Path, demo: Answer) -> None:
    assert "asked for" not in demo.summary
    assert "left out" not in demo.summary
    few = ask(snapshot=str(saved), controls=["root_mfa"])
    assert "not_judged" not in demo.facts
    assert f"0 not applicable. 1 of {CONTROLS} controls asked for." in few.summary
    assert few.facts["not_judged"] == [f"1 of {CONTROLS} controls asked for"]
    worst = ask(snapshot=str(saved), severity="critical")
    count = len(demo.findings) - len(worst.findings)
    assert f" {count} findings below critical are left out." in worst.summary
    assert worst.facts["not_judged"] == [f"{count} findings below critical are left out"]
    assert "left out" not in ask(snapshot=str(saved), severity="info").summary


def test_a_named_region_is_read_alone_and_the_answer_says_so() -> None:
    answer = ask(demo=True, regions=["eu-west-1"], controls=["sg_admin_ports_v4"])
    assert answer.facts["regions"] == "1 of 2 enabled Regions: eu-west-1"
    assert {finding.region for finding in answer.findings} == {"eu-west-1"}


def test_what_to_call_next_names_the_worst_control_and_the_same_account() -> None:
    answer = ask(demo=True)
    assert [(dict(call.arguments), call.same) for call in answer.next] == [
        ({"action": "control", "id": "root_no_access_key"}, ()),
        ({"action": "access", "to": "admin"}, ("demo",)),
        ({"action": "cloudtrail"}, ("demo",)),
    ]


@pytest.mark.parametrize(
    "action", ["run", "cloudtrail", "access_analyzer", "principals", "control", "checklist"]
)
def test_every_command_that_an_answer_proposes_exists(saved: Path, action: str) -> None:
    more: dict[str, Any] = {"control": {"id": "1.5"}, "checklist": {}}.get(
        action, {"snapshot": str(saved)}
    )
    for call in ask(action=action, **more).next:
        assert [problems(words) for words in commands(as_command(call))] == [[]]


def test_a_saved_snapshot_is_private_and_gives_the_verdicts_of_its_run(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    first, replayed = ask(demo=True, benchmark="1.4"), ask(snapshot=str(saved), benchmark="1.4")
    assert rolled_up(first.findings) == rolled_up(replayed.findings)
    assert "reads" not in replayed.facts


def test_looking_for_the_place_to_save_to_leaves_nothing_there(
    saved: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        ask(snapshot=str(tmp_path / "gone.json"), save=str(tmp_path / "new.json"))
    assert list(tmp_path.iterdir()) == []
    kept = tmp_path / "kept.json"
    kept.write_text("mine")
    with pytest.raises(InputError, match="cannot be read"):
        ask(snapshot=str(tmp_path / "gone.json"), save=str(kept))
    assert kept.read_text() == "mine"
    ask(snapshot=str(saved), controls=["root_mfa"], save=str(kept))
    assert json.loads(kept.read_text(encoding="utf-8"))["account"] == "111122223333"


def test_a_finished_audit_that_cannot_be_saved_is_told_all_the_same(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.json"
    with files_of_at_most(1_000):
        answer = ask(snapshot=str(saved), save=str(kept))
        words = ["audit", "run", "--snapshot", str(saved), "--save", str(kept)]
        status = command_line.main(words, {})
    why = f"`{kept}` cannot be written: file too large"
    assert f"The snapshot could not be saved: {why}." in answer.summary
    assert answer.facts["not_saved"] == why
    assert len(answer.findings) > 100
    assert status == exit_status.WRONG
    assert why in capsys.readouterr().out


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_place_to_save_to_is_no_argument_of_the_tool() -> None:
    assert "save" not in tool.arguments(cli=False)
    with pytest.raises(InputError, match="save"):
        tool.run({"save": "x.json", "demo": True})


@pytest.mark.parametrize(
    "action", ["run", "cloudtrail", "access_analyzer", "principals", "control", "checklist"]
)
def test_every_section_that_an_answer_quotes_exists(saved: Path, action: str) -> None:
    more: dict[str, Any] = {"control": {"id": "root_mfa"}, "checklist": {}}.get(
        action, {"snapshot": str(saved)}
    )
    quoted = ask(action=action, **more).sources
    quoted += without_credentials(AwsError("none")).sources
    known = {
        section.slug for section in sections(resources.text("references/compliance-checklist.md"))
    }
    for source in quoted:
        page_name, _, topic = source.partition("#")
        assert source.startswith("https://") or (
            page_name == "references/compliance-checklist.md" and topic in known
        )


def test_refused_calls_are_unknown_and_the_answer_holds_the_policy_to_add(tmp_path: Path) -> None:
    file = tmp_path / "refused.json"
    save(account_of(SUMMARY.held(denied("iam:GetAccountSummary"))), file)
    answer = ask(snapshot=str(file), controls=["root_mfa", "root_no_access_key"])
    assert {finding.status for finding in answer.findings} == {Status.UNKNOWN}
    assert "Score none (nothing could be evaluated)" in answer.summary
    assert answer.facts["score"]["overall"] is None
    (policy,) = answer.artifacts
    assert json.loads(policy.content)["Statement"][0]["Action"] == ["iam:GetAccountSummary"]


def test_a_run_that_could_read_little_leads_with_how_much_and_why(tmp_path: Path) -> None:
    file = tmp_path / "little.json"
    save(refused(), file)
    answer = ask(snapshot=str(file))
    assert answer.summary.startswith(
        f"{CONTROLS} of {CONTROLS} controls could not be judged (refused: "
    )
    assert " more). Score none" in answer.summary


def test_a_snapshot_saved_for_one_control_says_so_of_the_others_with_their_actions(
    tmp_path: Path,
) -> None:
    file = tmp_path / "root.json"
    ask(demo=True, controls=["root_mfa"], save=str(file))
    answer = ask(snapshot=str(file))
    unknown = [finding for finding in answer.findings if finding.status is Status.UNKNOWN]
    assert len(unknown) > 60
    for finding in unknown:
        assert re.search(r"\b[a-z0-9-]+:[A-Z]\w+", finding.reason or ""), finding
        assert "saved for fewer controls" in (finding.reason or "")
        assert not any(name in (finding.reason or "") for name in FACTS)
    assert "the snapshot was saved for fewer controls" in answer.summary


def test_what_another_layer_refuses_is_not_in_the_policy_to_add(tmp_path: Path) -> None:
    file = tmp_path / "refused.json"
    message = (
        "User is not authorized to perform it with an explicit deny in a service control policy"
    )
    save(account_of(SUMMARY.held(denied("iam:GetAccountSummary", message))), file)
    answer = ask(snapshot=str(file), controls=["root_mfa"])
    assert {finding.status for finding in answer.findings} == {Status.UNKNOWN}
    assert answer.artifacts == ()


def test_regions_that_aws_will_not_list_are_in_the_lead_the_table_and_the_policy_to_add(
    saved: Path, tmp_path: Path
) -> None:
    whole = load(saved)
    home = whole.regions.read[0]
    file = tmp_path / "unlisted.json"
    regions = Regions(read=(home,), enabled=denied("ec2:DescribeRegions"))
    save(replace(whole, regions=regions), file)
    answer = ask(snapshot=str(file))
    assert "could not be judged (refused: ec2:DescribeRegions)" in answer.summary
    (policy,) = answer.artifacts
    assert json.loads(policy.content)["Statement"][0]["Action"] == ["ec2:DescribeRegions"]
    assert answer.facts["score"]["overall"] <= ask(snapshot=str(saved)).facts["score"]["overall"]
    for action in ("access_analyzer", "cloudtrail"):
        told = ask(action=action, snapshot=str(file)).facts["not_read"]
        assert {"call": "ec2:DescribeRegions", "region": None, "why": "denied"}.items() <= (
            told[0].items()
        )
    for action in ("access_analyzer", "cloudtrail"):
        save(replace(whole, regions=replace(regions, asked=(home,))), file)
        assert "not_read" not in ask(action=action, snapshot=str(file)).facts
    assert "ec2:DescribeRegions" not in ask(snapshot=str(file)).summary


def denied(call: str, message: str = "") -> Miss:
    return Miss(
        kind=MissKind.DENIED, call=call, code="AccessDenied", permission=call, message=message
    )


@pytest.mark.parametrize("case", cases("refused.json"), ids=lambda case: case["name"])
def test_a_wrong_request_is_refused_with_what_would_work(case: dict[str, Any]) -> None:
    with pytest.raises(InputError) as raised:
        ask(**case["arguments"])
    for words in case["says"]:
        assert words in str(raised.value)


def test_without_credentials_an_audit_looks_once_for_metadata_and_says_how_to_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[float] = []

    def closed(_address: Any, timeout: float) -> Any:
        looked.append(timeout)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", closed)
    with pytest.raises(AwsError) as raised:
        ask()
    assert len(looked) == 1
    assert looked[0] < 1
    assert "no AWS credentials were found" in raised.value.message
    assert "`demo: true`" in raised.value.hint


def test_the_answer_without_credentials_offers_the_demonstration_and_the_checklist() -> None:
    answer = without_credentials(AwsError("no AWS credentials were found", hint="connect so"))
    assert "no AWS credentials were found; connect so" in answer.summary
    assert (answer.tool, answer.action) == ("audit", "run")
    assert "`demo: true`" in answer.summary
    assert answer.facts["controls"] == CONTROLS
    assert sum(row["controls"] for row in answer.facts["sections"]) == CONTROLS
    assert "aws-iam audit run --demo" in map(as_command, answer.next)
