"""The providers as the skills and the page list them for readers."""

from __future__ import annotations

import re

import pytest

from aws_iam.tools.irsa.provider_catalogue import PROVIDERS
from helpers.folders import ROOT

CI = {"github", "gitlab", "bitbucket", "terraform_cloud", "circleci", "buildkite"}
CI_TITLES = sorted(PROVIDERS[name].title for name in CI)


def ci_systems_listed(page: str) -> list[str]:
    """The names between the first CI system and `any OIDC issuer`."""
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    [sentence] = re.findall(r"(GitHub Actions[^.|]*?),? (?:and )?any OIDC issuer", text)
    return [name for name in re.split(r", | or another CI system: ", sentence) if name]


@pytest.mark.parametrize(
    "page", ["SKILL.md", "skills/aws-iam-irsa/SKILL.md", "references/irsa-oidc.md"]
)
def test_a_list_of_ci_systems_names_every_provider(page: str) -> None:
    listed = sorted(ci_systems_listed(page))
    assert len(listed) == len(CI_TITLES)
    for name, title in zip(listed, CI_TITLES, strict=True):
        assert title.startswith(name)


def test_the_page_says_what_each_manifest_is() -> None:
    text = (ROOT / "references/irsa-oidc.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `manifest` with ([^|]+) \|", text, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(PROVIDERS)
