"""A snapshot that somebody edited: what is gone from it makes no check fall over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aws_iam.account.collect.catalogue import FACTS
from aws_iam.account.reading.collect_account import collect
from aws_iam.account.reading.snapshot import load, save
from aws_iam.tools.kit.parameters import Source
from aws_iam.tools.registry import tools
from helpers.rich_account import RICH
from helpers.scripted_aws import Script

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.account.reading.snapshot import Account


@pytest.fixture(scope="module")
def account() -> Account:
    return collect(FACTS.values(), Source(), session=Script(RICH).session())


def edited(account: Account, names: set[str]) -> list[Account]:
    """The facts of these names, with each of their lists empty, and without the first item of it."""
    facts = {place: value for place, value in account.facts.items() if place[0] in names}
    return [
        replace(account, facts={**facts, place: left})
        for place, value in facts.items()
        if isinstance(value, tuple) and value
        for left in {(), value[1:]}
    ]


@pytest.mark.growth
@pytest.mark.parametrize("name", ["secrets", "kms", "irsa"])
def test_a_list_that_lacks_items_is_judged(name: str, account: Account, tmp_path: Path) -> None:
    (tool,) = (tool for tool in tools() if tool.name == name)
    path = tmp_path / "edited.json"
    tool.run({"action": "check", "demo": True, "save": str(path)}, cli=True)
    for snapshot in edited(account, {fact for fact, _ in load(path).facts}):
        save(snapshot, path)
        assert tool.run({"action": "check", "snapshot": str(path)}, cli=True).counts
