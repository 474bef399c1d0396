"""The command in CI: run by pre-commit itself, and as the README's workflow runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from helpers.command.in_process import run_in_process
from helpers.folders import ROOT

pytestmark = pytest.mark.pre_commit

BIN = Path(sys.executable).parent
GOOD = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}],
}
BAD = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObjectt", "Resource": "arn:aws:s3:::b/k"}],
}


def run(*words: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GIT_"))
    }
    return subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env={**kept, "PATH": f"{BIN}{os.pathsep}{kept.get('PATH', os.defpath)}", **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def commit(folder: Path) -> str:
    """The folder as a git repository of one commit."""
    name = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    for words in (
        ("init", "--quiet"),
        ("add", "--all", "--force"),
        (*name, "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "x"),
    ):
        done = run("git", *words, cwd=folder)
        assert done.returncode == 0, done.stderr
    return run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()


def write(folder: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            content if isinstance(content, str) else json.dumps(content, indent=2),
            encoding="utf-8",
        )


HOOKS = ("aws-iam-validate", "aws-iam-review", "aws-iam-test")
PACKAGE = ("server", "assets", "references", "skills")
PAGES = ("SKILL.md", "README.md", "LICENSE", "pyproject.toml", ".pre-commit-hooks.yaml")


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose pre-commit installs the hook from this one, as a user would."""
    base = tmp_path_factory.mktemp("hook")
    source, user = base / "aws-iam", base / "user"
    for name in PACKAGE:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in PAGES:
        shutil.copy(ROOT / name, source / name)
    rev = commit(source)
    hook = {
        "repo": str(source),
        "rev": rev,
        "hooks": [{"id": name} for name in HOOKS],
    }
    write(user, {".pre-commit-config.yaml": yaml.safe_dump({"repos": [hook]})})
    commit(user)
    return user


def hook(
    folder: Path, files: dict[str, Any], name: str = "aws-iam-validate"
) -> subprocess.CompletedProcess[str]:
    write(folder, files)
    return run(
        "pre-commit",
        "run",
        name,
        "--files",
        *files,
        cwd=folder,
        PRE_COMMIT_HOME=str(folder.parent / "cache"),
        # The hook imports only a few of the installed dependencies.
        PIP_COMPILE="0",
    )


def test_the_hook_is_defined_as_pre_commit_wants_it() -> None:
    done = run("pre-commit", "validate-manifest", ".pre-commit-hooks.yaml", cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_a_commit_of_good_policies_passes_the_hook(hooked: Path) -> None:
    files = {"policies/one.json": GOOD, "iam/two.json": GOOD, "bucket-policy.json": GOOD}
    done = hook(hooked, files)
    assert done.returncode == 0, done.stdout
    assert "Passed" in done.stdout


def test_a_bad_policy_fails_the_hook_with_its_file_line_and_fix(hooked: Path) -> None:
    done = hook(hooked, {"policies/good.json": GOOD, "policies/bad one.json": BAD})
    assert done.returncode == 1
    assert "INVALID_ACTION" in done.stdout
    assert "policies/bad one.json" in done.stdout
    assert "did you mean `s3:GetObject`" in done.stdout
    assert "line 6" in done.stdout


@pytest.mark.parametrize(
    ("name", "checked"),
    [
        ("roles/admin.json", True),
        ("infra/iam/two.json", True),
        ("bucket-policy.json", True),
        ("org/scps/deny.json", True),
        ("TrustPolicy.json", True),
        ("policies/project-a.json", True),
        ("roles/packages.json", True),
        ("policy-app/package.json", False),
        ("users/package.json", False),
        ("group/package.json", False),
        ("roles/web/tsconfig.json", False),
        ("roles/web/tsconfig.app.json", False),
        ("permissions/package-lock.json", False),
        ("package.json", False),
        ("describe/data.json", False),
        ("mymicrops/data.json", False),
    ],
)
def test_the_hook_takes_policies_by_their_names(name: str, *, checked: bool) -> None:
    manifest = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    hook = manifest[0]
    taken = re.search(hook["files"], name) and not re.search(hook["exclude"], name)
    assert bool(taken) is checked


def test_a_file_that_the_name_promises_and_that_holds_no_policy_passes(hooked: Path) -> None:
    done = hook(hooked, {"roles/data.json": {"name": "x"}, "roles/admin.json": BAD})
    assert done.returncode == 1
    assert "INVALID_ACTION" in done.stdout
    done = hook(hooked, {"roles/data.json": {"name": "x"}})
    assert done.returncode == 0, done.stdout
    assert "Passed" in done.stdout


def test_the_review_tells_what_a_commit_gives_and_leaves_old_debt_alone(hooked: Path) -> None:
    wide = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
    files = {"stack.json": {"Version": "2012-10-17", "Statement": [wide]}, "package.json": {}}
    done = hook(hooked, files, "aws-iam-review")
    assert done.returncode == 1
    assert "now allows `iam:PassRole`" in done.stdout
    assert commit(hooked)
    done = hook(hooked, files, "aws-iam-review")
    assert done.returncode == 0, done.stdout


def test_the_review_looks_at_a_commit_of_files_of_any_name(hooked: Path) -> None:
    wide = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [wide]})
    names = ("policies/x.tftpl", "p.json.j2", "README.md", "rows.ndjson", "POLICY")
    files = {
        name: f"```json\n{policy}\n```\n" if name.endswith(".md") else policy for name in names
    }
    done = hook(hooked, files, "aws-iam-review")
    assert done.returncode == 1, done.stdout
    gained = [line for line in done.stdout.splitlines() if "] ACCESS_GAINED " in line]
    for name in names:
        (own,) = [line for line in gained if f", {name} /Statement/0 " in line]
        assert "now allows `iam:PassRole`" in own
        (hooked / name).unlink()


