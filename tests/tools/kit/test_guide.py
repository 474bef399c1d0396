"""Guides: a long section is quoted in part, words find the section they are about, and nothing is withheld without a way to it."""

from __future__ import annotations

import re

import pytest

from aws_iam import resources
from aws_iam.answer import to_json
from aws_iam.report.answer_text import markdown
from aws_iam.report.page import CONCISE_BYTES, FULL_BYTES, page, size
from aws_iam.server.kept_answers import ClientId, KeptAnswers
from aws_iam.tools.kit.excerpt import excerpt
from aws_iam.tools.kit.guide import Section, sections
from aws_iam.tools.registry import tools

PAGES = {
    "policy": "policy-design",
    "secrets": "secrets-patterns",
    "kms": "kms-patterns",
    "irsa": "irsa-oidc",
}
TOOLS = {tool.name: tool for tool in tools()}
EVERY = [
    pytest.param(name, section, id=f"{name} {section.slug}")
    for name, page_name in PAGES.items()
    for section in sections(resources.text(f"references/{page_name}.md"))
]
TOPICS = [
    ("irsa", "thumbprint needed", "irsa-in-four-steps"),
    ("irsa", "pod identity versus irsa", "which-one-to-use"),
    ("irsa", "difference between IRSA and Pod Identity", "which-one-to-use"),
    ("irsa", "InvalidIdentityToken", "refused-with-assumerolewithwebidentity"),
    ("irsa", "ExpiredTokenException", "refused-with-assumerolewithwebidentity"),
    ("irsa", "cross account IRSA", "irsa-in-four-steps"),
    ("irsa", "issuer of buildkite", "bitbucket-hcp-terraform-circleci-buildkite"),
    ("kms", "who can administer key after root removed", "account-statement-and-lockout"),
    ("kms", "can I delete a key immediately?", "deletion"),
    ("kms", "viaservice", "viaservice-and-the-caller-s-account"),
    ("policy", "session policies", "session-policies"),
    ("policy", "difference between a permissions boundary and an SCP", "permission-boundaries"),
    ("policy", "confused deputy", "cross-account-trust"),
    ("policy", "SCP", "service-control-policies"),
    ("policy", "what is an SCP", "service-control-policies"),
    ("policy", "how do SCPs work", "service-control-policies"),
    ("policy", "what does an RCP do?", "resource-control-policies"),
    ("policy", "permissions boundary", "permission-boundaries"),
    ("policy", "how should I restrict iam:PassRole", "common-mistakes"),
    ("policy", "NotPrincipal", "common-mistakes"),
    ("policy", "wildcards in principal", "common-mistakes"),
    ("policy", "what order does AWS evaluate policies", "evaluation-logic"),
    ("policy", "does an explicit deny win", "evaluation-logic"),
    ("policy", "how many policies can a role have", "size-quotas"),
    ("policy", "limit on the length of a policy", "size-quotas"),
    ("policy", "policy variables", "policy-structure"),
    ("policy", "how do I restrict access to one region", "region-restriction"),
    ("policy", "let a Lambda in account A read a bucket in account B", "cross-account-trust"),
    ("policy", "restrict a bucket to our organization", "condition-keys"),
    ("kms", "cost of kms", "prices-and-quotas"),
    ("kms", "multi region keys", "key-types"),
    ("irsa", "pod identity", "eks-pod-identity"),
    ("secrets", "secret in environment variable of Lambda", "secrets-in-the-wrong-place"),
]


@pytest.mark.parametrize(("tool", "section"), EVERY)
def test_a_section_is_shown_whole_or_in_part_with_the_way_to_all_of_it(
    tool: str, section: Section
) -> None:
    answer = TOOLS[tool].run({"action": "guide", "topic": section.slug})
    shown = KeptAnswers().first_page(ClientId(), "call", answer, CONCISE_BYTES)
    first, *rest = shown.artifacts
    assert first.content.startswith(f"## {section.title}\n")
    assert size(shown) <= CONCISE_BYTES
    assert "excerpt" not in str(to_json(shown))
    if not rest:
        assert first.content == section.markdown
        return
    assert first.name == f"{section.slug}-part.md"
    assert len(first.content) > CONCISE_BYTES / 2
    assert "in part above; for all of it read aws-iam://results/" in markdown(shown)
    assert ", or call again with `detail`: `full`" in markdown(shown)
    assert page(answer, FULL_BYTES).artifacts[0].content == section.markdown


@pytest.mark.parametrize(("tool", "section"), EVERY)
def test_an_excerpt_with_room_for_all_leaves_nothing_out(tool: str, section: Section) -> None:
    def words(text: str) -> list[str]:
        return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).split()

    assert tool in PAGES
    assert words(excerpt(section.markdown, "", 1_000_000)) == words(section.markdown)


def test_an_excerpt_has_the_rows_that_are_asked_for_under_the_heads_of_their_tables() -> None:
    by_slug = {one.values[1].slug: one.values[1] for one in EVERY if one.values[0] == "irsa"}
    part = excerpt(by_slug["checks"].markdown, "thumbprint", 3_000)
    assert "OIDC-THUMBPRINT" in part
    assert part.index("### Providers and roles") < part.index("| code |")
    assert part.index("| code |") < part.index("| … |") < part.index("OIDC-THUMBPRINT")
    assert len(part.encode()) <= 3_000


@pytest.mark.parametrize(("tool", "topic", "slug"), TOPICS)
def test_words_find_the_section_that_they_are_about(tool: str, topic: str, slug: str) -> None:
    answer = TOOLS[tool].run({"action": "guide", "topic": topic})
    assert answer.artifacts[0].name == f"{slug}.md"


@pytest.mark.parametrize(
    ("tool", "topic", "first", "then"),
    [
        (
            "policy",
            "permissions boundary vs SCP",
            "permission-boundaries",
            "service-control-policies",
        ),
        ("policy", "SCPs versus RCPs", "service-control-policies", "resource-control-policies"),
        (
            "policy",
            "service control policy or permission boundary?",
            "service-control-policies",
            "permission-boundaries",
        ),
        ("irsa", "IRSA vs Pod Identity", "which-one-to-use", "irsa-in-four-steps"),
        ("irsa", "should I use EKS Pod Identity or IRSA", "which-one-to-use", "eks-pod-identity"),
        ("irsa", "IRSA or Roles Anywhere", "irsa-in-four-steps", "roles-anywhere"),
    ],
)
def test_two_subjects_get_the_section_that_compares_them_or_both_sections(
    tool: str, topic: str, first: str, then: str
) -> None:
    answer = TOOLS[tool].run({"action": "guide", "topic": topic})
    assert answer.artifacts[0].name == f"{first}.md"
    assert answer.next[0].arguments["topic"] == then


@pytest.mark.parametrize("tool", PAGES)
def test_words_that_no_section_has_get_the_contents(tool: str) -> None:
    answer = TOOLS[tool].run({"action": "guide", "topic": "zebra"})
    assert answer.summary.startswith("No section is called `zebra`, or about it.")
    assert answer.facts["sections"] == TOOLS[tool].run({"action": "guide"}).facts["sections"]
