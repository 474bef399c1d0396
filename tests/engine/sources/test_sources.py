"""Policies in Serverless Framework files, Markdown, templates, and files of other names: what is read, where, and what is named.

`tests/cases/sources/` has a file for each: its cases give files, and all that comes out of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.engine.language.document import Policy
from aws_iam.engine.language.document import dump as dumped
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError
from helpers.folders import TESTS
from helpers.policy_files import ALLOW, document, file, judged, lines
from helpers.tables.each import for_each
from helpers.work import calls

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Source

CASES: dict[str, dict[str, Any]] = {
    f"{path.stem}: {case['name']}": case
    for path in sorted((TESTS / "cases/sources").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
}
POLICY = json.dumps(document(ALLOW))


@for_each(CASES)
def test_the_policies_of_a_file_are_read_at_their_places_and_what_is_not_is_named(
    name: str,
) -> None:
    assert outcome(CASES[name]) == CASES[name]["expect"]


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    """What comes out of the files of a case, without what is empty."""
    files = tuple(
        File(name=name, text="\n".join(text) + "\n") for name, text in case["files"].items()
    )
    try:
        found = gathered(Files(files=files, folder="folder" if case["folder"] else ""))
    except InputError as refused:
        return {"refused": refused.message}
    out = {
        "policies": list(map(described, found.sources)),
        "attached": [own.name for own in found.attachments],
        "unread": [[own.file, own.place, own.why] for own in found.unread],
        "without": list(found.without),
    }
    return {key: value for key, value in out.items() if value}


def described(source: Source) -> dict[str, Any]:
    """Name, file, kind and holder of a policy, its statements with their lines and columns, and its holes."""
    content = source.content
    if not isinstance(content, Policy):
        where = content.where
        broken = f"{where.line}:{where.column} {content.message}"
        return {"name": source.name, "file": source.file, "broken": broken}
    read = json.loads(dumped(content))["Statement"]
    found = {
        "name": source.name,
        "file": source.file,
        "kind": content.kind.value,
        "holder": source.holder.name,
        "statements": read if isinstance(read, list) else [read],
        "at": [f"{own.node.where.line}:{own.node.where.column}" for own in content.statements],
        "holes": sorted(source.unresolved),
    }
    return {key: value for key, value in found.items() if value or key == "name"}


def test_a_finding_has_the_line_and_column_of_the_file() -> None:
    wrong = json.dumps(document({**ALLOW, "Action": "s3:Nope"}), indent=2)
    for name, text, policy in (
        ("README.md", f"# Role\n\n```json\n{wrong}\n```\n", "block 1"),
        ("policy.j2", f"{{# a role #}}\n{wrong}\n", None),
        ("policies.ndjson", f"{{}}\n{json.dumps(json.loads(wrong))}\n", "line 2"),
        (
            "serverless.yml",
            "service: x\nprovider:\n  name: aws\n  iamRoleStatements:\n    - Effect: Allow\n      Action: s3:Nope\n",
            "provider.iamRoleStatements",
        ),
    ):
        found = lines(judged(file(name, text)), text)
        assert [
            (code, place, line.strip('"').startswith("s3:Nope"))
            for code, place, line in found
            if code == "INVALID_ACTION"
        ] == [("INVALID_ACTION", policy, True)]


def test_holes_raise_nothing_and_are_counted() -> None:
    text = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": {{ actions }}, "Resource": "{{ arn }}"}]}'
    answer = judged(file("policy.json.j2", text))
    assert [finding.code for finding in answer.findings] == []
    assert answer.facts["values_known_only_at_deployment"] == 2
    assert answer.summary.startswith("No problems in what was judged")


@pytest.mark.parametrize(
    ("actions", "says"),
    [
        ("{{ actions }}", "anyone call an action that is not known yet"),
        ('["{{ act }}", "s3:GetObject"]', "an action that is not known yet and 1 more"),
        ('["s3:GetObject", "{{ act }}"]', "anyone call `s3:GetObject` and 1 more"),
        ('"s3:{{ verb }}"', "anyone call `s3:verb"),
    ],
)
def test_the_name_of_a_hole_is_no_action(actions: str, says: str) -> None:
    text = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": %s,'
        ' "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*"}]}'
    )
    answer = judged(file("bucket-policy.json.j2", text.replace("%s", actions)))
    (message,) = (own.message for own in answer.findings if own.code == "PUBLIC_ACCESS_ALLOWED")
    assert message
    assert says in message


def _variables(*values: str) -> str:
    custom = "".join(f"  a{number}: {value}\n" for number, value in enumerate(values))
    return (
        "service: x\nprovider:\n  name: aws\n  iamRoleStatements:\n    - Effect: Allow\n"
        f"      Action: s3:GetObject\n      Resource: ${{self:custom.a{len(values) - 1}}}\ncustom:\n{custom}"
    )


HOSTILE = {
    "doubled.yml": _variables("x", *(f"${{self:custom.a{n}}}${{self:custom.a{n}}}" for n in range(40))),
    "chained.yml": _variables("x", *(f"${{self:custom.a{n}}}" for n in range(900))),
    "open.yml": _variables('"' + "${self:" * 30_000 + '"'),
    "nested.yml": _variables('"' + "${self:" * 900 + "a" + "}" * 900 + '"'),
    "itself.yml": _variables("${self:custom}", "${self:}"),
    "blocks.md": f"```json\n{POLICY}\n```\n" * 1_000,
    "low.md": "\n" * 300_000 + f"```json\n{POLICY}\n```\n" * 100,
    "ticks.md": "`" * 300_000 + "\nEffect: Allow, Action: x",
    "open.j2": "{{" * 100_000 + POLICY,
    "deep.j2": "[" * 50_000 + POLICY + "{{ x }}",
    "control.yaml": "{{ if x }}" * 20_000 + "\nEffect: Allow\nAction: x",
    "quotes.jsonc": '"' + '\\"' * 100_000 + POLICY,
    "comments.jsonc": "/*" * 100_000 + POLICY,
    "deep.ndjson": ("[" * 50_000 + POLICY + "\n") * 2,
    "signs.txt": "Effect" + " " * 300_000 + "aws_iam_policy_document" + " " * 300_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_answered_soon(name: str) -> None:
    good = File(name="good.json", text=POLICY)
    files = Files(files=(File(name=name, text=HOSTILE[name]), good), folder="x")
    assert "good.json" in {source.file for source in gathered(files).sources}
    # The longest takes some six calls for each of its lines.
    assert calls(lambda: gathered(files)) < 4_000_000


@pytest.mark.parametrize(
    "text",
    ["policy.json", "./infra/policy.json", "infra/", "C:\\p.json", "~/p.json", "file://p.json"],
)
def test_a_path_in_the_place_of_a_text_is_told_from_a_broken_policy(text: str) -> None:
    with pytest.raises(InputError, match=r"looks like the path .*give the content of the file"):
        gathered(text)
