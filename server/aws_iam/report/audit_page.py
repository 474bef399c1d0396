"""An audit as one HTML page that works offline: its own script filters, sorts and copies what the page holds.

The markup is in `assets/report/*.html.j2`; here are the values it prints. Jinja2 escapes all of them, and the page's
Content-Security-Policy allows no script and no style but its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from aws_iam.answer import Severity, Status
from aws_iam.engine.reference.frameworks import in_short
from aws_iam.escape import escaped, visible
from aws_iam.report.audit_report import fix_within, score, tally
from aws_iam.report.clean import FIX_LIMIT
from aws_iam.report.control_ids import cis_ids, other_ids
from aws_iam.report.fix_steps import fix_steps
from aws_iam.report.html_templates import MOST_TEXT, Visible, html_templates, own_files, words
from aws_iam.report.overview import Overview
from aws_iam.report.path_section import path_section
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from markupsafe import Markup

    from aws_iam.answer import Finding
    from aws_iam.report.audit_report import AuditReport
    from aws_iam.report.overview import Failing

MOST_ROWS = 3_000
MOST_CHARACTERS = 8_000_000
"""Of all rows together; 3,000 ordinary ones make a page of about 4 MB, which browsers filter without delay."""
MOST_RESOURCE = 2_048
MOST_FIRST, MOST_LISTED = 6, 200
"""Controls to fix first, and lines of a list other than the table of findings."""

_STATUSES = (Status.FAIL, Status.PASS, Status.MANUAL, Status.UNKNOWN, Status.NOT_APPLICABLE)
_BARS = (Status.PASS, Status.FAIL, Status.UNKNOWN, Status.MANUAL, Status.NOT_APPLICABLE)
_QUIET = frozenset({Status.PASS, Status.NOT_APPLICABLE})
_CHANGES = ("new", "fixed", "gone", "still_open", "changed", "same", "unreadable")
_POOR, _GOOD = 0.5, 0.9
"""Scores below the first are poor; good ones have at least the second."""
_DASH = "–"  # noqa: RUF001 - a dash
_ALL_SECTIONS = "All"


def html_page(report: AuditReport) -> str:
    """The page; of very many findings it shows the worst and counts the others."""
    style, style_hash = own_files("shared.css", "page.css", "paths.css", "report.css")
    script, script_hash = own_files("shared.js", "page.js", "report.js")
    template = html_templates().get_template("page.html.j2")
    overview = Overview(report.findings, MOST_ROWS)
    return template.render(
        style=style,
        style_hash=style_hash,
        script=script,
        script_hash=script_hash,
        report=report,
        title=report.subject[:1].upper() + report.subject[1:],
        in_short=list(_in_short(report, overview)),
        score=_score(report, overview),
        status_tiles=list(_status_tiles(report)),
        change_tiles=list(_change_tiles(report, overview)),
        changed_since=_changed_since(report),
        tables=list(_tables(report, overview)),
        unknown=_unknown(overview),
        to_add=Visible(visible(report.to_add.strip())),
        mutes=_mutes(report),
        findings=_findings(report, overview),
        paths=path_section(report.access) if report.access else None,
        **_failures(report, overview),
    )


def _filter(**values: str) -> str:
    """What a link sets the filters to, for the script."""
    return urlencode(values, errors="replace")


def _tile(name: str, count: int, **values: str) -> dict[str, Any]:
    return {"name": name, "count": count, "filter": _filter(**values)}


def _anchor(finding: Finding) -> str:
    """The id of the row of a control's worst finding."""
    return f"control-{finding.code}"


def _sentence(finding: Finding) -> str:
    text = finding.message or finding.title
    return text[:1].upper() + text[1:]


