"""Every fenced block of the prose is parsed by what would read it."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator

import aws_iam
from aws_iam.answer import Severity, Status
from helpers.documented_commands import commands, problems
from helpers.pages import PROSE, Block, blocks, name_of, without_blocks
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from pathlib import Path

POLICY_ELEMENTS = {"Statement", "Effect", "Principal", "Condition"}
TOO_MUCH = {Severity.ERROR, Severity.SECURITY_WARNING}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a key occurs twice in {names}"
    return dict(pairs)


def _json(block: Block) -> Any:
    return json.loads(block.content, object_pairs_hook=_once)


def _policies() -> list[Block]:
    return [block for block in blocks("json") if POLICY_ELEMENTS & set(_json(block))]


def _kind(block: Block) -> str | None:
    if "RCP" in block.before:
        return "rcp"
    return "scp" if "SCP" in block.before else None


@for_each(blocks("json"))
def test_json_is_an_object_whose_keys_occur_once(block: Block) -> None:
    assert isinstance(_json(block), dict)


@pytest.mark.parametrize("block", _policies(), ids=str)
def test_a_policy_is_whole_and_carries_its_version(block: Block) -> None:
    policy = _json(block)
    assert policy["Version"] == "2012-10-17"
    assert set(policy) == {"Version", "Statement"}
    assert all("Sid" in statement for statement in policy["Statement"])


@pytest.mark.parametrize("block", _policies(), ids=str)
def test_a_policy_validates_clean_unless_the_text_calls_it_bad(block: Block) -> None:
    findings = aws_iam.validate(block.content, kind=_kind(block))
    grave = [
        f"{finding.code}: {finding.message}"
        for finding in findings
        if finding.status is Status.FAIL and finding.severity in TOO_MUCH
    ]
    if block.bad:
        assert [finding for finding in findings if finding.status is Status.FAIL]
    else:
        assert grave == []


@pytest.mark.parametrize(
    "block",
    [listed for listed in blocks("json") if "containerDefinitions" in listed.content],
    ids=str,
)
def test_a_task_definition_fits_the_model_of_ecs(block: Block) -> None:
    model = botocore.session.Session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    assert shape is not None
    report = ParamValidator().validate(_json(block), shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml_parses_and_manifests_keep_annotations_as_strings(block: Block) -> None:
    document = yaml.safe_load(block.content)
    assert isinstance(document, dict)
    annotations = document.get("metadata", {}).get("annotations", {})
    assert all(isinstance(value, str) for value in annotations.values())


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_compiles_and_never_caches_without_a_limit(block: Block) -> None:
    tree = ast.parse(block.content)
    compile(tree, str(block), "exec")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"lru_cache", "cache", "print", "eval", "exec"}
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "functools" not in imported


@for_each(blocks("bash"), name=str)
def test_every_command_names_things_that_exist(block: Block) -> None:
    found = {" ".join(words): problems(words) for words in commands(block.content)}
    assert found
    assert {line: said for line, said in found.items() if said} == {}


@pytest.mark.parametrize("path", PROSE, ids=name_of)
def test_our_commands_within_the_text_exist_too(path: Path) -> None:
    text = without_blocks(path.read_text(encoding="utf-8")).replace("\n", " ")
    found = re.findall(r"`((?:uvx --from aws-iam-mcp )?aws-iam [^`…]+)`", text)
    wrong = {}
    for line in found:
        for words in commands(line):
            said = [problem for problem in problems(words) if "needs" not in problem]
            if said:
                wrong[line] = said
    assert wrong == {}


def test_a_command_that_aws_would_refuse_is_noticed() -> None:
    analyzer = "aws accessanalyzer list-findings-v2 --analyzer-name external"
    assert problems(analyzer.split()) == ["no option --analyzer-name", "needs --analyzer-arn"]
    assert problems(["aws", "iam", "invent-user"]) == ["iam has no operation invent-user"]
    assert problems(["aws-iam", "policy", "invent"]) == ["no action `policy invent`"]
    rule = "--rotation-rules Days=3"
    wrong = f"aws secretsmanager rotate-secret --secret-id a {rule}"
    assert problems(wrong.split()) == ["--rotation-rules: no member Days"]
