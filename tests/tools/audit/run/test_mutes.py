"""The mute list: what is muted stays visible, and a mute that does nothing says so."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading.snapshot import save
from aws_iam.answer import Status
from aws_iam.cli import command_line, exit_status
from aws_iam.errors import InputError
from aws_iam.report.answer_text import plain
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.run.mutes import MOST_MUTES
from helpers.cis_snapshots import refused
from helpers.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer

CASES = ROOT / "tests" / "cases" / "audit"


def cases(name: str) -> Any:
    return json.loads((CASES / name).read_text(encoding="utf-8"))


def ask(saved: Path, mute: Any, **more: Any) -> Answer:
    return tool.run({"snapshot": str(saved), "mute": mute, **more}, cli=True)


@pytest.mark.parametrize("case", cases("mutes.json"), ids=lambda case: case["name"])
def test_a_mute_covers_what_it_names(saved: Path, case: dict[str, Any]) -> None:
    answer = ask(saved, case["mutes"])
    muted = Counter(finding.code for finding in answer.findings if finding.muted is not None)
    assert dict(muted) == case["muted"]
    assert [row["state"] for row in answer.facts.get("mutes", [])] == case["states"]


@pytest.mark.parametrize("case", cases("mutes-refused.json"), ids=lambda case: case["name"])
def test_a_wrong_list_is_refused_with_the_place(saved: Path, case: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        ask(saved, case["mutes"])
    for words in case["says"]:
        assert words in str(refused.value)


def test_a_muted_finding_keeps_status_and_shows_the_reason(saved: Path) -> None:
    answer = ask(saved, [{"control": "imdsv2", "reason": "an old agent", "until": "2099-01-31"}])
    (muted,) = (finding for finding in answer.findings if finding.muted)
    assert muted.status is Status.FAIL
    assert muted.muted == "an old agent (until 2099-01-31)"
    assert answer.findings[-1] is muted
    assert "muted: an old agent (until 2099-01-31)" in plain(answer)


def test_muted_findings_are_counted_apart_and_leave_the_score(saved: Path) -> None:
    before = ask(saved, [])
    answer = ask(saved, [{"control": "imdsv2", "reason": "x"}])
    assert before.counts is not None
    assert answer.counts is not None
    assert answer.counts.muted == 1
    assert answer.counts.status["fail"] == before.counts.status["fail"] - 1
    # One instance passes: without the muted one the control would, and a mute must not make it so.
    passed, failed = (
        sum(row[name] for row in before.facts["sections"]) for name in ("pass", "fail")
    )
    assert answer.facts["score"]["overall"] == round(passed / (passed + failed - 1), 3)
    assert ", 1 muted" in answer.summary
    assert "1 finding muted." in answer.summary


def test_a_muted_control_is_not_the_first_to_fix(saved: Path) -> None:
    answer = ask(saved, [{"control": "root_no_access_key", "reason": "x"}])
    assert "Fix first: `resource_policy_star`" in answer.summary


def test_an_expired_mute_says_so_on_the_finding(saved: Path) -> None:
    answer = ask(saved, [{"control": "imdsv2", "reason": "until spring", "until": "2020-03-01"}])
    (failed,) = (e for e in answer.findings if e.code == "imdsv2" and e.status is Status.FAIL)
    assert failed.muted is None
    assert failed.message.endswith("; its mute expired on 2020-03-01 (until spring)")
    assert "1 mute expired" in answer.summary


def test_a_mute_over_what_could_not_be_judged_says_so(tmp_path: Path) -> None:
    file = tmp_path / "refused.json"
    save(refused(), file)
    answer = ask(file, [{"control": "imdsv2", "reason": "x"}])
    (row,) = answer.facts["mutes"]
    assert row["state"] == "mutes nothing yet: what it covers could not be judged"
    assert "0 findings muted, 1 mute covers what could not be judged." in answer.summary


def test_a_mute_ends_after_its_last_day_as_of_the_snapshot(saved: Path) -> None:
    day = json.loads(saved.read_text(encoding="utf-8"))["collected_at"][:10]
    answer = ask(saved, [{"control": "imdsv2", "reason": "x", "until": day}])
    assert answer.facts["mutes"][0]["state"] == "mutes 1 finding"


@pytest.mark.parametrize(("version", "status"), [("3.0", "fail"), ("4.0", "manual")])
def test_a_muted_alarm_is_a_persons_word_where_the_benchmark_takes_any_monitoring(
    saved: Path, version: str, status: str
) -> None:
    plainly = ask(saved, [], benchmark=version)
    alarm = next(
        e.code for e in plainly.findings if e.code.startswith("alarm_") and e.status == "fail"
    )
    answer = ask(saved, [{"control": alarm, "reason": "a SIEM watches"}], benchmark=version)
    muted = [finding for finding in answer.findings if finding.muted]
    assert {finding.status.value for finding in muted} == {status}


def test_the_documented_list_is_one(saved: Path) -> None:
    page = (ROOT / "references" / "compliance-checklist.md").read_text(encoding="utf-8")
    _, _, after = page.partition("**Mutes.**")
    answer = ask(saved, after.split("```yaml\n")[1].split("```")[0])
    assert [row["control"] for row in answer.facts["mutes"]] == ["root_hardware_mfa", "imdsv2"]


def test_a_list_that_is_too_long_is_refused(saved: Path) -> None:
    with pytest.raises(InputError, match=f"at most {MOST_MUTES:,}"):
        ask(saved, [{"control": "imdsv2", "reason": "x"}] * (MOST_MUTES + 1))


def test_muting_everything_that_fails_ends_with_status_0(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {finding.code for finding in ask(saved, []).findings if finding.status is Status.FAIL}
    file = tmp_path / "mutes.yaml"
    file.write_text("".join(f"- control: {key}\n  reason: accepted\n" for key in sorted(failed)))
    words = ["audit", "run", "--snapshot", str(saved)]
    assert command_line.main(words, {}) == exit_status.FOUND
    assert command_line.main([*words, "--mute", str(file)], {}) == exit_status.OK
    assert (
        command_line.main(["audit", "report", *words[2:], "--mute", str(file)], {})
        == exit_status.OK
    )
    assert "findings muted" in capsys.readouterr().out


def test_hostile_reasons_stay_on_one_line(saved: Path) -> None:
    answer = ask(saved, [{"control": "imdsv2", "reason": "a\nb\u202e<script>"}])
    (muted,) = (finding for finding in answer.findings if finding.muted)
    assert muted.muted == "a\\u000ab\\u202e<script>"