def _in_short(report: AuditReport, overview: Overview) -> Iterator[str]:
    """The result in sentences for whoever does not read the table."""
    total = report.total
    passed, failed = total.get(Status.PASS.value, 0), total.get(Status.FAIL.value, 0)
    whom = "The accounts meet" if report.several else "The account meets"
    if passed + failed:
        of = "1 control" if passed + failed == 1 else f"{passed + failed:,} controls"
        yield f"{whom} {passed:,} of the {of} that could be judged; {failed:,} fail{'s' * (failed == 1)}."
    else:
        yield "No control could be judged, so nothing here says whether the account is safe."
    open_ = overview.failed
    urgent = [
        f"{open_[severity]:,} {severity.value}"
        for severity in (Severity.CRITICAL, Severity.HIGH)
        if open_[severity]
    ]
    if urgent:
        yield f"Of the {counted(open_.total(), 'problem')} behind them, {' and '.join(urgent)} should be fixed first."
    if report.access and report.access.becoming:
        yield f"{counted(report.access.becoming, 'principal')} can become an administrator: see the paths below."
    rest = [
        f"{total[status]:,} {text}"
        for status, text in (
            (Status.UNKNOWN.value, "could not be judged, because AWS did not let them be read"),
            (Status.MANUAL.value, "can only be decided by a person"),
            ("muted", "are accepted, with a reason"),
        )
        if total.get(status)
    ]
    if rest:
        yield f"Of the other controls, {'; '.join(rest)}."


def _grade(overview: Overview, value: float | None) -> str:
    """What the score means: nothing is good while something critical is open."""
    if value is None or value < _POOR or Severity.CRITICAL in overview.failed:
        return "poor"
    return "good" if value >= _GOOD and Severity.HIGH not in overview.failed else "fair"


def _score(report: AuditReport, overview: Overview) -> dict[str, Any]:
    total = report.total
    passed, failed = total.get(Status.PASS.value, 0), total.get(Status.FAIL.value, 0)
    value = total.get("score")
    shown = _DASH if value is None else f"{value:.0%}"
    spoken = "nothing could be evaluated" if value is None else f"{shown} of the controls pass"
    # A score of few controls must not look like a score of all.
    faint = total.get(Status.UNKNOWN.value, 0) > passed + failed
    if faint:
        spoken += f", but most controls are unknown: {passed + failed:,} were evaluated"
    evaluated = (
        f"{passed:,} of {passed + failed:,} evaluated controls pass; "
        f"{total.get('not_evaluated', 0):,} were not evaluated."
    )
    if report.several:
        evaluated += " A control counts once in every account."
    stroke = f"{value * 100:.1f} 100" if value else ""
    return {
        "shown": shown,
        "spoken": spoken,
        "faint": faint,
        "grade": _grade(overview, value),
        "stroke": stroke,
        "evaluated": evaluated,
    }


def _status_tiles(report: AuditReport) -> Iterator[dict[str, Any]]:
    for status in _STATUSES:
        yield _tile(status.value, report.total.get(status.value, 0), status=status.value)
    if report.total.get("muted"):
        yield _tile("muted", report.total["muted"], status="muted")


def _failures(report: AuditReport, overview: Overview) -> dict[str, Any]:
    """The failed findings by severity, and the controls to fix first."""
    severities = overview.failed
    first = [_to_fix(control, report) for control in [*overview.failing.values()][:MOST_FIRST]]
    later = len(overview.failing) - len(first)
    return {
        "failed_findings": counted(severities.total(), "failed finding"),
        "severity_tiles": [
            _tile(severity.value, severities[severity], status="fail", severity=severity.value)
            for severity in Severity
            if severities[severity]
        ],
        "fix_first": first,
        "fix_later": f"and {counted(later, 'more control')} to fix" if later else "",
    }


def _to_fix(control: Failing, report: AuditReport) -> dict[str, Any]:
    worst = control.worst
    count = counted(control.count, "finding")
    if report.several:
        count += f" in {counted(len(control.accounts), 'account')}"
    return {
        "severity": worst.severity.value,
        "number": in_short(report.standard.ids(worst)),
        "anchor": _anchor(worst),
        "filter": _filter(status=Status.FAIL.value, search=worst.code),
        "message": _sentence(worst),
        "why": report.whys.get(worst.code) or worst.title,
        "count": count,
    }


def _change_tiles(report: AuditReport, overview: Overview) -> Iterator[dict[str, Any]]:
    if not report.changes:
        return
    # Counted here and not taken from `changes`: a partial report counts only the findings it holds.
    for word in ("new", "fixed", "gone", "still_open", "unreadable", "changed"):
        yield _tile(word, overview.changes[word], change=word)


