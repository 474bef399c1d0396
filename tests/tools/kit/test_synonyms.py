"""Other words for actions, arguments, choices and needs: each is understood, and none could mean two things."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from aws_iam.tools.kit import argument_values
from aws_iam.tools.kit.argument_values import folded
from aws_iam.tools.kit.needs import Need, read_needs
from aws_iam.tools.kms.key_types import NEEDS as KEY_NEEDS
from aws_iam.tools.registry import tools
from aws_iam.tools.secrets.stores import NEEDS as STORE_NEEDS

if TYPE_CHECKING:
    from aws_iam.tools.kit.tool import Action, Tool

ACTIONS = [
    pytest.param(action, id=f"{tool.name} {action.name}")
    for tool in tools()
    for action in tool.actions.values()
]


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_other_words_for_actions_name_one_action(tool: Tool) -> None:
    assert set(tool.also.values()) <= tool.actions.keys()
    assert not {folded(word) for word in tool.also} & {folded(name) for name in tool.actions}


@pytest.mark.parametrize("action", ACTIONS)
def test_no_other_name_of_an_argument_names_two(action: Action) -> None:
    names = Counter(
        folded(name) for argument in action.arguments for name in {argument.name, *argument.also}
    )
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("action", ACTIONS)
def test_other_words_for_choices_are_read_as_one_of_them(action: Action) -> None:
    for argument in action.arguments:
        for word, choice in argument.synonyms.items():
            assert argument_values.read(argument, word).value == choice
            assert argument_values.read(argument, f" {word.upper()} ").value == choice


@pytest.mark.parametrize("needs", [STORE_NEEDS, KEY_NEEDS], ids=["secrets", "kms"])
def test_other_names_of_needs_name_one_need(needs: tuple[Need, ...]) -> None:
    names = Counter(folded(name) for need in needs for name in written(need))
    assert [name for name, times in names.items() if times > 1] == []
    for need in needs:
        for name in written(need):
            assert read_needs({name: value(need, name)}, needs).keys() == {need.name}


def written(need: Need) -> set[str]:
    return {need.name, *need.also, *need.units, *need.when_true}


def value(need: Need, name: str) -> object:
    if need.takes == "flag" or name in need.when_true:
        return True
    return need.words[0] if need.takes == "word" else max(need.least, 1)
