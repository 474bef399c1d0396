"""How `policy review --base` asks git: no program of the repository runs, and what git refuses is said."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from aws_iam.cli.command_line import main
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
    with_base,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 130\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    top = new_tree(tmp_path, {"a.json": policy(READ), "b.json": policy(READ)})
    monkeypatch.chdir(top)
    return top


@pytest.mark.parametrize(
    "setting",
    [
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "core.askPass",
        "credential.helper",
        "diff.external",
        "diff.x.textconv",
        "diff.x.command",
        "filter.x.clean",
        "filter.x.smudge",
        "filter.x.process",
        "uploadpack.packObjectsHook",
    ],
)
def test_no_program_that_the_settings_name_runs(
    setting: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tree.parent / "ran"
    write(tree, {".gitattributes": "*.json diff=x filter=x\n", "a.json": policy(READ, PASS)})
    git(tree, "config", setting, f"touch {mark}; cat")
    # Git compares a file with the same time and size by its content.
    os.utime(tree / "b.json", (1, 1))
    _, answer = reviewed(capsys, "--base", "main")
    assert gains(answer) == [("a.json", "iam:PassRole")]
    assert not mark.exists()


@pytest.mark.parametrize(
    "name", ["a.b", "a b", "a.clean", "ä", "x'y", '"', "-c", "A", "a\\b", "*"]
)
def test_a_filter_of_any_name_is_switched_off(
    name: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tree.parent / "ran"
    write(tree, {".gitattributes": f"*.json filter={name}\n", "a.json": policy(READ, PASS)})
    for program in ("clean", "process"):
        git(tree, "config", f"filter.{name}.{program}", f"touch {mark}; cat")
    git(tree, "config", f"filter.{name}.required", "true")
    _, answer = reviewed(capsys, "--base", "main")
    assert gains(answer) == [("a.json", "iam:PassRole")]
    assert not mark.exists()


def test_a_filter_that_cannot_be_switched_off_is_refused(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tree.parent / "ran"
    write(tree, {".gitattributes": "*.json filter=a=b\n", "a.json": policy(READ, PASS)})
    git(tree, "config", "filter.a=b.clean", f"touch {mark}; cat")
    assert main(["policy", "review", "--base", "main"], {}) == 2
    assert "a filter `a=b`, whose program cannot be switched off" in capsys.readouterr().err
    assert not mark.exists()


def test_hooks_do_not_run(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = tree.parent / "ran"
    hook = tree / ".git/hooks/post-index-change"
    write(tree, {".git/hooks/post-index-change": f"#!/bin/sh\ntouch {mark}\n"})
    hook.chmod(0o755)
    write(tree, {"a.json": policy(READ, PASS)})
    assert gains(reviewed(capsys, "--base", "main")[1])
    assert not mark.exists()


def test_the_programs_of_a_submodule_do_not_run(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tree.parent / "ran"
    inner = tree / "inner"
    write(inner, {"p.json": policy(READ)})
    git(inner, "init", "--quiet", ".")
    committed(inner)
    committed(tree, "two")
    git(tree, "branch", "--force", "main")
    git(inner, "config", "filter.x.clean", f"touch {mark}; cat")
    write(inner, {".gitattributes": "*.json filter=x\n", "p.json": policy(PASS)})
    _, answer = reviewed(capsys, "--base", "main")
    assert not mark.exists()
    assert answer["summary"].startswith(ALL_CLEAR)
    committed(inner, "two")
    assert not_judged(reviewed(capsys, "--base", "main")[1]) == {
        "inner": "a submodule, which is not read"
    }


def test_what_a_partial_clone_lacks_is_named_and_not_fetched(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tree, "config", "uploadpack.allowFilter", "true")
    git(tree, "mv", "b.json", "c.json")
    write(tree, {"a.json": policy(READ, PASS), "c.json": policy(READ, READ)})
    committed(tree, "two")
    words = ("clone", "--quiet", "--filter=blob:none", "--branch=change")
    git(tree.parent, *words, f"file://{tree}", "clone")
    clone = tree.parent / "clone"
    monkeypatch.chdir(clone)
    mark = tree.parent / "ran"
    git(clone, "config", "remote.origin.url", f"ext::touch {mark}")
    git(clone, "config", "protocol.ext.allow", "always")
    _, answer = reviewed(capsys, "--base", "origin/main")
    assert not mark.exists()
    assert "a.json" in str(not_judged(answer))
    assert "clone without `--filter`" in str(not_judged(answer))
    assert not answer["summary"].startswith(ALL_CLEAR)
    git(clone, "config", "remote.origin.url", f"file://{tree}")
    git(clone, "diff", "origin/main")
    _, answer = reviewed(capsys, "--base", "origin/main")
    assert [own for own in gains(answer) if own[0] == "a.json"] == [("a.json", "iam:PassRole")]
    assert not not_judged(answer)


def test_a_clone_that_lacks_a_file_of_its_own_revision_names_it(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tree, "config", "uploadpack.allowFilter", "true")
    words = ("clone", "--quiet", "--filter=blob:none", "--no-checkout", "--branch=main")
    git(tree.parent, *words, f"file://{tree}", "clone")
    clone = tree.parent / "clone"
    git(clone, "read-tree", "HEAD")
    monkeypatch.chdir(clone)
    write(clone, {"a.json": policy(READ, PASS), "b.json": policy(READ)})
    _, answer = reviewed(capsys, "--base", "main")
    assert "a partial one that lacks it" in str(not_judged(answer))
    assert "a.json" in str(not_judged(answer))


def test_a_pointer_of_git_lfs_is_no_policy(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wider = policy(READ, PASS)
    write(tree, {"a.json": POINTER.format("1" * 64)})
    _, answer = reviewed(capsys, "--base", "main")
    assert "a Git LFS pointer" in not_judged(answer)["a.json"]
    assert "a.json" in answer["summary"]
    assert main(["policy", "validate", "a.json"], {}) == 2
    assert "git lfs pull" in capsys.readouterr().err
    committed(tree, "two")
    git(tree, "branch", "--force", "main")
    # The revision has a pointer to another file than the one that is here now, or to the same.
    write(tree, {"a.json": wider})
    assert "Git LFS pointer" in str(reviewed(capsys, "--base", "main")[1]["facts"])
    digest = hashlib.sha256(wider.encode()).hexdigest()
    write(tree, {"a.json": POINTER.format(digest)})
    committed(tree, "three")
    git(tree, "branch", "--force", "main")
    write(tree, {"a.json": wider})
    assert reviewed(capsys, "--base", "main")[1]["summary"].startswith(ALL_CLEAR)


def test_a_work_tree_of_somebody_else_is_said_to_be_one(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert main(["policy", "review", "--base", "main"], {}) == 2
    said = capsys.readouterr().err
    assert f"git config --global --add safe.directory {tree}`" in said
    assert "inside a git work tree" not in said


def test_only_history_that_has_nothing_in_common_is_compared_with_the_revision_itself(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tree, "checkout", "--quiet", "--orphan", "other")
    assert main(["policy", "review", "--base", "main"], {}) == 2
    assert "HEAD" in capsys.readouterr().err
    write(tree, {"a.json": policy(READ, PASS)})
    committed(tree, "two")
    _, answer = reviewed(capsys, "--base", "main")
    assert "no history in common" in answer["facts"]["base"]
    assert gains(answer) == [("a.json", "iam:PassRole")]


def test_files_that_a_sparse_checkout_leaves_out_are_as_they_were(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'resource "aws_iam_role_policy" "b" {\n  role = "x"\n  policy = file("a.json")\n}\n'
    write(tree, {"m/main.tf": text, "m/a.json": policy(READ), "n.json": policy(READ)})
    committed(tree, "two")
    git(tree, "branch", "--force", "main")
    git(tree, "sparse-checkout", "set", "--no-cone", "/a.json")
    assert not (tree / "m").exists()
    write(tree, {"a.json": policy(READ, PASS)})
    _, answer = reviewed(capsys, "--base", "main")
    assert gains(answer) == [("a.json", "iam:PassRole")]
    assert [own["code"] for own in answer["findings"]] != ["ACCESS_LOST"]


def test_a_path_with_the_marks_of_a_pattern_is_a_path(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {"[ab].json": policy(PASS), ":x.json": policy(PASS)})
    for name in ("[ab].json", ":x.json"):
        _, answer = reviewed(capsys, "--base", "main", name)
        assert gains(answer) == [(name, "iam:PassRole")]


@pytest.mark.parametrize("name", ["b/b.json", "b/new.json"])
def test_what_the_change_commits_counts_where_a_sparse_checkout_leaves_it_out(
    name: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_base(
        tree, {"b/b.json": policy(READ), "b/same.json": policy(PASS), "a/a.json": policy(READ)}
    )
    write(tree, {name: policy(READ, PASS)})
    committed(tree)
    git(tree, "sparse-checkout", "set", "a")
    assert not (tree / "b").exists()
    status, answer = reviewed(capsys, "--base", "main")
    assert status == 1
    assert (name, "iam:PassRole") in gains(answer)
    assert "no longer" not in answer["summary"]


def test_what_the_change_deletes_counts_where_a_sparse_checkout_leaves_it_out(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_base(tree, {"b/b.json": policy(READ), "b/c.json": policy(READ), "a/a.json": policy(READ)})
    write(tree, {"b/b.json": None})
    committed(tree)
    git(tree, "sparse-checkout", "set", "a")
    _, answer = reviewed(capsys, "--base", "main")
    assert [row["name"] for row in answer["facts"]["policies"]] == ["b/b.json"]


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
@pytest.mark.parametrize("name", ["a.json", "a ü.json", 'x"y.json', '"q.json', "n\nl.json"])
def test_an_edit_counts_that_git_is_told_not_to_look_at(
    flag: str, name: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_base(tree, {name: policy(READ), "same.json": policy(PASS)})
    git(tree, "update-index", flag, name, "same.json")
    assert reviewed(capsys, "--base", "main")[1]["summary"].startswith(ALL_CLEAR)
    write(tree, {name: policy(READ, PASS)})
    status, answer = reviewed(capsys, "--base", "main")
    assert status == 1
    assert gains(answer) == [(name.replace("\n", "\\u000a"), "iam:PassRole")]


def test_a_file_that_is_gone_counts_where_git_assumes_it_unchanged(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tree, "update-index", "--assume-unchanged", "b.json")
    write(tree, {"b.json": None})
    _, answer = reviewed(capsys, "--base", "main")
    assert [row["change"] for row in answer["facts"]["policies"]] == ["removed"]


def test_a_repository_within_the_tree_is_named_where_it_has_policies(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("with", policy(READ)), ("without", "{}")):
        write(tree, {f"{name}/x/p.json": text})
        git(tree / name, "init", "--quiet", ".")
    _, answer = reviewed(capsys, "--base", "main")
    assert not_judged(answer) == {"with": "a git repository of its own, which is not read"}
    assert reviewed(capsys, "--base", "main", "--fail-on-unread")[0] == 1


def test_a_shallow_clone_that_lacks_where_both_parted_is_said_at_once(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree, {"d.json": policy(READ)})
    committed(tree)
    git(tree, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(tree.parent, "clone", "--quiet", "--depth=1", "--branch=change", f"file://{tree}", "clone")
    git(tree, "checkout", "--quiet", "main")
    write(tree, {"c.json": policy(READ)})
    committed(tree)
    clone = tree.parent / "clone"
    git(clone, "fetch", "--quiet", "--depth=1", "origin", "main:main")
    monkeypatch.chdir(clone)
    _, answer = reviewed(capsys, "--base", "main")
    said = "ompared with the revision itself, which may have changes of its own: the clone does not hold"
    assert said in answer["summary"]
    main(["policy", "review", "--base", "main", "--format", "markdown"], {})
    assert said in capsys.readouterr().out.splitlines()[1]


def test_before_the_first_commit_everything_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "init", "--quiet", ".")
    write(tmp_path, {"a.json": policy(PASS)})
    monkeypatch.chdir(tmp_path)
    status, answer = reviewed(capsys, "--base", "HEAD")
    assert (status, answer["facts"]["base"]) == (1, "an empty repository")
    assert main(["policy", "review", "--base", "other"], {}) == 2
