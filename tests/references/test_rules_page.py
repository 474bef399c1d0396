"""`references/rules.md` tells every rule, and each of its examples is found or left alone as it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import aws_iam
from aws_iam.engine.language.document import Policy, Statement
from aws_iam.engine.sources.gather import sources_of
from aws_iam.rules.policy.catalogue import NOT_OFFLINE, POLICY_RULES
from aws_iam.tools import playbooks
from aws_iam.tools.policy.actions import tool
from helpers.pages import ROOT, links, without_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.rules.check import Check

TEXT = (ROOT / "references/rules.md").read_text(encoding="utf-8")
BY_CODE = {rule.code: rule for rule in POLICY_RULES}
_EXAMPLE = re.compile(
    r"^A (statement|policy) as a (bad|good) example(?:, its invisible characters escaped)?:\n\n```(json|text)\n(.*?)\n```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An example of the page: under which code, and whether the text calls it bad."""

    code: str
    of_statement: bool
    bad: bool
    language: str
    content: str

    def __str__(self) -> str:
        return f"{self.code}-{'bad' if self.bad else 'good'}"


def _entries() -> dict[str, str]:
    parts = re.split(r"^### (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


ENTRIES = _entries()
EXAMPLES = [
    Example(
        code=code,
        of_statement=found[1] == "statement",
        bad=found[2] == "bad",
        language=found[3],
        content=found[4],
    )
    for code, text in ENTRIES.items()
    for found in _EXAMPLE.finditer(text)
]


def _document(example: Example) -> Any:
    if example.language == "text":
        return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), example.content)
    value = json.loads(example.content)
    return {"Version": "2012-10-17", "Statement": [value]} if example.of_statement else value


def _kind(rule: Check[Any], document: Any) -> str | None:
    content = sources_of(document)[0].content
    guessed = content.kind if isinstance(content, Policy) else None
    return min(rule.kinds) if rule.kinds and guessed and guessed not in rule.kinds else None


def test_every_rule_has_its_entry_in_order() -> None:
    assert list(ENTRIES) == list(BY_CODE)


def test_every_entry_tells_why_how_to_mend_and_who_says_so() -> None:
    lacking = {code: missing for code in ENTRIES if (missing := list(_missing(code)))}
    assert lacking == {}


def _missing(code: str) -> Iterator[str]:
    rule, entry = BY_CODE[code], " ".join(ENTRIES[code].replace("\\*", "*").split())
    words = (rule.fix, " ".join(rule.why.split()), rule.source, rule.severity.value)
    wanted = (*words, *map(str, rule.kinds), rule.resource_type or "")
    yield from (text for text in wanted if text not in entry)
    shown = sum(example.code == code for example in EXAMPLES)
    if shown + entry.count("and is not shown") != 2:
        yield "a bad and a good example"


@pytest.mark.growth
def test_bad_examples_are_found_and_good_ones_are_not() -> None:
    assert [str(example) for example in EXAMPLES if not _holds(example)] == []


def _holds(example: Example) -> bool:
    """Whether the example is judged as the page says."""
    rule = BY_CODE[example.code]
    document = _document(example)
    kind = None if rule.resource_type else _kind(rule, document)
    found = {finding.code for finding in aws_iam.validate(document, kind, rule.resource_type)}
    is_found = example.code in found
    return is_found is example.bad and example.of_statement is (rule.on is Statement)


def test_the_contents_lead_to_every_entry() -> None:
    headings = re.findall(r"^#{2,3} (.+)$", without_blocks(TEXT), re.MULTILINE)
    anchors = [heading.lower().replace(" ", "-") for heading in headings]
    assert len(anchors) == len(set(anchors))
    inside = [link.removeprefix("#") for link in links(TEXT) if link.startswith("#")]
    assert set(inside) <= set(anchors)
    assert {code.lower() for code in BY_CODE} <= set(inside)


def test_the_codes_that_are_not_raised_offline_are_listed_with_their_reason() -> None:
    section = TEXT.partition("## Not raised offline\n")[2]
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", section, re.MULTILINE))
    assert set(rows) == set(NOT_OFFLINE)
    assert not set(rows) & set(BY_CODE)
    assert all(reason.source in rows[code] for code, reason in NOT_OFFLINE.items())


@pytest.mark.parametrize("code", [POLICY_RULES[0].code, POLICY_RULES[-1].code, "OIDC-NO-TENANT"])
def test_the_guide_quotes_the_entry_of_a_code_however_it_is_written(code: str) -> None:
    for topic in (code, code.lower(), code.replace("_", "-")):
        answer = tool.run({"action": "guide", "topic": topic})
        (artifact,) = answer.artifacts
        assert artifact.content.strip() in TEXT
        assert answer.sources[0] == f"references/rules.md#{code.lower()}"


def test_the_guide_says_why_a_code_is_not_raised_offline() -> None:
    for code, reason in NOT_OFFLINE.items():
        assert reason.reason in tool.run({"action": "guide", "topic": code}).summary


def test_the_page_can_be_read_as_a_resource() -> None:
    (page,) = [document for document in playbooks.documents() if document.name == "rules"]
    assert page.uri == "aws-iam://references/rules"
    assert page.read().splitlines()[0] == TEXT.splitlines()[0]
    assert page.read().split("\n## ")[1:] == TEXT.split("\n## ")[1:]
