"""`policy test` on the command line: files of cases beside the policies that they name, reports, and first files of cases."""

from __future__ import annotations

import io
import json
import os
import shlex
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import xmlschema
import yaml

from aws_iam import templates
from aws_iam.cli import command_line
from helpers.folders import TESTS
from helpers.policies.case_runs import answer, results, run

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """{
 "Version": "2012-10-17",
 "Statement": [
  {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"},
  {"Sid": "Tls", "Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
 ]
}
"""
CASES = """document: policies/reports.json
request: {principal: "arn:aws:iam::111122223333:role/app", context: {aws:SecureTransport: true}}
cases:
- {name: reads reports, action: s3:GetObject, resource: "arn:aws:s3:::reports/2026/a", expect: Allowed}
- {name: reads nothing else, action: s3:GetObject, resource: "arn:aws:s3:::salaries/a", expect: Denied}
- name: encrypted
  action: s3:GetObject
  resource: arn:aws:s3:::reports/2026/a
  context: {aws:SecureTransport: false}
  expect: {outcome: ExplicitlyDenied, reason: Tls}
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work tree with a policy and its cases."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/reports.json").write_text(POLICY, encoding="utf-8")
    (tmp_path / "cases.yaml").write_text(CASES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_exit_status_is_that_of_the_cases(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "cases.yaml", "--quiet") == (
        0,
        "All 3 cases are decided as expected.\n",
        "",
    )
    wider = POLICY.replace("reports/*", "*")
    (tree / "policies/reports.json").write_text(wider, encoding="utf-8")
    status, told = answer(capsys, "cases.yaml")
    assert status == 1
    (finding,) = told["findings"]
    assert finding["code"] == "POLICY_TEST_FAILED"
    assert "the Allow `Read` of identity (policies/reports.json:4:3)" in finding["message"]
    assert (finding["where"]["file"], finding["where"]["line"]) == ("cases.yaml", 5)
    assert run(capsys, "cases.yaml", "--fail-on", "never")[0] == 0


def test_the_command_that_mends_the_policy_is_told(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wider = POLICY.replace("reports/*", "*")
    (tree / "policies/reports.json").write_text(wider, encoding="utf-8")
    told = run(capsys, "cases.yaml")[1]
    (command,) = (line for line in told.splitlines() if line.startswith("- aws-iam policy repair"))
    words = shlex.split(command.partition(": the smallest edit")[0])[3:]
    assert (
        words[-2:] == ["--document", "policies/reports.json"] or "policies/reports.json" in words
    )
    assert command_line.main(["policy", *words, "--out", "policies/reports.json"], {}) == 0
    capsys.readouterr()
    assert run(capsys, "cases.yaml")[0] == 0


def test_what_proves_little_fails_where_one_asks_for_it(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slip = "slip, action: s3:GetObjekt"
    text = CASES.replace("reads nothing else, action: s3:GetObject", slip)
    (tree / "cases.yaml").write_text(text, encoding="utf-8")
    status, output, _ = run(capsys, "cases.yaml", "--quiet")
    assert status == 0
    assert "1 passing case proves little" in output
    assert run(capsys, "cases.yaml", "--fail-on", "medium")[0] == 1


def test_several_files_are_read_each_from_its_own_folder(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = CASES.replace("policies/reports.json", "reports.json")
    (tree / "policies/cases.yaml").write_text(own, encoding="utf-8")
    status, told = answer(capsys, "cases.yaml", "policies/cases.yaml")
    assert (status, told["facts"]["passed"]) == (0, 6)


def test_a_json_file_and_another_policy_work_too(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "cases.json").write_text(json.dumps(yaml.safe_load(CASES)), encoding="utf-8")
    assert run(capsys, "cases.json")[0] == 0
    status, told = answer(capsys, "cases.json", "--document", "AmazonS3ReadOnlyAccess")
    assert status == 1
    assert set(results(told).values()) == {"Allowed"}


def test_cases_from_a_pipe_name_files_of_the_working_folder(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tree.is_dir()
    stdin = io.TextIOWrapper(io.BytesIO(CASES.encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert run(capsys, "-", "--quiet") == (0, "All 3 cases are decided as expected.\n", "")
    assert run(capsys, json.dumps(yaml.safe_load(CASES)))[0] == 0
    outside = json.dumps(yaml.safe_load(CASES.replace("policies/", "../policies/")))
    assert "leads out of" in run(capsys, outside)[2]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("../outside.json", "leads out of"),
        ("/etc/passwd", "leads out of"),
        ("policies/../../outside.json", "leads out of"),
        ("linked.json", "leads out of"),
        (".git/config", "belongs to a tool"),
        (".hidden.json", "has a hidden name"),
        ("policies/none.json", "there is no `policies/none.json`"),
        ("pipe.json", "not a regular file"),
        ("a\\0b", "is no path"),
    ],
)
def test_a_file_of_cases_names_files_of_its_own_tree_only(
    tree: Path, capsys: pytest.CaptureFixture[str], named: str, said: str
) -> None:
    outside = tree.parent / "outside.json"
    outside.write_text(POLICY, encoding="utf-8")
    (tree / "linked.json").symlink_to(outside)
    (tree / ".hidden.json").write_text(POLICY, encoding="utf-8")
    (tree / ".git/config").write_text(POLICY, encoding="utf-8")
    os.mkfifo(tree / "pipe.json")
    text = CASES.replace("policies/reports.json", f'"{named}"')
    (tree / "cases.yaml").write_text(text, encoding="utf-8")
    status, output, errors = run(capsys, "cases.yaml")
    assert (status, output) == (2, "")
    assert said in errors


def test_without_a_work_tree_files_of_the_own_folder_are_named(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / ".git").rmdir()
    monkeypatch.chdir(tree.parent)
    assert run(capsys, f"{tree.name}/cases.yaml")[0] == 0
    own = CASES.replace("policies/reports.json", "../policies/reports.json")
    (tree / "cases").mkdir()
    (tree / "cases/cases.yaml").write_text(own, encoding="utf-8")
    assert run(capsys, f"{tree.name}/cases/cases.yaml")[0] == 0
    monkeypatch.chdir(tree / "policies")
    assert "leads out of" in run(capsys, "../cases/cases.yaml")[2]


def test_junit_has_a_test_for_each_case_and_a_failure_for_each_that_fails(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "policies/reports.json").write_text(POLICY.replace("reports/*", "*"), encoding="utf-8")
    status, _, _ = run(capsys, "cases.yaml", "--format", "junit", "--out", "report.xml")
    assert status == 1
    text = (tree / "report.xml").read_text(encoding="utf-8")
    xmlschema.XMLSchema(str(TESTS / "schemas/junit-10.xsd")).validate(text)
    root = ET.fromstring(text)  # noqa: S314 - our own text
    (suite,) = root
    assert {name: suite.get(name) for name in ("name", "tests", "failures", "errors")} == {
        "name": "cases.yaml",
        "tests": "3",
        "failures": "1",
        "errors": "0",
    }
    assert [(own.get("name"), own.find("failure") is not None) for own in suite] == [
        ("reads reports", False),
        ("reads nothing else", True),
        ("encrypted", False),
    ]
    failure = suite.find("testcase/failure")
    assert failure is not None
    said = failure.get("message", "")
    assert "expected Denied. Allowed: `s3:GetObject`" in said
    assert "the Allow `Read` of identity (policies/reports.json:4:3)" in said


def test_the_table_for_a_pull_request_has_what_fails_first(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "policies/reports.json").write_text(POLICY.replace("reports/*", "*"), encoding="utf-8")
    status, output, _ = run(capsys, "cases.yaml", "--format", "markdown")
    assert status == 1
    lines = output.splitlines()
    assert lines[0] == "# Policy tests: 2 passed, 1 failed"
    rows = [line for line in lines if line.startswith("| ")][2:]
    assert rows[0].startswith(
        "| **fail** | reads nothing else | `s3:GetObject on arn:aws:s3:::salaries/a` | Denied | Allowed |"
    )
    assert [row.split(" | ")[0] for row in rows[1:]] == ["| pass", "| pass"]


def test_a_name_is_no_markup(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "![x](http://e.example/a) <b> x|y"
    text = CASES.replace("name: reads reports", f"name: '{name}'")
    (tree / "cases.yaml").write_text(text, encoding="utf-8")
    _, output, _ = run(capsys, "cases.yaml", "--format", "markdown")
    assert "![x]" not in output
    assert "<b>" not in output


def test_a_first_file_of_cases_passes_and_fails_when_the_policy_is_wider(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "tests").mkdir()
    status, _, errors = run(capsys, "--init", "policies/reports.json", "--out", "tests/first.yaml")
    assert status == 0, errors
    written = yaml.safe_load((tree / "tests/first.yaml").read_text(encoding="utf-8"))
    assert written["document"] == "../policies/reports.json"
    expected = [case["expect"] for case in written["cases"]]
    assert expected.count("Denied") >= 3
    assert {"outcome": "ExplicitlyDenied", "reason": "Tls"} in expected
    status, told = answer(capsys, "tests/first.yaml")
    assert (status, told.get("findings")) == (0, None)
    for old, new in (
        ("reports/*", "*"),
        ('"s3:GetObject"', '["s3:GetObject", "s3:PutObject"]'),
        ('"false"', '"other"'),
        ("s3:GetObject", "s3:PutObject"),
    ):
        changed = POLICY.replace(old, new, 1)
        (tree / "policies/reports.json").write_text(changed, encoding="utf-8")
        assert run(capsys, "tests/first.yaml")[0] == 1, new


def test_a_policy_from_elsewhere_is_held_in_the_first_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    (tmp_path / "policy.json").write_text(json.dumps(policy), encoding="utf-8")
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")
    status, output, _ = run(capsys, "--init", "--document", "../policy.json")
    assert (status, "policy.json" in output) == (0, False)
    (tmp_path / "own" / "cases.yaml").write_text(output, encoding="utf-8")
    assert run(capsys, "cases.yaml")[0] == 0


def test_a_pipe_gets_the_first_file_alone(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, output, errors = run(capsys, "--init", "policies/reports.json")
    assert status == 0
    assert yaml.safe_load(output)["document"] == "policies/reports.json"
    assert "say what is, not what should be" in errors
    (tree / "own.yaml").write_text(output, encoding="utf-8")
    assert run(capsys, "own.yaml")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--init"], "`--init` needs a policy; give it as `--document`"),
        (["--init", "cases.yaml", "--document", "policies/reports.json"], "`--init` takes one document"),
        (["--init", "policies/reports.json", "--policies", "{}"], "`--init` takes one document"),
        (["--init", "policies/reports.json", "--policy", "Role"], "no policy is called `Role`"),
        ([], "`--cases` is missing"),
        (["policies"], "`policies` is a folder"),
        (["policies/reports.json"], "is a policy, and no cases; give it as `--document`"),
        (["none.yaml"], "no such file"),
        (["cases.yaml", "--format", "sarif"], "`--format` must be one of"),
    ],
)  # fmt: skip
def test_what_is_missing_or_too_much_is_said(
    tree: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert tree.is_dir()
    status, output, errors = run(capsys, *words)
    assert (status, output) == (2, "")
    assert said in errors


@pytest.mark.parametrize("template", templates.listed(), ids=lambda own: own.name)
def test_first_cases_of_every_template_pass(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    template: templates.Template,
) -> None:
    monkeypatch.chdir(tmp_path)
    filled = templates.fill(template, template.samples)
    (tmp_path / "policy.json").write_text(filled, encoding="utf-8")
    assert run(capsys, "--init", "policy.json", "--out", "cases.yaml")[0] == 0
    status, told = answer(capsys, "cases.yaml")
    assert status == 0
    assert told["facts"]["passed"] >= 3
    assert told.get("findings") is None
