"""The checks of secrets are told in the reference, and the guide quotes them by their code."""

from __future__ import annotations

import re

import pytest

from aws_iam.errors import InputError
from aws_iam.tools.secrets.actions import tool
from aws_iam.tools.secrets.checks.catalogue import CHECKS
from helpers.pages import ROOT

TEXT = (ROOT / "references/secrets-patterns.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())


def test_every_check_has_its_entry_in_order() -> None:
    assert re.findall(r"^### ((?:SEC|SSM|ENV)-[A-Z-]+)$", TEXT, re.MULTILINE) == list(CHECKS)


@pytest.mark.parametrize("code", CHECKS)
def test_an_entry_tells_why_how_to_mend_who_says_so_and_what_it_reads(code: str) -> None:
    check = CHECKS[code]
    (artifact,) = tool.run({"action": "guide", "topic": code.lower().replace("-", "_")}).artifacts
    assert " ".join(artifact.content.split()) in FLAT
    entry = " ".join(artifact.content.split())
    assert " ".join(check.why.split()) in entry
    assert check.source in entry
    assert check.severity.value in entry
    assert "**Permissions**: `" in entry


def test_a_code_that_is_none_is_refused_with_the_sections() -> None:
    with pytest.raises(InputError, match="no section is called"):
        tool.run({"action": "guide", "topic": "SEC-NOT-A-CHECK"})
