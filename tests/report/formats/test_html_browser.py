"""The HTML report in a real browser: it filters, sorts and copies, and nothing from the account runs."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from aws_iam.answer import Severity, Status
from aws_iam.report.audit_page import MOST_ROWS, html_page
from aws_iam.tools.audit.actions import tool
from helpers.audited_runs import HOSTILE, SECTIONS, audited, finding, hostile_run
from helpers.browser import chromium, noted_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    Open = Callable[..., "Shown"]

pytestmark = pytest.mark.browser

CHANGES = {
    "since": "2026-10-01T00:00:00+00:00",
    "new": 1,
    "fixed": 1,
    "gone": 0,
    "still_open": 1,
    "unreadable": 0,
    "changed": 0,
}


CONTRAST = """
(selector) => {
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((each) => each / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const text = document.querySelector(selector);
  const ground = light(getComputedStyle(text.closest(".card")).backgroundColor);
  const ink = light(getComputedStyle(text).color);
  // What shines through mixes both.
  const seen = ground + (ink - ground) * getComputedStyle(text).opacity;
  return (Math.max(seen, ground) + 0.05) / (Math.min(seen, ground) + 0.05);
}
"""


@dataclass
class Shown:
    """An open page, and what went wrong on it."""

    page: Page
    problems: list[str]

    def rows(self) -> list[str]:
        """The resources of the visible rows, in order."""
        shown = self.page.locator("#table tr[data-status]:visible")
        return [row.get_attribute("data-resource") or "" for row in shown.all()]

    def count(self) -> str:
        return self.page.locator("#count").inner_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    contexts = []

    def open_(text: str, *, as_it_opens: bool = False, **options: Any) -> Shown:
        file = tmp_path / "report.html"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        shown = Shown(page, noted_problems(page))
        shown.page.goto(file.as_uri())
        reset = shown.page.locator("#reset")
        if not as_it_opens and reset.is_visible():
            reset.click()
        return shown

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture
def small() -> str:
    """Six findings in three sections and two accounts."""
    return html_page(
        audited(
            [
                finding(resource="r-high", change="new"),
                finding(resource="r-low", severity=Severity.LOW, region="us-east-1", change="same"),
                finding(resource="r-pass", status=Status.PASS, change="fixed"),
                finding(resource="r-muted", muted="accepted", change="same"),
                finding(
                    code="root_mfa", title="Root has MFA", resource="r-critical", severity=Severity.CRITICAL,
                    controls={"7.0": "2.10"}, account="444455556666", change="same",
                ),
                finding(code="s3_macie", title="Macie", resource="r-manual", status=Status.MANUAL, controls={"7.0": "3.1.3"}),
            ],
            changes=CHANGES,
        )
    )  # fmt: skip


@pytest.mark.parametrize("width", [800, 1150, 1280, 1600])
def test_a_sentence_has_room_in_every_width_and_a_button_one_line(
    opened: Open, small: str, width: int
) -> None:
    of_one_account = html_page(audited([finding(), finding(code="root_mfa")]))
    for text in (small, of_one_account):
        page = opened(text).page
        page.set_viewport_size({"width": width, "height": 900})
        heading = page.locator("th.c-finding").bounding_box()
        assert heading
        assert heading["width"] >= 180
        export, reset = (page.locator(own).bounding_box() for own in ("#export", "#reset"))
        assert export
        assert reset
        assert export["height"] == reset["height"]


FILTERS = [
    ("status", "fail", ["r-critical", "r-high", "r-low"]),
    ("status", "pass", ["r-pass"]),
    ("status", "muted", ["r-muted"]),
    ("severity", "low", ["r-low"]),
    ("section", SECTIONS["s3_macie"], ["r-manual"]),
    ("account", "444455556666", ["r-critical"]),
    ("region", "us-east-1", ["r-low"]),
    ("change", "new", ["r-high"]),
]


def test_a_filter_leaves_what_fits(opened: Open, small: str) -> None:
    shown = opened(small)
    for name, value, rows in FILTERS:
        shown.page.select_option(f"#{name}", value)
        assert (name, value, shown.rows()) == (name, value, rows)
        assert shown.count() == f"{len(rows)} of 6 findings"
        shown.page.click("#reset")
        assert len(shown.rows()) == 6
    assert shown.problems == []


def test_the_search_finds_words_in_any_order_and_filters_add_up(opened: Open, small: str) -> None:
    shown = opened(small)
    shown.page.fill("#search", "METADATA r-l")
    expect(shown.page.locator("#count")).to_have_text("1 of 6 findings")
    assert shown.rows() == ["r-low"]
    shown.page.select_option("#status", "pass")
    assert shown.rows() == []
    assert shown.page.locator("#nothing").is_visible()


def test_the_columns_sort_both_ways_and_say_so(opened: Open, small: str) -> None:
    shown = opened(small)
    shown.page.select_option("#group", "none")
    head = shown.page.locator("th[data-sort=severity]")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert shown.rows()[0] == "r-critical"
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert shown.rows()[0] == "r-low"
    shown.page.locator("th[data-sort=control] button").click()
    # 2.10 sorts before 3.1.3 and 6.7: as a number, not as text.
    assert shown.rows()[:2] == ["r-critical", "r-manual"]
    assert head.get_attribute("aria-sort") is None


@pytest.mark.parametrize(
    ("group", "heads"),
    [
        ("section", ["2 identity and access", "3 storage", "6 networking"]),
        ("account", ["Account 111122223333", "Account 444455556666"]),
        ("none", []),
    ],
)
def test_findings_are_grouped(opened: Open, small: str, group: str, heads: list[str]) -> None:
    shown = opened(small)
    shown.page.select_option("#group", group)
    told = shown.page.locator("tr.group th").all_inner_texts()
    assert [
        head.partition("\n")[0].rpartition(" finding")[0][:-1].rstrip() or head for head in told
    ] == heads
    assert len(shown.rows()) == 6


def test_a_number_at_the_top_filters_the_table(opened: Open, small: str) -> None:
    shown = opened(small)
    shown.page.click(".tiles a.new")
    assert shown.rows() == ["r-high"]
    shown.page.click("table.numbers a:has-text('3 storage')")
    assert shown.rows() == ["r-manual"]
    assert shown.problems == []


def test_a_number_at_the_top_is_that_of_its_findings(opened: Open, small: str) -> None:
    shown = opened(small)
    links = shown.page.locator("section[aria-labelledby=changes] a.tile").all()
    assert len(links) == 3
    for link in links:
        link.click()
        assert shown.count().startswith(f"{link.locator('b').inner_text()} of ")
    shown.page.click(".tile.still_open")
    # Muted findings are still open.
    assert sorted(shown.rows()) == ["r-critical", "r-low", "r-muted"]
    assert shown.problems == []


def test_a_link_to_what_has_no_row_shows_nothing_and_says_so(opened: Open) -> None:
    run = audited(
        [finding(), finding(account="444455556666", status=Status.PASS)],
        total={"pass": 1, "fail": 1, "unknown": 3, "score": 0.5},
        partial=("3 findings below critical are left out",),
    )
    shown = opened(html_page(run))
    shown.page.click(".tile.unknown")
    assert shown.rows() == []
    assert shown.page.locator("#nothing").is_visible()
    assert shown.page.locator("#status").input_value() == "unknown"
    shown.page.click("#reset")
    assert len(shown.rows()) == 2


def test_an_account_without_rows_is_offered_and_shows_nothing(opened: Open) -> None:
    many = [finding(resource=f"r{number}") for number in range(MOST_ROWS)]
    last = finding(account="444455556666", status=Status.PASS)
    shown = opened(html_page(audited([*many, last])))
    assert shown.page.locator("#account option").all_inner_texts()[1:] == [
        "111122223333",
        "444455556666",
    ]
    shown.page.click("table.numbers a:has-text('444455556666')")
    assert shown.rows() == []
    assert shown.page.locator("#nothing").is_visible()


def test_the_head_of_the_table_stays_in_sight(opened: Open) -> None:
    page = opened(
        html_page(audited([finding(resource=f"r{number}") for number in range(60)]))
    ).page
    page.locator("#table tr[data-status]").nth(50).scroll_into_view_if_needed()
    expect(page.locator("#table thead th").first).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_zero_can_be_read(opened: Open, small: str, scheme: Any) -> None:
    page = opened(small, color_scheme=scheme).page
    assert page.locator(".zero").count()
    assert page.evaluate(CONTRAST, ".zero") >= 4.5


def test_what_to_fix_first_leads_to_its_findings(opened: Open, small: str) -> None:
    shown = opened(small)
    first = shown.page.locator(".first a").first
    assert first.inner_text() == "Instance i-0 allows version 1 of the metadata service"
    assert shown.page.locator(".first .of").first.inner_text() == "2 findings in 1 account"
    first.click()
    assert shown.rows() == ["r-high", "r-low"]
    expect(shown.page.locator("#control-imdsv2")).to_be_in_viewport()
    assert shown.problems == []


def test_a_phone_shows_every_row_without_scrolling_sideways(opened: Open, small: str) -> None:
    page = opened(small).page
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    edges = page.evaluate(
        "Array.from(document.querySelectorAll('#table td, #table code'), (each) => each.getBoundingClientRect().right)"
    )
    assert max(edges) <= 390


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_no_rule_of_accessibility_is_broken(
    opened: Open, small: str, scheme: str, width: int
) -> None:
    page = opened(small, color_scheme=scheme).page
    page.set_viewport_size({"width": width, "height": 900})
    for summary in page.locator("summary").all():
        summary.click()
    broken = Axe().run(page).response["violations"]
    assert [(violation["id"], violation["nodes"][0]["html"]) for violation in broken] == []


def test_the_fix_is_copied(opened: Open, small: str) -> None:
    shown = opened(small, permissions=["clipboard-read", "clipboard-write"])
    shown.page.locator("summary").first.click()
    button = shown.page.locator("button[data-copy]:visible").first
    button.click()
    expect(button).to_have_text("Copied")
    assert shown.page.evaluate("navigator.clipboard.readText()") == finding().fix
    assert shown.problems == []


def test_a_command_is_copied_without_the_words_about_it(opened: Open) -> None:
    fix = "Allow your own networks first; then: aws ec2 one-thing --id 'a; b' (for each); aws ec2 other --id c"
    shown = opened(
        html_page(audited([finding(fix=fix)])), permissions=["clipboard-read", "clipboard-write"]
    )
    shown.page.locator("summary").first.click()
    copied = []
    for button in shown.page.locator("button[data-copy]:visible").all():
        button.click()
        expect(button).to_have_text("Copied")
        copied.append(shown.page.evaluate("navigator.clipboard.readText()"))
    assert copied == ["aws ec2 one-thing --id 'a; b'", "aws ec2 other --id c"]
    told = shown.page.locator(".step").all_inner_texts()
    # What is to be done first stands first.
    assert told == ["Allow your own networks first; then:", "for each"]


def test_the_page_opens_on_what_fails(opened: Open, small: str) -> None:
    shown = opened(small, as_it_opens=True)
    assert shown.rows() == ["r-critical", "r-high", "r-low"]
    assert shown.page.locator("#status").input_value() == "fail"
    assert shown.count() == "3 of 6 findings"
    assert shown.page.locator("main h2").first.inner_text() == "In short"
    fine = opened(html_page(audited([finding(status=Status.PASS)])), as_it_opens=True)
    assert fine.count() == "1 of 1 findings"


def test_the_score_has_the_colour_of_what_it_means(opened: Open) -> None:
    def colour(score: float, **fields: Any) -> str:
        found = [finding(**fields), finding(status=Status.PASS)]
        total = {"pass": 9, "fail": 1, "score": score}
        page = opened(html_page(audited(found, total=total))).page
        stroke: str = page.evaluate(
            "getComputedStyle(document.querySelector('.ring .done')).stroke"
        )
        return stroke

    low = {"severity": Severity.LOW}
    good, fair, poor = colour(0.95, **low), colour(0.7, **low), colour(0.3, **low)
    assert len({good, fair, poor}) == 3
    # Nothing is good while something high is open, or better than poor while something critical is.
    assert colour(0.95, severity=Severity.HIGH) == fair
    assert colour(0.95, severity=Severity.CRITICAL) == poor
    assert colour(0.95, severity=Severity.CRITICAL, muted="accepted") == good


def test_owner_and_due_date_leave_the_page_in_an_export_of_what_is_shown(opened: Open) -> None:
    found = [
        finding(resource="=cmd", message='a "quoted", message'),
        finding(resource="r-2", region="us-east-1"),
        finding(resource="r-pass", status=Status.PASS),
    ]
    shown = opened(html_page(audited(found)), as_it_opens=True, accept_downloads=True)
    shown.page.get_by_label("Owner of 6.7 r-2").fill("ann, platform team")
    shown.page.get_by_label("Due date of 6.7 r-2").fill("2026-12-24")
    with shown.page.expect_download() as waiting:
        shown.page.click("#export")
    assert waiting.value.suggested_filename == "findings.csv"
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert (first["resource"], first["finding"]) == ("'=cmd", 'A "quoted", message')
    assert (first["control"], first["status"], first["severity"]) == ("imdsv2", "fail", "high")
    assert (second["owner"], second["due"]) == ("ann, platform team", "2026-12-24")
    # What was filled in outlives a filter, and only what is shown is exported.
    shown.page.click("#reset")
    shown.page.select_option("#region", "us-east-1")
    with shown.page.expect_download() as waiting:
        shown.page.click("#export")
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["resource"], row["owner"]) == ("r-2", "ann, platform team")
    assert shown.problems == []


def test_the_demonstration_prints_on_few_sheets(opened: Open) -> None:
    (file,) = tool.run({"action": "report", "format": "html", "demo": True}).artifacts
    shown = opened(file.content, as_it_opens=True)
    sheets = re.findall(rb"/Type\s*/Page\b", shown.page.pdf(prefer_css_page_size=True))
    assert len(sheets) <= 6
    assert shown.problems == []


def test_the_colours_follow_the_system_and_the_button(opened: Open, small: str) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = opened(small, color_scheme="light").page
    dark = opened(small, color_scheme="dark").page
    colours = light.evaluate(background), dark.evaluate(background)
    assert colours[0] != colours[1]
    assert dark.locator("#theme").get_attribute("aria-pressed") == "true"
    light.click("#theme")
    assert light.evaluate(background) == colours[1]
    assert light.locator("#theme").get_attribute("aria-pressed") == "true"
    light.click("#theme")
    assert light.evaluate(background) == colours[0]


def test_hostile_names_stay_text(opened: Open) -> None:
    shown = opened(html_page(hostile_run()))
    title = shown.page.title()
    for value in ("control", "none", "section"):
        shown.page.select_option("#group", value)
    for head in shown.page.locator("th[data-sort] button").all():
        head.click()
    assert len(shown.rows()) == len(HOSTILE)
    assert shown.page.title() == title == "CIS 7.0 audit of account 111122223333"
    assert shown.page.locator("main img, main script, main iframe").count() == 0
    assert shown.problems == []


def test_the_page_is_complete_without_javascript(opened: Open, small: str) -> None:
    shown = opened(small, java_script_enabled=False)
    assert len(shown.rows()) == 6
    assert not shown.page.locator("#filters").is_visible()
    assert shown.page.locator("button[data-copy]:visible").count() == 0
    assert shown.page.locator("tr.group").count() == 3
    shown.page.locator("summary").first.click()
    assert shown.page.locator("pre:visible").first.inner_text() == finding().fix


def test_the_keyboard_reaches_the_findings_first(opened: Open, small: str) -> None:
    page = opened(small, as_it_opens=True).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "findings"


def test_paper_shows_the_fixes_that_are_open_and_no_controls(opened: Open, small: str) -> None:
    page = opened(small).page
    page.locator("summary:visible").first.click()
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert page.locator("details pre").first.bounding_box()["height"] > 10  # type: ignore[index]
    assert page.locator("details:visible").count() == 1
    # On further sheets Chromium repeats the text of a table head, but no buttons in it.
    assert (
        page.evaluate("getComputedStyle(document.querySelector('th button')).display")
        == "contents"
    )


def test_paper_tells_why_something_is_unknown_or_muted_and_what_is_left_out(opened: Open) -> None:
    found = [
        finding(resource="r-unknown", status=Status.UNKNOWN, reason="AWS refused the call"),
        finding(resource="r-muted", muted="accepted by the board"),
    ]
    page = opened(html_page(audited(found))).page
    assert not page.get_by_text("On paper:").is_visible()
    page.emulate_media(media="print")
    for text in ("AWS refused the call", "accepted by the board", "On paper:"):
        assert page.locator("main").get_by_text(text).last.is_visible()


def test_paper_has_the_column_of_owners_where_a_row_has_one(opened: Open, small: str) -> None:
    page = opened(small).page
    head, row = page.locator("th.c-plan"), page.locator('tr[data-resource="r-high"]')
    page.emulate_media(media="print")
    assert head.bounding_box()["width"] < 2  # type: ignore[index]
    page.emulate_media(media="screen")
    row.get_by_label("Owner").fill("ann")
    page.emulate_media(media="print")
    assert head.bounding_box()["width"] > 50  # type: ignore[index]
    assert row.get_by_label("Owner").is_visible()
    assert not row.get_by_label("Due date").is_visible()


def test_many_findings_stay_usable(opened: Open) -> None:
    found = [
        finding(resource=f"arn:aws:s3:::b{number}", account=str(111122223333 + number % 40))
        for number in range(4_000)
    ]
    shown = opened(html_page(audited(found)))
    assert shown.count() == "3000 of 3000 findings"
    assert "1,000 of 4,000 findings are left out" in shown.page.locator("main").inner_text()
    shown.page.fill("#search", "b2999")
    expect(shown.page.locator("#count")).to_have_text("1 of 3000 findings")
    assert shown.problems == []
