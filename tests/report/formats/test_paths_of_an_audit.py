"""The paths to administrator in the reports of an audit: the same that `audit access` tells, and names stay text."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from markdown_it import MarkdownIt
from playwright.sync_api import expect

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.report.access_report import AccessNode, AccessReport, AccessStep
from aws_iam.report.audit_page import html_page
from aws_iam.report.formats.markdown import MOST_OF_AN_AUDIT, audit_markdown
from aws_iam.report.path_section import MOST_PATHS
from aws_iam.tools.audit.access.access_file import access_report
from aws_iam.tools.audit.actions import tool
from helpers.audited_runs import HOSTILE, audited
from helpers.browser import chromium, noted_problems
from helpers.cis_snapshots import snapshot

if TYPE_CHECKING:
    from pathlib import Path

DEMO = {"demo": True}
HEADING = "Paths to administrator"


def shown() -> AccessReport:
    return access_report(tool.run({"action": "access", "to": "admin", **DEMO}, cli=True))


def many(number: int) -> AccessReport:
    """So many paths, each from a principal with a hostile name."""
    starts = [f"{HOSTILE[at % len(HOSTILE)]}{at}" for at in range(number)]
    nodes = {id_: AccessNode(id=id_, name=id_, kind="user") for id_ in (*starts, "admin")}
    paths = tuple(
        (AccessStep(start=start, end="admin", actions=(start,), conditions=(start,)),)
        for start in starts
    )
    return replace(shown(), nodes=nodes, paths=paths, cuts=(), summary=" ".join(HOSTILE))


def report_of(format_: str, **more: object) -> str:
    (file,) = tool.run({"action": "report", "format": format_, **DEMO, **more}, cli=True).artifacts
    return str(file.content)


def test_the_markdown_report_tells_who_gets_there_and_what_closes_most() -> None:
    text = report_of("markdown")
    section = text[text.index(f"## {HEADING}") : text.index("## To fix")]
    assert shown().summary.partition(".")[0] in section
    assert "| the statement `role/helpdesk own /Statement/0` | 12 | 4 |" in section
    assert "1. `role/helpdesk`: `iam:CreateAccessKey` → `user/alice.meyer`" in section
    assert "3 more paths at least not listed." in section
    assert len(re.findall(r"^\d+\. ", section, re.MULTILINE)) == MOST_OF_AN_AUDIT


def test_the_page_tells_the_same_with_every_path() -> None:
    text = report_of("html")
    section = text[text.index(HEADING) : text.index('id="findings"')]
    assert section.count('class="chain"') == len(shown().paths)
    assert "closes 12 of 12 paths and stops 4 of 4 principals" in re.sub("<[^>]*>", "", section)


def test_the_page_says_in_its_first_sentences_how_many_get_there() -> None:
    text = report_of("html")
    short = text[text.index("In short") : text.index('id="score"')]
    assert "<p>4 principals can become an administrator: see the paths below.</p>" in short
    without = html_page(audited(access=replace(shown(), becoming=0)))
    assert "can become an administrator: see" not in without


@pytest.mark.parametrize("format_", ["html", "markdown"])
def test_whoever_asks_for_some_controls_gets_these(format_: str) -> None:
    assert HEADING not in report_of(format_, controls=["root_mfa"])


@pytest.mark.parametrize("format_", ["html", "markdown"])
def test_users_and_roles_that_could_not_be_read_are_said_first(
    format_: str, tmp_path: Path
) -> None:
    refused = {"denied": "iam:GetAccountAuthorizationDetails"}
    file = tmp_path / "account.json"
    snapshots.save(snapshot({"iam.authorization": refused}), file)
    asked = {"action": "report", "format": format_, "snapshot": str(file)}
    text = str(tool.run(asked, cli=True).artifacts[0].content)
    assert "Who can become an administrator is not known" in text


def test_hostile_names_stay_text_and_what_is_past_the_bound_is_counted() -> None:
    made = many(MOST_PATHS + 7)
    page = html_page(audited(access=made))
    assert page.count('class="chain"') == MOST_PATHS
    assert re.search(r"[1-9]\d* more paths are not shown", page)
    assert "<script>alert" not in page
    markdown = MarkdownIt("gfm-like", {"linkify": False}).render(
        audit_markdown(audited(access=made))
    )
    assert not re.search(r"<(script|img|a )", markdown)


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_the_section_fits_and_everyone_can_read_it(width: int, tmp_path: Path) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 900})
        problems = noted_problems(page)
        for at, report in enumerate((shown(), many(40))):
            file = tmp_path / f"{at}.html"
            file.write_text(html_page(audited(access=report)), encoding="utf-8")
            page.goto(file.as_uri())
            page.evaluate(
                "document.querySelectorAll('details').forEach((own) => { own.open = true })"
            )
            expect(page.get_by_role("heading", name=HEADING)).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            broken = Axe().run(page).response["violations"]
            assert [own["id"] for own in broken] == []
        assert problems == []
