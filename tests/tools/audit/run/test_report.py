"""`audit report`: what `run` finds, in every format, from the tool's and the command's door."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from rich.console import Console

from aws_iam.answer import Severity, Status, to_json
from aws_iam.cli import exit_status
from aws_iam.cli.command_line import main
from aws_iam.errors import InputError
from aws_iam.report import terminal
from aws_iam.report.audit_report import identity
from aws_iam.report.catalogue import audit_formats
from aws_iam.report.clean import clean
from aws_iam.report.fix_steps import fix_steps
from aws_iam.report.formats.sarif import audit_sarif
from aws_iam.report.page import CONCISE_BYTES, page, size
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.controls.benchmark import benchmark
from helpers.audited_runs import audited, finding
from helpers.browser import chromium
from helpers.cis_snapshots import CONTROLS
from helpers.folders import ROOT, TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from aws_iam.answer import Finding

pytestmark = pytest.mark.process

FORMATS = audit_formats()
SCHEMAS = TESTS / "schemas"
SERVER = ROOT / "server"
MUTES = [{"control": "imdsv2", "reason": "an old agent"}]


def report(saved: Path, format_: str, **more: Any) -> str:
    asked = {"action": "report", "snapshot": str(saved), "format": format_, **more}
    return tool.run(asked, cli=True).artifacts[0].content


def findings(saved: Path, **more: Any) -> Sequence[Finding]:
    return tool.run({"snapshot": str(saved), **more}, cli=True).findings


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_gives_one_file_the_counts_and_the_score(saved: Path, format_: str) -> None:
    answer = tool.run({"action": "report", "snapshot": str(saved), "format": format_}, cli=True)
    (file,) = answer.artifacts
    assert file.name.startswith("aws-iam-audit")
    assert file.content.endswith("\n")
    run = tool.run({"snapshot": str(saved)}, cli=True)
    assert answer.counts == run.counts
    assert answer.summary == run.summary
    assert answer.facts["score"] == run.facts["score"]


def test_an_answer_names_headings_that_its_pages_have(saved: Path) -> None:
    asked = ({"snapshot": str(saved)}, {"action": "report", "snapshot": str(saved)})
    for source in (quoted for one in asked for quoted in tool.run(one, cli=True).sources):
        page, _, anchor = source.partition("#")
        heads = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {head.lower().replace(" ", "-") for head in heads}


def test_the_format_is_markdown_when_none_is_named(saved: Path) -> None:
    answer = tool.run({"action": "report", "snapshot": str(saved)}, cli=True)
    assert answer.artifacts[0].language == "markdown"


def test_a_format_that_does_not_exist_is_refused_with_the_near_one(saved: Path) -> None:
    with pytest.raises(InputError, match="did you mean `sarif`"):
        report(saved, "sariff")


def test_json_is_the_answer_of_run(saved: Path) -> None:
    told = json.loads(report(saved, "json", mute=MUTES))
    run = tool.run({"snapshot": str(saved), "mute": MUTES}, cli=True)
    assert told == json.loads(json.dumps(to_json(clean(replace(run, next=())))))


def test_csv_has_every_finding_with_its_status(saved: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(report(saved, "csv", mute=MUTES), newline="")))
    found = findings(saved, mute=MUTES)
    assert [(row["control"], row["status"]) for row in rows] == [
        (f.code, f.status.value) for f in found
    ]
    assert sum(row["muted"] == "an old agent" for row in rows) == 1
    assert all(row["cis_7.0"] for row in rows)


@pytest.mark.parametrize("format_", ["ocsf", "asff"])
def test_security_lakes_and_hubs_get_every_finding(saved: Path, format_: str) -> None:
    told = json.loads(report(saved, format_, mute=MUTES))
    assert len(told) == len(findings(saved))
    suppressed = [
        row
        for row in told
        if row.get("status_id") == 3 or row.get("Workflow", {}).get("Status") == "SUPPRESSED"
    ]
    assert len(suppressed) == 1


def test_sarif_is_valid_and_knows_each_finding_again(saved: Path) -> None:
    log = json.loads(report(saved, "sarif", mute=MUTES))
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(schema).validate(log)
    (run,) = log["runs"]
    assert run["automationDetails"]["id"] == "aws-iam/audit/111122223333/7.0/"
    found = [e for e in findings(saved, mute=MUTES) if e.status is Status.FAIL and not e.muted]
    assert len(run["results"]) == len(found)
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert ", 1 muted, " in told["message"]["text"]
    prints = {
        result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]
    }
    assert prints == {f"{identity(finding)}:1" for finding in found}
    places = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
    }
    assert "aws/111122223333/global/iam/user/bob.okafor" in places
    assert all(place.startswith("aws/111122223333/") for place in places)


def test_a_version_of_the_benchmark_has_alerts_of_its_own(saved: Path) -> None:
    names = {
        json.loads(report(saved, "sarif", benchmark=version))["runs"][0]["automationDetails"]["id"]
        for version in ("1.4", "7.0")
    }
    assert names == {"aws-iam/audit/111122223333/1.4/", "aws-iam/audit/111122223333/7.0/"}


def test_a_long_name_makes_no_endless_path_and_no_equal_ones() -> None:
    found = [finding(resource=f"arn:aws:s3:::{'x' * 5_000}{number}") for number in range(2)]
    log = json.loads("".join(audit_sarif(audited(found))))
    paths = [artifact["location"]["uri"] for artifact in log["runs"][0]["artifacts"]]
    assert len(set(paths)) == 2
    assert all(len(path) < 500 for path in paths)


@pytest.mark.parametrize("format_", ["html", "markdown", "sarif"])
def test_a_report_on_a_part_says_so(saved: Path, format_: str) -> None:
    assert "ot the whole audit" not in report(saved, format_)
    assert f"1 of {CONTROLS} controls asked for" in report(saved, format_, controls=["root_mfa"])
    left = len(findings(saved)) - len(findings(saved, severity="critical"))
    told = report(saved, format_, severity="critical")
    assert f"{left} findings below critical are left out" in told
    assert "controls asked for" not in told
    assert "ot the whole audit" not in report(saved, format_, severity="info")


@pytest.mark.parametrize("format_", ["json", "csv", "html", "markdown", "ocsf", "junit", "sarif"])
def test_every_fix_is_whole(saved: Path, format_: str) -> None:
    failed = [e for e in findings(saved) if e.fix and e.status is Status.FAIL]
    if format_ in {"markdown", "sarif"}:
        # One for each control, in what tells of it.
        failed = list({e.code: e for e in reversed(failed)}.values())
    fixes = {e.fix for e in failed if e.fix}
    assert max(map(len, fixes)) > 1_000
    text = report(saved, format_)
    if format_ == "html":
        # There the commands of a fix stand by themselves.
        fixes = {step.text for fix in fixes for step in fix_steps(fix)}
    if format_ in {"html", "junit"}:
        text = html.unescape(text)
    elif format_ == "csv":
        text = text.replace('""', '"')
    elif format_ != "markdown":
        text = "\n".join(_texts(json.loads(text)))
    assert [fix for fix in fixes if fix not in text] == []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for part in value.values() for text in _texts(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in _texts(part))


def test_the_answer_holds_a_fix_whole(saved: Path) -> None:
    told = clean(tool.run({"snapshot": str(saved)}, cli=True))
    assert [e.fix for e in told.findings] == [e.fix for e in findings(saved)]
    control = clean(tool.run({"action": "control", "id": "alarm_org_changes"}))
    assert "--alarm-actions" in control.facts["fix"]


def test_junit_has_a_test_for_each_control_in_its_section(saved: Path) -> None:
    root = ET.fromstring(report(saved, "junit", mute=MUTES))  # noqa: S314 - our own text
    cases = [case.get("name") for case in root.iter("testcase")]
    chosen = benchmark()
    assert sorted(cases) == sorted(f"{e.key} [{chosen.id_of(e)}]" for e in chosen.controls)
    suites = {suite.get("name") for suite in root.iter("testsuite")}
    assert suites == {chosen.section_of(control) for control in chosen.controls}
    failed = {
        e.code for e in findings(saved, mute=MUTES) if e.status is Status.FAIL and not e.muted
    }
    assert root.get("failures") == str(len(failed))
    (muted,) = (case for case in root.iter("testcase") if case.get("name") == "imdsv2 [6.7]")
    skipped = muted.find("skipped")
    assert skipped is not None
    assert "an old agent" in (skipped.get("message") or "")


def test_severity_leaves_out_findings_in_the_file_too(saved: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(report(saved, "csv", severity="high"), newline="")))
    assert {row["severity"] for row in rows} <= {Severity.CRITICAL.value, Severity.HIGH.value}


def test_changes_stand_in_the_files(saved: Path) -> None:
    told = report(saved, "html", against=str(saved))
    assert "Changes since" in told
    assert "## Changes since" in report(saved, "markdown", against=str(saved))


@pytest.mark.parametrize("format_", FORMATS)
def test_a_page_of_a_report_stays_within_its_limit(saved: Path, format_: str) -> None:
    answer = tool.run({"action": "report", "snapshot": str(saved), "format": format_}, cli=True)
    (file,) = answer.artifacts
    for limit in (CONCISE_BYTES, 64 * 1024):
        first = page(answer, limit)
        assert size(first) <= limit
        (shown,) = first.artifacts
        assert shown.content in {"", file.content}
        assert not shown.content or shown == file


@pytest.fixture(scope="module")
def renamed(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The snapshot with a name that no output but one of Unicode can show."""
    file = tmp_path_factory.mktemp("renamed") / "renamed.json"
    text = saved.read_text(encoding="utf-8").replace("bob.okafor", "b\u00f8b.\u65e5\u672c")
    file.write_text(text, encoding="utf-8")
    return file


