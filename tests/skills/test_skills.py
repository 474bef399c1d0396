"""The skills: valid Agent Skills, short, found by the words of a question, routing to tools that exist."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import skills_ref  # type: ignore[import-untyped]
import yaml

from aws_iam.tools.registry import tools
from helpers.pages import ROOT, SKILLS, TOOLS, name_of
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from pathlib import Path

ROOT_SKILL = ROOT / "SKILL.md"
# What people say who need it; the first two lines are those of the skill that this one grew from.
TRIGGERS = (
    "IAM, least privilege, Secrets Manager, Parameter Store, KMS, IRSA, OIDC, permission boundary, SCP, "
    "RCP, CloudTrail, compliance, secret rotation, EKS Pod Identity, GitHub Actions OIDC, key policy, "
    "envelope encryption, Access Analyzer, AccessDenied, not authorized to perform, who can, trust policy, "
    "bucket policy, Terraform, CloudFormation, privilege escalation, assume role, cross-account, CIS, MFA"
)
ASKED: dict[str, Any] = json.loads(
    (ROOT / "tests/cases/skills/questions.json").read_text(encoding="utf-8")
)


def _frontmatter(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])
    assert isinstance(found, dict)
    return found


def _body(path: Path) -> str:
    return path.read_text(encoding="utf-8").split("---\n", 2)[2]


@pytest.mark.parametrize("path", SKILLS, ids=name_of)
def test_a_skill_is_valid_as_it_ships(path: Path, tmp_path: Path) -> None:
    """The folder of a skill has its name; a checkout may have any."""
    folder = tmp_path / _frontmatter(path)["name"] if path == ROOT_SKILL else path.parent
    if path == ROOT_SKILL:
        folder.mkdir()
        (folder / "SKILL.md").write_bytes(path.read_bytes())
    assert skills_ref.validate(folder) == []


def test_the_root_skill_has_its_name_and_licence() -> None:
    fields = _frontmatter(ROOT_SKILL)
    assert fields["name"] == "aws-iam"
    assert fields["license"] == "Apache-2.0"


def test_every_playbook_is_listed() -> None:
    assert {path.parent for path in SKILLS[1:]} == set((ROOT / "skills").iterdir())


def test_the_root_description_holds_every_trigger() -> None:
    description = _frontmatter(ROOT_SKILL)["description"]
    assert [trigger for trigger in TRIGGERS.split(", ") if trigger not in description] == []


@pytest.mark.parametrize("path", SKILLS, ids=name_of)
def test_frontmatter_keeps_the_limits(path: Path) -> None:
    fields = _frontmatter(path)
    assert fields["name"] == ("aws-iam" if path == ROOT_SKILL else path.parent.name)
    # Skills of several sources stand side by side: a bare `policy` or `audit` would meet another's.
    assert fields["name"].startswith("aws-iam")
    assert 0 < len(fields["description"]) <= 1024
    assert len(fields.get("compatibility", "")) <= 500


@pytest.mark.parametrize("path", SKILLS, ids=name_of)
def test_the_body_is_short(path: Path) -> None:
    assert len(_body(path).splitlines()) < 500


@pytest.mark.parametrize("tool", TOOLS)
def test_a_playbook_says_what_to_call_how_to_read_it_and_what_to_do_without_a_server(
    tool: str,
) -> None:
    body = _body(ROOT / "skills" / f"aws-iam-{tool}" / "SKILL.md")
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
        assert f"[{tool}](skills/aws-iam-{tool}/SKILL.md)" in body


def test_every_tool_has_a_skill() -> None:
    assert tuple(tool.name for tool in tools()) == TOOLS


@pytest.mark.parametrize("path", SKILLS, ids=name_of)
def test_calls_named_in_tables_are_actions_of_their_tool(path: Path) -> None:
    by_name = {tool.name: tool.actions for tool in tools()}
    for tool, action in re.findall(r"`(policy|secrets|kms|irsa|audit)` `(\w+)`", _body(path)):
        assert action in by_name[tool], f"{tool} {action}"


# What stands in code in the tables and is no argument: values.
VALUES = {"read", "write", "manage", "session", "encryption_sdk", "hierarchical", "sdk"}


@pytest.mark.parametrize("path", SKILLS[1:], ids=name_of)
def test_what_a_playbook_tells_to_send_is_an_argument_of_the_call(path: Path) -> None:
    by_name = {tool.name: tool.actions for tool in tools()}
    for row in re.findall(r"^\| .* \| (.+) \|$", _body(path), re.MULTILINE):
        calls = re.findall(r"`(policy|secrets|kms|irsa|audit)` `(\w+)`", row)
        arguments = {
            argument.name for tool, action in calls for argument in by_name[tool][action].arguments
        }
        named = set(re.findall(r"`([a-z_]+)(?:: [^`]*)?`", row)) - set(by_name)
        if path.parent.name == "aws-iam-policy":
            arguments.add("document")  # what `lookup` says of managed policies
        if calls:
            assert named - VALUES <= arguments | {action for _, action in calls}, row


def _stems(text: str) -> set[str]:
    words = re.findall(r"[a-z0-9]{2,}", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower())
    return {word.removesuffix("s")[:7] for word in words if word not in ASKED["empty"].split()}


@for_each(ASKED["questions"], name=lambda row: row["question"][:50])
def test_the_words_of_a_question_lead_to_its_playbook(row: dict[str, str]) -> None:
    """By words alone, each weighed by how few of the descriptions hold it."""
    stems = {path.parent.name: _stems(_frontmatter(path)["description"]) for path in SKILLS[1:]}
    held = Counter(stem for every in stems.values() for stem in every)
    asked = _stems(row["question"])
    score = {
        name: sum(math.log(len(stems) / held[stem]) for stem in asked & every)
        for name, every in stems.items()
    }
    expected = f"aws-iam-{row['playbook']}"
    others = max(number for name, number in score.items() if name != expected)
    assert score[expected] > others, score