def test_the_review_looks_at_a_commit_that_only_removes_files(hooked: Path) -> None:
    write(hooked, {"d.json": GOOD})
    commit(hooked)
    assert run("git", "rm", "--quiet", "d.json", cwd=hooked).returncode == 0
    env = {"PRE_COMMIT_HOME": str(hooked.parent / "cache"), "PIP_COMPILE": "0"}
    done = run("pre-commit", "run", "aws-iam-review", "--verbose", cwd=hooked, **env)
    assert "no longer allows `s3:GetObject`" in done.stdout
    assert commit(hooked)


def test_cases_fail_the_hook_whatever_the_commit_changes(hooked: Path) -> None:
    request = {
        "principal": "arn:aws:iam::111122223333:role/app",
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b/k",
    }
    cases = {
        "document": "iam/reader.json",
        "cases": [{"name": "reads", "request": request, "expect": "Allowed"}],
    }
    files = {"iam-cases.yaml": cases, "iam/reader.json": GOOD, "notes.txt": "x"}
    done = hook(hooked, files, "aws-iam-test")
    assert done.returncode == 0, done.stdout
    write(hooked, {"iam/reader.json": {**GOOD, "Statement": []}})
    done = hook(hooked, {"notes.txt": "y"}, "aws-iam-test")
    assert done.returncode == 1
    assert "POLICY_TEST_FAILED" in done.stdout
    for name in files:
        (hooked / name).unlink()


def test_other_json_is_left_alone(hooked: Path) -> None:
    done = hook(hooked, {"package.json": {"name": "x"}, "data/rows.json": [1]})
    assert done.returncode == 0, done.stdout
    assert "no files to check" in done.stdout


