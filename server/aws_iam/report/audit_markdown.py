"""An audit as Markdown, short enough for a chat or a pull request; account text cannot become markup."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Status
from aws_iam.escape import escaped
from aws_iam.report.audited import fix_within
from aws_iam.report.clean import FIX_LIMIT
from aws_iam.report.layout import code_span, escaped_markup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.answer import Finding
    from aws_iam.report.audited import Audited

MOST_CHARACTERS = 60_000
"""Below what a comment of GitHub holds (65,536)."""
MOST_NAMED = 5
"""Resources that a control names; the others are counted."""
MOST_TEXT = 400

_MUTING = re.compile(r"mutes \d")
_COLUMNS = ("section", "pass", "fail", "manual", "unknown", "not_applicable", "muted", "score")


def audit_markdown(run: Audited) -> str:
    """Summary, sections, what changed, then control by control what fails and what could not be judged."""
    lines: list[str] = []
    size = 0
    parts = list(_lines(run))
    for number, line in enumerate(parts):
        size += len(line) + 1
        if size > MOST_CHARACTERS:
            left = f"… {len(parts) - number:,} more lines are left out: the other formats hold everything."
            return "\n".join([*lines, "", left]) + "\n"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _lines(run: Audited) -> Iterator[str]:
    alias = f" ({_text(run.alias)})" if run.alias else ""
    yield f"# CIS AWS Foundations Benchmark {run.benchmark}: {run.subject}{alias}"
    yield f"\n{_text(run.summary, 2_000)}"
    yield f"\n{run.read}; aws-iam {run.version}, controls as of {run.as_of}."
    if run.partial:
        yield f"\n**Not the whole audit:** {'; '.join(run.partial)}."
    yield "\n## Score by section\n"
    yield from _table([*run.sections, *([run.total] if run.total else [])])
    if run.changes:
        yield f"\n## Changes since {run.changes['since']}\n"
        yield from _changes(run)
    open_ = [finding for finding in run.findings if finding.muted is None]
    failed = [each for each in open_ if each.status is Status.FAIL]
    yield "\n## To fix\n"
    yield from _controls(failed, run)
    for title, status in (
        ("Could not be judged", Status.UNKNOWN),
        ("For a person", Status.MANUAL),
    ):
        found = [each for each in open_ if each.status is status]
        if found:
            yield f"\n## {title}\n"
            yield from _controls(found, run)
    yield from _muted(run)
    if run.to_add:
        yield f"\nThis policy makes readable what was refused:\n\n```json\n{run.to_add.strip()}\n```"


def _table(rows: Sequence[Any]) -> Iterator[str]:
    shown = [
        column for column in _COLUMNS if column != "muted" or any(row.get("muted") for row in rows)
    ]
    yield "| " + " | ".join(name.replace("_", " ") for name in shown) + " |"
    yield "|" + " --- |" * len(shown)
    for row in rows:
        # Only the sections that hold something muted count it.
        yield (
            "| "
            + " | ".join(
                _value(name, row.get(name, None if name == "score" else 0)) for name in shown
            )
            + " |"
        )


def _value(name: str, value: Any) -> str:
    if name == "score":
        return "none" if value is None else f"{value:.0%}"
    return _text(str(value))


def _changes(run: Audited) -> Iterator[str]:
    words = ("new", "fixed", "still_open", "unreadable")
    yield ", ".join(f"{run.changes[word]} {word.replace('_', ' ')}" for word in words) + ".\n"
    for word in ("new", "fixed", "unreadable"):
        found = [finding for finding in run.findings if finding.change == word]
        for each in found[:MOST_NAMED]:
            yield f"- **{word}** {_named(each, run)}{_at(each)}"
        if len(found) > MOST_NAMED:
            yield f"- … and {len(found) - MOST_NAMED} more {word}"


def _controls(findings: Iterable[Finding], run: Audited) -> Iterator[str]:
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[finding.code].append(finding)
    if not grouped:
        yield "Nothing."
    for found in grouped.values():
        first = found[0]
        count = f" ({len(found)} findings)" if len(found) > 1 else ""
        yield f"- **{first.severity.value}** {_named(first, run)}{count}"
        for each in found[:MOST_NAMED]:
            why = f"; {_text(each.reason)}" if each.reason else ""
            where = f"account {each.account}: " if run.several else ""
            yield f"  - {where}{_text(each.message or each.title)}{why}{_at(each)}"
        if len(found) > MOST_NAMED:
            yield f"  - … and {len(found) - MOST_NAMED} more"
        if first.fix and first.status is Status.FAIL:
            yield f"  - Fix: {code_span(fix_within(first, FIX_LIMIT))}"


def _muted(run: Audited) -> Iterator[str]:
    muted = [finding for finding in run.findings if finding.muted is not None]
    if muted:
        yield f"\n## Muted ({len(muted)})\n"
    for each in muted:
        yield f"- {_named(each, run)}{_at(each)}: {_text(each.muted or '')}"
    idle = [row for row in run.mutes if not _MUTING.match(str(row["state"]))]
    if idle:
        yield "\n## Mutes that do nothing\n"
    for row in idle:
        yield f"- `{row['control']}`: {_text(str(row['state']))} ({_text(str(row['reason']))})"


def _named(finding: Finding, run: Audited) -> str:
    number = run.number(finding)
    return f"{f'{number} ' if number else ''}{_text(finding.title)} (`{finding.code}`)"


def _at(finding: Finding) -> str:
    resource = [code_span(escaped(finding.resource, 2048))] if finding.resource else []
    place = [*resource, *([_text(finding.region)] if finding.region else [])]
    return f"; at {', '.join(place)}" if place else ""


def _text(text: str, limit: int = MOST_TEXT) -> str:
    return escaped_markup(escaped(text, limit))
