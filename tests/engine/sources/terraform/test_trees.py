"""Trees of Terraform files as people have them: what is read in them, and where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aws_iam.cli.files import read_policies
from aws_iam.engine.language.document import Policy
from aws_iam.engine.sources.gather import gathered

CASES = Path(__file__).parents[3] / "cases/terraform"
TREES: list[dict[str, Any]] = json.loads((CASES / "trees.json").read_text(encoding="utf-8"))[
    "trees"
]


def test_each_tree_has_its_case() -> None:
    folders = {path.name for path in (CASES / "trees").iterdir()}
    assert folders == {tree["folder"] for tree in TREES}


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree["folder"])
def test_a_tree_is_read_and_what_is_not_is_named(
    tree: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CASES / "trees")
    found = gathered(read_policies("document", [tree["folder"]]))
    policies = [
        {
            "name": source.name,
            "kind": source.content.kind,
            "file": source.file,
            "statements": [str(own.node.where) for own in source.content.statements],
            **({"unknown": sorted(source.unresolved)} if source.unresolved else {}),
        }
        for source in found.sources
        if isinstance(source.content, Policy)
    ]
    assert policies == tree["policies"]
    attached = [[own.target or own.holder, own.policy, own.document] for own in found.attachments]
    assert attached == tree["attachments"]
    assert [[own.place, own.why, own.broken] for own in found.unread] == tree["unread"]
    assert list(found.without) == tree["without"]
    assert len(policies) == len(found.sources)