def _changed_since(report: AuditReport) -> str:
    if not report.changes:
        return ""
    since = datetime.fromisoformat(report.changes["since"]).astimezone(UTC)
    return f"{since:%Y-%m-%d %H:%M} UTC"


def _tables(report: AuditReport, overview: Overview) -> Iterator[dict[str, Any]]:
    """The counts by section, and by account where there are several."""
    sections = [(str(row["section"]), row) for row in report.sections]
    if report.total:
        sections.append((_ALL_SECTIONS, report.total))
    yield _table("By section", "Section", sections)
    if len(overview.accounts) > 1:
        accounts = sorted(map(_account_row, report.by_account()), key=lambda row: row[0])
        yield _table("By account", "Account", accounts)


def _account_row(findings: Iterable[Finding]) -> tuple[str, dict[str, Any]]:
    """An account with how many of its controls have each status."""
    found = [*findings]
    statuses = tally(found)
    counted = {status.value if status else "muted": count for status, count in statuses.items()}
    return found[0].account or "", counted | {"score": score(statuses)}


def _table(
    title: str, first: str, rows: Iterable[tuple[str, Mapping[str, Any]]]
) -> dict[str, Any]:
    listed = list(rows)
    muted = any(row.get("muted") for _, row in listed)
    statuses = [*(status.value for status in _STATUSES), *(["muted"] if muted else [])]
    return {
        "title": title,
        "anchor": title.lower().replace(" ", "-"),
        "first": first,
        "statuses": statuses,
        "rows": [
            {
                "name": name,
                "filter": "" if name == _ALL_SECTIONS else _filter(**{first.lower(): name}),
                "bars": list(_bars(row)),
                "counts": [row.get(status, 0) for status in statuses],
                "score": "" if row.get("score") is None else f"{row['score']:.0%}",
            }
            for name, row in listed
        ],
    }


