"""The files of a folder as one module."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aws_iam.engine.language.document import Policy
from aws_iam.engine.language.document import dump as dumped
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gather import gathered
from aws_iam.tools.kit.policy_inputs import input_facts

if TYPE_CHECKING:
    from aws_iam.engine.sources.gathered import Gathered

POLICY = """
variable "action" {{
  default = "{}"
}}
resource "aws_iam_policy" "p" {{
  policy = jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = var.action, Resource = "*" }}] }})
}}
"""
MAIN = POLICY.format("s3:Default")


def read(files: dict[str, str]) -> Gathered:
    named = tuple(File(name=name, text=text) for name, text in files.items())
    return gathered(Files(files=named, folder="."))


def actions(found: Gathered) -> dict[str, str]:
    """The action of the first statement of each policy."""
    return {
        source.name: json.loads(dumped(source.content))["Statement"][0]["Action"]
        for source in found.sources
        if isinstance(source.content, Policy)
    }


@pytest.mark.parametrize(
    ("values", "action"),
    [
        ({}, "s3:Default"),
        ({"terraform.tfvars": 'action = "s3:A"'}, "s3:A"),
        ({"terraform.tfvars": 'action = "s3:A"', "terraform.tfvars.json": '{"action": "s3:B"}'}, "s3:B"),
        ({"terraform.tfvars": 'action = "s3:A"', "z.auto.tfvars": 'action = "s3:Z"', "a.auto.tfvars": 'action = "s3:Y"'}, "s3:Z"),
        ({"a.auto.tfvars": 'action = "s3:Y"', "terraform.tfvars.json": '{"action": "s3:B"}'}, "s3:Y"),
        ({"b.auto.tfvars": 'action = "s3:Y"', "a.auto.tfvars.json": '{"action": "s3:B"}'}, "s3:Y"),
        ({"a.auto.tfvars": 'action = "s3:Y"', "b.auto.tfvars.json": '{"action": "s3:B"}'}, "s3:B"),
        ({"B.auto.tfvars": 'action = "s3:B"', "a.auto.tfvars": 'action = "s3:Y"'}, "s3:Y"),
        ({"Terraform.tfvars": 'action = "s3:A"'}, "s3:Default"),
        ({"auto.tfvars": 'action = "s3:A"'}, "s3:Default"),
        ({"terraform.tfvars": 'other = "s3:A"'}, "s3:Default"),
        ({"terraform.tfvars": 'action = "s3:A"', "main_override.tf": 'variable "action" {\n  default = "s3:O"\n}'}, "s3:A"),
        ({"test.tfvars": 'action = "s3:A"'}, "s3:Default"),
        ({"other/terraform.tfvars": 'action = "s3:A"'}, "s3:Default"),
        ({"override.tf": 'variable "action" {\n  default = "s3:O"\n}'}, "s3:O"),
        ({"main_override.tf.json": '{"variable": {"action": {"default": "s3:O"}}}'}, "s3:O"),
        ({"main.tofu": POLICY.format("s3:Tofu")}, "s3:Tofu"),
    ],
)  # fmt: skip
def test_a_variable_has_the_value_that_terraform_takes(
    values: dict[str, str], action: str
) -> None:
    assert actions(read({"main.tf": MAIN, **values})) == {"aws_iam_policy.p.policy": action}


def test_a_module_has_the_values_of_its_caller_alone() -> None:
    found = read(
        {
            "main.tf": 'module "a" {\n  source = "./policy"\n  action = "s3:A"\n}\nmodule "b" {\n  source = "./policy"\n}',
            "policy/main.tf": MAIN,
            "policy/terraform.tfvars": 'action = "s3:No"',
        }
    )
    assert actions(found) == {
        "module.a.aws_iam_policy.p.policy": "s3:A",
        "module.b.aws_iam_policy.p.policy": "s3:Default",
    }


def test_an_output_leads_into_the_module() -> None:
    policy = MAIN.replace("var.action", "module.names.actions[0]")
    found = read(
        {
            "main.tf": policy + 'module "names" {\n  source = "./names"\n}',
            "names/main.tf": 'output "actions" {\n  value = [local.a]\n}\nlocals {\n  a = "s3:Out"\n}',
        }
    )
    assert actions(found) == {"aws_iam_policy.p.policy": "s3:Out"}
    assert found.without == ("names/main.tf",)


def test_a_second_block_of_one_name_is_read_too() -> None:
    first, second = MAIN, MAIN.replace("var.action", '"s3:Second"')
    assert actions(read({"a.tf": first, "b.tf": second})) == {
        "aws_iam_policy.p.policy": "s3:Default",
        "aws_iam_policy.p (2).policy": "s3:Second",
    }


def test_an_override_changes_what_it_names() -> None:
    override = 'resource "aws_iam_policy" "p" {\n  name = "p"\n  policy = <<E\n{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:O", "Resource": "*"}]}\nE\n}'
    assert actions(read({"a.tf": MAIN, "b_override.tf": override})) == {
        "aws_iam_policy.p.policy": "s3:O"
    }


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    assert actions(read({"a.tf": "\ufeff" + MAIN.replace("\n", "\r\n")})) == {
        "aws_iam_policy.p.policy": "s3:Default"
    }


def test_an_unreadable_file_is_named() -> None:
    files = (File(name="a.tf", text=MAIN), File(name="b.tf", unreadable="permission denied"))
    (unread,) = gathered(Files(files=files, folder=".")).unread
    assert (unread.file, unread.why) == ("b.tf", "permission denied")


WITHOUT = """
variable "action" {}
variable "on" {}
variable "tag" {}
variable "given" {}
locals {
  on = var.on
}
resource "aws_iam_policy" "p" {
  count  = local.on ? 1 : 0
  tags   = { a = var.tag }
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = upper(var.action), Resource = var.given }] })
}
"""


def test_the_variables_without_a_value_that_decide_about_access_are_named() -> None:
    values = {"dev.auto.tfvars": 'given = "*"', "prod.tfvars": 'action = "s3:*"'}
    assert read({"main.tf": WITHOUT, **values}).without_value == ("var.action", "var.on")
    call = 'module "m" {\n  source = "./m"\n  given  = "*"\n  on     = true\n}\n'
    found = read({"main.tf": call, "m/main.tf": WITHOUT, "m/terraform.tfvars": 'action = "s3:*"'})
    assert found.without_value == ("module.m.var.action",)
    many = "".join(
        f'variable "v{number}" {{}}\n{MAIN.replace("var.action", f"var.v{number}").split(chr(10), 4)[4]}'
        for number in range(30)
    )
    facts = input_facts(read({"main.tf": many}))
    assert len(facts["variables_without_value"]) == 30
