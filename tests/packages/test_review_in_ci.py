"""The GitHub action and the GitLab template that review a change: valid, and run against a git repository of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.folders import ROOT

ACTION = ROOT / ".github/actions/review"
GITLAB = ROOT / "assets/deploy/gitlab-review.yml"
BIN = Path(sys.executable).parent
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
CASES = """document: a.json
request: {principal: "arn:aws:iam::111122223333:role/app"}
cases:
- {name: reads, action: s3:GetObject, resource: "arn:aws:s3:::b/k", expect: Allowed}
- {name: nobody passes roles, action: iam:PassRole, resource: "arn:aws:iam::111122223333:role/admin", expect: Denied}
"""
PASS = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}

pytestmark = pytest.mark.validator


def run(*words: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "GIT_", "GITHUB_"))}
    path = os.pathsep.join((*filter(None, (env.pop("FIRST", ""),)), str(BIN), os.environ["PATH"]))
    return subprocess.run(
        list(map(str, words)), cwd=cwd, env={**kept, **env, "PATH": path}, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def git(top: Path, *words: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    done = run("git", *settings, *words, cwd=top)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def change(tmp_path: Path) -> Path:
    """The checkout of a pull request: one commit, of which the base is not at hand."""
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet", "--initial-branch=main", ".")
    (origin / "a.json").write_text(policy(READ))
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message=one")
    git(origin, "checkout", "--quiet", "-b", "change")
    (origin / "a.json").write_text(policy(READ, PASS))
    git(origin, "commit", "--quiet", "--all", "--message=two")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=change", f"file://{origin}", "tree")
    return tmp_path / "tree"


def base(top: Path) -> str:
    return run("git", "rev-parse", "main", cwd=top.parent / "origin").stdout.strip()


def reviewed(top: Path, **env: str) -> subprocess.CompletedProcess[str]:
    summary = top.parent / "summary.md"
    given = {
        "BASE": base(top),
        "RUNNER_TEMP": str(top.parent),
        "GITHUB_STEP_SUMMARY": str(summary),
        **env,
    }
    return run("bash", ACTION / "review.sh", cwd=top, **given)


def gh(folder: Path, body: str) -> str:
    """A program in the place of GitHub's own, which a machine without GitHub cannot ask."""
    (folder / "bin").mkdir()
    program = folder / "bin/gh"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/called"\n{body}\n')
    program.chmod(0o755)
    return str(program.parent)


def test_the_job_fails_by_what_is_gained_and_the_summary_tells_it(change: Path) -> None:
    done = reviewed(change)
    assert done.returncode == 1, done.stderr
    summary = (change.parent / "summary.md").read_text()
    assert "at worst role for any service" in summary.splitlines()[1]
    assert "`iam:PassRole`" in summary
    assert reviewed(change, FAIL_ON="critical").returncode == 0
    assert reviewed(change, FAIL_ON="never").returncode == 0
    assert run("git", "status", "--porcelain", cwd=change).stdout == ""


def test_paths_limit_what_is_reviewed(change: Path) -> None:
    (change / "infra").mkdir()
    (change / "infra/b.json").write_text(policy(READ))
    assert reviewed(change, PATHS="infra\n").returncode == 0


def test_the_comment_is_written_once_and_then_anew(change: Path) -> None:
    first = gh(change.parent, "true")
    where = {"PULL_REQUEST": "7", "GITHUB_REPOSITORY": "octo/app", "FIRST": first}
    reviewed(change, **where)
    called = (change.parent / "called").read_text()
    assert "--method POST repos/octo/app/issues/7/comments" in called
    (change.parent / "called").unlink()
    (Path(first) / "gh").write_text(
        f'#!/bin/sh\necho "$@" >> "{change.parent}/called"\ncase "$*" in *--paginate*) echo 42;; esac\n'
    )
    reviewed(change, **where)
    called = (change.parent / "called").read_text()
    assert "--method PATCH repos/octo/app/issues/comments/42" in called
    assert "POST" not in called


def test_a_fork_whose_token_may_not_comment_has_the_summary(change: Path) -> None:
    first = gh(change.parent, "exit 1")
    done = reviewed(change, PULL_REQUEST="7", GITHUB_REPOSITORY="octo/app", FIRST=first)
    assert done.returncode == 1
    assert "::notice::the token may not comment" in done.stdout
    assert (change.parent / "summary.md").read_text().startswith("<!-- aws-iam review -->")


