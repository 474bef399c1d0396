"""Policy documents in Terraform's language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aws_iam.engine.language.document import Policy
from aws_iam.engine.language.document import dump as dumped
from aws_iam.engine.sources.gather import gathered

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "cases/terraform/documents.json").read_text(encoding="utf-8")
)["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_document_is_what_terraform_makes_of_it(case: dict[str, Any]) -> None:
    found = gathered(case["terraform"])
    source = next(own for own in found.sources if own.name == case["policy"])
    assert isinstance(source.content, Policy)
    assert json.loads(dumped(source.content)) == case["document"]
    assert source.unresolved == set(case.get("unresolved", ()))
    assert not found.unread
    if "policies" in case:
        assert [own.name for own in found.sources] == case["policies"]
