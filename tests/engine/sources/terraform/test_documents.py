"""Policy documents in Terraform's language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aws_iam.engine.language.document import Policy
from aws_iam.engine.language.document import dump as dumped
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gather import gathered
from helpers.tables.each import for_each

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "cases/terraform/documents.json").read_text(encoding="utf-8")
)["cases"]


@for_each(CASES, name=lambda case: case["name"])
def test_a_document_is_what_terraform_makes_of_it(case: dict[str, Any]) -> None:
    found = gathered(case["terraform"])
    named = [own for own in found.sources if own.name == case["policy"]]
    source = found.sources[case["number"]] if "number" in case else named[0]
    assert isinstance(source.content, Policy)
    assert json.loads(dumped(source.content)) == case["document"]
    assert source.unresolved == set(case.get("unresolved", ()))
    assert not found.unread
    if "policies" in case:
        assert [own.name for own in found.sources] == case["policies"]


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("../roles", True),
        ("terraform-aws-modules/iam/aws//modules/iam-policy", True),
        ("git::https://example.com/irsa.git?ref=v1", True),
        ("terraform-aws-modules/vpc/aws", False),
    ],
)
def test_a_module_that_is_not_at_hand_is_named_where_it_has_policies(
    source: str, *, named: bool
) -> None:
    call = f'module "m" {{\n  source = "{source}"\n}}\n'
    found = gathered(CASES[0]["terraform"] + call)
    why = f"the module `{source}` is not among the files"
    assert [(own.place, own.why) for own in found.unread] == [("module.m", why)][:named]


def test_a_module_that_is_not_at_hand_is_named_in_each_file_that_calls_it() -> None:
    call = 'module "m" {\n  source = "example/iam-role/aws"\n}\n'
    files = (File(name=f"{own}/main.tf", text=CASES[0]["terraform"] + call) for own in "ab")
    found = gathered(Files(files=tuple(files), folder="tree"))
    named = [own.file for own in found.unread if own.place == "module.m"]
    assert named == ["a/main.tf", "b/main.tf"]


@pytest.mark.parametrize(
    ("argument", "place"),
    [
        ('template_url = "https://example.com/t.yaml"', "template_url"),
        ("template_body = var.template", "template_body"),
        ('template_body = "Resources: [1"', "template_body"),
    ],
)
def test_the_template_of_a_stack_that_is_not_read_is_named(argument: str, place: str) -> None:
    stack = f'resource "aws_cloudformation_stack" "s" {{\n  name = "s"\n  {argument}\n}}\n'
    found = gathered(CASES[0]["terraform"] + stack)
    assert [own.place for own in found.unread] == [f"aws_cloudformation_stack.s.{place}"]


def test_policies_of_other_clouds_are_none_of_aws() -> None:
    ram = 'resource "alicloud_ram_role" "r" {\n  document = jsonencode({ Version = "1", Statement = [{ Action = "sts:AssumeRole", Effect = "Allow" }] })\n}\n'
    assert len(gathered(CASES[0]["terraform"] + ram).sources) == len(
        gathered(CASES[0]["terraform"]).sources
    )
