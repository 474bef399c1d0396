"""The tool `policy`: its actions, what it does unasked, and what it refuses."""

from __future__ import annotations

import pytest

from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool


def test_without_arguments_it_gives_the_contents_of_its_guide() -> None:
    answer = tool.run({})
    assert (answer.tool, answer.action) == ("policy", "guide")
    assert "policy-structure" in {row["topic"] for row in answer.facts["sections"]}


def test_lookup_answers_an_action() -> None:
    assert "s3:GetObject" in tool.run({"action": "lookup", "query": "s3:GetObject"}).summary


def test_template_lists_the_templates() -> None:
    names = {row["name"] for row in tool.run({"action": "template"}).facts["templates"]}
    assert "irsa-role-trust-policy" in names


def test_an_unknown_kind_is_refused_with_the_near_miss() -> None:
    with pytest.raises(InputError, match="did you mean `identity`"):
        tool.run({"action": "validate", "document": "{}", "kind": "identiy"})


def test_validate_without_document_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="`policy validate` needs `document`"):
        tool.run({"action": "validate"})