def _bars(row: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    total = sum(row.get(status.value, 0) for status in _BARS) or 1
    x = 0.0
    for status in _BARS:
        width = row.get(status.value, 0) * 100 / total
        if width:
            yield {"status": status.value, "x": f"{x:.2f}", "width": f"{width:.2f}"}
        x += width


def _unknown(overview: Overview) -> dict[str, Any] | None:
    reasons = overview.reasons
    if not reasons:
        return None
    listed = [
        Visible(f"{escaped(reason, MOST_TEXT)}{f' ({count} findings)' if count > 1 else ''}")
        for reason, count in reasons.most_common(MOST_LISTED)
    ]
    return {
        "controls": counted(len(overview.unknown), "control"),
        "reasons": listed[:MOST_FIRST],
        "more_reasons": listed[MOST_FIRST:],
        "left_out": _left_out(len(reasons), "reason"),
    }


def _mutes(report: AuditReport) -> dict[str, Any]:
    columns = ("control", "where", "until", "state", "reason")
    return {
        "columns": columns,
        "rows": [
            [str(row.get(name) or "") for name in columns] for row in report.mutes[:MOST_LISTED]
        ],
        "left_out": _left_out(len(report.mutes), "mute"),
    }


def _left_out(count: int, noun: str) -> str:
    more = count - MOST_LISTED
    if more <= 0:
        return ""
    return f"{counted(more, f'more {noun}')} left out."


def _findings(report: AuditReport, overview: Overview) -> dict[str, Any]:
    """The filters, and the rows by section."""
    account_column = len(overview.accounts) > 1
    rows = _rows(report, overview, account_column=account_column)
    columns = ["status", "severity", "control", "finding", "resource", "region"]
    return {
        "left_out": _findings_left_out(overview, rows),
        "complete": not report.partial and len(rows) == overview.count,
        "filters": list(_filters(report, overview)),
        "account_column": account_column,
        "columns": [*columns, *(["account"] if account_column else [])],
        "groups": list(_groups(report, rows)),
    }


def _rows(
    report: AuditReport, overview: Overview, *, account_column: bool
) -> dict[int, tuple[Finding, Markup]]:
    """The rows that the page has room for, by position: each control's worst finding before any other, worst first."""
    render = _Rows(report, account_column=account_column)
    rows: dict[int, tuple[Finding, Markup]] = {}
    room = MOST_CHARACTERS
    listed, firsts = overview.listed()
    for at, finding in listed:
        row = render(finding, anchored=at in firsts)
        room -= len(row)
        if room < 0:
            break
        rows[at] = finding, row
    return rows


class _Rows:
    """Renders rows; what many of them share is rendered once."""

    def __init__(self, report: AuditReport, *, account_column: bool) -> None:
        macros: Any = html_templates().get_template("finding.html.j2").module
        self._report = report
        self._account_column = account_column
        self._row = macros.row
        self._attributes = cache(macros.attributes)
        self._badges = cache(macros.badges)
        self._control = cache(macros.control)
        self._background = cache(macros.background)

    def __call__(self, finding: Finding, *, anchored: bool) -> Markup:
        report = self._report
        number = in_short(report.standard.ids(finding))
        key, title, severity = finding.code, finding.title, finding.severity.value
        fix = finding.status is Status.FAIL and finding.fix
        row: Markup = self._row(
            anchor=_anchor(finding) if anchored else "",
            attributes=self._attributes(
                finding.status.value,
                severity,
                report.section_of.get(key, ""),
                f"{number} {title}".strip(),
                number or key,
            ),
            account=finding.account or "",
            region=finding.region or "",
            resource=Visible(escaped(finding.resource or "", MOST_RESOURCE)),
            change=finding.change,
            status_badges=self._badges(tuple(_marks(finding))),
            severity_badge=self._badges((severity,)),
            control=self._control(number, title, key),
            message=_sentence(finding),
            reason=finding.reason,
            muted=finding.muted,
            steps=[
                {"is_copied": step.is_copied, "text": Visible(step.text)}
                for step in fix_steps(fix_within(finding, FIX_LIMIT) if fix else "")
            ],
            background=None
            if finding.status in _QUIET
            else self._background(
                report.whys.get(key, ""),
                cis_ids(finding),
                other_ids(finding),
                _https(finding.source or ""),
            ),
            account_column=self._account_column,
        )
        return row


def _marks(finding: Finding) -> Iterator[str]:
    yield finding.status.value
    if finding.muted is not None:
        yield "muted"
    if finding.change and finding.change != "same":
        yield finding.change


def _https(source: str) -> str:
    """The address as a link; empty unless it is an https address."""
    if not source.startswith("https://"):
        return ""
    return Visible(quote(source[:MOST_RESOURCE], safe="/:?#=&%-._~+,;@!$*", errors="replace"))


def _findings_left_out(overview: Overview, rows: Mapping[int, tuple[Finding, Markup]]) -> str:
    left = overview.status - Counter(finding.status for finding, _ in rows.values())
    if not left:
        return ""
    by_status = ", ".join(
        f"{left[status]:,} {words(status.value)}" for status in Status if left[status]
    )
    return (
        f"{left.total():,} of {overview.count:,} findings are left out of this page: {by_status}."
    )


def _filters(report: AuditReport, overview: Overview) -> Iterator[dict[str, Any]]:
    """The filters offer the values of findings without a row too: the links above set them to these."""
    muted = ["muted"] if overview.muted else []
    accounts = sorted(overview.accounts)
    choices = {
        "status": [*(status.value for status in Status if status in overview.unmuted), *muted],
        "severity": [severity.value for severity in Severity if severity in overview.severities],
        "section": list(dict.fromkeys(str(row["section"]) for row in report.sections)),
        "account": accounts if len(accounts) > 1 else None,
        "region": sorted(overview.regions),
        "change": [change for change in _CHANGES if change in overview.changes] or None,
    }
    for name, values in choices.items():
        if values is not None:
            # Not `values`: of a dict that is a method to Jinja2.
            yield {"name": name, "label": name.capitalize(), "choices": values}


def _groups(
    report: AuditReport, rows: Mapping[int, tuple[Finding, Markup]]
) -> Iterator[dict[str, Any]]:
    by_section: dict[str, list[Markup]] = defaultdict(list)
    for at in sorted(rows):
        finding, row = rows[at]
        by_section[report.section_of.get(finding.code, "")].append(row)
    order = {str(row["section"]): at for at, row in enumerate(report.sections)}
    for name in sorted(by_section, key=lambda name: order.get(name, len(order))):
        listed = by_section[name]
        yield {"name": name, "count": counted(len(listed), "finding"), "rows": listed}
