"""A pipe gets exactly the file that `--format` asks for, a folder exactly the files asked for, and what is piped on is read."""

from __future__ import annotations

import gc
import io
import json
import sys
from typing import TYPE_CHECKING, Any

import hcl2
import pytest
import yaml

from aws_iam.cli import command_line
from aws_iam.engine.parsing.yaml_text import scan_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.validator

ACCOUNT = "111122223333"
KEY = (
    "kms",
    "key_policy",
    "--account",
    ACCOUNT,
    "--admins",
    "role/KeyAdmin",
    "--users",
    "role/App",
)
COPIED = (*KEY, "--region", "eu-west-1", "--via-service", "s3", "--replicas", "eu-central-1")
GITHUB = (
    "irsa",
    "trust_policy",
    "--account",
    ACCOUNT,
    "--provider",
    "github",
    "--owner",
    "octo",
    "--repository",
    "app",
    "--branch",
    "main",
)
PODS = (
    "irsa",
    "trust_policy",
    "--account",
    ACCOUNT,
    "--provider",
    "pod_identity",
    "--cluster",
    "prod",
    "--namespace",
    "shop",
    "--service-account",
    "cart",
)
TARGET = (*PODS, "--target-role", "arn:aws:iam::444455556666:role/orders")
ROTATION = ("secrets", "rotation", "--target")
DENIED = (
    "irsa",
    "denied",
    "--claims",
    json.dumps(
        {
            "iss": "https://token.actions.githubusercontent.com",
            "aud": "sts.amazonaws.com",
            "sub": "repo:octo/app:ref:refs/heads/main",
        }
    ),
    "--account",
    ACCOUNT,
    "--document",
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {
                    "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
                },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                        "token.actions.githubusercontent.com:sub": "repo:octo/app:environment:prod",
                    }
                },
            }
        ],
    }
)
CLI, TEMPLATE, TERRAFORM = (("--format", form) for form in ("cli", "cloudformation", "terraform"))

# The command, the language of what a pipe gets, and the files that a folder gets, the piped one first.
CASES: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = (
    (KEY, "policy", ("key-policy.json", "create-key.sh")),
    ((*KEY, *CLI), "shell", ("create-key.sh", "key-policy.json")),
    ((*KEY, *TEMPLATE), "template", ("key.yaml",)),
    ((*KEY, *TERRAFORM), "terraform", ("key.tf",)),
    ((*COPIED, *TEMPLATE), "template", ("key.yaml", "replica-key-eu-central-1.yaml")),
    ((*COPIED, *TERRAFORM), "terraform", ("key.tf",)),
    (("kms", "envelope"), "python", ("envelope.py", "use-key.json")),
    (("kms", "envelope", "--library", "hierarchical"), "python", ("envelope.py", "branch_keys.py", "use-branch-keys.json")),
    (GITHUB, "policy", ("trust-policy.json", "provider.sh")),
    ((*GITHUB, *CLI), "shell", ("provider.sh", "trust-policy.json")),
    ((*GITHUB, *TEMPLATE), "template", ("provider.yaml",)),
    ((*GITHUB, *TERRAFORM), "terraform", ("provider.tf",)),
    ((*PODS, *TERRAFORM), "terraform", ("provider.tf",)),
    ((*TARGET, *CLI), "shell", ("provider.sh", "trust-policy.json", "target-trust-policy.json", "assume-target-role.json")),
    ((*TARGET, *TEMPLATE), "template", ("provider.yaml", "target-trust-policy.json")),
    ((*TARGET, *TERRAFORM), "terraform", ("provider.tf", "target-trust-policy.json")),
    (("irsa", "manifest", *GITHUB[4:], "--role", f"arn:aws:iam::{ACCOUNT}:role/ci"), "yaml", ("deploy.yml",)),
    ((*DENIED, TRUST), "policy", ("trust-policy.json",)),
    ((*ROTATION, "rds", *CLI), "shell", ("rotation-rds.sh",)),
    ((*ROTATION, "rds", "--engine", "postgres", "--user", "application", *CLI), "shell", ("rotation-rds.sh", "rotation-rds.yaml")),
    ((*ROTATION, "rds", *TEMPLATE), "template", ("rotation-rds.yaml",)),
    ((*ROTATION, "custom", *CLI), "shell", ("rotation-custom.sh", "rotation_function.py", "lambda-trust.json", "rotation-role.json")),
    ((*ROTATION, "custom", *TEMPLATE), "template", ("rotation-custom.yaml",)),
    ((*ROTATION, "custom", *TERRAFORM), "terraform", ("rotation-custom.tf", "rotation_function.py")),
    ((*ROTATION, "external", *TERRAFORM), "terraform", ("rotation-external.tf",)),
    (("secrets", "snippet", "--runtime", "lambda"), "python", ("app_secret.py", "read-secret.json")),
    # A JSON file that is no policy stays alone, although a policy is beside it.
    (("secrets", "snippet", "--runtime", "ecs"), "json", ("task-definition.json", "app_secret.py", "read-secret.json", "redeploy.sh")),
)  # fmt: skip


def _shell(text: str) -> bool:
    return "aws " in text and not text.lstrip().startswith(("{", "["))


def _terraform(text: str) -> bool:
    # What the file needs is in it or beside it; no policy is.
    return bool(hcl2.loads(text)) and "policy.json" not in text.partition("# The target role")[0]


def _template(text: str) -> bool:
    (root,) = scan_yaml(text)
    return root.member("Resources") is not None


READ: dict[str, Callable[[str], Any]] = {
    "policy": lambda text: json.loads(text)["Statement"],
    "json": json.loads,
    "template": _template,
    "yaml": yaml.safe_load,
    "terraform": _terraform,
    "shell": _shell,
    "python": lambda text: compile(text, "file", "exec"),
}


