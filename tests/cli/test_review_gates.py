"""With what a review of a work tree ends: what could not be read, what the change mutes itself, what lies outside of the paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aws_iam.cli.command_line import main
from helpers.git.work_trees import READ, new_tree, policy, reviewed, write

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = 'resource "aws_iam_role_policy" "x" {\n  policy = jsonencode({\n'
LOOP = (
    "Resources:\n  'Fn::ForEach::T': [N, !Ref Ns, {'P${N}': {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument:"
    " {Statement: [{Effect: Allow, Action: '%s', Resource: '*'}]}}}}]\n"
)
IN_CODE = (
    'new Role({ policy: { Statement: [{ Effect: "Allow", Action: "%s", Resource: "*" }] } })\n'
)
POINTER = (
    f"version https://git-lfs.github.com/spec/v1\noid sha256:{'1' * 64}\nsize 12\n",
    f"version https://git-lfs.github.com/spec/v1\noid sha256:{'2' * 64}\nsize 12\n",
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a.json": policy(READ)}, {"a.json": POINTER[0]}),
        ({"a.json": POINTER[0]}, {"a.json": POINTER[1]}),
        ({"a.json": POINTER[0]}, {"a.json": None}),
        ({}, {"b.tf": BROKEN}),
        ({"serverless.ts": IN_CODE % "s3:Get*"}, {"serverless.ts": IN_CODE % "s3:*"}),
        ({"i.ts": IN_CODE % "s3:Get*"}, {"i.ts": IN_CODE % "s3:*"}),
    ],
    ids=" ".join,
)
def test_a_changed_file_that_cannot_be_read_fails_where_asked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: dict[str, str | None],
    after: dict[str, str | None],
) -> None:
    top = new_tree(tmp_path, {"readme": "x", **before})
    write(top, after)
    monkeypatch.chdir(top)
    status, answer = reviewed(capsys, "--base", "main")
    assert answer["facts"]["files_not_read"] == 1
    assert status == 0
    assert reviewed(capsys, "--base", "main", "--fail-on-unread")[0] == 1


def test_a_changed_part_that_cannot_be_read_fails_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    top = new_tree(tmp_path, {"t.yaml": LOOP % "s3:GetObject", "a.json": policy(READ)})
    monkeypatch.chdir(top)
    assert reviewed(capsys, "--base", "main", "--fail-on-unread")[0] == 0
    write(top, {"t.yaml": LOOP % "*"})
    assert reviewed(capsys, "--base", "main")[0] == 0
    assert reviewed(capsys, "--base", "main", "--fail-on-unread")[0] == 1
    # Beside a policy that is read, in a folder too.
    assert main(["policy", "validate", "."], {}) == 0
    assert main(["policy", "validate", ".", "--fail-on-unread"], {}) == 1


def test_a_changed_link_fails_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    top = new_tree(tmp_path, {"a.json": policy(READ)})
    (top / "l.json").symlink_to("a.json")
    monkeypatch.chdir(top)
    assert reviewed(capsys, "--base", "main", "--fail-on-unread")[0] == 1


def test_what_the_change_leaves_alone_was_not_read_before_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    top = new_tree(
        tmp_path, {"b.tf": BROKEN, "m/a.tf": 'variable "x" {}\n', "i.ts": IN_CODE % "s3:*"}
    )
    write(top, {"a.json": policy(READ)})
    monkeypatch.chdir(top)
    status, answer = reviewed(capsys, "--base", "main", "--fail-on-unread")
    assert (status, "files_not_read" in answer["facts"]) == (0, False)


def test_a_changed_file_that_is_no_json_fails_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    top = new_tree(tmp_path, {"b.json": policy(READ), "c.json": policy(READ) + "},}"})
    write(top, {"b.json": policy(READ) + "},}"})
    monkeypatch.chdir(top)
    flags = ("--base", "main", "--fail-on", "never")
    status, answer = reviewed(capsys, *flags)
    assert (status, answer["facts"]["files_not_read"]) == (0, 1)
    assert reviewed(capsys, *flags, "--fail-on-unread")[0] == 1
