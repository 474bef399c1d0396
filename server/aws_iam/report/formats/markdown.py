"""An audit, the problems of policies, policy tests, or who reaches what, as Markdown, short enough for a chat or a pull request; no text of theirs is markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Severity, Status
from aws_iam.escape import escaped
from aws_iam.report.audit_report import fix_within
from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.clean import FIX_LIMIT
from aws_iam.report.markup import code_span, escaped_markup, table
from aws_iam.report.policy_report import ValidatedPolicy
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from aws_iam.answer import Finding
    from aws_iam.report.access_report import AccessCut, AccessReport, Way
    from aws_iam.report.audit_report import AuditReport
    from aws_iam.report.cases_report import CasesReport, ReportedCase
    from aws_iam.report.policy_report import PolicyReport

MOST_CHARACTERS = 60_000
"""A GitHub comment holds 65,536."""
MOST_NAMED = 5
"""Resources listed per control; the rest are counted."""
MOST_TEXT = 400
_MOST_MUTED = 1_000
MOST_OF_AN_AUDIT = 10
"""Paths to administrator access that the report of an audit lists."""
_MOST_CUTS, _MOST_CUTS_OF_AN_AUDIT = 10, 3

_MUTES_SOMETHING = re.compile(r"mutes \d")
_COLUMNS = ("section", "pass", "fail", "manual", "unknown", "not_applicable", "muted", "score")


def audit_markdown(report: AuditReport) -> str:
    """Summary, score by section, changes, then each control that fails or could not be judged."""
    return _bounded(_lines(report))


def policies_markdown(report: PolicyReport) -> str:
    """The problems of policies in a table, worst first, then what is muted and what was not judged."""
    return _bounded(_of_policies(report))


def access_markdown(report: AccessReport) -> str:
    """Summary, the steps whose removal closes most paths, each path in a line, and what was not judged."""
    return _bounded(_of_access(report))


def cases_markdown(report: CasesReport) -> str:
    """The cases of policy tests in a table, those that are decided otherwise first, then what proves little."""
    return _bounded(_of_cases(report))


def _of_cases(report: CasesReport) -> Iterator[str]:
    failing = [own for own in report.cases if _fails(own)]
    passing = [own for own in report.cases if not _fails(own)]
    yield f"# Policy tests: {len(passing):,} passed, {len(failing):,} failed"
    yield f"\n{_text(report.summary, 2_000)}\n"
    yield from table(
        ("result", "case", "request", "expected", "decided", "by"),
        map(_case_row, (*failing, *passing)),
    )
    told = [
        finding
        for own in passing
        for finding in own.findings
        if finding.severity.rank <= Severity.MEDIUM.rank
    ]
    if told:
        yield f"\n## Prove little ({len(told)})\n"
        yield from (f"- {_text(finding.message)}" for finding in told)


def _fails(own: ReportedCase) -> bool:
    return any(finding.severity.rank <= Severity.HIGH.rank for finding in own.findings)


def _case_row(own: ReportedCase) -> tuple[str, ...]:
    return (
        "**fail**" if _fails(own) else "pass",
        _text(own.name),
        code_span(escaped(own.request, MOST_TEXT)),
        _text(own.expected),
        _text(own.decided),
        _text(own.by),
    )


def _of_access(report: AccessReport) -> Iterator[str]:
    yield f"# {_text(report.question)}"
    yield f"\n{_text(report.summary, 2_000)}"
    yield f"\n{report.collected}; account {_text(report.account)}; aws-iam {report.version}, data of {report.as_of}."
    yield from _cuts_and_paths(report, "##", _MOST_CUTS, len(report.paths))
    if report.not_judged:
        yield f"\n## Not judged ({len(report.not_judged)})\n"
        yield from (
            f"- {code_span(escaped(row['place'], MOST_TEXT))}: {_text(row['why'])}"
            for row in report.not_judged
        )
    if report.not_considered:
        yield f"\nNot considered: {_text(report.not_considered, 2_000)}."


def _cuts_and_paths(report: AccessReport, level: str, cuts: int, most: int) -> Iterator[str]:
    """The steps whose removal closes most paths, and the first paths, one a line."""
    if report.cuts:
        yield f"\n{level} What closes most paths\n"
        rows = (
            (_cut(report, cut), f"{cut.closes:,}", f"{cut.stops:,}") for cut in report.cuts[:cuts]
        )
        yield from table(("take away", "paths closed", "principals stopped"), rows)
    if report.paths:
        yield f"\n{level} {counted(len(report.paths), 'path')}\n"
        yield from (
            f"{number}. {_path(report, path)}"
            for number, path in enumerate(report.paths[:most], 1)
        )
    left_out = report.left_out + len(report.paths[most:])
    if left_out:
        yield f"\n{counted(left_out, 'more path')} at least not listed."


def _cut(report: AccessReport, cut: AccessCut) -> str:
    if cut.statement:
        return f"the statement {code_span(escaped(cut.statement, MOST_TEXT))}"
    start, end = _name(report, cut.start), _name(report, cut.end)
    return f"{_actions(cut.actions)} from {start} to {end}"


def _path(report: AccessReport, path: Way) -> str:
    parts = [_name(report, path[0].start)]
    for step in path:
        given = f" if {_text('; '.join(step.conditions))}" if step.conditions else ""
        unknown = f" (unknown: {_text(step.why_unknown)})" if step.why_unknown else ""
        parts.append(f"{_actions(step.actions)}{given}{unknown} → {_name(report, step.end)}")
    return ": ".join([parts[0], "; ".join(parts[1:])])


def _name(report: AccessReport, node: str) -> str:
    return code_span(escaped(report.name(node), MOST_TEXT))


def _actions(actions: Iterable[str]) -> str:
    return ", ".join(code_span(escaped(action, MOST_TEXT)) for action in actions)


def _of_policies(report: PolicyReport) -> Iterator[str]:
    found = [(own, finding) for own in report.policies for finding in own.findings]
    found += [(ValidatedPolicy(name="", file=""), finding) for finding in report.online]
    open_ = [row for row in found if row[1].muted is None]
    open_.sort(key=lambda row: (row[1].status.rank, row[1].severity.rank))
    yield f"# Policies: {counted(len(open_), 'problem')} in {counted(len(report.policies), 'policy')}"
    if open_:
        yield ""
        yield from table(("severity", "policy", "problem", "where"), map(_policy_row, open_))
    muted = [finding for _, finding in found if finding.muted is not None]
    if muted:
        yield f"\n## Muted ({len(muted)})\n"
        yield from (f"- `{finding.code}`: {_text(finding.muted or '')}" for finding in muted)
    if report.skipped:
        yield f"\n## Not judged ({len(report.skipped)})\n"
        yield from (
            f"- {code_span(escaped(own.place, MOST_TEXT))}: {_text(own.why)}"
            for own in report.skipped
        )


def _policy_row(row: tuple[ValidatedPolicy, Finding]) -> tuple[str, ...]:
    own, finding = row
    where = finding.where
    file = (where.file if where else None) or own.file
    line = f":{where.line}" if where and where.line else ""
    says = finding.message or finding.reason or finding.title
    return (
        f"**{finding.severity}**",
        code_span(escaped(own.name, MOST_TEXT)),
        f"`{finding.code}` {_text(says)}",
        code_span(f"{escaped(file, MOST_TEXT)}{line}") if file else "",
    )


def _bounded(given: Iterable[str]) -> str:
    lines: list[str] = []
    size = 0
    parts = list(given)
    for number, line in enumerate(parts):
        size += len(line) + 1
        if size > MOST_CHARACTERS:
            note = f"… {len(parts) - number:,} more lines are left out: the other formats hold everything."
            return "\n".join([*lines, "", note]) + "\n"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _lines(report: AuditReport) -> Iterator[str]:
    alias = f" ({_text(report.alias)})" if report.alias else ""
    yield f"# {report.heading}: {report.subject}{alias}"
    yield f"\n{_text(report.summary, 2_000)}"
    yield f"\n{report.collected}; aws-iam {report.version}, controls as of {report.as_of}."
    if report.partial:
        yield f"\n**Not the whole audit:** {'; '.join(report.partial)}."
    yield "\n## Score by section\n"
    yield from _score_table([*report.sections, *([report.total] if report.total else [])])
    if report.access:
        yield "\n## Paths to administrator"
        yield f"\n{_text(report.access.summary, 2_000)}"
        yield from _cuts_and_paths(report.access, "###", _MOST_CUTS_OF_AN_AUDIT, MOST_OF_AN_AUDIT)
        if report.access.not_considered:
            yield f"\nNot considered: {_text(report.access.not_considered, 2_000)}."
    if report.changes:
        yield f"\n## Changes since {report.changes['since']}\n"
        yield from _changes(report)
    listed = _Listed(report.findings)
    for title, status in (
        ("To fix", Status.FAIL),
        ("Could not be judged", Status.UNKNOWN),
        ("Needs manual review", Status.MANUAL),
    ):
        controls = listed.controls[status]
        if controls or status is Status.FAIL:
            yield f"\n## {title}\n"
            yield from _controls(controls.values(), report)
    yield from _muted(report, listed)
    if report.to_add:
        yield f"\nThis policy allows the calls that AWS refused:\n\n```json\n{report.to_add.strip()}\n```"


def _score_table(rows: Sequence[Any]) -> Iterator[str]:
    shown = [
        column for column in _COLUMNS if column != "muted" or any(row.get("muted") for row in rows)
    ]
    # A section without muted findings has no count of them.
    yield from table(
        (name.replace("_", " ") for name in shown),
        (
            [_value(name, row.get(name, None if name == "score" else 0)) for name in shown]
            for row in rows
        ),
    )


def _value(name: str, value: Any) -> str:
    if name == "score":
        return "none" if value is None else f"{value:.0%}"
    return _text(str(value))


def _changes(report: AuditReport) -> Iterator[str]:
    words = ("new", "fixed", "gone", "still_open", "unreadable")
    yield ", ".join(f"{report.changes[word]} {word.replace('_', ' ')}" for word in words) + ".\n"
    changed = {word: _Some(MOST_NAMED) for word in ("new", "fixed", "gone", "unreadable")}
    for finding in report.findings:
        if finding.change in changed:
            changed[finding.change].add(finding)
    for word, some in changed.items():
        for finding in some.first:
            yield f"- **{word}** {_control(finding, report)}{_place(finding)}"
        if some.more:
            yield f"- … and {some.more} more {word}"


class _Some:
    """The first of some findings, and how many there are."""

    def __init__(self, most: int) -> None:
        self.first: list[Finding] = []
        self.count = 0
        self._most = most

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        self.count += 1
        if len(self.first) < self._most:
            self.first.append(finding)

    @property
    def more(self) -> int:
        """How many are not listed."""
        return self.count - len(self.first)


class _Listed:
    """What the lists have room for, of findings that may be very many."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.controls: dict[Status, dict[str, _Some]] = {status: {} for status in Status}
        self.muted = _Some(_MOST_MUTED)
        for finding in findings:
            if finding.muted is not None:
                self.muted.add(finding)
                continue
            of_status = self.controls[finding.status]
            of_status.setdefault(finding.code, _Some(MOST_NAMED)).add(finding)