@pytest.fixture(autouse=True)
def _collection() -> Iterator[None]:
    """A command sets the thresholds of the garbage collector for its process."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def run(capture: pytest.CaptureFixture[bytes], *words: str) -> tuple[int, str, str]:
    """The exit status and what goes to standard output and to standard error."""
    status = command_line.main(words, {})
    printed = capture.readouterr()
    return status, printed.out.decode(), printed.err.decode()


@pytest.mark.parametrize(
    ("words", "language", "names"), CASES, ids=[" ".join(case[0])[:150] for case in CASES]
)
def test_a_pipe_gets_one_file_and_a_folder_all_of_them(
    words: tuple[str, ...],
    language: str,
    names: tuple[str, ...],
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    status, out, err = run(capsysbinary, *words)
    # A token that the policy refuses is a finding.
    refused = 1 if words[1] == "denied" else 0
    assert status == refused, err
    assert READ[language](out)
    assert "Sources: " in err
    assert out not in err
    assert ": checked by " in err
    folder = tmp_path / "files"
    status, said, err = run(capsysbinary, *words, "--out", f"{folder}/")
    assert (status, err) == (refused, "")
    assert {path.name for path in folder.iterdir()} == set(names)
    assert (folder / names[0]).read_bytes().decode().rstrip("\r\n") == out.rstrip("\r\n")
    assert all(f"Wrote {folder / name}" in said for name in names)
    assert ": checked by " in said


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize(
    ("written", "read", "said"),
    [
        (KEY, ("kms", "check"), "No problem found in the key policy"),
        ((*KEY, *TEMPLATE), ("kms", "check"), "No problem found in the key policy"),
        ((*COPIED, *TEMPLATE), ("kms", "check"), "No problem found in"),
        ((*KEY, *TERRAFORM), ("kms", "check"), "No problem found in"),
        (GITHUB, ("policy", "validate", "--kind", "trust"), "No problems found"),
        ((*GITHUB, *TEMPLATE), ("irsa", "check"), "OIDC-MUTABLE"),
        ((*GITHUB, *TERRAFORM), ("irsa", "check"), "OIDC-MUTABLE"),
    ],
)
def test_what_one_command_writes_another_reads(
    written: tuple[str, ...],
    read: tuple[str, ...],
    said: str,
    more: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    _, out, _ = run(capsysbinary, *written, *more)
    piped = io.TextIOWrapper(io.BytesIO(out.encode()))
    monkeypatch.setattr(sys, "stdin", piped)
    status, checked, refused = run(capsysbinary, *read, "--document", "-")
    assert said in checked + refused
    assert status == (2 if "not read" in said else 0)


@pytest.mark.parametrize(
    ("words", "name", "start"),
    [
        (("audit", "report", "--demo"), "report.html", "<!doctype html>"),
        (("audit", "report", "--demo"), "findings.csv", "account,region"),
        (("audit", "report", "--format", "csv", "--demo"), "findings.html", "account,region"),
        (KEY, "key.tf", 'resource "aws_kms_key"'),
        (("audit", "access", "--to", "admin", "--demo"), "paths.mmd", "flowchart LR"),
        (("policy", "validate", '{"Statement": []}'), "found.sarif", '{\n "$schema"'),
        (("policy", "validate", '{"Statement": []}'), "found.xml", "<?xml"),
    ],
)
def test_the_name_of_the_file_says_its_format(
    words: tuple[str, ...],
    name: str,
    start: str,
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    run(capsysbinary, *words, "--out", str(tmp_path / name))
    assert (tmp_path / name).read_text("utf-8").lstrip("\ufeff").startswith(start)


@pytest.mark.parametrize(
    ("more", "name", "said"),
    [
        ((), "report.xlsx", ", which holds markdown"),
        (("--format", "csv"), "report.xlsx", ", which holds csv"),
        ((), "report.md", ""),
        ((), "report", ""),
    ],
)
def test_a_file_that_holds_something_else_than_its_name_says_is_told(
    more: tuple[str, ...],
    name: str,
    said: str,
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    words = ("audit", "report", "--demo", "--controls", "root_mfa", *more)
    _, out, _ = run(capsysbinary, *words, "--out", str(tmp_path / name))
    assert out.splitlines()[0] == f"Wrote {tmp_path / name}{said}"


def test_an_answer_without_a_file_says_that_nothing_was_written(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    words = ("policy", "validate", '{"Statement": []}', "--out", str(tmp_path / "found"))
    _, _, err = run(capsysbinary, *words)
    assert "no file to write" in err
    assert list(tmp_path.iterdir()) == []


def test_what_we_say_is_whole_in_json_and_in_a_pipe(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    roles = [f"arn:aws:iam::{ACCOUNT}:role/{letter * 40}" for letter in "abc"]
    actions = ["iam:PassRole", "lambda:*", "ec2:*", "glue:*", "sagemaker:*", "codebuild:*"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": [*roles, "*"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    _, printed, _ = run(capsysbinary, "policy", "validate", document, "--json")
    found = json.loads(printed)["findings"]
    (message,) = (own["message"] for own in found if own["code"] == "PRIVILEGE_ESCALATION")
    assert len(message) > 1_000
    assert message.endswith(" services)")
    assert message in run(capsysbinary, "policy", "validate", document)[1]


def test_the_summary_of_rightsize_names_the_riskiest_and_counts_the_rest(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    _, printed, _ = run(capsysbinary, "audit", "rightsize", "--demo", "--json")
    summary = json.loads(printed)["summary"]
    assert summary.startswith("6 principals can do with less: `alice.meyer`, `ci-deploy`, ")
    assert " and 3 more; " in summary
    assert summary.endswith(" that AWS keeps.")
    assert len(summary) < 900
