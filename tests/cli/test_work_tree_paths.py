"""Which files `policy review --base` looks at: links, hidden ones, those that are named, and none that is not there."""

from __future__ import annotations

import json
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

LINK = "a link, which is not followed"
ATTACHED = 'resource "aws_iam_role_policy_attachment" "a" {\n  role = "x"\n  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"\n}\n'
ROLE = 'resource "aws_iam_role_policy" "b" {{\n  role = "x"\n  policy = {}\n}}\n'


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "infra/a.json": policy(READ),
        "infra/gone.json": policy(PASS),
        "wide/b.json": policy(PASS),
        "README": "about",
        ".gitignore": "ignored\n",
    }
    top = new_tree(tmp_path, files)
    monkeypatch.chdir(top)
    return top


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("infar", "did you mean `infra`?"),
        ("infra/a.jsn", "did you mean `infra/a.json`?"),
        ("nothing/like/it", "no file or folder `nothing/like/it`, now or at the revision"),
        ("ignored/p.json", "git has no file at `ignored/p.json`"),
        ("ignored", "what `.gitignore` names is not reviewed"),
    ],
)
def test_a_path_without_a_file_is_refused(
    path: str, says: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {"ignored/p.json": policy(PASS)})
    assert main(["policy", "review", "--base", "main", "infra", path], {}) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("path", ["infra/gone.json", "infra", "infra/", "./infra", "."])
def test_what_is_gone_is_reviewed_by_its_path(
    path: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "infra/gone.json").unlink()
    _, answer = reviewed(capsys, "--base", "main", path)
    assert [own["code"] for own in answer["findings"]] == ["ACCESS_LOST"]


def test_paths_are_typed_from_the_folder_on_in_which_one_is(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree, {"infra/a.json": policy(READ, PASS)})
    monkeypatch.chdir(tree / "infra")
    for words in (("a.json",), (), ("../infra",)):
        _, answer = reviewed(capsys, "--base", "main", *words)
        assert gains(answer) == [("infra/a.json", "iam:PassRole")]
    monkeypatch.chdir(tree / "wide")
    assert gains(reviewed(capsys, "--base", "main")[1]) == []


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("p.json", "infra/a.json", "wide/b.json"),
        ("p.json", None, "wide/b.json"),
        ("p.json", "infra/a.json", None),
        ("current", "infra", "wide"),
        ("current", None, "/etc"),
        ("deep/current", None, "../wide"),
        ("name", "/somewhere/a.json", "/somewhere/b.json"),
    ],
)
@pytest.mark.parametrize("commit", [True, False])
def test_a_link_that_changes_is_named(
    name: str,
    before: str | None,
    after: str | None,
    tree: Path,
    capsys: pytest.CaptureFixture[str],
    commit: bool,  # noqa: FBT001 - whether it is committed
) -> None:
    link = tree / name
    link.parent.mkdir(exist_ok=True)
    if before:
        link.symlink_to(before)
        committed(tree)
        git(tree, "branch", "--force", "main")
        link.unlink()
    if after:
        link.symlink_to(after)
    if commit:
        committed(tree, "two")
    _, answer = reviewed(capsys, "--base", "main")
    assert not_judged(answer) == {name: LINK}
    assert name in answer["summary"]
    assert gains(answer) == []


