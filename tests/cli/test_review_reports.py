"""What a review of a work tree writes for people and pipelines: each finding has its file, and fails as the command does."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli.command_line import main
from helpers.git.work_trees import PASS, READ, new_tree, policy, write

if TYPE_CHECKING:
    from pathlib import Path

    Printed = pytest.CaptureFixture[str]

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
BOUNDARY = "arn:aws:iam::111122223333:policy/bound"
BROKEN = 'resource "aws_iam_role_policy" "x" {\n  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "s3:*" \n'
DENY = {"Effect": "Deny", "Action": "cloudtrail:*", "Resource": "*"}


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own


def template(**more: Any) -> str:
    inline = [{"PolicyName": "p", "PolicyDocument": json.loads(policy(READ))}]
    role = {"AssumeRolePolicyDocument": TRUST, "Policies": inline, **more}
    return json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}})


def terraform(*lines: str) -> str:
    written = "\n  ".join((f"assume_role_policy = jsonencode({json.dumps(TRUST)})", *lines))
    return f'resource "aws_iam_role" "r" {{\n  {written}\n}}\n'


def attachment(name: str) -> str:
    arn = f"arn:aws:iam::aws:policy/{name}"
    return f'resource "aws_iam_role_policy_attachment" "a" {{\n  role = "r"\n  policy_arn = "{arn}"\n}}\n'


CASES = {
    "a boundary of a template": (
        {"x/t.json": template(PermissionsBoundary=BOUNDARY), "a.json": policy(READ)},
        {"x/t.json": template()},
        "x/t.json",
    ),
    "a boundary of Terraform": (
        {"x/m.tf": terraform(f'permissions_boundary = "{BOUNDARY}"')},
        {"x/m.tf": terraform()},
        "x/m.tf",
    ),
    "an attachment": (
        {"m.tf": attachment("ReadOnlyAccess")},
        {"m.tf": attachment("AdministratorAccess")},
        "m.tf",
    ),
    "an attachment of a template": (
        {"t.json": template()},
        {"t.json": template(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])},
        "t.json",
    ),
    "a policy of denials that is gone": (
        {"scps/d.json": policy(DENY)},
        {"scps/d.json": None},
        "scps/d.json",
    ),
    "a broken file": ({"a.json": policy(READ)}, {"b.tf": BROKEN}, "b.tf"),
}


@pytest.mark.parametrize(("before", "after", "file"), CASES.values(), ids=list(CASES))
def test_each_finding_has_its_file(
    before: dict[str, str | None],
    after: dict[str, str | None],
    file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Printed,
) -> None:
    top = new_tree(tmp_path, {"README": "x", **before})
    write(top, after)
    monkeypatch.chdir(top)
    words = ["policy", "review", "--base", "main"]
    main([*words, "--format", "sarif"], {})
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    found = [own["locations"][0]["physicalLocation"] for own in run["results"]]
    assert found
    assert {own["artifactLocation"]["uri"] for own in found} == {file}
    main([*words, "--format", "junit"], {})
    report = parsed(capsys.readouterr().out)
    assert report.get("name") == "aws-iam policy review"
    assert {own.get("name") for own in report.iter("testsuite")} == {file}
    main([*words, "--format", "markdown"], {})
    text = capsys.readouterr().out
    rows = [line for line in text.splitlines() if line.startswith("| **")]
    assert all(f"| `{file}" in line for line in rows)


def test_a_file_that_cannot_be_read_fails_in_a_report_as_it_does_in_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    top = new_tree(tmp_path, {"a.json": policy(READ)})
    write(top, {"b.tf": BROKEN})
    monkeypatch.chdir(top)
    words = ["policy", "review", "--base", "main", "--format"]
    for more, status in (((), 0), (("--fail-on-unread",), 1)):
        assert main([*words, "junit", *more], {}) == status
        assert parsed(capsys.readouterr().out).get("failures") == str(status)
        assert main([*words, "sarif", *more], {}) == status
        (run,) = json.loads(capsys.readouterr().out)["runs"]
        assert ("error" in {own["level"] for own in run["results"]}) is bool(status)


def test_an_unread_file_fails_in_a_report_of_all_policies_as_it_does_in_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    write(tmp_path, {"a.json": policy(READ), "p.py": f"policy = {policy(READ)} | own\n"})
    monkeypatch.chdir(tmp_path)
    for more, status in (((), 0), (("--fail-on-unread",), 1)):
        assert main(["policy", "validate", ".", "--format", "junit", *more], {}) == status
        report = parsed(capsys.readouterr().out)
        (suite,) = (own for own in report.iter("testsuite") if own.get("name") == "p.py")
        # Never a test that passes.
        assert (suite.get("failures"), suite.get("skipped")) == (str(status), str(1 - status))


def test_beside_the_comment_stands_the_summary_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    top = new_tree(tmp_path, {f"{n}.json": policy(READ) for n in range(30)})
    write(top, {f"{n}.json": policy(READ, PASS) for n in range(30)})
    monkeypatch.chdir(top)
    main(["policy", "review", "--base", "main", "--format", "markdown"], {})
    printed = capsys.readouterr()
    assert printed.out.startswith("<!-- aws-iam review -->")
    assert "new problems" in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert "Every policy that changes" in printed.out


def test_a_comment_has_no_empty_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    top = new_tree(tmp_path, {"a.json": policy(READ), "b.txt": "x"})
    write(top, {"b.txt": "y"})
    monkeypatch.chdir(top)
    main(["policy", "review", "--base", "main", "--format", "markdown"], {})
    assert "Every policy" not in capsys.readouterr().out
