"""Files, folders and standard input of the command line: what is read, what is skipped, and the messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli import files, other_files
from aws_iam.engine.sources.files import Files
from aws_iam.engine.sources.gather import gathered
from aws_iam.engine.sources.policy_signs import OTHER_TEXT
from aws_iam.errors import InputError
from helpers.command.in_process import run_in_process
from helpers.folders import TESTS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
GOOD = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})
BAD = GOOD.replace("s3:GetObject", "s3:GetObjectt")
TEMPLATE = TESTS / "cases/inputs/template.yaml"


def run(*words: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    if not stdin:
        return run_in_process(*words, cwd=cwd)
    return subprocess.run(
        [sys.executable, "-m", "aws_iam", *words],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


def validated(*words: str, stdin: str = "", cwd: Path | None = None) -> dict[str, Any]:
    done = run("policy", "validate", *words, "--json", "--detail", "full", stdin=stdin, cwd=cwd)
    assert done.stderr == ""
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "policies"
    (made / "roles" / "deep").mkdir(parents=True)
    (made / "good.json").write_text(GOOD)
    (made / "roles" / "deep" / "bad.json").write_text(BAD)
    (made / "roles" / "template.yaml").write_text(TEMPLATE.read_text(encoding="utf-8"))
    (made / "package.json").write_text('{"name": "x"}')
    (made / "notes.txt").write_text(BAD)
    (made / "windows.json").write_text(BAD, encoding="utf-16")
    (made / "windows.policy").write_text(GOOD, encoding="utf-16")
    (made / "latin.cfg").write_bytes(BAD.encode() + b"\xff")
    (made / "long.log").write_text(BAD + "\n" * 1_000_000)
    (made / "app.py").write_text(f"POLICY = {json.loads(BAD)}\n")
    (made / "image.bin").write_bytes(b"\0" + BAD.encode())
    (made / "main.py").write_text("print('no policy')\n")
    (made / "linked.txt").symlink_to(made / "notes.txt")
    os.mkfifo(made / "pipe")
    (made / "latin.json").write_bytes(b'{"Statement": "\xff"}')
    for hidden in (".git", "node_modules", "site-packages", "botocore"):
        (made / hidden).mkdir()
        (made / hidden / "bad.json").write_text(BAD)
    (made / ".bad.json").write_text(BAD)
    (made / "again").symlink_to(made)
    (made / "gone.json").symlink_to(made / "nowhere")
    os.mkfifo(made / "pipe.json")
    return made


def test_a_folder_is_read_with_everything_below_it(folder: Path) -> None:
    answer = validated("--document", "policies", cwd=folder.parent)
    assert [(finding["code"], finding["where"]["file"]) for finding in answer["findings"]] == [
        ("INVALID_ACTION", "policies/.bad.json"),
        ("NOT_JUDGED", "policies/gone.json"),
        ("NOT_JUDGED", "policies/latin.json"),
        ("INVALID_ACTION", "policies/notes.txt"),
        ("NOT_JUDGED", "policies/pipe.json"),
        ("INVALID_ACTION", "policies/roles/deep/bad.json"),
        ("INVALID_ACTION", "policies/roles/template.yaml"),
        ("INVALID_ACTION", "policies/windows.json"),
    ]
    facts = answer["facts"]
    assert facts["policies_read"] == 12
    assert facts["files_without_policies"] == 1
    # A link, a pipe, a binary file and code without policies were only looked at.
    assert facts["files_seen"] == facts["files_read"] + facts["files_not_read"] + 4 == 18
    assert facts["files_not_read"] == 6
    assert answer["summary"].startswith("At least 8 problems in 12 policies")
    assert {row["place"]: row["why"] for row in facts["not_judged"]} == {
        "policies/latin.json": "`policies/latin.json` is not UTF-8 text (byte 15)",
        "policies/latin.cfg": f"it is not UTF-8 text (byte {len(BAD)})",
        "policies/long.log": other_files.TOO_LONG,
        "policies/app.py": OTHER_TEXT,
        "policies/gone.json": "not a file",
        "policies/pipe.json": "not a file",
        "ReportsRole.AssumeRolePolicyDocument": "values are known only at deployment",
    }


CDK_ALONE = {
    "stack.ts": "import { PolicyStatement } from 'aws-cdk-lib/aws-iam';\nnew s3.Bucket(this, 'B');\nfunction f(s: PolicyStatement[]) {}\n",
    "stack.d.ts": "import 'aws-cdk-lib';\n/**\n * new iam.PolicyStatement({actions: ['*']})\n */\n// bucket.grantRead(fn)\n",
    "db.py": "db.grant_all('x')\n",
    "checks.py": "import aws_cdk\ndef check_policy(self, name): ...\n",
    "README.md": "```typescript\nimport 'aws-cdk-lib';\nbucket.grantRead(fn);\n```\n",
    "package.json": '{"dependencies": {"aws-cdk-lib": "2"}}',
    "notes.txt": "see `aws iam attach-role-policy-x`\n",
}


@pytest.mark.parametrize("name", CDK_ALONE)
def test_code_of_the_cdk_without_policies_is_not_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "good.json").write_text(BAD)
    (tmp_path / name).write_text(CDK_ALONE[name])
    read = files.read_policies("document", [str(tmp_path)])
    assert isinstance(read, Files)
    assert not gathered(read).unread


def test_code_of_the_cdk_is_one_row_of_what_was_not_judged(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(BAD)
    code = "import * as iam from 'aws-cdk-lib/aws-iam';\nrole.addToPolicy(s);\nbucket.grantRead(fn);\n"
    (tmp_path / "stack.ts").write_text(code)
    (row,) = gathered(files.read_policies("document", [str(tmp_path)])).unread
    assert row.place.endswith("stack.ts")
    assert "`cdk synth`" in row.why


HIDDEN = {
    ".workshop/main.tf": f'resource "aws_iam_user_policy" "p" {{\n  user   = "x"\n  policy = <<E\n{BAD}\nE\n}}\n',
    ".workshop/deep/attached.tf": 'resource "aws_iam_user_policy_attachment" "a" {\n  user = "x"\n  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"\n}\n',
    ".policies/role.json": BAD,
    ".chalice/policy-dev.json": BAD,
    "deep/.role.json": BAD,
    "deep/.role": BAD,
    ".cfn/stack.yaml": "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess']\n      AssumeRolePolicyDocument: {}\n",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_file_with_a_policy_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "good.json").write_text(GOOD)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(HIDDEN[name])
    answer = validated("--document", str(tmp_path))
    files_named = {finding["where"].get("file") for finding in answer["findings"]}
    assert files_named == {str(tmp_path / name)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".github/run.py", f"POLICY = {json.loads(BAD)}\n"),
        (".github/workflows/run.yml", "on: push\njobs: {a: {steps: [{run: aws iam attach-role-policy --role-name x --policy-arn arn:aws:iam::aws:policy/AdministratorAccess}]}}\n"),
        (".x/latin.json", BAD + "\udcff"),
    ],
)  # fmt: skip
def test_a_hidden_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "good.json").write_text(GOOD)
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    done = run("policy", "validate", "--fail-on-unread", str(tmp_path))
    assert done.returncode == 1
    assert name in done.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".git/bad.json", BAD),
        ("a/.terraform/modules/x/main.tf", HIDDEN[".workshop/main.tf"]),
        (".venv/lib/bad.json", BAD),
        (".x/policy.json", '{"imagePullPolicy": '),
        (".y.yaml", "AWS::IAM: ["),
        (".vscode/settings.json", '{"a": "olicy"} // of the editor'),
    ],
)
def test_what_tools_keep_and_hidden_files_without_policies_are_no_alarm(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "good.json").write_text(GOOD)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    done = run("policy", "validate", "--fail-on-unread", str(tmp_path))
    assert (done.returncode, name in done.stdout) == (0, False)


def test_the_text_shows_file_line_and_place(folder: Path) -> None:
    done = run("policy", "validate", "--document", str(folder / "roles/template.yaml"))
    assert done.returncode == 1
    assert "at ReportsRole.Policies[0] (read-reports), " in done.stdout
    assert "template.yaml /Statement/0/Action/1 (line 95:21)" in done.stdout


def test_a_file_alone_keeps_the_short_answer(folder: Path) -> None:
    answer = validated("--document", str(folder / "roles/deep/bad.json"))
    assert answer["facts"] == {"kind": "identity", "kind_guessed": True}
    (finding,) = answer["findings"]
    assert "resource" not in finding
    assert finding["where"]["file"].endswith("bad.json")


def test_several_files_are_told_apart(folder: Path) -> None:
    names = [str(folder / name) for name in ("good.json", "roles/deep/bad.json", "package.json")]
    answer = validated(*names)
    assert answer["facts"]["files_read"] == 3
    assert [finding["where"]["file"] for finding in answer["findings"]] == [names[1]]


def test_a_file_that_holds_no_policy_is_refused(folder: Path) -> None:
    done = run("policy", "validate", "--document", str(folder / "package.json"))
    assert done.returncode == 2
    assert "holds no policy that can be checked" in done.stderr
    assert "CloudFormation" in done.stderr


def test_standard_input_takes_answers_longer_than_any_policy() -> None:
    one = {"RoleName": "r", "Arn": "arn:aws:iam::111122223333:role/r"}
    details = {
        "RoleDetailList": [{**one, "AssumeRolePolicyDocument": GOOD, "x": "y" * 1000}] * 2500
    }
    text = json.dumps(details)
    assert len(text) > 2_000_000
    answer = validated("--document", "-", stdin=text)
    assert answer["facts"]["policies_read"] == 2500


def test_a_template_comes_through_standard_input_too() -> None:
    answer = validated("--document", "-", stdin=TEMPLATE.read_text(encoding="utf-8"))
    (finding,) = answer["findings"]
    assert finding["where"] == {"pointer": "/Statement/0/Action/1", "line": 95, "column": 21}


def test_a_folder_of_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A repository of generated manifests has some ten thousand.
    assert files.MOST_FILES >= 20_000
    monkeypatch.setattr(files, "MOST_FILES", 20)
    for number in range(files.MOST_FILES + 1):
        (tmp_path / f"{number}.json").touch()
    with pytest.raises(InputError, match="holds more than 20 files"):
        files.read_policies("document", [str(tmp_path)])


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    done = run("policy", "validate", "--document", str(tmp_path))
    assert done.returncode == 2
    assert "holds no file with a policy" in done.stderr
    (tmp_path / "main.py").write_text("print('no policy')\n")
    done = run("policy", "validate", "--document", str(tmp_path))
    assert "(1 file seen) holds no file with a policy" in done.stderr


def test_an_unread_policy_is_no_all_clear_and_fails_where_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(GOOD)
    (tmp_path / "role.yaml").write_text("a: {{ x }}: {\nEffect: Allow\nAction: x\n")
    done = run("policy", "validate", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "No problems in what was judged" in done.stdout
    assert "1 place was not judged." in done.stdout
    assert "helm template" in done.stdout
    assert run("policy", "validate", str(tmp_path), "--fail-on-unread").returncode == 1


def test_a_file_that_looks_as_if_it_held_a_policy_is_not_said_to_hold_none(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(f"POLICY = {json.loads(BAD)}\n")
    done = run("policy", "validate", str(tmp_path / "app.py"))
    assert done.returncode == 2
    assert "holds no policy" not in done.stderr
    assert "looks as if it held a policy" in done.stderr


def test_files_beyond_what_is_looked_at_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text(GOOD)
    monkeypatch.setattr(other_files, "MOST_LOOKS", 3)
    found = files.read_policies("document", [str(tmp_path)])
    assert isinstance(found, Files)
    assert [file.text for file in found.files] == [GOOD] * 3
    assert found.unseen == "1 file with other endings was not looked at: choose a smaller folder"


def test_the_name_of_an_aws_managed_policy_stands_for_it_unless_a_file_is_called_so(
    tmp_path: Path,
) -> None:
    answer = validated("ViewOnlyAccess", cwd=tmp_path)
    # AWS's own policies may be longer than its quota for others.
    assert {finding["code"] for finding in answer["findings"]} == {"REDUNDANT_ACTION"}
    assert answer["facts"]["formats"].startswith("AWS managed policy ViewOnlyAccess")
    (tmp_path / "ViewOnlyAccess").write_text(BAD)
    assert validated("ViewOnlyAccess", cwd=tmp_path)["findings"][0]["code"] == "INVALID_ACTION"
    done = run("policy", "validate", "ViewOnlyAcces", cwd=tmp_path)
    assert done.returncode == 2
