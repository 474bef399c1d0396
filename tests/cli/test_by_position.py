"""The main argument of an action comes without its option, wherever it stands, and never twice."""

from __future__ import annotations

import pytest

from aws_iam.cli import command_line
from aws_iam.cli.parsers import Use, action_parser, words_by_argument
from aws_iam.errors import InputError
from aws_iam.tools.registry import tool_named, tools

TYPED = (
    # The command, and what each argument gets.
    ("policy lookup s3:GetObject", {"query": ["s3:GetObject"]}),
    ("policy lookup s3:GetObject iam:PassRole --json", {"query": ["s3:GetObject", "iam:PassRole"]}),
    ("policy validate a.json --kind scp b.json", {"document": ["a.json", "b.json"], "kind": ["scp"]}),
    ("policy validate --document a.json --document b.json", {"document": ["a.json", "b.json"]}),
    ("policy explain a.json", {"document": ["a.json"]}),
    ("policy compare new.json old.json --public", {"document": ["new.json"], "baseline": ["old.json"], "public": []}),
    ("policy compare --baseline old.json new.json", {"document": ["new.json"], "baseline": ["old.json"]}),
    ("policy evaluate r.json p.json", {"request": ["r.json"], "policies": ["p.json"]}),
    ("policy denied not authorized to perform", {"message": ["not", "authorized", "to", "perform"]}),
    ("policy generate -", {"needs": ["-"]}),
    ("policy template s3-read", {"name": ["s3-read"]}),
    ("secrets decide {}", {"needs": ["{}"]}),
    ("secrets snippet lambda", {"runtime": ["lambda"]}),
    ("secrets rotation rds", {"target": ["rds"]}),
    ("kms guide access denied", {"topic": ["access", "denied"]}),
    ("kms key_policy 111122223333", {"account": ["111122223333"]}),
    ("kms envelope go", {"language": ["go"]}),
    ("kms lockout key.json --caller arn", {"document": ["key.json"], "caller": ["arn"]}),
    ("kms check key.json", {"document": ["key.json"]}),
    ("policy review --base main -- --help --out=x -q", {"base": ["main"], "document": ["--help", "--out=x", "-q"]}),
    ("policy review a -- b --json", {"document": ["a", "b", "--json"]}),
    ("policy validate -- --", {"document": ["--"]}),
    ("irsa trust_policy github", {"provider": ["github"]}),
    ("irsa manifest eks", {"provider": ["eks"]}),
    ("irsa denied trust.json", {"document": ["trust.json"]}),
    ("irsa check trust.json", {"document": ["trust.json"]}),
    ("secrets check infra a.tf", {"document": ["infra", "a.tf"]}),
    ("audit control 1.5", {"id": ["1.5"]}),
    ("audit checklist 3.0", {"benchmark": ["3.0"]}),
    ("audit report html --demo", {"format": ["html"], "demo": []}),
)  # fmt: skip
# They read an account, and have no argument that matters more than the others.
WITHOUT_MAIN = {
    ("audit", "run"),
    ("audit", "cloudtrail"),
    ("audit", "access_analyzer"),
    ("audit", "principals"),
}


def words_of(command: str) -> dict[str, list[str]]:
    tool, name, *words = command.split()
    action = tool_named(tool).actions[name]
    options = action_parser(tool_named(tool), action).parse_words(words)
    typed = words_by_argument(action, options)
    typed.pop("fail_on", None)
    return typed


@pytest.mark.parametrize(("command", "words"), TYPED, ids=lambda value: str(value)[:60])
def test_a_word_without_an_option_is_the_main_argument(
    command: str, words: dict[str, list[str]]
) -> None:
    assert words_of(command) == words


def test_every_action_has_a_main_argument_and_help_names_it() -> None:
    for tool in tools():
        for action in tool.actions.values():
            main = [argument.name for argument in action.arguments if argument.by_position]
            assert bool(main) is not ((tool.name, action.name) in WITHOUT_MAIN)
            shown = action_parser(tool, action, Use.HELP).format_help()
            assert all(f"[{name.upper()}" in shown for name in main)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("policy lookup a --query b", "`--query` and a value by position exclude each other; leave out the option, or `a`"),
        ("policy validate a.json --document b.json", "`--document` and a value by position"),
        ("audit control 1.5 --id 2.0", "`--id` and a value by position"),
        ("policy compare a b c", "unrecognized arguments: c"),
        ("audit cloudtrail scope", "unrecognized arguments: scope"),
    ],
)  # fmt: skip
def test_a_value_that_could_mean_two_things_is_refused_by_name(command: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        words_of(command)
    assert said in str(refused.value)


def test_words_in_a_row_are_one_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["policy", "guide", "access", "denied", "--quiet"], {}) == 0
    assert capsys.readouterr().out == "Access denied (references/policy-design.md).\n"
