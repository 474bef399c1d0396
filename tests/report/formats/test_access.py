"""Who reaches what in every format: read by the tools that it is for, and hostile names stay text."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from aws_iam.answer import Answer
from aws_iam.report.access_page import MOST_LISTED
from aws_iam.report.access_report import (
    AccessCut,
    AccessNode,
    AccessReport,
    AccessStep,
)
from aws_iam.report.catalogue import access_formats, report_formats
from aws_iam.report.formats.mermaid import MOST_CHARACTERS, MOST_EDGES
from helpers.audited_runs import HOSTILE
from helpers.browser import chromium, noted_problems
from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from aws_iam.report.access_report import Way

    Opened = Callable[[str], Page]

ACCOUNT, OTHER = "111122223333", "444455556666"
MERMAID = TESTS / "helpers/mermaid/node_modules/mermaid/dist/mermaid.js"
_INSTALL = "Mermaid is not installed: `sudo apt-get install npm`, then `npm ci --prefix tests/helpers/mermaid`"


def arn(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:{name}"


def step(start: str, end: str, *actions: str, **more: Any) -> AccessStep:
    return AccessStep(start=arn(start), end=arn(end), actions=actions, **more)


ADMIN = step("role/deploy", "role/admin", "iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction", "sts:AssumeRole")  # fmt: skip
CUT = AccessCut(start=ADMIN.start, end=ADMIN.end, actions=ADMIN.actions, closes=3)
PATHS: tuple[Way, ...] = (
    (ADMIN,),
    (step("user/ann", "role/deploy", "sts:AssumeRole", statement="deploy/Statement/0"), ADMIN),
    (
        step("user/bob", "user/ann", "iam:CreateAccessKey", conditions=("`aws:SourceIp` is an office's",)),
        step("user/ann", "role/deploy", "sts:AssumeRole"),
        ADMIN,
    ),
    (step("role/ci", "role/admin", "iam:PutRolePolicy", why_unknown="its boundary was not read"),),
)  # fmt: skip


def report(paths: tuple[Way, ...] = PATHS, **fields: Any) -> AccessReport:
    ids = dict.fromkeys(id_ for path in paths for own in path for id_ in (own.start, own.end))
    nodes = {
        id_: AccessNode(
            id=id_,
            name=id_.rpartition(":")[2],
            kind="user" if ":user/" in id_ else "role",
            account=ACCOUNT,
            is_administrator=id_.endswith("/admin"),
        )
        for id_ in ids
    }
    return AccessReport(
        **{
            "version": "0.1.0",
            "question": "Who can become an administrator",
            "account": ACCOUNT,
            "collected_at": datetime(2026, 11, 28, tzinfo=UTC),
            "as_of": "2026-11-25",
            "summary": "`role/deploy` and 2 more can become administrators.",
            "nodes": nodes,
            "paths": paths,
            "cuts": (
                replace(CUT, stops=2),
                replace(CUT, stops=3, statement="deploy/Statement/0"),
            ),
            "not_judged": ({"place": "user/x", "why": "its policy was not read"},),
            "not_considered": "the root users",
            "answer": Answer(summary="`role/deploy` and 2 more can become administrators."),
            **fields,
        }
    )


def written(name: str, what: AccessReport) -> str:
    write = report_formats()[name].access
    assert write is not None
    return write(what)


def many(number: int) -> tuple[Way, ...]:
    """So many paths, each with a step of its own before the last one."""
    return tuple(
        (step(f"user/u{one:05}", "role/deploy", "sts:AssumeRole"), ADMIN) for one in range(number)
    )


def hostile() -> AccessReport:
    paths = tuple(
        (
            AccessStep(
                start=f"a{text}", end=arn("role/admin"), actions=(text, "iam:PassRole"), through=(text,),
                statement=text, conditions=(text,), why_unknown=text,
            ),
        )
        for text in HOSTILE
    )  # fmt: skip
    made = report(paths, cuts=(), question=HOSTILE[0], summary=" ".join(HOSTILE[:6]), left_out=3)
    nodes = {id_: replace(node, name=id_) for id_, node in made.nodes.items()}
    rows = [{"place": text, "why": text} for text in HOSTILE]
    return replace(made, nodes=nodes, not_judged=rows)


def test_the_formats_of_access_are_these() -> None:
    assert access_formats() == ("graphml", "html", "json", "markdown", "mermaid")


def test_networkx_reads_every_principal_and_step() -> None:
    graph = nx.read_graphml(io.BytesIO(written("graphml", report()).encode()))
    assert {graph.nodes[id_]["name"] for id_ in graph} == {
        "user/ann",
        "user/bob",
        "role/deploy",
        "role/ci",
        "role/admin",
    }
    assert graph.nodes[arn("role/admin")]["administrator"] is True
    deploy = graph.edges[arn("role/deploy"), arn("role/admin")]
    assert deploy["actions"] == ", ".join(ADMIN.actions)
    assert deploy["paths"] == 3
    assert graph.edges[arn("role/ci"), arn("role/admin")]["unknown"] == "its boundary was not read"
    assert "office" in graph.edges[arn("user/bob"), arn("user/ann")]["conditions"]
    assert nx.shortest_path_length(graph, arn("user/bob"), arn("role/admin")) == 3


def test_hostile_names_are_nodes_of_a_graph() -> None:
    graph = nx.read_graphml(io.BytesIO(written("graphml", hostile()).encode()))
    assert len(graph) == len(HOSTILE) + 1
    assert graph.number_of_edges() == len(HOSTILE)


def test_ids_that_look_alike_in_xml_stay_nodes_of_their_own() -> None:
    alike = [f"a{end}" for end in ("\ufffe", "\uffff", "\N{REPLACEMENT CHARACTER}")]
    names = [f"{alike[2]}#{number}" for number in range(4, 12)] + alike
    for ordered in (names, names[::-1]):
        steps = [AccessStep(start=name, end=arn("role/admin"), actions=("s3:X",)) for name in ordered]  # fmt: skip
        text = written("graphml", report(tuple((step,) for step in steps), cuts=()))
        assert len(nx.read_graphml(io.BytesIO(text.encode()))) == len(names) + 1


def test_json_is_the_whole_answer() -> None:
    assert json.loads(written("json", report())) == {
        "tool": "audit",
        "action": "access",
        "summary": "`role/deploy` and 2 more can become administrators.",
    }


def test_markdown_names_cuts_paths_and_what_was_not_judged() -> None:
    text = written("markdown", report(left_out=2))
    assert "`sts:AssumeRole` from `role/deploy` to `role/admin` | 3 | 2 |" in text
    assert "| the statement `deploy/Statement/0` | 3 | 3 |" in text
    assert "2. `user/ann`: `sts:AssumeRole` → `role/deploy`; `iam:PassRole`" in text
    assert "if `aws:SourceIp` is an office's" in text
    assert "(unknown: its boundary was not read) → `role/admin`" in text
    assert "2 more paths at least not listed." in text
    assert "- `user/x`: its policy was not read" in text
    assert "Not considered: the root users." in text
    assert len(written("markdown", report(many(3_000)))) < 62_000


def test_accounts_are_named_where_there_are_several() -> None:
    made = report()
    there = {**made.nodes, arn("user/ann"): replace(made.nodes[arn("user/ann")], account=OTHER)}
    assert f"user/ann ({OTHER})" in written("mermaid", replace(made, nodes=there)).replace(
        "#40;", "("
    ).replace("#41;", ")")
    assert ACCOUNT not in written("mermaid", made)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with chromium() as browser:
        contexts = []

        def open_(text: str) -> Page:
            file = tmp_path_factory.mktemp("page") / "access.html"
            file.write_text(text, encoding="utf-8")
            contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}))
            page = contexts[-1].new_page()
            problems = noted_problems(page)
            page.goto(file.as_uri())
            assert problems == []
            return page

        yield open_


@pytest.fixture(scope="module")
def mermaid(opened: Opened) -> Page:
    """A page that has Mermaid itself."""
    if not MERMAID.is_file():
        pytest.skip(_INSTALL)
    page = opened("<!doctype html><title>Mermaid</title>")
    page.add_script_tag(path=MERMAID)
    page.evaluate("mermaid.initialize({ startOnLoad: false })")
    return page


MOST = many(MOST_EDGES * 2)
DRAWN = [
    ("a few paths", report(), 5, False),
    ("more steps than a page draws", report(MOST), 0, True),
    ("hostile names", hostile(), len(HOSTILE) + 1, True),
    ("nothing", report((), cuts=()), 0, False),
]


@pytest.mark.browser
@pytest.mark.parametrize(("made", "nodes", "is_cut"), [case[1:] for case in DRAWN], ids=[case[0] for case in DRAWN])  # fmt: skip
def test_mermaid_draws_it(made: AccessReport, nodes: int, is_cut: bool, mermaid: Page) -> None:  # noqa: FBT001
    text = written("mermaid", made)
    assert len(text) <= MOST_CHARACTERS
    assert (text.count("-->|") + text.count("-.->|")) <= MOST_EDGES
    assert ("more path" in text) is is_cut
    assert mermaid.evaluate("async (text) => (await mermaid.parse(text)).diagramType", text)
    if nodes:
        drawing = mermaid.evaluate("async (text) => (await mermaid.render('d', text)).svg", text)
        assert drawing.count('class="node ') == nodes + is_cut
        assert "<script" not in drawing
        assert mermaid.title() == "Mermaid"


@pytest.mark.browser
def test_the_page_draws_lists_searches_and_marks_paths(opened: Opened) -> None:
    page = opened(written("html", report()))
    assert page.locator("svg.paths .box").count() == 5
    assert page.locator("svg.paths .arrow").count() == 4
    assert page.locator("svg.paths .arrow.unknown").count() == 1
    expect(page.locator("#count")).to_have_text("4 of 4 paths")
    page.locator("#search").fill("bob createaccesskey")
    expect(page.locator("#count")).to_have_text("1 of 4 paths")
    page.locator("#chains > li:visible").hover()
    assert page.locator("svg.paths .arrow.marked").count() == 3
    page.locator("#search").fill("")
    page.locator("#state").select_option("unknown")
    expect(page.locator("#count")).to_have_text("1 of 4 paths")
    expect(page.locator("#chains > li:visible")).to_contain_text("its boundary was not read")
    page.locator("#search").fill("nobody")
    expect(page.locator("#nothing")).to_be_visible()
    assert "user/x: its policy was not read" in page.inner_text("main")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


ANN_ON_A_LONGER_WAY = (
    (step("user/ann", "role/ci", "sts:AssumeRole"), step("role/ci", "role/admin", "sts:AssumeRole")),
    (step("role/ci", "role/deploy", "sts:AssumeRole"), ADMIN),
)  # fmt: skip
IN_A_CIRCLE = (
    (step("role/ci", "role/deploy", "sts:AssumeRole"), ADMIN),
    (step("role/deploy", "role/ci", "sts:AssumeRole"), step("role/ci", "role/admin", "sts:AssumeRole")),
)  # fmt: skip
ON_ITSELF = ((step("user/ann", "user/ann", "iam:AttachUserPolicy"),),)
COLUMNS: list[tuple[str, tuple[Way, ...], list[str]]] = [
    ("paths that share steps", PATHS, ["bob", "ann", "ci deploy", "admin"]),
    ("a step that one path takes early and another late", ANN_ON_A_LONGER_WAY, ["ann", "ci", "deploy", "admin"]),
    ("steps in a circle", IN_A_CIRCLE, ["ci deploy", "admin"]),
    ("a step that changes its own actor", ON_ITSELF, ["ann"]),
]  # fmt: skip
_BOX = re.compile(r'<title>[^<]*/(\w+)</title><rect x="(\d+)" y="(\d+)"')


@pytest.mark.parametrize(("paths", "columns"), [case[1:] for case in COLUMNS], ids=[case[0] for case in COLUMNS])  # fmt: skip
def test_each_principal_is_drawn_left_of_all_that_it_leads_to(
    paths: tuple[Way, ...], columns: list[str]
) -> None:
    boxes = {
        (int(x), int(y)): name
        for name, x, y in _BOX.findall(written("html", report(paths, cuts=())))
    }
    drawn: dict[int, list[str]] = {}
    for (x, _), name in sorted(boxes.items()):
        drawn.setdefault(x, []).append(name)
    assert [" ".join(sorted(names)) for names in drawn.values()] == columns


@pytest.mark.browser
def test_the_page_is_accessible_and_fits_a_phone(opened: Opened) -> None:
    page = opened(written("html", report()))
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
def test_nothing_of_the_page_is_markup_of_the_account_and_all_of_it_is_there(
    opened: Opened,
) -> None:
    page = opened(written("html", hostile()))
    assert "owned" not in page.title().replace(HOSTILE[0], "")
    assert page.locator("script").count() == 1
    assert page.locator("#chains > li").count() == len(HOSTILE)
    assert page.locator("img").count() == 0
    page = opened(written("html", report(many(MOST_LISTED + 5))))
    assert page.locator("#chains > li").count() == MOST_LISTED
    assert "5 more paths are not shown." in page.inner_text("main")
    page = opened(written("html", report((), cuts=())))
    assert "None was found, by what could be judged." in page.inner_text("main")
