"""The changes as a file: each tool's own parser takes it, removals come last, and what turns them back is named."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import hcl2
import pytest
import yaml

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.cli import command_line, exit_status
from aws_iam.tools.audit.actions import tool
from helpers import secret_validators
from helpers.cis_snapshots import facts_with_use, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Artifact

FULL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
S3_AND_SQS = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "sqs:SendMessage"],
    "Resource": "arn:aws:*:::${aws:username}/*",
}
LAST = {"created": "300 days ago", "last_used": "2 days ago"}
# A policy of every kind: inline, of a group, customer managed, of AWS, one of which nothing is needed.
CASE: dict[str, Any] = {
    "roles": [
        {"name": "web", **LAST, "inline": [[S3_AND_SQS], [{**S3_AND_SQS, "Action": "sqs:*"}]]},
        {"name": "1st", **LAST, "attached": ["shared", "AWSAll"]},
        {"name": "2nd", **LAST, "attached": ["shared", "queues"]},
        {"name": "old", "created": "500 days ago", "attached": ["queues"]},
    ],
    "users": [
        {"name": "ann@example.com", "created": "300 days ago", "groups": ["dev"]},
        {"name": "bob", "created": "300 days ago", "groups": ["ops"]},
        {"name": "eve", "created": "3 days ago", "groups": ["ops"]},
    ],
    "groups": [
        {"name": "dev", "inline": [[S3_AND_SQS]], "attached": ["AWSAll"]},
        {"name": "ops", "inline": [[{**S3_AND_SQS, "Resource": "*"}]], "attached": ["queues"]},
    ],
    "policies": {
        "shared": [S3_AND_SQS],
        "queues": [{**S3_AND_SQS, "Action": "sqs:*"}],
        "AWSAll": [FULL],
    },
    "used": {
        name: {"*": None, "s3": "2 days ago"}
        for name in ("role/web", "role/1st", "role/2nd", "user/ann@example.com", "user/bob")
    },
}
FORMATS = {
    "cli": secret_validators.checked_shell,
    "cloudformation": secret_validators.cloudformation,
    "terraform": secret_validators.terraform,
}


def saved(case: dict[str, Any], folder: Path) -> Path:
    file = folder / "account.json"
    snapshots.save(snapshot(facts_with_use(case)), file)
    return file


def written(folder: Path, format_: str, **more: str) -> Artifact:
    asked = {
        "action": "rightsize",
        "snapshot": str(saved(CASE, folder)),
        "format": format_,
        **more,
    }
    (file,) = tool.run(asked, cli=True).artifacts
    return file


@pytest.mark.validator
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "more", [{}, {"principal": "web"}, {"principal": "1st"}, {"principal": "bob"}], ids=str
)
def test_the_tool_s_own_parser_takes_the_file(
    format_: str, more: dict[str, str], tmp_path: Path
) -> None:
    FORMATS[format_](written(tmp_path, format_, **more).content)


def test_the_commands_take_away_last_and_each_has_its_rollback(tmp_path: Path) -> None:
    file = written(tmp_path, "cli")
    assert file.name == "rightsize.sh"
    lines = file.content.splitlines()
    adding = [n for n, line in enumerate(lines) if line.startswith(("aws iam put-", "aws iam create-", "aws iam attach-"))]  # fmt: skip
    removing = [n for n, line in enumerate(lines) if line.startswith(("aws iam delete-", "aws iam detach-", "aws iam remove-"))]  # fmt: skip
    assert adding
    assert removing
    assert max(adding) < min(removing)
    changing = [n for n in (*adding, *removing) if "create-policy --" not in lines[n]]
    assert all(lines[n + 1].startswith("# Rollback: aws iam ") for n in changing)
    assert "aws iam create-policy-version --policy-arn arn:aws:iam::111122223333:policy/shared --policy-document file://shared.json --set-as-default" in lines  # fmt: skip
    assert "aws iam delete-role-policy --role-name web --policy-name p1" in lines
    leaving = "aws iam remove-user-from-group --group-name ops --user-name bob"
    assert lines.count(leaving) == 1
    # What nobody uses is left to a person.
    assert "# Unused: role old" in lines
    assert not any("AWSDenyAll" in line for line in lines if not line.startswith("#"))


def test_only_a_file_with_a_smaller_policy_was_compared(tmp_path: Path) -> None:
    assert "nothing gained" in (written(tmp_path, "cli").checked_by or "")
    steps = written(tmp_path, "cli", principal="old")
    assert "# Unused: role old" in steps.content
    assert steps.checked_by is None


def test_the_script_writes_the_policies_that_it_names(tmp_path: Path) -> None:
    script = written(tmp_path, "cli", principal="web").content
    done = subprocess.run(
        ["bash", "-c", f'aws() {{ echo "$@"; }}\n{script}'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "put-role-policy --role-name web --policy-name p0" in done.stdout
    after = yaml.safe_load((tmp_path / "role-web.p0.json").read_text("utf-8"))
    before = yaml.safe_load((tmp_path / "role-web.p0.before.json").read_text("utf-8"))
    assert before["Statement"] == [S3_AND_SQS]
    assert after["Statement"] == [{**S3_AND_SQS, "Action": "s3:GetObject"}]


def test_a_template_adds_policies_and_has_the_removals_as_comments(tmp_path: Path) -> None:
    file = written(tmp_path, "cloudformation", principal="1st")
    resources = yaml.safe_load(file.content)["Resources"]
    (copy,) = (r for r in resources.values() if r["Properties"]["ManagedPolicyName"].startswith("AWSAll"))  # fmt: skip
    assert copy["Type"] == "AWS::IAM::ManagedPolicy"
    assert copy["Properties"]["Roles"] == ["1st"]
    assert "#   aws iam detach-role-policy --role-name 1st --policy-arn arn:aws:iam::aws:policy/AWSAll" in file.content  # fmt: skip
    assert file.content.index("detach-role-policy") > file.content.index("Resources:")


def test_terraform_keeps_the_variables_of_policies(tmp_path: Path) -> None:
    content = written(tmp_path, "terraform", principal="web").content
    assert "arn:aws:*:::$${aws:username}/*" in content
    (resource,) = hcl2.loads(content)["resource"]
    assert "aws_iam_role_policy" in str(resource)


def test_a_pipe_gets_exactly_the_file(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = saved(CASE, tmp_path)
    words = ["audit", "rightsize", "--snapshot", str(file)]
    assert command_line.main([*words, "--format", "cli"], {}) == exit_status.OK
    assert capsysbinary.readouterr().out.startswith(b"#!/usr/bin/env bash\nset -euo pipefail\n")
    # Several policies are one list.
    assert command_line.main(words, {}) == exit_status.OK
    assert isinstance(yaml.safe_load(capsysbinary.readouterr().out), list)
    target = tmp_path / "smaller.sh"
    assert command_line.main([*words, "--format", "cli", "--out", str(target)], {}) == 0
    assert target.read_text("utf-8").startswith("#!")


def test_nothing_to_change_is_no_file(tmp_path: Path) -> None:
    case = {"roles": [{"name": "web", **LAST}], "used": {"role/web": {}}}
    for format_ in ("json", *FORMATS):
        asked = {"action": "rightsize", "snapshot": str(saved(case, tmp_path)), "format": format_}
        assert tool.run(asked, cli=True).artifacts == ()
