"""Names in generated files are data: refused, or escaped for the language of the file, and never more than a value."""

from __future__ import annotations

import json
import re
import shlex
from functools import cache
from typing import Any, get_args

import hcl2
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from aws_iam.errors import InputError
from aws_iam.tools.irsa.actions import tool
from aws_iam.tools.irsa.asset_files import filled
from aws_iam.tools.irsa.creation import Format
from helpers.documented_commands import commands
from helpers.folders import TESTS
from helpers.provider_cases import cases
from helpers.workload_validators import Tagged

pytestmark = pytest.mark.validator

CASES = TESTS / "cases" / "irsa"
HOSTILE = json.loads((CASES / "hostile-names.json").read_text(encoding="utf-8"))
ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
TARGET = "arn:aws:iam::444455556666:role/team/reports"
FORMATS = get_args(Format)
GITHUB = {"provider": "github", "owner": "octo-org", "repository": "octo-repo"}
PODS = {"provider": "pod_identity", "cluster": "prod", "namespace": "shop", "service_account": "cart"}  # fmt: skip
CALLED = "octo-org/ci/.github/workflows/deploy.yml@refs/heads/main"


def trust(**arguments: Any) -> Any:
    return tool.run({"action": "trust_policy", "account": ACCOUNT, **arguments})


def manifest(**arguments: Any) -> Any:
    return tool.run({"action": "manifest", "role": ROLE, **arguments})


HOSTILE_NAMES = cases("hostile_names")


def answers_to(name: str, arguments: dict[str, Any], value: str) -> list[Any]:
    """The answers of both actions; none where the name is refused."""
    found = []
    for act, own in (
        *((trust, {"format": form}) for form in FORMATS if name != "role"),
        (manifest, {}),
    ):
        try:
            found.append(act(**{**arguments, name: value, **own}))
        except InputError as refused:
            assert not {"\n", "\x1b"} & set(str(refused))  # noqa: PT017 - most names are refused
    return found


@pytest.mark.parametrize(
    "case", HOSTILE_NAMES, ids=lambda case: f"{case['name']}-{case['arguments']['provider']}"
)
def test_a_name_stays_what_it_is_in_every_file(case: dict[str, Any]) -> None:
    name, arguments = case["name"], case["arguments"]
    shapes = {shape(file) for answer in answers_to(name, arguments, plain(name)) for file in answer.artifacts}  # fmt: skip
    assert shapes
    for value in HOSTILE:
        for answer in answers_to(name, arguments, value):
            for artifact in answer.artifacts:
                # Only the text of a value may differ: never the number of keys, commands, words or blocks.
                assert shape(artifact) in shapes, f"{artifact.name}: {value!r}"


def plain(name: str) -> str:
    """A value that every form of the name allows."""
    samples = {"workflow": CALLED, "role": ROLE, "target_role": TARGET, "subject": "repo:o/r:x"}
    return samples.get(name, "plain")


@cache
def shape(artifact: Any) -> str:
    """The structure of the file as its own language reads it, without the values. Many files do not hold the name."""
    kind, text = artifact.language, str(artifact.content)
    if kind in {"json", "yaml"}:
        read = list(yaml.load_all(text, Loader=Tagged))
        return f"{artifact.name} {_kinds(read)}"
    if kind == "hcl":
        return f"{artifact.name} {_kinds(hcl2.loads(text))}"
    if kind == "bash":
        return f"{artifact.name} {[[w for w in words if w.startswith('--')] + [len(words)] for words in commands(text)]}"  # fmt: skip
    return f"{artifact.name} {[line.partition('=')[0] for line in text.splitlines()]}"


def _kinds(node: Any) -> Any:
    if isinstance(node, dict):
        # Some keys contain a tested value (`repo:…`): only the rest counts.
        return sorted((re.sub(r"^.*[.:/](?=[a-z_-]+$)", "", str(key)), str(_kinds(value))) for key, value in node.items())  # fmt: skip
    if isinstance(node, list):
        return [_kinds(child) for child in node]
    return type(node).__name__


@pytest.mark.parametrize("value", ["%{ for x in y }", "a'b", "a`b`", "a#b", "a & b", "$(id)", "a: b"])  # fmt: skip
def test_a_subject_is_the_same_in_every_language(value: str) -> None:
    arguments = {"provider": "generic", "issuer": "id.example.com", "audience": "y"}
    template, terraform, alone = (
        trust(**arguments, subject=value, **form).artifacts[0].content
        for form in ({"format": "cloudformation"}, {"format": "terraform"}, {})
    )
    read = yaml.load(template, Loader=Tagged)  # noqa: S506 - the loader is a safe one
    role = read["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]
    assert json.loads(alone) == role
    _, _, after = terraform.partition("jsonencode(")
    held, _ = json.JSONDecoder().raw_decode(after.lstrip())
    assert json.loads(json.dumps(held).replace("%%{", "%{").replace("$${", "${")) == role
    assert hcl2.loads(terraform)
    assert "file(" not in terraform
    (statement,) = role["Statement"]
    assert statement["Condition"]["StringEquals"]["id.example.com:sub"] == value


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@example("%{")
@example("a%%{b}")
@example("${")
def test_whatever_fills_a_placeholder_is_one_value_of_its_language(text: str) -> None:
    values = dict.fromkeys(("ServiceAccount", "Namespace", "RoleArn", "Audience"), text)
    account = yaml.safe_load(filled("manifest/service-account-irsa.yaml", values))
    assert account["metadata"]["name"] == text
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == text
    values_in_hcl = dict.fromkeys(("Organization", "Workspace", "RoleArn", "Audience"), text)
    written = filled(
        "manifest/terraform.tf", {**values_in_hcl, "Phase": "PLAN", "OtherPhase": "APPLY"}
    )
    # Two dollars or percent signs are one that begins no template.
    assert not re.search(r"(?<![$])[$]\{|(?<!%)%\{", written)
    # The reader takes the escapes of `%{` and `${` only where a `}` follows.
    readable = re.sub(r"([$%])\1\{", r"\1\1", written)
    assert len(hcl2.loads(readable)["resource"]) == 3
    names = dict.fromkeys(("Cluster", "Namespace", "ServiceAccount", "RoleArn"), text)
    script = filled("manifest/association.sh", {**names, "Region": None, "TargetRole": None})
    words = shlex.split(script.partition("\n")[2].replace("\\\n", "", 1))
    assert words[words.index("--namespace") + 1] == text
    assert len(words) == 11