def test_a_file_that_becomes_a_link_and_a_link_that_becomes_a_file_are_named(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tree / "infra/a.json"
    place.unlink()
    place.symlink_to("../wide/b.json")
    committed(tree, "two")
    _, answer = reviewed(capsys, "--base", "main")
    assert not_judged(answer) == {"infra/a.json": LINK}
    assert [own["status"] for own in answer["findings"]] == ["unknown"]
    git(tree, "branch", "--force", "main")
    place.unlink()
    write(tree, {"infra/a.json": policy(READ)})
    _, answer = reviewed(capsys, "--base", "main")
    assert not_judged(answer) == {"infra/a.json": LINK}


def test_a_link_that_leads_to_no_policy_is_no_alarm(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "LIESMICH").symlink_to("README")
    (tree / "python").symlink_to("/usr/bin/python3")
    (tree / "broken").symlink_to("nowhere")
    committed(tree, "two")
    _, answer = reviewed(capsys, "--base", "main")
    assert answer["summary"].startswith(ALL_CLEAR)


def test_a_link_that_is_the_same_is_reviewed_by_what_it_leads_to(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "current").symlink_to("infra")
    committed(tree, "two")
    git(tree, "branch", "--force", "main")
    write(tree, {"infra/a.json": policy(READ, PASS)})
    _, answer = reviewed(capsys, "--base", "main", "current")
    assert gains(answer) == [("infra/a.json", "iam:PassRole")]


@pytest.mark.parametrize("words", [(), (".aws",), (".aws/p.json",)])
def test_a_hidden_policy_that_changes_is_reviewed(
    words: tuple[str, ...], tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {".aws/p.json": policy(READ), ".aws/role.tf": ROLE.format('file("p.json")')})
    committed(tree)
    git(tree, "branch", "--force", "main")
    write(tree, {".aws/p.json": policy(READ, PASS), ".vscode/settings.json": '{"a": "olicy"}'})
    _, answer = reviewed(capsys, "--base", "main", *words)
    assert {action for _, action in gains(answer)} == {"iam:PassRole"}
    assert not not_judged(answer)


def test_hidden_files_without_policies_are_no_alarm(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {".x/policy.json": '{"imagePullPolicy": ', ".y.yaml": "AWS::IAM: ["})
    _, answer = reviewed(capsys, "--base", "main")
    assert answer["summary"].startswith(ALL_CLEAR)


def test_a_hidden_module_is_read_whether_another_calls_it_or_not(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    role = ROLE.format('file("${path.module}/p.txt")')
    before = {
        "live/main.tf": 'module "a" {\n  source = "../.mods/a"\n}\n',
        ".mods/a/main.tf": role,
        ".mods/a/p.txt": policy(READ),
        ".unused/main.tf": role,
        ".unused/p.txt": policy(READ),
    }
    write(tree, before)
    committed(tree)
    git(tree, "branch", "--force", "main")
    write(tree, {".mods/a/p.txt": policy(READ, PASS)})
    _, answer = reviewed(capsys, "--base", "main")
    assert [action for _, action in gains(answer)] == ["iam:PassRole"]
    assert "module.a" in str(gains(answer))
    write(tree, {".mods/a/p.txt": policy(READ), ".unused/main.tf": role + "# same\n"})
    assert reviewed(capsys, "--base", "main")[1]["summary"].startswith(ALL_CLEAR)
    write(tree, {".unused/main.tf": role + ATTACHED})
    _, answer = reviewed(capsys, "--base", "main")
    assert [finding["where"]["file"] for finding in answer["findings"]] == [".unused/main.tf"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"infra/a.json": policy(READ, PASS)}, ", and 1 changed file with policies lies outside."),
        (
            {"infra/a.json": policy(READ, PASS), "x.tf": 'resource "aws_iam_user" "x" {}\n'},
            ", and 2 changed files with policies lie outside.",
        ),
        ({"infra/a.json": None}, ", and 1 changed file with policies lies outside."),
        ({"infra/a.txt": "nothing"}, "."),
    ],
    ids=["changed", "several", "deleted", "without a policy"],
)
def test_a_review_of_one_folder_says_so_and_what_lies_outside(
    files: dict[str, str | None],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    top = new_tree(tmp_path, {"infra/a.json": policy(READ), "app/x.txt": "x"})
    write(top, {**files, "app/x.txt": "y"})
    for folder, words in (("app", ()), (".", ("app",))):
        monkeypatch.chdir(top / folder)
        status, answer = reviewed(capsys, "--base", "main", *words)
        assert status == 0
        assert answer["summary"].startswith(f"{ALL_CLEAR} in `app`, and adds no problem there")
        assert f"Only `app` was reviewed{said}" in answer["summary"]
        main(["policy", "review", "--base", "main", "--format", "markdown", *words], {})
        verdict = capsys.readouterr().out.splitlines()[1]
        assert f"only `app` was reviewed{said.rstrip('.')}" in verdict
    monkeypatch.chdir(top)
    assert "was reviewed" not in reviewed(capsys, "--base", "main")[1]["summary"]


@pytest.mark.parametrize("text", [policy(PASS), policy(PASS, READ)], ids=["as it was", "changed"])
def test_a_file_that_comes_from_outside_of_the_paths_is_compared_with_itself(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = json.dumps(json.loads(policy(PASS)), indent=4)
    top = new_tree(tmp_path, {"old/a.json": long, "infra/b.json": policy(READ)})
    monkeypatch.chdir(top)
    git(top, "mv", "old/a.json", "infra/a.json")
    write(top, {"infra/a.json": json.dumps(json.loads(text), indent=4)})
    for words in ((), ("infra",)):
        status, answer = reviewed(capsys, "--base", "main", *words)
        told = {action for _, action in gains(answer)}
        assert told == (set() if text == policy(PASS) else {"s3:GetObject"})
        assert "outside" not in answer["summary"]
        assert status == 0 or told


def test_installed_packages_are_named_where_their_policies_change(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_base(tree, {"web/node_modules/x/p.json": policy(READ), "web/node_modules/y.json": "{}"})
    write(tree, {"web/node_modules/y.json": '{"version": "2.0.0"}'})
    assert reviewed(capsys, "--base", "main")[1]["summary"].startswith(ALL_CLEAR)
    write(tree, {"web/node_modules/x/p.json": policy(PASS), "web/node_modules/x/q.json": policy()})
    status, answer = reviewed(capsys, "--base", "main")
    (place, why), *more = not_judged(answer).items()
    assert (status, place, more) == (0, "web/node_modules", [])
    assert "name it to review it" in why
    assert reviewed(capsys, "--base", "main", "--fail-on-unread")[0] == 1
    # Such a folder that is named is meant, and one that loses a policy counts, too.
    assert gains(reviewed(capsys, "--base", "main", "web/node_modules")[1])
    write(tree, {"web/node_modules/x/p.json": None, "web/node_modules/x/q.json": None})
    assert list(not_judged(reviewed(capsys, "--base", "main")[1])) == ["web/node_modules"]