def _controls(controls: Collection[_Some], report: AuditReport) -> Iterator[str]:
    if not controls:
        yield "Nothing."
    for listed in controls:
        first = listed.first[0]
        count = f" ({listed.count} findings)" if listed.count > 1 else ""
        yield f"- **{first.severity.value}** {_control(first, report)}{count}"
        for finding in listed.first:
            why = f"; {_text(finding.reason)}" if finding.reason else ""
            where = f"account {finding.account}: " if report.several else ""
            yield f"  - {where}{_text(finding.message or finding.title)}{why}{_place(finding)}"
        if listed.more:
            yield f"  - … and {listed.more} more"
        if first.fix and first.status is Status.FAIL:
            yield f"  - Fix: {code_span(fix_within(first, FIX_LIMIT))}"


def _muted(report: AuditReport, listed: _Listed) -> Iterator[str]:
    muted = listed.muted
    if muted.count:
        yield f"\n## Muted ({muted.count})\n"
    for finding in muted.first:
        yield f"- {_control(finding, report)}{_place(finding)}: {_text(finding.muted or '')}"
    if muted.more:
        yield f"- … and {muted.more} more"
    idle = [row for row in report.mutes if not _MUTES_SOMETHING.match(str(row["state"]))]
    if idle:
        yield "\n## Mutes that do nothing\n"
    for row in idle:
        yield f"- `{row['control']}`: {_text(str(row['state']))} ({_text(str(row['reason']))})"


def _control(finding: Finding, report: AuditReport) -> str:
    number = report.number(finding)
    return f"{f'{number} ' if number else ''}{_text(finding.title)} (`{finding.code}`)"


def _place(finding: Finding) -> str:
    resource = [code_span(escaped(finding.resource, 2048))] if finding.resource else []
    place = [*resource, *([_text(finding.region)] if finding.region else [])]
    return f"; at {', '.join(place)}" if place else ""


def _text(text: str, limit: int = MOST_TEXT) -> str:
    return escaped_markup(escaped(text, limit))


FORMAT = ReportFormat(
    name="markdown",
    ending=".md",
    language="markdown",
    used_for="chats, pull requests",
    notes="at most 60,000 characters: what fails, cannot be judged or needs manual review",
    audit=lambda report: (audit_markdown(report),),
    policies=policies_markdown,
    access=access_markdown,
    cases=cases_markdown,
    tells_paths=True,
)