def test_a_review_that_is_not_possible_is_an_error_and_no_pass(change: Path) -> None:
    for none in ("", "1" * 40):
        assert reviewed(change, BASE=none).returncode not in {0, 1}
    assert "give one in the input `base`" in reviewed(change, BASE="").stdout


def program(folder: Path, body: str) -> str:
    """Another `aws-iam` in front of the real one."""
    (folder / "first").mkdir()
    (folder / "first/aws-iam").write_text(f"#!/bin/sh\n{body}\n")
    (folder / "first/aws-iam").chmod(0o755)
    return str(folder / "first")


@pytest.mark.parametrize("body", ["exit 1", "echo oops; exit 0", "exit 70", "exit 0"])
def test_what_is_no_review_never_passes_and_is_never_written(change: Path, body: str) -> None:
    first = os.pathsep.join((program(change.parent, body), gh(change.parent, "echo 42")))
    where = {"PULL_REQUEST": "7", "GITHUB_REPOSITORY": "octo/app", "FIRST": first}
    for severity in ("never", "high"):
        assert reviewed(change, FAIL_ON=severity, **where).returncode == 70
    assert not (change.parent / "called").exists()
    assert not (change.parent / "summary.md").exists()


@pytest.mark.parametrize(
    "given",
    [
        {"BASE": "--upload-pack=touch ran;false"},
        {"BASE": "--output=ran"},
        {"BASE": "-oran"},
        {"BASE": "+main:refs/heads/ran"},
        {"BASE": "main:refs/heads/ran"},
        {"BASE": "^main"},
        {"BASE": "main change"},
        {"FAIL_ON": "--out=ran"},
        {"FAIL_ON": "high --out=ran"},
        {"PULL_REQUEST": "7/../../x"},
    ],
    ids=str,
)
def test_no_input_is_an_option_or_a_command(change: Path, given: dict[str, str]) -> None:
    done = reviewed(change, **given)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "::error::" in done.stdout
    assert not list(change.parent.rglob("*ran"))


def test_a_path_is_never_an_option_and_may_have_spaces_around(change: Path) -> None:
    done = reviewed(change, PATHS="--out=ran\n")
    assert done.returncode == 2, done.stderr
    assert not (change / "ran").exists()
    (change / "my infra").mkdir()
    (change / "my infra/b.json").write_text(policy(READ))
    assert reviewed(change, PATHS="  my infra \r\n\r\n").returncode == 0
    assert reviewed(change, PATHS=" \r\n").returncode == 1


def test_what_could_not_be_read_or_judged_fails_where_asked(change: Path) -> None:
    (change / "a.json").write_text(policy(READ))
    (change / "b.tf").write_text('resource "aws_iam_role_policy" "x" {\n  policy = jsonencode({\n')
    assert reviewed(change).returncode == 0
    for name in ("FAIL_ON_UNKNOWN", "FAIL_ON_UNREAD"):
        assert reviewed(change, **{name: "true"}).returncode == 1
        # That no finding fails the job says nothing of what was not read.
        assert reviewed(change, FAIL_ON="never", **{name: "true"}).returncode == 1


def test_the_first_push_of_a_branch_is_reviewed_against_the_default_branch(change: Path) -> None:
    git(change.parent / "origin", "checkout", "--quiet", "main")
    done = reviewed(change, BASE="0" * 40)
    assert done.returncode == 1, done.stderr
    assert "`iam:PassRole`" in (change.parent / "summary.md").read_text()


def test_the_first_push_of_a_repository_says_that_nothing_was_reviewed(change: Path) -> None:
    done = reviewed(change, BASE="0" * 40)
    assert done.returncode == 0, done.stderr
    assert "::notice::Not reviewed" in done.stdout
    assert "Not reviewed" in (change.parent / "summary.md").read_text()


def test_the_action_is_taken_by_its_schema_and_zizmor() -> None:
    file = ACTION / "action.yml"
    schema = ("check-jsonschema", "--builtin-schema", "vendor.github-actions")
    for words in ((*schema, file), ("zizmor", "--offline", "--no-progress", file)):
        done = run(*words, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
    used = re.findall(r"uses: (.+)", file.read_text(encoding="utf-8"))
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in used)
    steps = yaml.safe_load(file.read_text(encoding="utf-8"))["runs"]["steps"][-2:]
    common = (ACTION / "common.sh").read_text(encoding="utf-8")
    for step, name in zip(steps, ("review.sh", "cases.sh"), strict=True):
        assert name in step["run"]
        script = common + (ACTION / name).read_text(encoding="utf-8")
        assert all(re.search(rf"\b{own}\b", script) for own in step["env"] if own != "GH_TOKEN")


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="`sudo apt-get install shellcheck`")
def test_the_script_is_taken_by_shellcheck() -> None:
    scripts = sorted(ACTION.glob("*.sh"))
    done = run("shellcheck", "--external-sources", *scripts, cwd=ACTION)
    assert done.returncode == 0, done.stdout


