"""The HTML report as text: complete without its script, bounded, and text from the account never becomes markup."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.answer import Finding, Status
from aws_iam.report.audit_page import MOST_CHARACTERS, MOST_ROWS, html_page
from aws_iam.report.html_templates import FOLDER
from helpers.audited_runs import EVERY_STATUS, FINDINGS, HOSTILE, audited, finding, hostile_run
from helpers.folders import ROOT
from helpers.tables.examples import examples

_VOID = {"meta", "link", "input", "wbr", "rect", "circle"}
_TAGS = {
    "a", "b", "bdi", "body", "button", "caption", "circle", "code", "details", "div", "footer", "form", "h1", "h2", "h3",
    "head", "header", "html", "input", "label", "li", "link", "main", "meta", "noscript", "ol", "option", "p", "pre",
    "rect", "script", "section", "select", "span", "style", "summary", "svg", "table", "tbody", "td", "text", "th",
    "thead", "title", "tr", "ul", "wbr",
}  # fmt: skip


class Page(HTMLParser):
    """The tags, attributes and text of a page; unbalanced tags fail."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in {"script", "style"}:
            self.text += data


def assert_only_our_markup(text: str) -> Page:
    page = Page(text)
    assert set(page.tags) <= _TAGS
    assert page.tags["script"] == page.tags["style"] == 1
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name != "style"
        if name in {"href", "src"}:
            assert value.startswith(("#", "https://", "data:,")), value
    return page


@pytest.mark.parametrize(("unknown", "faint"), [(0, False), (4, False), (5, True)])
def test_a_score_of_a_few_controls_is_faint_and_says_so(unknown: int, faint: bool) -> None:  # noqa: FBT001
    total = {"pass": 3, "fail": 1, "unknown": unknown, "score": 0.75}
    page = Page(html_page(replace(audited(), total=total)))
    (kind,) = (
        value
        for tag, name, value in page.attributes
        if (tag, name) == ("svg", "class") and "ring" in value
    )
    (said,) = (
        value for _, name, value in page.attributes if name == "aria-label" and "Score" in value
    )
    assert ("faint" in kind.split()) == faint
    assert ("most controls are unknown: 4 were evaluated" in said) == faint


def test_every_finding_is_in_the_page_without_its_script() -> None:
    page = assert_only_our_markup(html_page(audited()))
    rows = [value for tag, name, value in page.attributes if (tag, name) == ("tr", "data-status")]
    assert len(rows) == len(EVERY_STATUS)
    for words in (
        "Instances accept only version 2 of the metadata service (IMDSv2)",
        "aws ec2 modify-instance-metadata-options",
        "Why unknown: iam:GetAccountSummary: AccessDenied",
        "Muted: an old agent (until 2026-12-31)",
        "Version 1 hands out credentials",
        "6.7 in 6.0 to 7.0",
    ):
        assert words in page.text


def test_nothing_is_loaded_and_only_the_own_script_and_style_may_run() -> None:
    text = html_page(audited())
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
        assert "http" not in inside
        assert "url(" not in inside
    assert "default-src 'none'" in policy
    assert not re.search(
        r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b", text
    )


def test_hostile_names_are_text() -> None:
    page = assert_only_our_markup(html_page(hostile_run()))
    assert HOSTILE[0] in page.text
    assert not {"\x1b", "\u202e", "\x00"} & set(page.text)


def test_no_template_turns_escaping_off() -> None:
    for template in (ROOT / FOLDER).glob("*.j2"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup", text), template.name


@settings(max_examples=examples(40))
@given(st.lists(FINDINGS, max_size=3))
def test_whatever_the_text_the_page_is_well_formed(findings: list[Finding]) -> None:
    assert_only_our_markup(html_page(audited(findings)))


def test_of_very_many_findings_the_worst_are_shown_and_the_others_counted() -> None:
    passed = [
        finding(status=Status.PASS, resource=f"arn:aws:s3:::b{number}") for number in range(49_990)
    ]
    failed = [finding(resource=f"arn:aws:s3:::f{number}") for number in range(10)]
    alone = [finding(code="root_mfa", status=Status.PASS, resource="arn:aws:iam::1:root")]
    text = html_page(audited([*passed, *failed, *alone]))
    assert len(re.findall(r"<tr [^>]*data-status=", text)) == MOST_ROWS
    assert all(f'data-resource="arn:aws:s3:::f{number}"' in text for number in range(10))
    assert 'data-resource="arn:aws:iam::1:root"' in text
    left = 50_001 - MOST_ROWS
    assert f"{left:,} of 50,001 findings are left out of this page: {left:,} pass." in text


def test_the_page_says_that_all_is_shown_only_when_it_is() -> None:
    whole = "All findings are shown; filter, search, sort and copy need JavaScript."
    assert whole in html_page(audited())
    for run in (
        audited([finding(resource=f"r{number}") for number in range(MOST_ROWS + 1)]),
        audited(partial=("1 finding below critical is left out",)),
    ):
        text = html_page(run)
        assert "All findings are shown" not in text
        assert "<noscript><p>Filter, search, sort and copy need JavaScript." in text


def test_a_part_of_the_benchmark_is_said_at_the_top() -> None:
    partial = ("1 of 70 controls asked for", "38 findings below critical are left out")
    text = html_page(audited(partial=partial))
    head = Page(text[: text.index("</header>")].partition("<header>")[2])
    assert f"Not the whole audit: {'; '.join(partial)}." in head.text
    assert "Not the whole audit" not in html_page(audited())


def test_a_number_that_is_zero_is_no_link() -> None:
    total = {"pass": 3, "fail": 0, "unknown": 0, "score": 1.0}
    text = html_page(audited([finding(status=Status.PASS)] * 3, total=total))
    assert '<a class="tile pass" href="#findings"' in text
    assert '<div class="tile unknown"><b>0</b>' in text
    assert '<div class="tile fail"><b>0</b>' in text


def test_a_fix_is_whole() -> None:
    fix = f"aws x put {'y' * 3_000} --end"
    assert fix in html_page(audited([finding(fix=fix)]))


def test_long_names_cannot_make_the_page_endless() -> None:
    found = [finding(resource="<" * 3_000, message="&" * 3_000, fix="<" * 3_000)] * MOST_ROWS
    text = html_page(audited(found))
    assert len(text) < MOST_CHARACTERS + 500_000
    assert "are left out of this page" in text


def test_several_accounts_have_a_table_and_a_filter_of_their_own() -> None:
    found = [finding(), finding(account="444455556666", status=Status.PASS)]
    page = assert_only_our_markup(html_page(audited(found)))
    assert "2 accounts" in page.text
    assert "By account" in page.text
    assert ("select", "id", "account") in page.attributes
    assert ("select", "id", "account") not in Page(html_page(audited([finding()]))).attributes


def test_what_was_refused_comes_with_the_policy_to_add() -> None:
    page = Page(html_page(audited(to_add='{"Version": "2012-10-17"}\n')))
    assert "Not fully judged: 1 control" in page.text
    assert '{"Version": "2012-10-17"}' in page.text


def test_the_page_speaks_to_screen_readers() -> None:
    text = html_page(audited())
    page = Page(text)
    assert '<html lang="en">' in text
    assert ("a", "href", "#findings") in page.attributes
    ids = {value for _, name, value in page.attributes if name == "id"}
    for _, name, value in page.attributes:
        if name == "aria-labelledby":
            assert value in ids
    scopes = Counter(
        value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")
    )
    assert scopes["col"]
    assert scopes["row"]
    assert scopes["rowgroup"]
    assert page.tags["th"] == sum(scopes.values())
