"""What authors decided to leave as it is: comments, `aws-iam.toml`, and the list of today's problems."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli.command_line import main

if TYPE_CHECKING:
    from pathlib import Path

WIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}]}  # fmt: skip
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
CODE = "SERVICE_WILDCARD_ALLOWED"
STACK = """Resources:
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            {above}
            Action: s3:*  {beside}
            Resource: arn:aws:s3:::b/*
"""
MODULE = """resource "aws_iam_policy" "p" {{
  policy = data.aws_iam_policy_document.d.json
}}
data "aws_iam_policy_document" "d" {{
  statement {{
    {above}
    actions   = ["s3:*"] {beside}
    resources = ["arn:aws:s3:::b/*"]
  }}
}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def validated(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    status = main(["policy", "validate", "--json", *(words or (".",))], {})
    shown = capsys.readouterr()
    return status, json.loads(shown.out) if shown.out else {"error": shown.err}


def muted(answer: dict[str, Any], code: str = CODE) -> str | None:
    (finding,) = [own for own in answer["findings"] if own["code"] == code]
    return finding.get("muted")


@pytest.mark.parametrize(("name", "text"), [("t.yaml", STACK), ("main.tf", MODULE)])
@pytest.mark.parametrize("place", ["above", "beside"])
def test_a_comment_mutes_its_code_on_its_line_and_the_one_below(
    name: str, text: str, place: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    comments = {"above": "", "beside": "", place: f"# aws-iam: ignore[{CODE}] for the backup"}
    (here / name).write_text(text.format(**comments))
    status, answer = validated(capsys, name)
    assert "for the backup" in (muted(answer) or "")
    assert "1 problem muted" in answer["summary"]
    others = [own for own in answer["findings"] if own["code"] != CODE]
    assert not any(own.get("muted") for own in others)
    (here / name).write_text(text.format(above="", beside=""))
    assert muted(validated(capsys, name)[1]) is None
    assert status == 0 or others


def test_a_muted_problem_neither_fails_the_command_nor_hides(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    comment = f"# aws-iam: ignore[{CODE}] for the backup"
    (here / "t.yaml").write_text(STACK.format(above=comment, beside="").replace("s3:*", "dax:*"))
    status, answer = validated(capsys, "t.yaml", "--fail-on", "high")
    assert status == 0
    assert muted(answer)
    assert not answer["summary"].startswith("No problems found")


def test_a_comment_further_away_or_with_another_code_mutes_nothing_and_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for comment, why in (
        ("# aws-iam: ignore[FULL_ADMIN_ALLOWED] x", "silences nothing"),
        (f"# aws-iam: ignore[{CODE}X] x", f"no such code; did you mean {CODE}?"),
    ):
        (here / "t.yaml").write_text(STACK.format(above=comment, beside=""))
        _, answer = validated(capsys, "t.yaml")
        assert muted(answer) is None
        assert [row["why"] for row in answer["facts"]["ignores_not_in_use"]] == [why]
        assert "Not in use" in answer["summary"]
    text = STACK.format(above="", beside="")
    (here / "t.yaml").write_text(f"# aws-iam: ignore[{CODE}] x\n{text}")
    assert muted(validated(capsys, "t.yaml")[1]) is None


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (f'code = "{CODE}"\nreason = "r"', True),
        (f'code = "{CODE}"\nreason = "r"\npath = "sub/*.json"', True),
        (f'code = "{CODE}"\nreason = "r"\npath = "other/*"', False),
        (f'code = "{CODE}"\nreason = "r"\nuntil = 2999-01-31', True),
        (f'code = "{CODE}"\nreason = "r"\nuntil = 2020-01-31', False),
        ('code = "FULL_ADMIN_ALLOWED"\nreason = "r"', False),
    ],
)
def test_the_settings_mute_by_code_path_and_day(
    entry: str, *, reason: bool, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "sub").mkdir()
    (here / "sub/p.json").write_text(json.dumps(WIDE))
    (here / "aws-iam.toml").write_text(f"[[ignore]]\n{entry}\n")
    for words in ((".",), ("sub",), ("sub/p.json",)):
        assert bool(muted(validated(capsys, *words)[1])) is reason
    if "2020" in entry:
        assert "over since 2020-01-31" in validated(capsys)[1]["summary"]


def test_a_policy_is_named_by_a_pattern(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "t.yaml").write_text(STACK.format(above="", beside=""))
    for where, is_muted in (("Pol*", True), ("Role*", False)):
        (here / "aws-iam.toml").write_text(
            f'[[ignore]]\ncode = "{CODE}"\nwhere = "{where}"\nreason = "r"\n'
        )
        assert bool(muted(validated(capsys)[1])) is is_muted


def test_files_are_excluded(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "vendor").mkdir()
    (here / "vendor/p.json").write_text(json.dumps(WIDE))
    (here / "p.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [READ]}))
    (here / "aws-iam.toml").write_text('exclude = ["vendor/*"]\n')
    assert "findings" not in validated(capsys)[1]
    assert "excludes every file" in validated(capsys, "vendor/p.json")[1]["error"]


def test_the_settings_have_defaults_that_what_is_typed_outweighs(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def kinds(*words: str) -> dict[str, str]:
        rows = validated(capsys, "p.json", "role.tf", *words)[1]["facts"]["policies"]
        return {row["file"]: row["kind"] for row in rows}

    guard = {"Version": "2012-10-17", "Statement": [{**READ, "Action": "s3:Get*"}]}
    (here / "p.json").write_text(json.dumps(guard))
    (here / "role.tf").write_text(MODULE.format(above="", beside=""))
    before = kinds()
    (here / "aws-iam.toml").write_text('kind = "SCP"\n')
    after = kinds()
    assert (before["p.json"], after["p.json"]) == ("identity", "scp")
    assert before["role.tf"] == after["role.tf"] == "identity"
    assert kinds("--kind", "identity")["p.json"] == "identity"
    (here / "p.json").write_text(json.dumps(WIDE))
    # The worst of it is SECURITY_WARNING, which counts as high.
    for text, status in (("", 1), ('fail-on = "critical"\n', 0), ('fail-on = "low"\n', 1)):
        (here / "aws-iam.toml").write_text(text)
        assert validated(capsys, "p.json")[0] == status
    (here / "aws-iam.toml").write_text('fail-on = "medium"\n')
    assert validated(capsys, "p.json", "--fail-on", "critical")[0] == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[ignore]]\ncode = 'X'\n", "has no `reason`"),
        ("[[ignore]]\nreason = 'X'\n", "has no `code`"),
        ("[[ignore]]\ncode = 'X'\nreason = ' '\n", "has no `reason`"),
        ("[[ignore]]\ncode = 'X'\nreason = 'r'\nuntil = 'soon'\n", "`until` is no day"),
        ("[[ignore]]\ncode = 'X'\nreason = 'r'\nfile = 'a'\n", "unknown field `file`"),
        ("[[ignored]]\n", "did you mean `ignore`?"),
        ("ignore = 5\n", "is no list"),
        ("exclude = 'a'\n", "is no list of patterns"),
        ("[[ignore\n", "is not TOML"),
        ("kind = 'spc'\n", "did you mean `scp`?"),
        ("kind = ['scp']\n", "which means nothing"),
        ("fail-on = 'hihg'\n", "did you mean `high`?"),
        ("fail_on = 'high'\n", "did you mean `fail-on`?"),
    ],
)
def test_settings_that_are_wrong_are_refused(
    text: str, says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "p.json").write_text(json.dumps(WIDE))
    (here / "aws-iam.toml").write_text(text)
    status, answer = validated(capsys)
    assert status == 2
    assert says in answer["error"]


def test_a_comment_without_a_reason_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "t.yaml").write_text(STACK.format(above=f"# aws-iam: ignore[{CODE}]", beside=""))
    status, answer = validated(capsys, "t.yaml")
    assert status == 2
    assert "t.yaml:9" in answer["error"]
    assert "has no reason" in answer["error"]


def test_the_list_of_todays_problems_silences_them_and_nothing_else(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "p [1].json").write_text(json.dumps(WIDE))
    (here / "aws-iam.toml").write_text(
        f'exclude = ["x/*"]\n[[ignore]]\ncode = "{CODE}"\nreason = "r"\n'
    )
    assert validated(capsys, ".", "--write-baseline", "--fail-on", "low")[0] == 0
    text = (here / "aws-iam.toml").read_text()
    assert text.startswith('exclude = ["x/*"]')
    status, answer = validated(capsys, ".", "--fail-on", "low")
    assert status == 0
    assert all(own.get("muted") for own in answer["findings"])
    assert "ignores_not_in_use" not in answer["facts"]
    (here / "q.json").write_text(json.dumps(WIDE))
    again = validated(capsys, ".", "--fail-on", "low")
    assert again[0] == 1
    assert {own["where"]["file"] for own in again[1]["findings"] if not own.get("muted")} == {
        "q.json"
    }


def test_an_entry_for_a_file_that_was_not_read_is_not_called_idle(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.json", "b.json"):
        (here / name).write_text(json.dumps(WIDE))
    validated(capsys, ".", "--write-baseline")
    assert (
        "facts" not in (one := validated(capsys, "a.json")[1])
        or "ignores_not_in_use" not in one["facts"]
    )
    (here / "b.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [READ]}))
    rows = validated(capsys)[1]["facts"]["ignores_not_in_use"]
    assert {row["why"] for row in rows} == {"silences nothing"}


def test_a_report_keeps_what_is_muted_as_skipped(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "p.json").write_text(json.dumps(WIDE))
    main(["policy", "validate", ".", "--write-baseline"], {})
    capsys.readouterr()
    assert main(["policy", "validate", ".", "--format", "junit"], {}) == 0
    assert "when this list was begun" in capsys.readouterr().out
