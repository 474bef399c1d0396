"""Every other word for an action takes the values and options that the action takes, and its answer says what was understood."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli import command_line
from aws_iam.tools.registry import tools

if TYPE_CHECKING:
    from aws_iam.tools.kit.tool import Tool

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
REQUEST = '{"principal":"arn:aws:iam::111122223333:role/app","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}'
CASES = '[{"name":"reads","request":%s,"expect":"Allowed"}]' % REQUEST  # noqa: UP031 - the request has braces
KEYS = ["--controls", "root_mfa"]
CALLS = {
    # Of each action that has other words: a value by position where it takes one, and an option.
    "policy lookup": ["s3:GetObject"],
    "policy validate": [POLICY, "--kind", "identity"],
    "policy evaluate": [REQUEST, POLICY],
    "policy compare": [POLICY, POLICY],
    "policy review": ["--baseline", POLICY, POLICY],
    "policy test": [CASES, "--document", POLICY],
    "policy explain": [POLICY],
    "policy shrink": [POLICY, "--limit", "group"],
    "policy denied": ["is not authorized to perform: s3:GetObject", "--policies", POLICY],
    "policy repair": [POLICY, "--allow", '{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}'],
    "policy generate": ['{"read":"arn:aws:s3:::b"}'],
    "policy template": ["s3-read"],
    "policy guide": ["least privilege"],
    "secrets guide": ["rotation"],
    "secrets decide": ['{"rotation":true}'],
    "secrets snippet": ["lambda", "--language", "go"],
    "secrets rotation": ["rds", "--engine", "postgres"],
    "secrets check": ["--demo"],
    "kms guide": ["grants"],
    "kms decide": ['{"own_policy":true}'],
    "kms key_policy": ["111122223333", "--admins", "role/admin"],
    "kms envelope": ["go"],
    "kms check": ["--demo"],
    "irsa guide": ["pod identity"],
    "irsa trust_policy": ["github", "--account", "111122223333", "--owner", "o", "--repository", "r", "--branch", "main"],
    "irsa manifest": ["eks", "--role", "arn:aws:iam::111122223333:role/app", "--namespace", "n", "--service-account", "s"],
    "irsa denied": ["--message", "Not authorized to perform sts:AssumeRoleWithWebIdentity"],
    "irsa check": ["--demo"],
    "audit run": ["--demo", *KEYS],
    "audit control": ["1.5"],
    "audit checklist": ["3.0"],
    "audit report": ["csv", "--demo", *KEYS],
    "audit cloudtrail": ["--demo"],
    "audit access_analyzer": ["--demo"],
    "audit access": ["--demo", "--to", "admin"],
    "audit principals": ["--demo"],
    "audit rightsize": ["--demo", "--principal", "role/helpdesk"],
}  # fmt: skip
WORDS = [
    pytest.param(tool, word, name, id=f"{tool.name} {word}")
    for tool in tools()
    for word, name in tool.also.items()
]


@pytest.fixture(scope="module")
def by_own_name() -> dict[str, dict[str, Any]]:
    """The answers of the actions called by their own names, as far as they were asked for."""
    return {}


@pytest.mark.parametrize(("tool", "word", "name"), WORDS)
def test_another_word_takes_what_the_action_takes(
    tool: Tool,
    word: str,
    name: str,
    by_own_name: dict[str, dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    call = f"{tool.name} {name}"
    if call not in by_own_name:
        by_own_name[call] = _answer([*call.split(), *CALLS[call]], capsys)
    answer = _answer([tool.name, word, *CALLS[call]], capsys)
    understood = answer["facts"]["understood"].pop(0)
    assert understood == f"`action` `{word}` as `{name}`"
    assert _without_understood(answer) == _without_understood(by_own_name[call])


def _answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    status = command_line.main([*words, "--json"], {})
    return {"status": status, **json.loads(capsys.readouterr().out)}


def _without_understood(answer: dict[str, Any]) -> dict[str, Any]:
    facts = dict(answer.get("facts", {}))
    if not facts.get("understood"):
        facts.pop("understood", None)
    return {**answer, "facts": facts}


@pytest.mark.parametrize(
    ("words", "prog"),
    [
        (["audit", "SCAN", "--help"], "aws-iam audit run"),
        (["policy", "why-denied", "--help"], "aws-iam policy denied"),
        (["irsa", "Trust_Policy", "--help"], "aws-iam irsa trust_policy"),
        (["policy", "help", "--help"], "aws-iam policy guide"),
    ],
)
def test_another_word_has_the_help_of_the_action(
    words: list[str], prog: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(words, {})
    assert ended.value.code == 0
    assert f"usage: {prog} " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", "rnu", "--demo"], "audit has no action `rnu`; did you mean `run`?"),
        (["audit", "help"], "audit has no action `help`"),
        (["kms", "xyzzy"], "it has `guide`, "),
    ],
)
def test_a_word_that_means_no_action_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(words, {}) == 2
    assert said in capsys.readouterr().err
