"""`policy review` in a work tree where comments and entries of `aws-iam.toml` move, or what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from helpers.git.work_trees import new_tree, reviewed, write

if TYPE_CHECKING:
    from pathlib import Path

CODE = "SERVICE_WILDCARD_ALLOWED"
COMMENT = f"# aws-iam: ignore[{CODE}] reviewed"
ENTRY = """
[[ignore]]
code = "SERVICE_WILDCARD_ALLOWED"
path = "t.yaml"
where = "Logs.PolicyDocument"
reason = "there on the first day"
"""


def managed(name: str, action: str, *, beside: str = "", above: str = "") -> str:
    """A managed policy in YAML, with a comment beside its action or above it."""
    return f"""  {name}:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            {above}
            Action: {action}  {beside}
            Resource: '*'
"""


def template(*policies: str) -> str:
    return "Resources:\n" + "".join(policies)


QUEUE = managed("Queue", "sqs:SendMessage")
OTHER_QUEUE = managed("Queue", "sqs:ReceiveMessage")
LOGS = managed("Logs", "s3:*", beside=COMMENT)
BARE_LOGS = managed("Logs", "s3:*")
BEFORE = {"t.yaml": template(LOGS, QUEUE)}
LISTED = {"aws-iam.toml": ENTRY, "t.yaml": template(BARE_LOGS, QUEUE)}

IN_USE = {
    "what it mutes was there before": (BEFORE, {"t.yaml": template(LOGS, OTHER_QUEUE)}),
    "it moves to another file with its policy": (
        BEFORE,
        {"t.yaml": template(QUEUE), "u.yaml": template(LOGS)},
    ),
    "it moves within its file": (BEFORE, {"t.yaml": template(QUEUE, LOGS)}),
    "it goes to the line above": (
        BEFORE,
        {"t.yaml": template(managed("Logs", "s3:*", above=COMMENT), QUEUE)},
    ),
    "the line is edited below it": (
        BEFORE,
        {"t.yaml": template(managed("Logs", "ec2:*", beside=COMMENT), QUEUE)},
    ),
    "a comment and an entry mute the same": (
        {"aws-iam.toml": ENTRY, "t.yaml": template(managed("Logs", "s3:GetObject"), QUEUE)},
        {"t.yaml": template(LOGS, QUEUE)},
    ),
    "an entry follows its file": (
        LISTED,
        {
            "aws-iam.toml": ENTRY.replace("t.yaml", "u.yaml"),
            "t.yaml": None,
            "u.yaml": template(BARE_LOGS, QUEUE),
        },
    ),
    "an entry follows its policy": (
        LISTED,
        {
            "aws-iam.toml": ENTRY.replace("Logs", "Archive"),
            "t.yaml": template(managed("Archive", "s3:*"), QUEUE),
        },
    ),
}


@pytest.mark.parametrize("name", IN_USE)
def test_a_decision_that_moves_along_with_what_it_is_for_stays_in_use(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, after = IN_USE[name]
    top = new_tree(tmp_path, before)
    monkeypatch.chdir(top)
    write(top, after)
    facts = reviewed(capsys, "--base", "main")[1]["facts"]
    assert "ignores_not_in_use" not in facts
    if name != "a comment and an entry mute the same":
        assert "ignores_added" not in facts


def test_a_comment_that_moves_to_another_statement_is_added_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    top = new_tree(tmp_path, BEFORE)
    monkeypatch.chdir(top)
    moved = managed("Queue", "ec2:*", beside=COMMENT)
    write(top, {"t.yaml": template(BARE_LOGS, moved)})
    status, answer = reviewed(capsys, "--base", "main")
    assert status == 1
    (muted,) = [own["muted"] for own in answer["findings"] if own.get("muted")]
    assert muted == "reviewed (t.yaml:20, added by this change)"
    assert answer["facts"]["ignores_added"] == 1


MOVED = {
    "`t.yaml` is `u.yaml` now": {"t.yaml": None, "u.yaml": template(BARE_LOGS, QUEUE)},
    "`Logs.PolicyDocument` is `Archive.PolicyDocument` now": {
        "t.yaml": template(managed("Archive", "s3:*"), QUEUE)
    },
    "silences nothing": {"t.yaml": template(managed("Logs", "s3:GetObject"), QUEUE)},
}


@pytest.mark.parametrize("why", MOVED)
def test_an_entry_whose_place_moved_is_told_where_that_is(
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    top = new_tree(tmp_path, LISTED)
    monkeypatch.chdir(top)
    write(top, MOVED[why])
    facts = reviewed(capsys, "--base", "main")[1]["facts"]
    assert [row["why"] for row in facts["ignores_not_in_use"]] == [why]
    assert "ignores_added" not in facts
