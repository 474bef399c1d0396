"""The skills: valid Agent Skills, short, routing to tools that exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import skills_ref  # type: ignore[import-untyped]
import yaml

from aws_iam.tools.registry import tools
from helpers.pages import ROOT, SKILLS, TOOLS, name_of

if TYPE_CHECKING:
    from pathlib import Path

ROOT_SKILL = ROOT / "SKILL.md"
OF_CLAUDE_CODE = (
    'argument-hint: "[policy|secrets|kms|irsa|audit]"\n',
    "user-invocable: true\n",
)
TRIGGERS = (
    "IAM, least privilege, Secrets Manager, Parameter Store, KMS, IRSA, OIDC, permission boundary, SCP, "
    "RCP, CloudTrail, compliance, secret rotation, EKS Pod Identity, GitHub Actions OIDC, key policy, "
    "envelope encryption, Access Analyzer"
)


def _frontmatter(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])
    assert isinstance(found, dict)
    return found


def _body(path: Path) -> str:
    return path.read_text(encoding="utf-8").split("---\n", 2)[2]


@pytest.mark.parametrize("tool", TOOLS)
def test_the_skill_of_a_tool_is_a_valid_agent_skill(tool: str) -> None:
    assert skills_ref.validate(ROOT / "skills" / tool) == []


def test_the_root_skill_is_valid_less_the_two_lines_of_claude_code(tmp_path: Path) -> None:
    text = ROOT_SKILL.read_text(encoding="utf-8")
    for line in OF_CLAUDE_CODE:
        assert text.count(line) == 1
        text = text.replace(line, "")
    copy = tmp_path / "aws-iam"
    copy.mkdir()
    (copy / "SKILL.md").write_text(text, encoding="utf-8")
    assert skills_ref.validate(copy) == []


def test_nothing_but_the_two_lines_keeps_the_root_skill_from_being_valid(tmp_path: Path) -> None:
    whole = tmp_path / "aws-iam"
    whole.mkdir()
    (whole / "SKILL.md").write_text(ROOT_SKILL.read_text(encoding="utf-8"), encoding="utf-8")
    [problem] = skills_ref.validate(whole)
    fields = problem.split(". Only ")[0]
    assert re.findall(r"[a-z]+-[a-z]+", fields) == ["argument-hint", "user-invocable"]


def test_the_root_skill_has_its_name_and_claude_codes_two_fields() -> None:
    fields = _frontmatter(ROOT_SKILL)
    assert fields["name"] == "aws-iam"
    assert fields["license"] == "Apache-2.0"
    assert fields["argument-hint"] == "[policy|secrets|kms|irsa|audit]"
    assert fields["user-invocable"] is True


def test_the_root_description_holds_every_trigger() -> None:
    description = _frontmatter(ROOT_SKILL)["description"]
    assert [trigger for trigger in TRIGGERS.split(", ") if trigger not in description] == []


@pytest.mark.parametrize("path", SKILLS, ids=name_of)
def test_frontmatter_keeps_the_limits(path: Path) -> None:
    fields = _frontmatter(path)
    expected = "aws-iam" if path == ROOT_SKILL else path.parent.name
    assert fields["name"] == expected
    assert 0 < len(fields["description"]) <= 1024
    assert len(fields.get("compatibility", "")) <= 500


@pytest.mark.parametrize("path", SKILLS, ids=name_of)
def test_the_body_is_short(path: Path) -> None:
    assert len(_body(path).splitlines()) < 500


@pytest.mark.parametrize("tool", TOOLS)
def test_a_playbook_says_what_to_call_how_to_read_it_and_what_to_do_without_a_server(
    tool: str,
) -> None:
    body = _body(ROOT / "skills" / tool / "SKILL.md")
    for heading in (
        "What to call",
        "How to read the answer",
        "When the server is absent",
        "Essentials",
    ):
        assert f"\n## {heading}\n" in body
    assert f"aws-iam {tool} " in body
    assert "`unknown` is never a pass" in body.replace("**", "")


def test_the_root_skill_routes_to_each_tool_and_links_its_playbook() -> None:
    body = _body(ROOT_SKILL)
    assert "$ARGUMENTS" in body
    for tool in TOOLS:
        assert re.search(rf"^\| `{tool}` \| `{tool}` \|", body, re.MULTILINE)
        assert f"[{tool}](skills/{tool}/SKILL.md)" in body


def test_every_tool_has_a_skill() -> None:
    assert tuple(tool.name for tool in tools()) == TOOLS


@pytest.mark.parametrize("path", SKILLS, ids=name_of)
def test_calls_named_in_tables_are_actions_of_their_tool(path: Path) -> None:
    by_name = {tool.name: tool.actions for tool in tools()}
    for tool, action in re.findall(r"`(policy|secrets|kms|irsa|audit)` `(\w+)`", _body(path)):
        assert action in by_name[tool], f"{tool} {action}"
