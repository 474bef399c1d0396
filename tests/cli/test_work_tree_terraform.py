"""`policy review --base` of Terraform files whose policies stand in other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from helpers.git.work_trees import (
    ALL_CLEAR,
    PASS,
    READ,
    committed,
    gains,
    git,
    new_tree,
    not_judged,
    policy,
    reviewed,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

EACH = """resource "aws_iam_user_policy" "p" {
  for_each = fileset("${path.module}/p", "*%s")
  name     = each.value
  user     = "bob"
  policy   = file("${path.module}/p/${each.value}")
}
"""


@pytest.mark.parametrize("ending", [".json", ".tpl", ""])
@pytest.mark.parametrize("folder", [".", "modules/app"])
def test_a_list_of_files_has_those_that_did_not_change(
    folder: str,
    ending: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    main_file = f"{folder}/main.tf"
    files = {
        main_file: EACH % ending,
        f"{folder}/p/a{ending}": policy(READ),
        f"{folder}/p/b{ending}": policy(READ | {"Resource": "arn:aws:s3:::c/*"}),
    }
    top = new_tree(tmp_path, files)
    monkeypatch.chdir(top)
    # The list is the same, and what it names is another text: of one file, and of all.
    write(top, {f"{folder}/p/b{ending}": policy(READ, PASS)})
    # The user has what the other file allows all along.
    assert {action for _, action in gains(reviewed(capsys, "--base", "main")[1])} == {
        "iam:PassRole"
    }
    git(top, "checkout", "--quiet", ".")
    wider = (EACH % ending).replace("file(", "replace(file(", 1).replace('value}")', 'value}"), "s3:GetObject", "s3:DeleteObject")')  # fmt: skip
    write(top, {main_file: wider})
    _, answer = reviewed(capsys, "--base", "main")
    assert {action for _, action in gains(answer)} == {"s3:DeleteObject"}
    # A file that comes into the folder is one more.
    git(top, "checkout", "--quiet", ".")
    write(top, {f"elsewhere/c{ending or '.txt'}": policy(READ, PASS)})
    committed(top, "two")
    git(top, "branch", "--force", "main")
    (top / f"elsewhere/c{ending or '.txt'}").rename(top / f"{folder}/p/c{ending}")
    git(top, "add", "--all")
    _, answer = reviewed(capsys, "--base", "main")
    assert "iam:PassRole" in {action for _, action in gains(answer)}


CONFIGURED = """variable "env" {}
resource "aws_iam_role_policy" "p" {
  role   = "app"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Resource = "*", Action = yamldecode(file("${path.module}/config/${var.env}.yaml")).actions }]
  })
}
resource "aws_instance" "web" {
  user_data = file("${path.module}/scripts/${var.env}.sh")
}
"""


def test_a_file_whose_name_is_put_together_is_read_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "app/main.tf": CONFIGURED,
        "app/config/dev.yaml": "actions: [s3:GetObject]\n",
        "app/scripts/dev.sh": "true\n",
        "app/README.md": "x\n",
        "app/package.json": "{}\n",
        "config/dev.yaml": "actions: []\n",
    }
    top = new_tree(tmp_path, files)
    monkeypatch.chdir(top)
    write(top, {"app/config/dev.yaml": "actions: ['*']\n"})
    _, answer = reviewed(capsys, "--base", "main")
    assert list(not_judged(answer)) == ["app/config/dev.yaml"]
    assert "app/config/dev.yaml" in answer["summary"]
    # What no policy is made of is no alarm.
    git(top, "checkout", "--quiet", ".")
    write(top, dict.fromkeys(("app/scripts/dev.sh", "app/README.md", "app/package.json", "config/dev.yaml"), "[]\n"))  # fmt: skip
    _, answer = reviewed(capsys, "--base", "main")
    assert answer["summary"].startswith(ALL_CLEAR), answer
    # With the value of the variable the file is read.
    git(top, "checkout", "--quiet", ".")
    write(top, {"app/terraform.tfvars": 'env = "dev"\n'})
    committed(top, "two")
    git(top, "branch", "--force", "main")
    write(top, {"app/config/dev.yaml": "actions: ['s3:DeleteObject']\n"})
    _, answer = reviewed(capsys, "--base", "main")
    assert [action for _, action in gains(answer)] == ["s3:DeleteObject"]
    assert not not_judged(answer)


def test_a_file_that_cannot_be_read_as_text_is_named_by_what_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'resource "aws_iam_role_policy" "p" {\n  role = "app"\n  policy = templatefile("p.tpl", {})\n}\n'
    top = new_tree(tmp_path, {"main.tf": text, "p.tpl": policy(READ)})
    monkeypatch.chdir(top)
    (top / "p.tpl").write_bytes(policy(PASS).encode() + b"\xff")
    _, answer = reviewed(capsys, "--base", "main")
    assert "p.tpl" in answer["summary"]
    assert not answer["summary"].startswith(ALL_CLEAR)


def test_what_something_else_uses_first_is_still_what_a_policy_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """variable "env" {}
locals {
  config = yamldecode(file("${path.module}/config/${var.env}.yaml"))
  script = file("${path.module}/scripts/${var.env}.sh")
}
resource "aws_instance" "web" {
  tags      = local.config.tags
  user_data = local.script
}
resource "aws_iam_role_policy" "p" {
  role   = "app"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Resource = "*", Action = local.config.actions }]
  })
}
"""
    files = {"main.tf": text, "config/dev.yaml": "actions: []\n", "scripts/dev.sh": "true\n"}
    top = new_tree(tmp_path, files)
    monkeypatch.chdir(top)
    write(top, {"config/dev.yaml": "actions: ['*']\n", "scripts/dev.sh": "false\n"})
    _, answer = reviewed(capsys, "--base", "main")
    assert list(not_judged(answer)) == ["config/dev.yaml"]


def test_very_many_blank_lines_take_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Quadratic time would be minutes.
    blank = "locals {}\n" + "\n" * 100_000
    top = new_tree(tmp_path, {"main.tf": blank, "a.json": policy(READ)})
    monkeypatch.chdir(top)
    write(top, {"main.tf": blank + "# x\n", "a.json": policy(READ, PASS)})
    assert gains(reviewed(capsys, "--base", "main")[1]) == [("a.json", "iam:PassRole")]


def test_a_template_behind_a_link_is_named_where_a_policy_is_made_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'resource "aws_iam_role_policy" "p" {\n  role = "app"\n  policy = templatefile("own.tpl", {})\n}\n'
    top = new_tree(tmp_path, {"main.tf": text, "shared/p.tpl": "{}", "shared/README": "a"})
    monkeypatch.chdir(top)
    (top / "own.tpl").symlink_to("shared/p.tpl")
    (top / "README").symlink_to("shared/README")
    committed(top, "two")
    git(top, "branch", "--force", "main")
    write(top, {"shared/p.tpl": "[]", "shared/README": "b"})
    _, answer = reviewed(capsys, "--base", "main")
    assert not_judged(answer) == {"own.tpl": "a policy of Terraform is made of it, and it cannot be read"}  # fmt: skip


ROLE = """resource "aws_iam_user_policy" "p" {
  user   = "bob"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "iam:PassRole", Resource = "*" }]
  })
}
"""
OTHERS = {"envs/dev/main.tf": "locals {}\n", "envs/prod/main.tf": "locals {}\n"}


@pytest.mark.parametrize("others", [OTHERS, {}], ids=["beside others", "whole folder"])
def test_a_file_that_goes_to_another_environment_is_gained_there_unless_it_is_the_environment(
    others: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    top = new_tree(tmp_path, {**others, "envs/dev/role.tf": ROLE})
    monkeypatch.chdir(top)
    (top / "envs/prod").mkdir(exist_ok=True)
    git(top, "mv", "envs/dev/role.tf", "envs/prod/role.tf")
    status, answer = reviewed(capsys, "--base", "main")
    if others:
        assert [name for name, _ in gains(answer)] == ["envs/prod aws_iam_user_policy.p.policy"]
        assert status == 1
    else:
        assert answer["summary"].startswith(ALL_CLEAR)


@pytest.mark.parametrize("called", ["app", "web"])
def test_a_module_whose_folder_is_renamed_changes_nothing(
    called: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    call = 'module "app" {\n  source = "../../modules/role"\n}\n'
    files = {f"envs/{name}/main.tf": call for name in ("dev", "prod")}
    top = new_tree(tmp_path, {**files, "modules/role/main.tf": ROLE})
    monkeypatch.chdir(top)
    git(top, "mv", "modules/role", "modules/bob-role")
    moved = f"moved {{\n  from = module.app\n  to   = module.{called}\n}}\n"
    now = call.replace("modules/role", "modules/bob-role").replace('"app"', f'"{called}"')
    write(top, dict.fromkeys(files, now + (moved if called != "app" else "")))
    status, answer = reviewed(capsys, "--base", "main")
    assert answer["summary"].startswith(ALL_CLEAR)
    assert status == 0


FILLED = """resource "aws_iam_policy" "p" {
  policy = templatefile("${path.module}/%s", { bucket = "%s" })
}
"""


@pytest.mark.parametrize("bucket", ["b", "c"])
@pytest.mark.parametrize("name", ["other/p.json", "p.json.tftpl", "other/p.tftpl"])
def test_a_template_that_is_renamed_is_no_policy_by_itself(
    name: str,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    template = policy({**READ, "Resource": "arn:aws:s3:::${bucket}/*"})
    top = new_tree(tmp_path, {"main.tf": FILLED % ("p.json", "b"), "p.json": template})
    monkeypatch.chdir(top)
    (top / "other").mkdir()
    git(top, "mv", "p.json", name)
    write(top, {"main.tf": FILLED % (name, bucket)})
    _, answer = reviewed(capsys, "--base", "main")
    assert answer["summary"].startswith(ALL_CLEAR) is (bucket == "b")
    assert len(gains(answer)) == (bucket == "c")
    assert not not_judged(answer)


BOUNDED = """variable "limited" {
  default = true
}
resource "aws_iam_role" "r" {
  name                 = "r"
  permissions_boundary = %s
}
"""
SWITCHED = 'var.limited ? "arn:aws:iam::111122223333:policy/b" : null'


@pytest.mark.parametrize("folder", ["", "env/"])
def test_a_file_of_values_that_stays_the_same_decides_about_what_changes(
    folder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = {
        "main.tf": BOUNDED % '"arn:aws:iam::111122223333:policy/b"',
        f"{folder}prod.tfvars": "limited = false\n",
        "other/prod.tfvars": "size = 1\n",
    }
    top = new_tree(tmp_path, files)
    monkeypatch.chdir(top)
    write(top, {"main.tf": BOUNDED % SWITCHED})
    status, answer = reviewed(capsys, "--base", "main")
    assert status == 1
    (finding,) = answer["findings"]
    assert finding["message"].startswith(f"with the values of `{folder}prod.tfvars`: the perm")
    assert f"With the values of `{folder}prod.tfvars`: " in answer["summary"]


def test_of_very_many_files_of_values_those_not_tried_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"env/e{number:02}.tfvars" for number in range(22)]
    files = {"main.tf": BOUNDED % SWITCHED, **dict.fromkeys(names, "limited = true\n")}
    top = new_tree(tmp_path, files)
    monkeypatch.chdir(top)
    write(top, {"main.tf": BOUNDED % SWITCHED.replace("policy/b", "policy/c")})
    assert {"env/e20.tfvars", "env/e21.tfvars"} <= set(
        not_judged(reviewed(capsys, "--base", "main")[1])
    )