# Every format where most fails, and every encoding. The output that a process begins with shows nothing more than one
# that is put in its place.
@pytest.mark.parametrize(
    ("format_", "encoding"),
    [
        ("html", "ascii"),
        ("csv", "ascii"),
        ("junit", "ascii"),
        ("html", "cp1252"),
        ("csv", "latin-1"),
        ("junit", "utf-16"),
    ],
)
def test_a_file_is_utf_8_whatever_the_output_is(
    renamed: Path, format_: str, encoding: str
) -> None:
    output = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(output, encoding=encoding)) as shown:
        main(["audit", "report", "--snapshot", str(renamed), "--format", format_], {})
        shown.flush()
    content = report(renamed, format_)
    assert "b\u00f8b.\u65e5\u672c" in content
    assert output.getvalue() == content.encode()


def test_a_process_writes_utf_8_where_its_output_is_ascii(renamed: Path) -> None:
    words = ("audit", "report", "--snapshot", str(renamed), "--format", "html")
    assert run(*words, PYTHONIOENCODING="ascii").stdout == report(renamed, "html")


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aws_iam", *words],
        env={**os.environ, "PYTHONPATH": str(SERVER), **env},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_a_pipe_gets_the_file_alone_and_the_status_tells_of_failures(saved: Path) -> None:
    done = run("audit", "report", "--snapshot", str(saved), "--format", "html")
    assert done.returncode == exit_status.FOUND
    assert done.stdout.startswith("<!doctype html>")
    assert done.stdout.endswith("</html>\n")
    assert done.stderr.startswith("Fix first: ")
    assert "<" not in done.stderr
    assert len(done.stderr) < 4_000