def test_the_gitlab_template_is_taken_by_its_schema_and_its_command_runs(change: Path) -> None:
    schema = ("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci")
    done = run(*schema, GITLAB, cwd=ROOT)
    assert done.returncode == 0, done.stdout
    jobs = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    job = jobs["aws-iam-review"]
    (command,) = job["script"]
    installed = jobs[".aws-iam"]["before_script"]
    assert [words.partition(" ")[0] for words in installed] == [
        "copy=$(mktemp",
        "git",
        "pip",
        "pip",
    ]
    git(change, "fetch", "--quiet", "--depth=1", "origin", base(change))
    variables = {name: value for name, value in job["variables"].items() if name != "GIT_DEPTH"}
    done = run(
        "bash",
        "-ec",
        command,
        cwd=change,
        CI_MERGE_REQUEST_DIFF_BASE_SHA=base(change),
        **variables,
    )
    assert done.returncode == 1, done.stderr
    assert "iam:PassRole" in (change / job["artifacts"]["reports"]["junit"]).read_text()
    (change / "cases.yaml").write_text(CASES)
    job = jobs["aws-iam-test"]
    (command,) = job["script"]
    done = run("bash", "-ec", command, cwd=change, AWS_IAM_CASES="cases.yaml")
    assert done.returncode == 1, done.stderr
    assert "nobody passes roles" in (change / job["artifacts"]["reports"]["junit"]).read_text()


def run_cases(top: Path, **env: str) -> subprocess.CompletedProcess[str]:
    (top / "cases.yaml").write_text(CASES)
    summary = str(top.parent / "summary.md")
    given = {"RUNNER_TEMP": str(top.parent), "GITHUB_STEP_SUMMARY": summary, "CASES": "cases.yaml"}
    return run("bash", ACTION / "cases.sh", cwd=top, **{**given, **env})


def test_the_cases_fail_the_job_and_the_summary_and_the_pull_request_have_their_table(
    change: Path,
) -> None:
    where = {
        "PULL_REQUEST": "7",
        "GITHUB_REPOSITORY": "octo/app",
        "FIRST": gh(change.parent, "true"),
    }
    done = run_cases(change, **where)
    assert done.returncode == 1, done.stderr
    mark, title, *_ = (change.parent / "summary.md").read_text().splitlines()
    assert (mark, title) == ("<!-- aws-iam cases -->", "# Policy tests: 1 passed, 1 failed")
    called = (change.parent / "called").read_text()
    assert "--method POST repos/octo/app/issues/7/comments" in called
    assert 'startswith("<!-- aws-iam cases -->")' in called
    (change / "a.json").write_text(policy(READ))
    assert run_cases(change, CASES=" \n cases.yaml \r\n").returncode == 0
    (change / "a.json").write_text(policy(READ, PASS))
    assert run_cases(change, FAIL_ON="never").returncode == 0


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"CASES": " \n"}, 2),
        ({"CASES": "none.yaml"}, 2),
        ({"CASES": "--out=ran"}, 2),
        ({"FAIL_ON": "high --out=ran"}, 2),
        ({"PULL_REQUEST": "7/../x"}, 2),
    ],
    ids=str,
)
def test_cases_that_cannot_run_are_an_error_and_no_pass(
    change: Path, given: dict[str, str], status: int
) -> None:
    done = run_cases(change, **given)
    assert done.returncode == status
    assert "::error::" in done.stdout
    assert not (change.parent / "summary.md").exists()
    assert not list(change.parent.rglob("*ran"))


@pytest.mark.parametrize("body", ["exit 1", "echo oops; exit 0", "exit 70", "exit 0"])
def test_what_is_no_table_of_cases_never_passes(change: Path, body: str) -> None:
    done = run_cases(change, FIRST=program(change.parent, body), FAIL_ON="never")
    assert done.returncode == 70
    assert not (change.parent / "summary.md").exists()