@cache
def workflow() -> dict[Any, Any]:
    """The workflow that the README shows."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = [
        block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "jobs:" in block
    ]
    (only,) = shown
    loaded = yaml.safe_load(only)
    assert isinstance(loaded, dict)
    return loaded


def steps() -> list[dict[str, Any]]:
    (job,) = workflow()["jobs"].values()
    listed: list[dict[str, Any]] = job["steps"]
    return listed


def test_the_workflow_is_one_that_github_takes(tmp_path: Path) -> None:
    file = tmp_path / "workflow.yaml"
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    file.write_text(
        next(e for e in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "jobs:" in e),
        encoding="utf-8",
    )
    done = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", file, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_the_workflow_may_do_nothing_that_it_does_not_need() -> None:
    assert workflow()["permissions"] == {}
    (job,) = workflow()["jobs"].values()
    assert job["permissions"] == {"contents": "read", "security-events": "write"}
    used = [step["uses"] for step in steps() if "uses" in step]
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)


def test_the_workflow_uploads_the_report_also_when_a_policy_is_bad() -> None:
    last = steps()[-1]
    assert last["uses"].startswith("github/codeql-action/upload-sarif@")
    assert last["if"] == "${{ !cancelled() }}"
    assert last["with"]["sarif_file"] == "aws-iam.sarif"


def follow(folder: Path) -> list[int]:
    """The exit status of each command of the workflow except the installation, run as GitHub's bash does."""
    commands = [step["run"] for step in steps() if "run" in step]
    assert all(line.startswith("pip install ") for line in commands[0].splitlines())
    return [
        run(
            "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command, cwd=folder
        ).returncode
        for command in commands[1:]
    ]


def report(folder: Path) -> Any:
    log = json.loads((folder / "aws-iam.sarif").read_text(encoding="utf-8"))
    schema = (ROOT / "tests" / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8")
    jsonschema.Draft4Validator(json.loads(schema)).validate(log)
    return log["runs"][0]


def test_the_workflows_commands_report_a_folder_of_good_and_bad_policies(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "policies/good.json": GOOD,
            "policies/team a/bad.json": BAD,
            "policies/broken.json": '{"Statement": [{"Effect": }]}',
        },
    )
    assert follow(tmp_path) == [1]
    found = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: result["ruleId"]
        for result in report(tmp_path)["results"]
        if result["level"] == "error"
    }
    assert found == {
        "policies/team%20a/bad.json": "INVALID_ACTION",
        "policies/broken.json": "JSON_SYNTAX_ERROR",
    }
    files = [artifact["location"]["uri"] for artifact in report(tmp_path)["artifacts"]]
    assert sorted(files) == [
        "policies/broken.json",
        "policies/good.json",
        "policies/team%20a/bad.json",
    ]


def test_a_clean_folder_gives_an_empty_report_that_closes_old_alerts(tmp_path: Path) -> None:
    write(tmp_path, {"policies/good.json": GOOD})
    assert follow(tmp_path) == [0]
    assert report(tmp_path)["results"] == []


def test_a_pipe_gets_the_report_alone_and_a_person_the_rest(tmp_path: Path) -> None:
    write(tmp_path, {"a.json": GOOD, "b.json": BAD})
    command = ("aws-iam", "policy", "validate", "a.json", "b.json", "--format")
    done = run(*command, "junit", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("<?xml")
    assert done.stdout.endswith("</testsuites>\n")
    assert "INVALID_ACTION" in done.stderr
    assert "<?xml" not in done.stderr
    assert json.loads(run(*command, "sarif", cwd=tmp_path).stdout)["version"] == "2.1.0"


@pytest.mark.parametrize(("limit", "status"), [("critical", 0), ("high", 1), ("low", 1)])
def test_files_are_taken_without_an_option_and_fail_on_decides(
    tmp_path: Path, limit: str, status: int
) -> None:
    write(tmp_path, {"a.json": GOOD, "b.json": BAD})
    done = run_in_process(
        "policy", "validate", "--fail-on", limit, "a.json", "b.json", cwd=tmp_path
    )
    assert done.returncode == status
    assert "b.json" in done.stdout


@pytest.mark.parametrize("form", [(), ("--format", "sarif"), ("--format", "junit")])
def test_an_escalation_fails_the_run_in_every_format(
    tmp_path: Path, form: tuple[str, ...]
) -> None:
    statement = {"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*"}
    write(tmp_path, {"a.json": {"Version": "2012-10-17", "Statement": [statement]}})
    done = run_in_process("policy", "validate", *form, "a.json", cwd=tmp_path)
    assert done.returncode == 1
    assert "PRIVILEGE_ESCALATION" in done.stdout
