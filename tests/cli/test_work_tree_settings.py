"""`policy review --base` under `aws-iam.toml`: what a change excludes or mutes by itself is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aws_iam.cli.command_line import main
from helpers.git.work_trees import (
    ALL_CLEAR,
    PASS,
    READ,
    gains,
    git,
    new_tree,
    policy,
    reviewed,
    with_base,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

CODES = ("ACCESS_GAINED", "PASS_ROLE_WITH_STAR_IN_RESOURCE")
EXCLUDE = 'exclude = ["{}"]\n'


def ignore(code: str, **more: str) -> str:
    rows = "".join(f'{name} = "{value}"\n' for name, value in more.items())
    return f'[[ignore]]\ncode = "{code}"\nreason = "reviewed"\n{rows}\n'


def ignores(**more: str) -> str:
    return "".join(ignore(code, **more) for code in CODES)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    top = new_tree(tmp_path, {"infra/a.json": policy(READ), "other/b.json": policy(READ)})
    monkeypatch.chdir(top)
    return top


def test_a_change_does_not_exclude_itself(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tree, {"aws-iam.toml": EXCLUDE.format("infra/*"), "infra/a.json": policy(READ, PASS)})
    status, answer = reviewed(capsys, "--base", "main")
    assert (status, gains(answer)) == (1, [("infra/a.json", "iam:PassRole")])
    assert "The change itself excludes `infra/a.json`: judged all the same." in answer["summary"]
    assert answer["facts"]["newly_excluded"] == ["infra/a.json"]
    assert main(["policy", "review", "--base", "main", "--format", "markdown"], {}) == 1
    assert "this change itself excludes 1 file" in capsys.readouterr().out.splitlines()[1]


def test_what_was_excluded_before_stays_so_and_is_counted(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_base(tree, {"aws-iam.toml": EXCLUDE.format("infra/*")})
    write(tree, {"infra/a.json": policy(READ, PASS), "infra/c.json": policy(PASS)})
    status, answer = reviewed(capsys, "--base", "main")
    assert status == 0
    assert answer["summary"].startswith(ALL_CLEAR)
    assert "exclude what changes in `infra/a.json` and `infra/c.json`" in answer["summary"]
    main(["policy", "review", "--base", "main", "--format", "markdown"], {})
    assert "2 changed files excluded" in capsys.readouterr().out.splitlines()[1]
    # An exclusion that is taken back holds no longer, and a wider one does not yet.
    write(tree, {"aws-iam.toml": EXCLUDE.format("infra/c.json")})
    assert gains(reviewed(capsys, "--base", "main")[1]) == [("infra/a.json", "iam:PassRole")]
    write(tree, {"aws-iam.toml": EXCLUDE.format("*"), "other/b.json": policy(PASS)})
    assert ("other/b.json", "iam:PassRole") in gains(reviewed(capsys, "--base", "main")[1])


def test_a_policy_is_not_moved_out_of_sight(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statements = [READ | {"Resource": f"arn:aws:s3:::b{n}/*"} for n in range(9)]
    with_base(tree, {"aws-iam.toml": EXCLUDE.format("vendor/*"), "c.json": policy(*statements)})
    write(tree, {"c.json": None, "vendor/c.json": policy(*statements, PASS)})
    git(tree, "add", "--all")
    _, answer = reviewed(capsys, "--base", "main")
    assert gains(answer) == [("vendor/c.json", "iam:PassRole")]


def test_settings_of_another_folder_and_broken_ones_of_the_revision(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_base(tree, {"infra/aws-iam.toml": EXCLUDE.format("a.json")})
    write(tree, {"infra/a.json": policy(READ, PASS)})
    assert gains(reviewed(capsys, "--base", "main", "infra")[1]) == []
    with_base(tree, {"infra/a.json": policy(READ), "infra/aws-iam.toml": "exclude = 1\n["})
    write(
        tree, {"infra/a.json": policy(READ, PASS), "infra/aws-iam.toml": EXCLUDE.format("a.json")}
    )
    assert gains(reviewed(capsys, "--base", "main", "infra")[1]) == [
        ("infra/a.json", "iam:PassRole")
    ]


@pytest.mark.parametrize("here", [".", "infra", "other"])
def test_paths_of_the_settings_are_the_same_from_every_folder(
    here: str, tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_base(
        tree, {"aws-iam.toml": EXCLUDE.format("infra/c.json") + ignores(path="infra/a.json")}
    )
    write(tree, {"infra/a.json": policy(READ, PASS), "infra/c.json": policy(PASS)})
    monkeypatch.chdir(tree / here)
    status, answer = reviewed(capsys, "--base", "main", str(tree / "infra"))
    assert status == 0, answer
    assert {own["code"] for own in answer["findings"] if own.get("muted")} == set(CODES)
    assert answer["facts"]["excluded"] == ["infra/c.json"]
    assert main(["policy", "validate", str(tree / "infra")], {}) == 0
    assert "1 problem muted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after", "by_change"),
    [
        ("", ignores(), True),
        (ignores(), ignores(), False),
        (ignores(path="infra/*"), ignores(path="*"), True),
        (ignores(), ignores().replace("reviewed", "seen"), False),
        (ignores(), ignores() + ignore("ADMINISTRATOR"), False),
    ],
    ids=["new", "the same", "wider", "another reason", "beside a new one"],
)
def test_what_a_change_mutes_itself_is_said(
    before: str,
    after: str,
    by_change: bool,  # noqa: FBT001 - whether it is said
    tree: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with_base(tree, {"aws-iam.toml": before})
    write(tree, {"aws-iam.toml": after, "infra/a.json": policy(READ, PASS)})
    status, answer = reviewed(capsys, "--base", "main")
    assert status == (1 if by_change else 0)
    assert answer["facts"].get("muted_by_change") == (
        {"high": 1, "SECURITY_WARNING": 1} if by_change else None
    )
    assert "2 problems muted, each with its reason" in answer["summary"]
    assert ("2 of them by this change itself" in answer["summary"]) is by_change
    assert all(("added by this change" in own["muted"]) is by_change for own in answer["findings"])
    main(["policy", "review", "--base", "main", "--format", "markdown"], {})
    verdict = capsys.readouterr().out.splitlines()[1]
    assert ("what is gained is muted" in verdict) is not by_change
    hidden = "at worst role for any service, which this change itself mutes"
    assert (hidden in verdict) is by_change
    for format_ in ("sarif", "junit"):
        main(["policy", "review", "--base", "main", "--format", format_], {})
        assert ("this change itself mutes it: reviewed" in capsys.readouterr().out) is by_change


@pytest.mark.parametrize(("more", "said"), [(1, "1 ignore"), (2, "2 ignores")])
def test_a_change_that_only_adds_ignores_is_said_to(
    more: int, said: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_base(tree, {"aws-iam.toml": ignores()})
    write(tree, {"aws-iam.toml": ignores() + ignore("ADMINISTRATOR") * more})
    status, answer = reviewed(capsys, "--base", "main")
    assert (status, answer["facts"]["ignores_added"]) == (0, more)
    assert f"This change adds {said}." in answer["summary"]
    main(["policy", "review", "--base", "main", "--format", "markdown"], {})
    assert f"this change adds {said}" in capsys.readouterr().out.splitlines()[1]


def test_an_ignore_with_a_long_reason_does_not_hide_that_the_change_adds_it(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_base(tree, {"aws-iam.toml": ""})
    long = ignores().replace("reviewed", "reviewed " + "very thoroughly " * 500)
    write(tree, {"aws-iam.toml": long, "infra/a.json": policy(READ, PASS)})
    assert reviewed(capsys, "--base", "main")[0] == 1
    assert reviewed(capsys, "--base", "main", "--fail-on", "critical")[0] == 0


def test_a_comment_that_a_change_adds_is_one_that_it_mutes_by(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    role = (
        'resource "aws_iam_role_policy" "p" {{\n  role = "x"\n  policy = jsonencode({{\n    Version = "2012-10-17"\n'
        '    Statement = [{{\n      Effect = "Allow"\n      Resource = "*"\n{}      Action = "{}"\n    }}]\n  }})\n}}\n'
    )
    comment = "      # aws-iam: ignore[SERVICE_WILDCARD_ALLOWED,FULL_SERVICE_ACCESS] known\n"
    with_base(tree, {"main.tf": role.format("", "s3:GetObject")})
    write(tree, {"main.tf": role.format(comment, "s3:*")})
    _, answer = reviewed(capsys, "--base", "main")
    muted = [own["muted"] for own in answer["findings"] if own.get("muted")]
    assert muted
    assert all("added by this change" in own for own in muted)


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (None, None, 1),
        (None, "critical", 1),
        ("critical", "critical", 0),
        ("critical", None, 1),
        ("medium", "critical", 1),
    ],
)
def test_a_change_does_not_let_itself_pass(
    tree: Path,
    before: str | None,
    after: str | None,
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def settings(severity: str | None) -> dict[str, str | None]:
        return {"aws-iam.toml": f'fail-on = "{severity}"\n' if severity else "exclude = []\n"}

    with_base(tree, {"infra/c.json": policy(READ)} | settings(before))
    write(tree, {"infra/a.json": policy(READ, PASS)} | settings(after))
    found, answer = reviewed(capsys, "--base", "main")
    assert {own["severity"] for own in answer["findings"]} <= {"high", "SECURITY_WARNING"}
    assert found == status
