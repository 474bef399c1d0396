"""Pages, sections and prompts as a client of the server reads them: with calls where the command line has commands."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from aws_iam.tools.commands_as_calls import in_calls
from aws_iam.tools.kit.schemas import input_schema
from aws_iam.tools.playbooks import documents, prompt, run_tool
from aws_iam.tools.registry import NAMES, tool_named

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = {served.name: served for served in documents() if served.folder == "references"}
TOOLS = {
    "policy-design": "policy",
    "secrets-patterns": "secrets",
    "kms-patterns": "kms",
    "irsa-oidc": "irsa",
    "compliance-checklist": "audit",
}
PROMPTS = {name: prompt(name, "") for name in NAMES}
READ = {**{name: page.read() for name, page in PAGES.items()}, **PROMPTS}
_CALL = re.compile(rf"^(?P<tool>{'|'.join(NAMES)}) (?P<arguments>\{{.*\}})$", re.MULTILINE)
_COMMANDS_ALONE = re.compile(
    r"On the command line alone:\n\n```.*?^```$|^```bash\n.*?^```$", re.MULTILINE | re.DOTALL
)
_SPAN = re.compile(r"`aws-iam (\w+)[^`…]*`")


def calls() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, text in READ.items():
        for call in _CALL.finditer(text):
            yield name, call["tool"], json.loads(call["arguments"])


def test_every_call_of_a_page_is_one_that_the_tool_takes() -> None:
    found = list(calls())
    refused = [
        (name, tool, arguments, error.message)
        for name, tool, arguments in found
        for error in Draft202012Validator(input_schema(tool_named(tool))).iter_errors(arguments)
    ]
    assert refused == []
    assert {name for name, _, _ in found} >= {*TOOLS, *NAMES}


OFFLINE = [
    (tool, arguments)
    for _, tool, arguments in calls()
    if tool != "audit"
    and "content of " not in json.dumps(arguments)
    and "<the file" not in json.dumps(arguments)
    and not {"profile", "demo", "online"} & {*arguments}
    and arguments["action"] != "check"
]


@pytest.mark.parametrize(("tool", "arguments"), OFFLINE, ids=json.dumps)
def test_a_call_of_a_page_that_needs_neither_a_file_nor_an_account_is_answered(
    tool: str, arguments: dict[str, Any]
) -> None:
    assert run_tool(tool_named(tool), arguments).summary


def test_no_command_is_left_that_is_a_call() -> None:
    left = {
        name: spans
        for name, text in READ.items()
        if (
            spans := [
                span for span in _SPAN.findall(_COMMANDS_ALONE.sub("", text)) if span in NAMES
            ]
        )
    }
    assert left == {"audit": ["audit"], "policy": ["policy"]}


SPANS = [
    ("policy", "`aws-iam policy template`", "`policy template`"),
    ("audit", "`aws-iam audit\n  control --id 3.8`", "`audit control` with `id: 3.8`"),
    ("audit", "`aws-iam audit run --json`", "`audit run`"),
    ("policy", "`--format html` and `--kind`", "`format: html` and `kind`"),
    ("kms", "`--demo`", "`demo: true`"),
    ("policy", "`--base`", "`--base`"),
    ("policy", "`--block-public-policy`", "`--block-public-policy`"),
    (
        "policy",
        "`aws-iam policy review --base origin/main`",
        "`aws-iam policy review --base origin/main`",
    ),
    (
        "kms",
        "`key_policy\n--usage key_encapsulation`",
        "`kms key_policy` with `usage: key_encapsulation`",
    ),
    ("audit", "`run --save FILE`", "`run --save FILE`"),
    ("policy", "`template`", "`template`"),
    ("policy", "`aws-iam policy …`", "`aws-iam policy …`"),
    ("policy", "`aws-iam policy 'unclosed`", "`aws-iam policy 'unclosed`"),
    ("policy", "`aws-iam catalog refresh`", "`aws-iam catalog refresh`"),
]
BLOCKS = [
    (
        "the output is in the answer",
        "aws-iam kms envelope --language java > a.java",
        'kms {"action": "envelope", "language": "java"}',
    ),
    (
        "files that the answer holds",
        "aws-iam kms envelope java --out a/ --json",
        'kms {"action": "envelope", "language": "java"}',
    ),
    (
        "standard input from a file, and a word for a document",
        "aws-iam irsa denied --document t.json --token - --jwks fetch < token.txt",
        'irsa {"action": "denied", "document": "<content of t.json>", "token": "<content of token.txt>", "jwks": "fetch"}',
    ),
    (
        "several lines, a comment, a file",
        "aws-iam kms lockout --document key.json \\\n  --caller arn:aws:iam::111122223333:role/ci   # who asks",
        'kms {"action": "lockout", "document": "<content of key.json>", "caller": "arn:aws:iam::111122223333:role/ci"}',
    ),
    (
        "a pipe",
        "aws-iam policy template --name a | aws-iam policy validate --document -",
        'policy {"action": "template", "name": "a"}\npolicy {"action": "validate", "document": "<the file of the answer before>"}',
    ),
    (
        "a list and JSON",
        "aws-iam secrets check --scope a,b --limits '{\"days\": 1}'",
        'secrets {"action": "check", "scope": ["a", "b"], "limits": {"days": 1}}',
    ),
    (
        "a value by position",
        "aws-iam policy lookup s3:GetObject",
        'policy {"action": "lookup", "query": "s3:GetObject"}',
    ),
]


@pytest.mark.parametrize(("tool", "written", "read"), SPANS)
def test_a_command_in_a_sentence(tool: str, written: str, read: str) -> None:
    assert in_calls(f"Ask {written}.\n", tool) == f"Ask {read}.\n"


@pytest.mark.parametrize(
    ("written", "read"), [case[1:] for case in BLOCKS], ids=[case[0] for case in BLOCKS]
)
def test_commands_in_a_block(written: str, read: str) -> None:
    assert in_calls(f"```bash\n{written}\n```\n", "policy") == f"```text\n{read}\n```\n"


def test_what_has_no_call_stays_a_command_and_is_told_apart() -> None:
    text = "```bash\naws-iam audit run --demo\naws-iam audit run --org --role-arn audit\n```\n"
    assert in_calls(text, "audit") == (
        '```text\naudit {"action": "run", "demo": true}\n```\n\nOn the command line alone:\n\n'
        "```bash\naws-iam audit run --org --role-arn audit\n```\n"
    )
    untouched = (
        "```bash\naws iam list-users\n```\n\n```python\nx = '`aws-iam policy template`'\n```\n"
    )
    assert in_calls(untouched, "policy") == untouched


@pytest.mark.parametrize(
    ("tool", "topic", "options"),
    [
        (
            "policy",
            "review-a-change",
            ["--base", "--fail-on", "--fail-on-unknown", "--fail-on-unread"],
        ),
        ("secrets", "rotation", ["--out"]),
        ("policy", "evaluation-logic", None),
    ],
)
def test_a_section_names_the_options_that_a_call_does_not_have(
    tool: str, topic: str, options: list[str] | None
) -> None:
    asked = {"action": "guide", "topic": topic}
    assert run_tool(tool_named(tool), asked).facts.get("command_line_only") == options
    assert "command_line_only" not in tool_named(tool).run(asked).facts
