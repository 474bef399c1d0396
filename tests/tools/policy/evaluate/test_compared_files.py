"""`policy compare` of files, folders and templates that hold several policies: which of them a question is about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli import command_line
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer

BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
OLD = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}
NEW = {"Effect": "Allow", "Action": ["s3:GetObject", "iam:PassRole"], "Resource": "*"}
OWN = "111122223333"
EVERYONE = {**OLD, "Principal": "*"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def compare(new: Any, **more: Any) -> Answer:
    return tool.run({"action": "compare", "document": new, **more})


def template(**properties: Any) -> dict[str, Any]:
    return {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}}


def role(action: str) -> dict[str, Any]:
    """A template with a role that has a trust policy and an inline policy."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    return template(
        AssumeRolePolicyDocument=document({**trust, "Action": "sts:AssumeRole"}),
        Policies=[{"PolicyName": "p", "PolicyDocument": document({**NEW, "Action": action})}],
    )


def test_forbidden_access_is_searched_in_each_policy_of_a_file_or_a_folder(tmp_path: Path) -> None:
    passing = {"actions": ["iam:PassRole"]}
    answer = compare(role("iam:PassRole"), forbidden=passing)
    assert answer.summary.endswith("in `R.Policies[0] (p)`.")
    assert [row["policy"] for row in answer.facts["forbidden_requests"]] == ["R.Policies[0] (p)"]
    trust = {"Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "sts:AssumeRole"}
    for name, own in {"trust.json": trust, "own.json": NEW}.items():
        (tmp_path / name).write_text(json.dumps(document(own)), encoding="utf-8")
    arguments = ["policy", "compare", "--document", str(tmp_path)]
    assert command_line.main([*arguments, "--forbidden", json.dumps(passing)], {}) == 1
    mixed = compare([document(trust), document(NEW)], forbidden=passing)
    assert mixed.comparison
    assert len(mixed.comparison.violations) == 1


def test_only_policies_with_principals_are_judged_as_public() -> None:
    template = role("s3:GetObject")
    closed = compare(template, public=True)
    assert closed.summary.startswith(
        "The policy is not public. `R.Policies[0] (p)` has no principals and cannot be public."
    )
    opened = compare([document(EVERYONE), document(OLD)], public=True)
    assert opened.summary.startswith("The policy is public: strangers may do `s3:GetObject`")
    assert "`/1` has no principals" in opened.summary


def test_a_policy_is_picked_without_a_baseline() -> None:
    assert compare(role("iam:*"), forbidden={"actions": ["iam:*"]}, policy="R.Policies").comparison
    trust = "R.AssumeRolePolicyDocument"
    granted = compare(role("iam:*"), forbidden={"actions": ["iam:*"]}, policy=trust)
    assert granted.summary == "The document grants none of the forbidden access."
    with pytest.raises(InputError, match="no policy is called"):
        compare(role("iam:*"), public=True, policy="Q")