def test_a_person_at_a_terminal_sees_the_score_in_80_columns(
    saved: Path,
) -> None:
    answer = tool.run({"snapshot": str(saved), "mute": MUTES, "against": str(saved)}, cli=True)
    out = io.StringIO()
    terminal.show(clean(answer), Console(file=out, width=80, highlight=False), full=False)
    text = out.getvalue()
    assert "\x1b[" not in text
    table = text[text.index("\nsections") : text.index("Sources:")]
    assert all(len(line) <= 80 for line in table.splitlines())
    assert "6 networking" in table
    assert "2.4 " in table


def test_the_demonstrations_page_shows_everything_in_a_browser(
    saved: Path, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(report(saved, "html"), encoding="utf-8")
    total = len(findings(saved))
    problems: list[str] = []
    with chromium() as browser:
        shown = browser.new_page(viewport={"width": 1280, "height": 900})
        shown.on("console", lambda message: problems.append(message.text))
        shown.on("pageerror", lambda error: problems.append(str(error)))
        shown.goto(file.as_uri())
        # It opens on what fails.
        shown.click("#reset")
        assert shown.locator("#count").inner_text() == f"{total} of {total} findings"
        assert shown.locator("#table tr[data-status]:visible").count() == total
        assert shown.locator("h1").inner_text() == "Account 111122223333 larkspur-books"
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert problems == []


INTERRUPTED = """
import signal, sys, threading, time
from aws_iam.account.calls import clients
from aws_iam.__main__ import main
at = clients.Clients.at
count = 0
def interrupting(self, service, region):
    global count
    count += 1
    if count == 40:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    if count >= 40:
        # The reading is not to be at its end before the main thread has its turn.
        time.sleep(0.2)
    return at(self, service, region)
clients.Clients.at = interrupting
sys.argv[0] = "aws-iam"
sys.exit(main())
"""


def test_a_reading_that_is_stopped_saves_what_it_has_and_says_so(
    live_account: Mapping[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "part.json"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "audit", "run", "--save", str(file)],
        env={**os.environ, "PYTHONPATH": str(SERVER), **live_account},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == exit_status.INTERRUPTED == 128 + signal.SIGINT
    assert done.stdout == ""
    assert "aws-iam: interrupted; " in done.stderr
    assert " facts were read and saved in " in done.stderr
    assert "part.json" in done.stderr
    assert "Traceback" not in done.stderr
    answer = tool.run({"snapshot": str(file)}, cli=True)
    unknown = [finding for finding in answer.findings if finding.status is Status.UNKNOWN]
    assert unknown
    assert {finding.code for finding in answer.findings} == {
        control.key for control in benchmark().controls
    }


def test_a_reading_that_is_stopped_without_save_says_only_that(
    live_account: Mapping[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "audit", "run"],
        env={**os.environ, "PYTHONPATH": str(SERVER), **live_account},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == exit_status.INTERRUPTED
    assert done.stderr.strip() == "aws-iam: interrupted"


def test_a_report_over_the_protocol_takes_mutes_as_a_value() -> None:
    taken = tool.arguments(cli=False)
    assert {"format", "mute", "controls", "benchmark", "severity"} <= set(taken)
    assert not {"save", "against", "snapshot"} & set(taken)
