"""`audit report` over many accounts: every account's line of results, whichever run wrote it, in one file."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Severity, Status
from aws_iam.errors import InputError
from aws_iam.escape import escaped
from aws_iam.report.audited import Audited, left_out
from aws_iam.report.page import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.fleet import results_file, run
from aws_iam.tools.audit.run import mutes as audit_mutes
from aws_iam.tools.audit.run import report
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.answer import Answer
    from aws_iam.tools.audit.controls.benchmark import Control
    from aws_iam.tools.audit.run.arguments import Asked, Many
    from aws_iam.tools.audit.run.report import Format
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

    Line = Mapping[str, Any]

# The Region that a file for one Region is meant for, by partition.
_HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_NOT_EVALUATED = frozenset({"manual", "unknown", "not_applicable", "muted"})
_MOST_REASON = 300


def answer(
    source: Source, asked: Asked, many: Many, progress: Progress, format_: Format
) -> Answer:
    """Read the accounts that no line tells of yet, and write what all lines hold as a file."""
    lines: list[Line] = []
    whole = run.answer(source, asked, many, progress, lines.append)
    if not lines:
        raise InputError(whole.summary, hint="give another part, or more accounts")
    # Which account was done first says nothing.
    told = _audited(sorted(lines, key=lambda line: str(line["account"])), asked, whole)
    facts = {**whole.facts, **({"mutes": told.mutes} if told.mutes else {})}
    return report.written(
        told, replace(whole, summary=told.summary, facts=facts, findings=told.findings), format_
    )


def _audited(lines: Sequence[Line], asked: Asked, whole: Answer) -> Audited:
    benchmark = catalogue.benchmark(asked.benchmark)
    chosen = benchmark.selected(asked.controls) if asked.controls else benchmark.controls
    least = Severity(asked.severity) if asked.severity else Severity.INFO
    shown = [each for each in chosen if each.severity.rank <= least.rank]
    read = [_Read(line) for line in lines if line["status"] == "read"]
    sizes = Counter(benchmark.section_of(each) for each in chosen)
    sections = [
        _row(row, sizes[row["section"]] * (len(lines) - len(read)))
        for row in whole.facts["sections"]
    ]
    times = sorted(each.time for each in read)
    regions = {each.regions for each in read}
    partition = next(iter(read)).partition
    findings = by_urgency(
        (
            *(finding for each in read for finding in each.findings()),
            *(f for line in lines if line["status"] != "read" for f in _unread(line, shown)),
        )
    )
    mutes = audit_mutes.read(asked.mute, benchmark) if asked.mute is not None else ()
    # The lines tell nothing of what is less severe than asked for.
    told_of = {each.key for each in shown}
    mutes = tuple(mute for mute in mutes if mute.control in told_of)
    rows = audit_mutes.table(findings, mutes, times[-1].astimezone(UTC).date())
    return Audited(
        version=__version__,
        benchmark=benchmark.version,
        versions=catalogue.versions(),
        account=str(lines[0]["account"]) if len(lines) == 1 else "",
        accounts=len(lines),
        partition=partition,
        regions=regions.pop() if len(regions) == 1 else "",
        home=_HOMES.get(partition, _HOMES["aws"]),
        collected_at=times[-1],
        collected_from=times[0] if len(times) > 1 else None,
        as_of=catalogue.as_of(),
        summary=" ".join(filter(None, (whole.summary, audit_mutes.said(findings, rows)))),
        mutes=rows,
        partial=left_out(
            asked=len(chosen), of=len(benchmark.controls), below=asked.severity or "", count=None
        ),
        sections=sections,
        total=_total(sections) | {"score": whole.facts["score"]["overall"]},
        section_of={control.key: benchmark.section_of(control) for control in benchmark.controls},
        whys={control.key: control.why for control in benchmark.controls},
        findings=findings,
    )


class _Read:
    """The line of an account that was read; a file may have been changed by hand."""

    def __init__(self, line: Line) -> None:
        self.account = str(line["account"])
        self.regions = str(line.get("regions", ""))
        self._line = line
        try:
            self.time = datetime.fromisoformat(line["collected_at"])
            self.partition = str(line["caller"]).split(":")[1]
        except (KeyError, TypeError, ValueError, IndexError):
            raise results_file.broken(line, "who read it, and when") from None

    def findings(self) -> tuple[Finding, ...]:
        """What was found."""
        return results_file.findings_of(self._line)


def _unread(line: Line, controls: Iterable[Control]) -> Iterator[Finding]:
    """An account that could not be read leaves each of its controls open: none of them vanishes."""
    reason = escaped(str(line.get("reason", "")), _MOST_REASON)
    for control in controls:
        yield Finding(
            code=control.key,
            title=control.title,
            severity=control.severity,
            status=Status.UNKNOWN,
            message="the account could not be read",
            reason=reason,
            account=str(line["account"]),
            source=control.source,
            controls=dict(control.ids),
        )


def _row(row: Mapping[str, Any], unread: int) -> dict[str, Any]:
    """The section's counts, with the controls of the accounts that could not be read."""
    told = {**row, "unknown": row["unknown"] + unread}
    left = sum(count for name, count in told.items() if name in _NOT_EVALUATED)
    return {**told, "not_evaluated": left}


def _total(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update({name: row[name] for name in row if name not in {"section", "score"}})
    return {"section": "all", **total}
