"""The reference pages: their shape, their sources, their links, and what they must not say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.tools.kit import guide
from helpers.pages import (
    PAGES,
    PROSE,
    ROOT,
    anchors,
    blocks,
    links,
    name_of,
    sections,
    without_blocks,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

# Said by an older text of this skill, and wrong or outdated.
WRONG = (
    "lru_cache(maxsize=None)",
    "configure-aws-credentials@v4",
    "list-findings --analyzer-name",
    "locks you out permanently",
    "65KB",
    "Covers preventive controls",
    "without node-level credentials",
    "built-in Lambda rotation",
    "never `Encrypt`",
    "non-sensitive params",
    "managed rotation Lambda functions",
)
NOT_TO_MENTION = ("/home/", "/root/", "TODO", "FIXME")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_opens_with_a_title_and_one_dated_paragraph(page: Path) -> None:
    title, _, rest = page.read_text(encoding="utf-8").partition("\n\n")
    introduction = rest.partition("\n\n")[0]
    assert re.fullmatch(r"# [A-Z][^\n]+", title)
    assert re.search(r"As of:\s\d{4}-\d{2}-\d{2}\.", introduction)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_section_is_short_enough_to_be_quoted_alone(page: Path) -> None:
    for heading, text in sections(written(page)).items():
        assert len(text.encode()) < 7_000, heading


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_section_names_a_source(page: Path) -> None:
    elsewhere = {"Templates", "The one law", "Rule of thumb", "Control tables"}
    own = {"Status semantics", "Remediation workflow", "Common mistakes"}
    history = {"History of the numbers in the original skill"}
    for heading, text in sections(written(page)).items():
        if heading not in elsewhere | own | history:
            assert "](https://" in text, heading


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_guide_quotes_exactly_the_sections_of_the_page(page: Path) -> None:
    quoted = guide.sections(page.read_text(encoding="utf-8"))
    headings = list(sections(without_blocks(page.read_text(encoding="utf-8"))))
    assert [section.title for section in quoted] == headings
    assert len({section.slug for section in quoted}) == len(quoted)


@pytest.mark.parametrize("path", PROSE, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    for target in links(path.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        assert not target.startswith("http:"), target
        file, _, anchor = target.partition("#")
        other = (path.parent / file).resolve() if file else path
        assert other.is_file(), target
        assert not anchor or anchor in anchors(other), target


@pytest.mark.parametrize("path", PROSE, ids=name_of)
def test_files_that_the_text_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:references|assets)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("path", PROSE, ids=name_of)
def test_a_section_named_in_italics_exists(path: Path) -> None:
    text = without_blocks(path.read_text(encoding="utf-8"))
    headings = {section for page in PAGES for section in sections(written(page))}
    named = re.findall(r"[Ss]ee (?:the section )?\*([^*]+)\*", " ".join(text.split()))
    assert set(named) <= headings


@pytest.mark.parametrize("path", PROSE, ids=name_of)
def test_nothing_wrong_or_private_is_said(path: Path) -> None:
    text = " ".join(path.read_text(encoding="utf-8").split())
    for phrase in (*WRONG, *NOT_TO_MENTION):
        assert phrase not in text, phrase


@pytest.mark.parametrize("path", PROSE, ids=name_of)
def test_the_old_name_of_keys_is_mentioned_only_to_retire_it(path: Path) -> None:
    text = " ".join(path.read_text(encoding="utf-8").split())
    # A check that scanners know by this id keeps it.
    text = text.replace("ENV-LAMBDA-CMK", "")
    for said in re.findall(r"\bCMKs?\b.{0,20}", text):
        assert "old name" in said


def test_sections_that_the_code_and_the_templates_cite_exist() -> None:
    files = [*(ROOT / "server").rglob("*.py"), ROOT / "assets/policy-templates/index.json"]
    cited = {
        found
        for file in files
        for found in re.findall(r"references/([\w-]+)\.md#([\w-]+)", file.read_text("utf-8"))
    }
    known = {(page.stem, anchor) for page in PAGES for anchor in anchors(page)}
    generated = {entry for entry in cited if entry[0] in {"rules", "errors"}}
    assert cited - generated <= known


def test_every_block_names_its_language() -> None:
    known = {"json", "yaml", "python", "bash", "text"}
    every = blocks("", *known, "sh", "shell", "console", "hcl", "js")
    assert every
    assert [str(block) for block in every if block.language not in known] == []


VERSIONS = ("1.2", "1.3", "1.4", "1.5", "2.0", "3.0", "4.0", "5.0", "6.0", "7.0")


def _ids_of(cell: str) -> dict[str, str]:
    """What a cell such as `1.12 (1.2), 1.3 (5.0, 6.0)` says: the id of each version."""
    found: dict[str, str] = {}
    for number, where in re.findall(r"(\d\.\d+) \((\d[^)]*)\)", cell):
        for part in where.split(", "):
            first, _, last = part.partition("\N{EN DASH}")
            span = VERSIONS[VERSIONS.index(first) : VERSIONS.index(last or first) + 1]
            found |= dict.fromkeys(span, number)
    return found


def _catalogue() -> dict[str, Any]:
    text = (ROOT / "assets/data/cis-controls.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.mark.parametrize(
    "key",
    [
        "root_no_access_key",
        "root_mfa",
        "key_rotation_90",
        "cloudtrail_all_regions",
        "cloudtrail_bucket_logging",
    ],
)
def test_the_history_table_agrees_with_the_catalogue_of_controls(key: str) -> None:
    page = sections(written(ROOT / "references/compliance-checklist.md"))
    history = page["History of the numbers in the original skill"]
    [row] = [line for line in history.splitlines() if f"| `{key}` |" in line]
    assert _ids_of(row.split("|")[3]) == _catalogue()["controls"][key]["ids"]
