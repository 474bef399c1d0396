"""Report formats are found by their files, and each is loaded only as far as it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aws_iam.errors import InputError
from aws_iam.report.catalogue import ReportFormat, by_line, report_formats
from aws_iam.tools.registry import tools
from helpers.folders import ROOT

FILES = sorted(
    path.stem
    for path in (ROOT / "server/aws_iam/report/formats").glob("*.py")
    if path.stem != "__init__"
)
ONE_HTML_REPORT = """
import sys
from aws_iam.report.catalogue import report_formats
from helpers.audited_runs import audited
run = audited()
for name, declared in report_formats().items():
    if declared.audit and name != "html":
        "".join(declared.audit(run))
print("jinja2" in sys.modules)
"".join(report_formats()["html"].audit(run))
print("jinja2" in sys.modules)
"""


def test_every_file_of_the_folder_is_a_format_of_its_name() -> None:
    assert list(report_formats()) == FILES


@pytest.mark.parametrize("declared", report_formats().values(), ids=lambda entry: entry.name)
def test_a_format_holds_something_and_says_what_it_is_for(declared: ReportFormat) -> None:
    assert declared.audit or declared.policies or declared.access
    assert declared.ending.startswith((".", "-"))
    assert declared.language
    assert declared.used_for
    assert declared.notes


def test_the_lines_of_a_format_are_a_file_of_their_own() -> None:
    for name in ("ocsf", "asff"):
        lines = by_line(name)
        assert lines.ending == f".{name}.ndjson"
        assert lines.audit is lines.audit_lines
    with pytest.raises(InputError, match="`ndjson` does not go with the format html"):
        by_line("html")


def test_no_two_formats_make_files_of_one_name() -> None:
    endings = [declared.ending for declared in report_formats().values()]
    assert len(set(endings)) == len(endings)


def test_the_tools_offer_the_formats_that_can_hold_their_answers() -> None:
    offered = {tool.name: tool.arguments(cli=False).get("format") for tool in tools()}
    audit, policy = offered.pop("audit"), offered.pop("policy")
    declared = report_formats().values()
    assert audit
    assert policy
    # `audit rightsize` writes its changes in the others.
    changes = {"cli", "cloudformation", "terraform"}
    of_audit = {form.name for form in declared if form.audit or form.access}
    assert set(audit.choices) - changes == of_audit
    assert set(policy.choices) == {form.name for form in declared if form.policies}


def test_jinja_is_imported_only_for_the_html_report() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE_HTML_REPORT],
        env={"PYTHONPATH": f"{ROOT / 'server'}:{ROOT / 'tests'}"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")
