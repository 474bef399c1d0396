"""The findings of the HTML page: which are shown, the filters, and a row for each, grouped by section."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from aws_iam.answer import Severity, Status
from aws_iam.escape import escaped
from aws_iam.report.audited import fix_within
from aws_iam.report.clean import FIX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.answer import Finding
    from aws_iam.report.audited import Audited

MOST_ROWS = 3_000
MOST_CHARACTERS = 8_000_000
"""Of all rows together: with 3,000 usual ones the page has about 4 MB, and browsers filter it at once."""
MOST_TEXT = 1_000
MOST_RESOURCE = 2_048

_NAME = re.compile(r"`([^`]+)`")
_SEPARATOR = re.compile(r"([:/])")
_QUIET = frozenset({Status.PASS, Status.NOT_APPLICABLE})
_CHANGES = ("new", "fixed", "still_open", "changed", "same", "unreadable")


def chosen(run: Audited) -> list[str]:
    """The rows that the page has room for, one of each control before any second one, the worst first."""
    order = sorted(range(len(run.findings)), key=lambda at: run.findings[at].status in _QUIET)
    seen: set[str] = set()
    firsts: list[int] = []
    others: list[int] = []
    for at in order:
        code = run.findings[at].code
        (others if code in seen else firsts).append(at)
        seen.add(code)
    several = _several(run)
    first = set(firsts)
    rows: dict[int, str] = {}
    size = 0
    for at in (*firsts, *others)[:MOST_ROWS]:
        row = _row(run.findings[at], run, several=several, marked=at in first)
        size += len(row)
        if size > MOST_CHARACTERS:
            break
        rows[at] = row
    return [rows.get(at, "") for at in range(len(run.findings))]


def section(run: Audited, rows: Sequence[str]) -> Iterator[str]:
    """The part of the page with filters and table."""
    yield '<section class="card listed" aria-labelledby="findings"><h2 id="findings" tabindex="-1">Findings</h2>'
    yield from _left_out(run.findings, rows)
    whole = "" if run.partial or not all(rows) else "All findings are shown; "
    need = f"{whole}filter, search, sort and copy need JavaScript."
    yield f"<noscript><p>{need[:1].upper()}{need[1:]}</p></noscript>"
    yield from _filters(run)
    yield '<p class="unseen" id="said" role="status"></p>'
    several = _several(run)
    yield '<div class="scroll" role="region" tabindex="0" aria-label="Findings, table">'
    yield from _head(several=several)
    yield from _groups(run, rows, 7 if several else 6)
    yield "</table></div>"
    yield '<p id="nothing" hidden>No finding on this page fits the filters.</p></section>'


def changes_of(finding: Finding) -> Iterator[str]:
    """What the filter calls the finding's change: what is still open is, of what is the same, what fails."""
    if finding.change:
        yield finding.change
    if finding.change == "same" and finding.status is Status.FAIL:
        yield "still_open"


def badge(word: str) -> str:
    """A word as a coloured mark; the word is what tells, not the colour."""
    return f'<span class="badge {word}">{word.replace("_", " ")}</span>'


def copied(text: str) -> str:
    """Text to copy, with its button."""
    return (
        f'<div class="fix"><pre tabindex="0"><code>{escape(text)}</code></pre>'
        '<button type="button" data-copy data-script hidden>Copy</button></div>'
    )


def _left_out(findings: Sequence[Finding], rows: Sequence[str]) -> Iterator[str]:
    left = Counter(each.status for each, row in zip(findings, rows, strict=True) if not row)
    if left:
        told = ", ".join(
            f"{left[status]:,} {_words(status.value)}" for status in Status if left[status]
        )
        yield (
            f'<p class="card notice">{sum(left.values()):,} of {len(findings):,} findings are left out of this page: '
            f"{told}. The counts above hold them; the reports as csv and json list them all.</p>"
        )


def _several(run: Audited) -> bool:
    return len({finding.account for finding in run.findings}) > 1


def _filters(run: Audited) -> Iterator[str]:
    """The filters offer what findings without a row have, too: the links above set them to it."""
    found = run.findings
    accounts = sorted({each.account or "" for each in found})
    changes = {word for each in found for word in changes_of(each)}
    statuses = {each.status for each in found if each.muted is None}
    muted = ["muted"] if any(each.muted is not None for each in found) else []
    yield '<form class="controls" id="filters" role="search" aria-label="Filter the findings" data-script hidden>'
    yield '<label class="search">Search<input type="search" id="search" autocomplete="off" placeholder="resource, control, words"></label>'
    yield _select("status", "Status", [*(s.value for s in Status if s in statuses), *muted])
    severities = {each.severity for each in found}
    yield _select("severity", "Severity", [s.value for s in Severity if s in severities])
    sections = dict.fromkeys(str(row["section"]) for row in run.sections)
    yield _select("section", "Section", list(sections))
    if len(accounts) > 1:
        yield _select("account", "Account", accounts)
    yield _select("region", "Region", sorted({each.region for each in found if each.region}))
    if changes:
        yield _select("change", "Change", [change for change in _CHANGES if change in changes])
    yield '<label>Group by<select id="group"><option value="section">section</option>'
    if len(accounts) > 1:
        yield '<option value="account">account</option>'
    yield '<option value="control">control</option><option value="none">nothing</option></select></label>'
    yield '<button type="button" id="reset">Show all</button></form>'
    yield '<p class="count" id="count" role="status"></p>'


