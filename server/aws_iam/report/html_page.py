"""An audit as one HTML page: everything is in the page, a script of its own filters, sorts and copies what is there.

Nothing is loaded from elsewhere, and the page's policy (CSP) allows only this script and this style by their hashes.
Text of the account is escaped here and set as text there.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, defaultdict
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aws_iam import resources
from aws_iam.answer import Severity, Status
from aws_iam.escape import escaped
from aws_iam.report import html_rows
from aws_iam.report.audited import score, tallies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.answer import Finding
    from aws_iam.report.audited import Audited

MOST_FIRST = 6
"""Controls to fix first."""
MOST_LISTED = 200
"""Lines of a list beside the table of findings."""

ALL = "All"
_STYLE, _SCRIPT = "assets/report/report.css", "assets/report/report.js"
_SHOWN = (Status.FAIL, Status.PASS, Status.MANUAL, Status.UNKNOWN, Status.NOT_APPLICABLE)
_BARS = (Status.PASS, Status.FAIL, Status.UNKNOWN, Status.MANUAL, Status.NOT_APPLICABLE)


def html_page(run: Audited) -> str:
    """The page; of very many findings it shows the worst and says how many of which it leaves out."""
    style, script = resources.text(_STYLE), resources.text(_SCRIPT)
    chosen = html_rows.chosen(run)
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            *_head(run, style, script),
            "<body>",
            '<a class="skip" href="#findings">Skip to the findings</a>',
            *_header(run),
            "<main>",
            *_lead(run),
            *_changes(run),
            *_table("By section", "Section", _section_rows(run)),
            *_accounts(run),
            *_unread(run),
            *_mutes(run),
            *html_rows.section(run, chosen),
            "</main>",
            *_footer(run),
            f"<script>{script}</script>",
            "</body>",
            "</html>\n",
        )
    )


def _head(run: Audited, style: str, script: str) -> Iterator[str]:
    policy = (
        f"default-src 'none'; script-src 'sha256-{_hash(script)}'; style-src 'sha256-{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    yield '<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>CIS {_text(run.benchmark)} audit of {_text(run.subject)}</title>"
    yield '<link rel="icon" href="data:,">'
    yield f"<style>{style}</style>\n</head>"


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _header(run: Audited) -> Iterator[str]:
    alias = f' <span class="alias"><bdi>{_text(run.alias)}</bdi></span>' if run.alias else ""
    subject = _text(run.subject)
    title = subject[:1].upper() + subject[1:]
    yield "<header>\n<div>"
    yield f'<p class="over">CIS AWS Foundations Benchmark {_text(run.benchmark)}</p>'
    yield f"<h1>{title}{alias}</h1>"
    yield f'<p class="meta">{_text(run.read)}</p>'
    if run.partial:
        told = "; ".join(run.partial)
        yield f'<p class="meta"><b>Not the whole audit:</b> {_text(told)}.</p>'
    yield "</div>"
    yield '<div class="actions" data-script hidden>'
    yield '<button type="button" id="theme" aria-pressed="false">Dark mode</button>'
    yield '<button type="button" id="print">Print</button>'
    yield "</div>\n</header>"


def _lead(run: Audited) -> Iterator[str]:
    yield '<div class="lead">'
    yield '<section class="card" aria-labelledby="score"><h2 id="score">Controls</h2>'
    yield f'<div class="scored">{_ring(run.total)}<ul class="tiles">'
    for status in _SHOWN:
        yield _tile(status.value, run.total.get(status.value, 0), status=status.value)
    if run.total.get("muted"):
        yield _tile("muted", run.total["muted"], status="muted")
    each_counts = " A control counts once in every account." if run.several else ""
    yield f'</ul></div><p class="meta">{_evaluated(run.total)}{each_counts}</p>'
    yield from _severities(run)
    yield "</section>"
    yield '<section class="card" aria-labelledby="first"><h2 id="first">Fix first</h2>'
    yield from _first(run)
    yield "</section>\n</div>"


def _ring(total: Mapping[str, Any]) -> str:
    value = total.get("score")
    told = "–" if value is None else f"{value:.0%}"  # noqa: RUF001 - a dash
    said = (
        "nothing could be evaluated" if value is None else f"{told} of the evaluated controls pass"
    )
    done = ""
    if value:
        dash = f"{value * 100:.1f} 100"
        done = f'<circle class="done" cx="64" cy="64" r="54" pathLength="100" stroke-dasharray="{dash}"/>'
    evaluated = total.get(Status.PASS.value, 0) + total.get(Status.FAIL.value, 0)
    # A score of a few controls must not shine like one of all.
    faint = total.get(Status.UNKNOWN.value, 0) > evaluated
    if faint:
        said += f", but most controls are unknown: {evaluated:,} were evaluated"
    return (
        f'<svg class="ring{" faint" if faint else ""}" viewBox="0 0 128 128" role="img" aria-label="Score: {said}">'
        f'<circle class="track" cx="64" cy="64" r="54"/>{done}'
        f'<text x="64" y="71">{told}</text><text class="label" x="64" y="89">score</text></svg>'
    )


def _evaluated(total: Mapping[str, Any]) -> str:
    passed, failed = total.get(Status.PASS.value, 0), total.get(Status.FAIL.value, 0)
    left = total.get("not_evaluated", 0)
    return (
        f"{passed:,} of {passed + failed:,} evaluated controls pass; {left:,} were not evaluated."
    )


def _tile(name: str, count: int, **filters: str) -> str:
    told = f"<b>{count}</b><span>{name.replace('_', ' ')}</span>"
    if not count:
        return f'<li><div class="tile {name}">{told}</div></li>'
    query = _query(filters)
    return f'<li><a class="tile {name}" href="#findings" data-filter="{query}">{told}</a></li>'


def _query(filters: Mapping[str, str]) -> str:
    """What the script sets the filters to."""
    return escape(urlencode(filters, errors="replace"))


def _severities(run: Audited) -> Iterator[str]:
    open_ = (f for f in run.findings if f.status is Status.FAIL and f.muted is None)
    failed = Counter(each.severity for each in open_)
    if failed:
        yield f'<h3>{sum(failed.values())} failed findings</h3><ul class="tiles">'
        for each in Severity:
            if failed[each]:
                yield _tile(each.value, failed[each], status="fail", severity=each.value)
        yield "</ul>"


def _first(run: Audited) -> Iterator[str]:
    open_ = [f for f in run.findings if f.status is Status.FAIL and f.muted is None]
    if not open_:
        yield "<p>No control is known to fail.</p>"
        return
    many = Counter(each.code for each in open_)
    where: dict[str, set[str | None]] = defaultdict(set)
    worst: dict[str, Finding] = {}
    for each in open_:
        worst.setdefault(each.code, each)
        where[each.code].add(each.account)
    yield '<ol class="first">'
    for each in list(worst.values())[:MOST_FIRST]:
        count = _counted(many[each.code], "finding")
        if run.several:
            count += f" in {_counted(len(where[each.code]), 'account')}"
        filters = _query({"status": Status.FAIL.value, "search": each.code})
        yield (
            f"<li>{html_rows.badge(each.severity.value)}"
            f'<span><span class="number">{_text(run.number(each))}</span> '
            f'<a href="#{html_rows.mark(each)}" data-filter="{filters}"><bdi>{html_rows.message(each)}</bdi></a>'
            f'<span class="why">{_text(run.whys.get(each.code) or each.title)}</span></span>'
            f'<span class="of">{count}</span></li>'
        )
    yield "</ol>"
    if len(worst) > MOST_FIRST:
        yield f'<p class="meta">and {len(worst) - MOST_FIRST} more controls that fail</p>'


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def _changes(run: Audited) -> Iterator[str]:
    if not run.changes:
        return
    yield '<section class="card" aria-labelledby="changes">'
    since = datetime.fromisoformat(run.changes["since"]).astimezone(UTC)
    yield f'<h2 id="changes">Changes since {since:%Y-%m-%d %H:%M} UTC</h2><ul class="tiles">'
    # Counted here: a run that leaves out findings leaves them out of these numbers too.
    counted = Counter(word for finding in run.findings for word in html_rows.changes_of(finding))
    for name in ("new", "fixed", "still_open", "unreadable", "changed"):
        yield _tile(name, counted[name], change=name)
    yield "</ul></section>"


def _section_rows(run: Audited) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for row in run.sections:
        yield str(row["section"]), row
    if run.total:
        yield ALL, run.total


def _accounts(run: Audited) -> Iterator[str]:
    counted = tallies(run.findings, lambda each: each.account or "")
    if len(counted) > 1:
        rows = (
            (
                name,
                {s.value if s else "muted": n for s, n in each.items()} | {"score": score(each)},
            )
            for name, each in sorted(counted.items())
        )
        yield from _table("By account", "Account", rows)


def _table(title: str, first: str, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    listed = list(rows)
    muted = any(row.get("muted") for _, row in listed)
    names = [*(status.value for status in _SHOWN), *(["muted"] if muted else [])]
    heads = "".join(f'<th scope="col">{name.replace("_", " ")}</th>' for name in names)
    mark = title.lower().replace(" ", "-")
    yield f'<section class="card" aria-labelledby="{mark}"><h2 id="{mark}">{title}</h2>'
    yield f'<div class="scroll" role="region" tabindex="0" aria-label="{title}, table"><table class="numbers"><thead><tr>'
    yield f'<th scope="col">{first}</th><th scope="col"><span class="unseen">Shares</span></th>{heads}'
    yield '<th scope="col">score</th></tr></thead><tbody>'
    for name, row in listed:
        cells = "".join(map(_count, (row.get(each, 0) for each in names)))
        value = row.get("score")
        told = '<td class="zero">–</td>' if value is None else f"<td><b>{value:.0%}</b></td>"  # noqa: RUF001 - a dash
        query = "" if name == ALL else _query({first.lower(): name})
        link = f'<a href="#findings" data-filter="{query}">{_text(name)}</a>'
        yield f'<tr><th scope="row">{link}</th><td class="wide">{_bar(row)}</td>{cells}{told}</tr>'
    yield "</tbody></table></div></section>"


def _count(count: int) -> str:
    return f"<td>{count}</td>" if count else '<td class="zero">0</td>'


def _bar(row: Mapping[str, Any]) -> str:
    whole = sum(row.get(status.value, 0) for status in _BARS) or 1
    at = 0.0
    parts = []
    for status in _BARS:
        width = row.get(status.value, 0) * 100 / whole
        if width:
            parts.append(
                f'<rect class="{status.value}" x="{at:.2f}" width="{width:.2f}" height="8"/>'
            )
        at += width
    drawn = "".join(parts)
    return f'<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'


def _unread(run: Audited) -> Iterator[str]:
    unread = [finding for finding in run.findings if finding.status is Status.UNKNOWN]
    if not unread:
        return
    reasons = Counter(each.reason or each.message for each in unread)
    yield '<section class="card notice" aria-labelledby="unread">'
    codes = len({each.code for each in unread})
    yield f'<h2 id="unread">Not fully judged: {_counted(codes, "control")}</h2><ul>'
    listed = [
        f"<li>{_text(reason)}{f' ({count} findings)' if count > 1 else ''}</li>"
        for reason, count in reasons.most_common(MOST_LISTED)
    ]
    yield from listed[:MOST_FIRST]
    yield "</ul>"
    if len(listed) > MOST_FIRST:
        yield f"<details><summary>{len(listed) - MOST_FIRST} more reasons</summary><ul>"
        yield from listed[MOST_FIRST:]
        yield "</ul></details>"
    yield from _more(tuple(reasons), "reasons")
    if run.to_add:
        yield "<details><summary>The policy that makes readable what was refused</summary>"
        yield f"{html_rows.copied(run.to_add.strip())}</details>"
    yield "</section>"


def _mutes(run: Audited) -> Iterator[str]:
    if not run.mutes:
        return
    names = ("control", "where", "until", "state", "reason")
    yield '<section class="card" aria-labelledby="mutes"><h2 id="mutes">Mutes</h2>'
    yield '<div class="scroll" role="region" tabindex="0" aria-label="Mutes, table"><table><thead><tr>'
    yield "".join(f'<th scope="col">{name}</th>' for name in names) + "</tr></thead><tbody>"
    for row in run.mutes[:MOST_LISTED]:
        cells = (f"<td><bdi>{_text(str(row.get(name) or ''))}</bdi></td>" for name in names)
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"
    yield from _more(run.mutes, "mutes")
    yield "</section>"


def _more(listed: Sequence[Any], name: str) -> Iterator[str]:
    if len(listed) > MOST_LISTED:
        yield f"<p>{len(listed) - MOST_LISTED:,} more {name} are left out.</p>"


def _footer(run: Audited) -> Iterator[str]:
    yield "<footer>"
    yield (
        f"<p>Made by aws-iam {_text(run.version)} from what AWS answered at the time above; titles, conditions and fixes "
        f"are its own words, as of {_text(run.as_of)}. "
        "Score = pass / (pass + fail); what is unknown, manual, not applicable or muted counts in neither.</p>"
    )
    yield "</footer>"


def _text(text: str) -> str:
    return escape(escaped(text, html_rows.MOST_TEXT))
