"""Every command that a skill shows runs as it stands: each skill's in one folder, one after the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli import command_line, exit_status
from helpers.documented_commands import commands
from helpers.pages import SKILLS, blocks, name_of

if TYPE_CHECKING:
    from pathlib import Path

READS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}
    ],
}
FILES: dict[str, Any] = {
    "policy.json": READS,
    "new.json": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": "arn:aws:s3:::reports/*",
            }
        ],
    },
    "layers.json": {"identity": READS},
    "request.json": {
        "principal": "arn:aws:iam::111122223333:role/app",
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::reports/may.csv",
    },
    "trust.json": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {
                    "Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
                },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                        "token.actions.githubusercontent.com:sub": "repo:octo-org/octo-repo:ref:refs/heads/main",
                    }
                },
            }
        ],
    },
    "iam-cases.yaml": {
        "document": "policy.json",
        "request": {"principal": "arn:aws:iam::111122223333:role/app"},
        "cases": [
            {"name": "reads", "action": "s3:GetObject", "resource": "*", "expect": "Allowed"}
        ],
    },
    "claims.json": {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "sts.amazonaws.com",
        "sub": "repo:octo-org/octo-repo:environment:production",
    },
    "key-policy.json": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    },
}
# What an account that nobody can reach is told: how to get to one.
CONNECTS = ("no profile", "no AWS credentials were found")


def shown(path: Path) -> list[list[str]]:
    """The commands of a skill's blocks, without what they do with the output."""
    every = [
        words
        for block in blocks("bash")
        if block.page == name_of(path)
        for words in commands(block.content)
    ]
    return [words[: words.index(">")] if ">" in words else words for words in every]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("path", SKILLS, ids=name_of)
def test_every_command_of_a_skill_runs(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = shown(path)
    assert every
    for program, *words in every:
        assert program == "aws-iam"
        status = command_line.main(words, {})
        written = capsys.readouterr()
        if {"--profile", "--org"} & set(words):
            assert status in {exit_status.WRONG, exit_status.UNREADABLE}
            assert any(said in written.err for said in CONNECTS), written.err
        else:
            assert status in {exit_status.OK, exit_status.FOUND}, written.err
            assert written.out.strip(), words


def test_a_playbook_shows_a_command_for_most_of_its_actions() -> None:
    """Who has no server has the commands: those that nobody can guess are shown."""
    wanted = {
        "policy": {"lookup", "validate", "evaluate", "compare", "denied", "explain", "generate"},
        "secrets": {"decide", "snippet", "rotation", "check"},
        "kms": {"decide", "key_policy", "check", "lockout", "envelope"},
        "irsa": {"trust_policy", "manifest", "check", "denied"},
        "audit": {"run", "control", "checklist", "report", "cloudtrail", "access_analyzer"},
    }
    for path in SKILLS[1:]:
        tool = path.parent.name.removeprefix("aws-iam-")
        actions = {words[2] for words in shown(path) if words[1] == tool}
        assert wanted[tool] <= actions, wanted[tool] - actions
