"""Hostile Terraform: every input ends with an answer, after work that grows with the input at most."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from aws_iam.engine.language.document import Policy
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gather import gathered
from aws_iam.engine.sources.terraform import folders
from aws_iam.errors import InputError
from helpers.work import calls

if TYPE_CHECKING:
    from aws_iam.engine.sources.gathered import Gathered

POLICY = """
resource "aws_iam_policy" "{name}" {{
  policy = jsonencode({{
    Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = "s3:GetObject", Resource = {value} }}]
  }})
}}
"""
SOUND = POLICY.format(name="sound", value='"*"')
TOO_MUCH = "its expressions take more work than is spent on one resource"


def doubled(first: str, next_: str) -> str:
    lines = [f"a{n + 1} = {next_.format(n)}" for n in range(60)]
    return "locals {\n" + "\n".join([f"a0 = {first}", *lines]) + "\n}\n"


def chained(length: int) -> str:
    lines = [f"l{n} = local.l{n + 1}" for n in range(length)]
    return "locals {\n" + "\n".join([*lines, f'l{length} = "x"']) + "\n}\n"


def read(text: str) -> Gathered:
    """What is read beside a sound policy in another file."""
    files = (File(name="hostile.tf", text=text), File(name="sound.tf", text=SOUND))
    found = gathered(Files(files=files, folder="."))
    assert "aws_iam_policy.sound.policy" in {source.name for source in found.sources}
    return found


@pytest.mark.parametrize(
    "text",
    [
        "locals { a = " + "[" * 5_000 + "]" * 5_000 + "}",
        "a {" * 3_000 + "}" * 3_000,
        'locals { a = "' + "${" * 3_000 + '" }',
        "locals { a = " + "||".join(["true"] * 3_000) + " }",
        "locals { a = var" + ".a" * 3_000 + " }",
        "locals {\n a = <<E\n" + "%{ if true }" * 300 + "\nE\n}",
        "a = <<EOT\n" * 1_000,
        'resource "aws_iam_policy" "p" {',
    ],
    ids=["lists", "blocks", "interpolations", "operators", "attributes", "directives", "heredocs", "open"],
)  # fmt: skip
def test_a_file_that_cannot_be_parsed_is_named(text: str) -> None:
    (unread,) = read(text).unread
    assert unread.place == "hostile.tf"
    assert "nested deeper" in unread.why or "not Terraform's language" in unread.why


@pytest.mark.parametrize(
    ("declarations", "value"),
    [
        (chained(3_000), "local.l0"),
        (doubled('"x"', '"${{local.a{0}}}${{local.a{0}}}"'), "local.a60"),
        (doubled('["x"]', "[local.a{0}, local.a{0}]"), "local.a60"),
        (doubled('["x"]', "[local.a{0}, local.a{0}]"), "flatten(local.a60)"),
        ("", "[for i in range(1000) : [for j in range(1000) : i + j]]"),
        ("", "setproduct(range(1000), range(1000), range(1000))"),
        ("", 'join("", [for i in range(1000) : format("%999d%999d", i, i)])'),
        ("", 'replace(join("", [for i in range(1000) : "aaaaaaaa"]), "", join("", range(1000)))'),
    ],
    ids=["chain", "text", "lists", "flatten", "loops", "product", "format", "replace"],
)
def test_expressions_that_take_too_much_work_are_named(declarations: str, value: str) -> None:
    found = read(declarations + POLICY.format(name="p", value=value))
    named = {(place.place, place.why) for place in found.unread}
    assert named == {("aws_iam_policy.p", TOO_MUCH)}


def test_of_many_instances_the_first_are_read_and_the_rest_is_counted() -> None:
    many = 'resource "aws_iam_policy" "p" {\n  count = 99999\n  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::b${count.index}" }] })\n}'
    found = read(many)
    assert [(place.place, place.why) for place in found.unread] == [
        ("aws_iam_policy.p", "99,949 further instances of the block")
    ]
    assert len(found.sources) == 51


def test_an_unknown_value_is_taken_for_some_of_many_at_most() -> None:
    choice = " : ".join(f'var.x == "{n}" ? "arn:aws:s3:::b{n}/*"' for n in range(20))
    many = 'variable "x" {}\n' + POLICY.format(name="p", value=f'{choice} : "*"')
    few = POLICY.format(name="q", value='var.y ? "a" : "b"') + 'variable "y" {}\n'
    found = read(many + few)
    assert [(place.place, place.why) for place in found.unread] == [
        ("aws_iam_policy.p", "an unknown value is compared with more than 12 others")
    ]
    assert "aws_iam_policy.q.policy (conditions false)" in {own.name for own in found.sources}


def test_modules_that_call_themselves_are_read_once() -> None:
    calls_itself = 'module "a" {\n  source = "./"\n}\nmodule "b" {\n  source = "."\n}\n'
    found = gathered(calls_itself + SOUND)
    assert [source.name for source in found.sources] == ["aws_iam_policy.sound.policy"]


def test_no_text_can_pass_for_a_value_that_is_not_known() -> None:
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "\\ue000x\\ue001", "Resource": "*"}]}'
    written = (
        f'resource "aws_iam_policy" "p" {{\n  policy = <<E\n{document}\nE\n}}',
        POLICY.format(name="p", value='"\\ue000x\\ue001"'),
        POLICY.format(name="p", value='"\ue000x\ue001"'),
    )
    for text in written:
        (source,) = gathered(text).sources
        assert isinstance(source.content, Policy)
        assert not source.unresolved


@pytest.mark.parametrize("unit", ["resource", "local", "statement"])
def test_work_grows_with_the_number_of(unit: str) -> None:
    def text(number: int) -> str:
        if unit == "resource":
            return "".join(POLICY.format(name=f"p{n}", value=f'"r{n}"') for n in range(number))
        if unit == "local":
            lines = "\n".join(f'l{n} = "${{var.x}}{n}"' for n in range(number))
            items = ", ".join(f"local.l{n}" for n in range(number))
            return f"locals {{\n{lines}\n}}\n" + POLICY.format(name="p", value=f"[{items}]")
        statement = '  statement {\n    actions   = ["s3:GetObject"]\n    resources = ["*"]\n  }\n'
        return f'data "aws_iam_policy_document" "d" {{\n{statement * number}}}\n'

    small, large = (calls(partial(gathered, text(number))) for number in (20, 80))
    assert large < 6 * small


def test_a_text_that_is_no_terraform_is_refused_with_its_place() -> None:
    with pytest.raises(InputError, match=r"line 3:1: it is not Terraform's language"):
        gathered('resource "aws_iam_policy" "p" {\n  policy = "{}"\n')


def test_files_that_are_too_long_together_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_CHARACTERS", len(SOUND) + 10)
    files = tuple(File(name=f"{name}.tf", text=SOUND.replace("sound", name)) for name in "ab")
    found = gathered(Files(files=files, folder="."))
    assert [source.name for source in found.sources] == ["aws_iam_policy.a.policy"]
    ((place, why, broken),) = ((own.place, own.why, own.broken) for own in found.unread)
    assert (place, broken) == ("b.tf", True)
    assert "characters together" in why
