"""Other words for actions, arguments, choices and needs: each is understood, and none could mean two things."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from aws_iam.cli import command_line
from aws_iam.errors import InputError
from aws_iam.tools.kit import argument_values
from aws_iam.tools.kit.argument_values import folded
from aws_iam.tools.kit.needs import Need, read_needs
from aws_iam.tools.kit.synonyms import TOOL_OF_ACTION
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


def test_an_action_of_another_tool_is_told() -> None:
    by_name = {tool.name: tool for tool in tools()}
    for action, tool in TOOL_OF_ACTION.items():
        assert action in by_name[tool].actions
    own = {name for tool in tools() for name in tool.actions}
    shared = {name for name in own if sum(name in tool.actions for tool in tools()) > 1}
    assert own - shared <= TOOL_OF_ACTION.keys()
    with pytest.raises(InputError, match="it is an action of `policy`; kms has `guide`"):
        by_name["kms"].run({"action": "Denied", "message": "AccessDenied"})


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


POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObjcet", "Resource": "*"}]}  # fmt: skip
CASES = [{"name": "reads", "request": {"principal": "arn:aws:iam::111122223333:role/app", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}, "expect": "Allowed"}]  # fmt: skip
GITHUB = {"provider": "github", "account": "111122223333", "owner": "acme", "repository": "app", "branch": "main"}  # fmt: skip
GIVEN = {
    "audit access": {"to": "admin", "demo": True},
    "audit rightsize": {"principal": "helpdesk", "demo": True},
    "irsa trust_policy": GITHUB,
    "kms key_policy": {"account": "111122223333", "admins": ["role/KeyAdmin"]},
    "policy review": {"document": POLICY, "baseline": {**POLICY, "Statement": []}},
    "policy test": {"cases": CASES, "document": POLICY},
    "policy validate": {"document": POLICY},
    "secrets rotation": {"target": "rds", "engine": "postgres"},
}
"""A call of each action with a format that may be left out."""


def test_text_is_a_format_of_every_answer_but_a_report() -> None:
    offering = {
        f"{tool.name} {action.name}"
        for tool in tools()
        for action in tool.actions.values()
        for argument in action.arguments
        if argument.name == "format"
    }
    assert offering - {"audit report"} == GIVEN.keys()


@pytest.mark.parametrize("call", GIVEN)
@pytest.mark.parametrize("cli", [True, False])
def test_text_is_the_answer_without_a_format(call: str, cli: bool) -> None:  # noqa: FBT001
    tool_name, action = call.split()
    (tool,) = (own for own in tools() if own.name == tool_name)
    asked = {"action": action, **GIVEN[call]}
    plain = tool.run(asked, cli=cli)
    for word in ("text", "Text"):
        assert tool.run({**asked, "format": word}, cli=cli) == plain
    chosen = next(own for own in tool.actions[action].arguments if own.name == "format").choices[
        -1
    ]
    assert tool.run({**asked, "format": chosen}, cli=cli) != plain
    with pytest.raises(InputError, match="`text`, not `texts`") as refused:
        tool.run({**asked, "format": "texts"}, cli=cli)
    assert refused.value.hint == "did you mean `text`?"


@pytest.mark.parametrize(
    "words",
    [
        "audit rightsize helpdesk --demo",
        "irsa trust_policy --provider github --account 111122223333 --owner a --repository b --branch main",
        "kms key_policy --account 111122223333 --admins role/KeyAdmin",
        "secrets rotation --target rds --engine postgres",
    ],
)
def test_a_pipe_gets_the_answer_as_text_in_the_place_of_its_file(
    words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for option in ([], ["--format", "Text"]):
        command_line.main([*words.split(), *option], {})
        printed, beside = capfd.readouterr()
        # A summary, or code.
        assert bool(beside) is not bool(option)
        assert "\n```" in printed if option else "\n```" not in printed


def test_a_report_as_text_is_markdown_and_says_so() -> None:
    (tool,) = (own for own in tools() if own.name == "audit")
    answer = tool.run({"action": "report", "demo": True, "format": "text"}, cli=True)
    assert answer.facts["understood"] == ["`format` `text` as `markdown`"]
    assert answer.artifacts[0].language == "markdown"


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
