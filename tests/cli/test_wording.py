"""The command line speaks of options and commands, whatever an answer or an error says over MCP."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from rich.console import Console

from aws_iam.cli import command_line
from aws_iam.cli.wording import Wording
from aws_iam.report import terminal
from aws_iam.report.answer_text import plain
from aws_iam.report.clean import clean
from aws_iam.report.page import CONCISE_BYTES, page
from aws_iam.tools.registry import tool_named
from helpers.folders import TESTS

CALLS = json.loads((TESTS / "cases/server/calls.json").read_text(encoding="utf-8"))
ARGUMENT = re.compile(r"(?:[Pp]ass|[Gg]ive|[Ll]eave out) `(\w+)`")
# What people copy is not broken into lines: places, addresses and commands.
COPIED = (
    "  at ",
    "  fix: ",
    "  https://",
    "  references/",
    "  aws-iam ",
    "- ",
    "  document: ",
    "  baseline: ",
    "    aws ",
    '    {"',
    "     ",
)


@pytest.mark.parametrize("case", CALLS, ids=lambda case: f"{case['tool']} {case['name']}")
def test_an_answer_names_options_and_fits_the_terminal(case: dict[str, Any]) -> None:
    tool = tool_named(case["tool"])
    action = tool.actions[case["arguments"].get("action", tool.default)]
    answer = clean(tool.run(case["arguments"], cli=True), Wording(action).of_answer)
    # The content of files is not the answer's text.
    paged = page(answer, CONCISE_BYTES)
    names = {argument.name for argument in action.arguments}
    for text in (
        plain(_without_files(answer)),
        plain(_without_files(answer), full=False),
        plain(_without_files(paged)),
    ):
        assert "cursor" not in text
        assert names.isdisjoint(ARGUMENT.findall(text))
    for width in (40, 80, 120):
        lines = _at_a_terminal(_without_files(paged), width).splitlines()
        assert not [
            line for line in lines if len(line.rstrip()) > width and not line.startswith(COPIED)
        ]


def _without_files(answer: Any) -> Any:
    return type(answer)(**{name: getattr(answer, name) for name in FIELDS})


FIELDS = (
    "summary",
    "tool",
    "action",
    "findings",
    "counts",
    "decision",
    "comparison",
    "facts",
    "sources",
    "next",
    "as_of",
    "next_cursor",
)


def _at_a_terminal(answer: Any, width: int, **settings: Any) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, height=40, color_system=None, highlight=False)
    terminal.show(answer, console, **settings)
    return file.getvalue()


REFUSED = (
    # What is refused, and what the message says.
    (["policy", "lookup"], "`aws-iam policy lookup` needs `--query`"),
    (["audit", "run", "--external-id", "x", "--demo"], "`--external-id`"),
    (["irsa", "trust_policy", "github", "--owner", "branch"], "needs `--account`"),
    (["audit", "run", "--shard", "1/2"], "give `--accounts` or `--org` too"),
    (["policy", "template", "--values", "{}"], "`--values` needs `--name`"),
    (["policy", "compare", "{}"], "`--baseline`"),
    (["policy", "review"], "give a git revision in `--base`"),
    (["policy", "review", "{}"], "give a git revision in `--base`"),
)


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=lambda value: str(value)[:50])
def test_an_error_names_options(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(words, {}) == 2
    assert said in capsys.readouterr().err


ACTION = tool_named("irsa").actions["check"]
TEXTS = (
    # The text, as an answer says it, and as an error does.
    ("pass `owner` and `repository`", "pass `--owner` and `--repository`", "pass `--owner` and `--repository`"),
    ("see `demo: true`", "see `--demo`", "see `--demo`"),
    ("`save: FILE` writes it", "`save: FILE` writes it", "`--save FILE` writes it"),
    ("user `owner` of bucket `demo`", "user `owner` of bucket `demo`", "user `--owner` of bucket `--demo`"),
    ("`policy lookup` lists them", "`aws-iam policy lookup` lists them", "`aws-iam policy lookup` lists them"),
    (
        "`secrets snippet` with `runtime: lambda`",
        "`aws-iam secrets snippet --runtime lambda`",
        "`aws-iam secrets snippet --runtime lambda`",
    ),
    ("`policy nonsense`", "`policy nonsense`", "`policy nonsense`"),
    ("pass `something_else`", "pass `something_else`", "pass `something_else`"),
    ("without code", "without code", "without code"),
    (
        "refresh the service data where aws-iam runs and ask again",
        "refresh the service data (`aws-iam catalog refresh`) and ask again",
        "refresh the service data where aws-iam runs and ask again",
    ),
    (
        "read them on the command line: `audit run` with `org: true`",
        "read them: `aws-iam audit run --org`",
        "read them: `aws-iam audit run --org`",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("text", "answer", "error"), TEXTS, ids=lambda value: str(value)[:40])
def test_arguments_become_options_and_calls_commands(text: str, answer: str, error: str) -> None:
    assert Wording(ACTION).of_answer(text) == answer
    assert Wording(ACTION).of_error(text) == error


PLACES = (
    # The width, the place, and its lines.
    (40, "a.json", "/Statement/0/Action/0 (line 1:66)", ["  at a.json", "     /Statement/0/Action/0 (line 1:66)"]),
    (30, "", "/Statement/0/Action/0 (line 1:66)", ["  at /Statement/0/Action/0", "     (line 1:66)"]),
    (80, "a.json", "/Statement/0 (line 1:6)", ["  at a.json, /Statement/0 (line 1:6)"]),
    (20, "", "arn:aws:s3:::amzn-s3-demo-bucket", ["  at arn:aws:s3:::amzn-s3-demo-bucket"]),
)  # fmt: skip


@pytest.mark.parametrize(("width", "resource", "place", "lines"), PLACES)
def test_a_place_is_broken_between_words(
    width: int, resource: str, place: str, lines: list[str]
) -> None:
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None, highlight=False)
    terminal.show_place([*filter(None, (resource, place))], console)
    assert file.getvalue().splitlines() == lines


def test_a_word_of_the_caller_is_no_option() -> None:
    wording = Wording(ACTION, frozenset({"owner"}))
    assert wording.of_error("`save` is not `owner`") == "`--save` is not `owner`"


def test_the_verdict_is_last_again_where_the_first_lines_have_left_the_screen() -> None:
    answer = tool_named("audit").run({"action": "run", "demo": True}, cli=True)
    lines = _at_a_terminal(answer, 80, full=False).split("\n\n")
    first = " ".join(answer.summary.split())
    assert " ".join(lines[-1].split()) == first
    short = tool_named("policy").run({"action": "lookup", "query": "s3:GetObjcet"})
    assert _at_a_terminal(short, 80).count(short.summary[:40]) == 1


@pytest.mark.parametrize("width", [40, 80])
def test_an_audit_has_a_line_for_each_control(width: int) -> None:
    answer = tool_named("audit").run({"action": "run", "demo": True}, cli=True)
    failed = {f.code for f in answer.findings if f.status == "fail"}
    shown = _at_a_terminal(answer, width, full=False)
    heads = re.findall(
        r"^([\d.]+) +(?:fail) (?:critical|high|medium|low|info)", shown, re.MULTILINE
    )
    assert len(heads) == len(failed)
    assert "arn:aws:iam::111122223333:user/bob.okafor" not in shown
    text = plain(answer, full=False)
    assert (
        "- 2.21 fail critical: the policy of bucket `larkspur-press-111122223333` lets anyone call `s3:GetObject` (resource_policy_star); 2 findings"
        in text
    )
    assert "17 controls pass, 4 need manual review, 8 do not apply" in text
    # A pipe has all of a line, and a terminal its beginning up to the end of a word.
    whole = [line for line in text.splitlines() if line.startswith("- ") and len(line) > 220]
    assert whole
    assert not [line for line in whole if "…" in line]
    assert re.search(r"\w …", shown)
    assert "RestrictPublicBuc…" not in shown.replace("\n", "")
    assert "arn:aws:iam::111122223333:user/bob.okafor" in plain(answer, full=True)
