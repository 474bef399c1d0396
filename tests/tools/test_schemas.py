"""The tools' argument schemas are reviewed like code: every change shows in a snapshot.

Accept one on purpose: `python tests/tools/test_schemas.py`.
"""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from aws_iam.tools import playbooks
from aws_iam.tools.kit import schemas
from aws_iam.tools.registry import tools

if TYPE_CHECKING:
    from aws_iam.tools.kit.tool import Tool

# Not from `helpers`: run as a script, this file finds only what is installed.
SNAPSHOTS = Path(__file__).parents[1] / "snapshots" / "tools"


def shown(tool: Tool) -> str:
    return json.dumps(schemas.input_schema(tool), indent=1) + "\n"


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_the_schema_is_the_accepted_one(tool: Tool) -> None:
    assert (SNAPSHOTS / f"{tool.name}.json").read_text(encoding="utf-8") == shown(tool)


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_the_schema_is_flat_and_closed(tool: Tool) -> None:
    schema = schemas.input_schema(tool)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert not {"oneOf", "anyOf", "allOf", "required"} & set(schema)
    for argument in schema["properties"].values():
        assert not {"oneOf", "anyOf", "properties", "$ref"} & set(argument)


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_an_argument_has_one_type_and_says_which_actions_take_it(tool: Tool) -> None:
    lists: dict[str, str] = {}
    for name, schema in schemas.input_schema(tool)["properties"].items():
        assert isinstance(schema["type"], str)
        assert schema["type"] != "array" or schema["items"] == {"type": "string"}
        if name in {"action", "detail", "cursor"}:
            continue
        listed = schema["description"].partition(":")[0]
        if listed.startswith("as "):
            listed = lists[listed.removeprefix("as ")]
        lists[name] = listed
        named = set(listed.removeprefix("all but ").split(", "))
        taking = {
            action.name
            for action in tool.actions.values()
            if name in {argument.name for argument in action.arguments if not argument.unlisted}
        }
        assert taking == (tool.actions.keys() - named if listed.startswith("all but ") else named)


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_the_description_says_when_to_use_which_action(tool: Tool) -> None:
    assert tool.asked.keys() == tool.actions.keys()
    for action, words in tool.asked.items():
        assert f"{words} ({action})" in tool.description
        assert f"{tool.name} {action}: {words}" in playbooks.instructions(tools())


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_one_name_has_one_type_throughout_a_tool(tool: Tool) -> None:
    kinds: dict[str, set[object]] = {}
    for action in tool.actions.values():
        for argument in action.arguments:
            kinds.setdefault(argument.name, set()).add(argument.kind)
    assert {name: kind for name, kind in kinds.items() if len(kind) > 1} == {}


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_a_choice_is_listed_with_the_words_of_every_action(tool: Tool) -> None:
    for name, argument in tool.arguments(cli=True).items():
        own = [
            a.choices
            for action in tool.actions.values()
            for a in action.arguments
            if a.name == name
        ]
        assert list(argument.choices) == list(dict.fromkeys(chain.from_iterable(own)))


def test_every_action_says_what_it_gives() -> None:
    for tool in tools():
        for action in tool.actions.values():
            assert action.summary.endswith("."), f"{tool.name} {action.name}"


if __name__ == "__main__":
    for tool in tools():
        (SNAPSHOTS / f"{tool.name}.json").write_text(shown(tool), encoding="utf-8")
