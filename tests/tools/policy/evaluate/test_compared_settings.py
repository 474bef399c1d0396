"""`policy compare` names each setting that decides about access and is no policy, in templates, plans and Terraform files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam import resources
from aws_iam.engine.sources.terraform.permissions import permission_rows
from aws_iam.tools.policy.actions import tool

ROWS = resources.data("access-settings.json")
TRUST = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}
DOCUMENT = {"Version": "2012-10-17", "Statement": [TRUST]}


def nested(path: str, value: str) -> Any:
    head, _, rest = path.partition(".")
    inner = nested(rest, value) if rest else value
    return {head.removesuffix("[]"): [inner]} if head.endswith("[]") else {head: inner}


def template(type_: str, properties: Any) -> dict[str, Any]:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": DOCUMENT}}
    return {"Resources": {"Role": role, "Own": {"Type": type_, "Properties": properties}}}


def plan(type_: str, values: Any) -> dict[str, Any]:
    role = {"name": "role", "assume_role_policy": DOCUMENT}
    listed = [
        {"address": "aws_iam_role.role", "type": "aws_iam_role", "values": role},
        {"address": f"{type_}.own", "type": type_, "values": values},
    ]
    return {"planned_values": {"root_module": {"resources": listed}}}


def source(type_: str, values: dict[str, Any]) -> str:
    role = f'name = "role"\n  assume_role_policy = jsonencode({json.dumps(DOCUMENT)})'
    own = "\n  ".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
    return f'resource "aws_iam_role" "role" {{\n  {role}\n}}\nresource "{type_}" "own" {{\n  {own}\n}}\n'


@pytest.mark.parametrize(
    ("file_format", "of_format", "own"),
    [
        ("cloudformation", template, "Own"),
        ("terraform", plan, "{type}.own"),
        ("terraform", source, "{type}.own"),
    ],
)
def test_every_setting_that_changes_is_not_judged(
    file_format: str, of_format: Any, own: str
) -> None:
    for row in ROWS[file_format]:
        # Terraform's language has them as statements, which are compared.
        if of_format is source and row["type"] in permission_rows():
            continue
        path, type_ = row.get("path") or row.get("paths", ["Any"])[0], row["type"]
        called = (
            nested(row.get("called_at", "").replace("[]", ""), row["called"])
            if "called" in row
            else {}
        )
        sides = [of_format(type_, {**called, **nested(path, value)}) for value in ("new", "old")]
        answer = tool.run({"action": "compare", "document": sides[0], "baseline": sides[1]})
        place = own.format(type=type_) + (f".{path}" if "path" in row else "")
        what = ROWS["subjects"][row["subject"]]["what"]
        assert answer.summary.startswith(f"Not judged: `{place}` ({what}) is changed."), row
        assert place in {row["place"] for row in answer.facts["not_judged"]}
        assert answer.comparison
        assert answer.comparison.relation == "unknown"