def _select(name: str, label: str, values: Iterable[str]) -> str:
    options = "".join(
        f'<option value="{_text(value)}">{_text(_words(value))}</option>' for value in values
    )
    return f'<label>{label}<select id="{name}"><option value="">all</option>{options}</select></label>'


def _head(*, several: bool) -> Iterator[str]:
    names = ["status", "severity", "control", "finding", "resource", "region"]
    names += ["account"] if several else []
    cells = (
        f'<th scope="col" class="c-{name}">Finding</th>'
        if name == "finding"
        else f'<th scope="col" class="c-{name}" data-sort="{name}"><button type="button">{name.capitalize()}</button></th>'
        for name in names
    )
    yield '<table id="table"><caption class="unseen">Findings; the buttons in the heads sort</caption>'
    yield f"<thead><tr>{''.join(cells)}</tr></thead>"


def _groups(run: Audited, rows: Sequence[str], columns: int) -> Iterator[str]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for each, row in zip(run.findings, rows, strict=True):
        if row:
            grouped[run.section_of.get(each.code, "")].append(row)
    order = {str(row["section"]): at for at, row in enumerate(run.sections)}
    for name, found in sorted(grouped.items(), key=lambda pair: order.get(pair[0], len(order))):
        count = f"{len(found):,} finding{'s' if len(found) > 1 else ''}"
        head = f'{_text(name)}<span class="of">{count}</span>'
        yield f'<tbody><tr class="group"><th scope="rowgroup" colspan="{columns}">{head}</th></tr>'
        yield from found
        yield "</tbody>"


def mark(finding: Finding) -> str:
    """The place in the page of a control's worst finding."""
    return f"control-{_text(finding.code)}"


def _row(finding: Finding, run: Audited, *, several: bool, marked: bool) -> str:
    number = run.number(finding)
    resource = _text(finding.resource or "", MOST_RESOURCE)
    data = {
        "status": finding.status.value,
        "severity": finding.severity.value,
        "section": _text(run.section_of.get(finding.code, "")),
        "control": f"{_text(number)} {_text(finding.title)}".strip(),
        "number": _text(number or finding.code),
        "account": _text(finding.account or ""),
        "region": _text(finding.region or ""),
        "resource": resource,
        "change": finding.change or "",
        "muted": "yes" if finding.muted is not None else "",
    }
    attributes = " ".join(f'data-{name}="{value}"' for name, value in data.items())
    dim = ' class="is-muted"' if finding.muted is not None else ""
    cells = [
        f"<td>{''.join(_marks(finding))}</td>",
        f"<td>{badge(finding.severity.value)}</td>",
        f"<td>{_titled(finding, number)}</td>",
        f"<td>{''.join(_told(finding, run))}</td>",
        f'<td><bdi><code class="resource">{_breaking(resource)}</code></bdi></td>',
        f"<td>{_text(finding.region or '')}</td>",
    ]
    cells += [f"<td>{_text(finding.account or '')}</td>"] if several else []
    place = f' id="{mark(finding)}"' if marked else ""
    return f"<tr{place}{dim} {attributes}>{''.join(cells)}</tr>"


def _titled(finding: Finding, number: str) -> str:
    key = f'<code class="key">{_text(finding.code)}</code>'
    return f'<span class="number">{_text(number)}</span> {_text(finding.title)}{key}'


def _marks(finding: Finding) -> Iterator[str]:
    yield badge(finding.status.value)
    if finding.muted is not None:
        yield f" {badge('muted')}"
    if finding.change and finding.change != "same":
        yield f" {badge(finding.change)}"


def _told(finding: Finding, run: Audited) -> Iterator[str]:
    yield f'<p class="said"><bdi>{message(finding)}</bdi></p>'
    if finding.reason:
        yield f'<p class="why">Why unknown: {_text(finding.reason)}</p>'
    if finding.muted is not None:
        yield f'<p class="why">Muted: <bdi>{_text(finding.muted)}</bdi></p>'
    if finding.status in _QUIET:
        return
    fix = finding.fix if finding.status is Status.FAIL else None
    yield f"<details><summary>{'How to fix it' if fix else 'More'}</summary>"
    if fix:
        yield copied(fix_within(finding, FIX_LIMIT))
    if run.whys.get(finding.code):
        yield f'<p class="why">{_text(run.whys[finding.code])}</p>'
    yield f'<p class="ids">{_numbers(finding)}{_source(finding)}</p></details>'


def message(finding: Finding) -> str:
    """The message as a sentence; what stands in backticks is a name and stays as it is."""
    text = finding.message or finding.title
    return _NAME.sub(r"<code>\1</code>", _text(text[:1].upper() + text[1:]))


def _breaking(resource: str) -> str:
    """The escaped ARN, which may break after its separators."""
    return _SEPARATOR.sub(r"\1<wbr>", resource)


def _numbers(finding: Finding) -> str:
    if not finding.controls:
        return ""
    by_number: dict[str, list[str]] = defaultdict(list)
    for version, number in finding.controls.items():
        by_number[number].append(version)
    told = "; ".join(f"{number} in {_span(found)}" for number, found in by_number.items())
    return f"CIS {_text(told)}. "


def _span(versions: Sequence[str]) -> str:
    return versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}"


def _source(finding: Finding) -> str:
    source = finding.source or ""
    if not source.startswith("https://"):
        return ""
    uri = escape(quote(source[:MOST_RESOURCE], safe="/:?#=&%-._~+,;@!$*", errors="replace"))
    return f'<a href="{uri}" rel="noreferrer">AWS documentation</a>'


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(text: str, limit: int = MOST_TEXT) -> str:
    return escape(escaped(text, limit))
