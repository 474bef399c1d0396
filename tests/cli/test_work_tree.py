"""`policy review --base`: both sides of a change as git has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aws_iam.cli.command_line import main
from helpers.git.work_trees import PASS, READ, gains, git, new_tree, policy, reviewed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

ROLE = """resource "aws_iam_role_policy" "a" {
  role   = "app"
  policy = templatefile("${path.module}/policy.json.tpl", { action = var.action })
}
variable "action" { default = "s3:GetObject" }
"""
TEMPLATE = json.dumps({"Version": "2012-10-17", "Statement": [{**READ, "Action": "${action}"}]})


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "a.json": policy(READ),
        "debt.json": policy(PASS),
        "stacks/old.json": json.dumps({"Resources": {"P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": json.loads(policy(READ, READ | {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"}))}}}}),
        "modules/app/main.tf": ROLE,
        "modules/app/policy.json.tpl": TEMPLATE,
        "live/main.tf": 'module "app" {\n  source = "../modules/app"\n}\n',
        "other/main.tf": 'resource "aws_iam_role_policy" "b" {\n  role = "x"\n  policy = jsonencode(' + policy(PASS) + ")\n}\n",
        ".gitignore": "ignored/\n",
    }  # fmt: skip
    top = new_tree(tmp_path, files)
    monkeypatch.chdir(top)
    return top


def test_a_tree_without_a_change_is_quiet(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "ignored").mkdir()
    (tree / "ignored/p.json").write_text(policy(PASS))
    status, answer = reviewed(capsys, "--base", "main")
    assert status == 0
    assert answer["summary"].startswith("The change gains and loses no access")
    assert "findings" not in answer


def test_what_is_committed_changed_and_new_is_reviewed_with_its_place(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "a.json").write_text(policy(READ, PASS))
    git(tree, "commit", "--quiet", "--all", "--message=two")
    (tree / "new.json").write_text(policy(PASS))
    status, answer = reviewed(capsys, "--base", "main")
    assert status == 1
    assert gains(answer) == [("a.json", "iam:PassRole"), ("new.json", "iam:PassRole")]
    assert {own["where"]["file"] for own in answer["findings"]} == {"a.json", "new.json"}
    assert reviewed(capsys, "--base", "main", "--fail-on", "critical")[0] == 0
    assert gains(reviewed(capsys, "--base", "main", "new.json")[1]) == [
        ("new.json", "iam:PassRole")
    ]
    assert "main (" in answer["facts"]["base"]


def test_a_file_with_another_name_is_compared_with_itself(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tree, "mv", "stacks/old.json", "stacks/new.json")
    text = (tree / "stacks/new.json").read_text()
    (tree / "stacks/new.json").write_text(text.replace("s3:ListBucket", "s3:DeleteBucket"))
    git(tree, "add", "--all")
    _, answer = reviewed(capsys, "--base", "main")
    assert gains(answer) == [("stacks/new.json P.PolicyDocument", "s3:DeleteBucket")]
    assert [row["change"] for row in answer["facts"]["policies"]] == ["changed"]


def test_a_file_that_is_gone_took_its_access_along(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "debt.json").unlink()
    _, answer = reviewed(capsys, "--base", "main")
    assert [own["code"] for own in answer["findings"]] == ["ACCESS_LOST"]


def test_a_module_changes_with_its_template_and_with_what_calls_it(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = tree / "modules/app/policy.json.tpl"
    template.write_text(TEMPLATE.replace("arn:aws:s3:::b/*", "arn:aws:s3:::c/*"))
    _, answer = reviewed(capsys, "--base", "main")
    assert {name for _, name in gains(answer)} == {"s3:GetObject"}
    template.write_text(TEMPLATE)
    (tree / "live/main.tf").write_text(
        'module "app" {\n  source = "../modules/app"\n  action = "s3:DeleteObject"\n}\n'
    )
    _, answer = reviewed(capsys, "--base", "main")
    assert {name for _, name in gains(answer)} == {"s3:DeleteObject"}


def test_a_clone_that_does_not_reach_where_both_parted_says_so(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "a.json").write_text(policy(READ, PASS))
    git(tree, "commit", "--quiet", "--all", "--message=two")
    git(tree, "checkout", "--quiet", "main")
    (tree / "b.json").write_text(policy(READ))
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message=three")
    git(
        tree.parent,
        "clone",
        "--quiet",
        "--depth=1",
        "--no-single-branch",
        "--branch=change",
        f"file://{tree}",
        "shallow",
    )
    monkeypatch.chdir(tree.parent / "shallow")
    _, answer = reviewed(capsys, "--base", "origin/main")
    assert "does not hold where both parted" in answer["facts"]["base"]
    assert ("a.json", "iam:PassRole") in gains(answer)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--base", "nowhere"), "no revision `nowhere`"),
        (("--base", "--output=x"), "expected one argument"),
        (("--base=--output=x",), "no revision"),
        (("--base", "main", ".."), "not in the git work tree"),
        (("--base", "main", "--baseline", "{}"), "two ways"),
    ],
)
def test_what_cannot_be_reviewed_is_refused(
    words: tuple[str, ...], says: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = git(tree, "status", "--porcelain")
    assert main(["policy", "review", *words], {}) == 2
    assert says in capsys.readouterr().err
    assert git(tree, "status", "--porcelain") == before


def test_outside_of_a_work_tree_the_error_says_what_would_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert main(["policy", "review", "--base", "main"], {}) == 2
    assert "git work tree" in capsys.readouterr().err


def test_links_and_submodules_are_not_followed(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tree.parent / "outside.json"
    outside.write_text(policy(PASS))
    (tree / "link.json").symlink_to(outside)
    git(tree, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendored")
    (tree / "vendored").mkdir()
    git(tree, "commit", "--quiet", "--message=two")
    status, answer = reviewed(capsys, "--base", "main")
    assert gains(answer) == []
    assert status == 0
    assert "vendored" in json.dumps(answer["facts"]["not_judged"])
    assert "gains and loses no access, and adds" not in answer["summary"]


def test_the_settings_hold_for_the_review_and_are_no_policy(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "validate", ".", "--write-baseline"], {}) == 0
    git(tree, "add", "--all")
    capsys.readouterr()
    status, answer = reviewed(capsys, "--base", "main")
    assert status == 0
    assert answer["summary"].startswith("The change gains and loses no access"), answer
    stack = {
        "Policy": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": json.loads(policy(PASS))},
        }
    }
    (tree / "stacks/new.json").write_text(json.dumps({"Resources": stack}))
    codes = ("ACCESS_GAINED", "PASS_ROLE_WITH_STAR_IN_RESOURCE")
    entries = [
        f'[[ignore]]\ncode = "{code}"\nwhere = "Policy.*"\nreason = "r"\n' for code in codes
    ]
    (tree / "aws-iam.toml").write_text("\n".join(entries))
    git(tree, "add", "aws-iam.toml")
    git(tree, "commit", "--quiet", "--message=settings")
    git(tree, "branch", "--force", "main")
    status, answer = reviewed(capsys, "--base", "main")
    assert status == 0
    assert {own["code"] for own in answer["findings"] if own.get("muted")} == set(codes)
    assert "not_judged" not in answer["facts"]
