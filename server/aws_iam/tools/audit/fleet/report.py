"""`audit report` over many accounts: every account's line of results, whichever run wrote it, in one file."""

from __future__ import annotations

import atexit
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact, Counts, Finding, Severity, Status, summed
from aws_iam.engine.reference.frameworks import CIS, with_cis
from aws_iam.errors import InputError
from aws_iam.escape import escaped
from aws_iam.report.audit_report import AuditReport, left_out
from aws_iam.report.findings_on_disk import FindingsOnDisk
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.fleet import results_file, run
from aws_iam.tools.audit.fleet.account_paths import AccountPaths
from aws_iam.tools.audit.run import mutes as audit_mutes
from aws_iam.tools.audit.run import report
from aws_iam.tools.audit.run.file_of_parts import of_any_length
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from aws_iam.answer import Answer
    from aws_iam.report.catalogue import ReportFormat
    from aws_iam.tools.audit.controls.benchmark import Benchmark, Control
    from aws_iam.tools.audit.run.arguments import AuditArguments, FleetArguments
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

    Line = Mapping[str, Any]

# The Region that a format for one Region names, by partition.
_HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_NOT_EVALUATED = frozenset({"manual", "unknown", "not_applicable", "muted"})
_MOST_REASON = 300


def answer(
    source: Source,
    asked: AuditArguments,
    many: FleetArguments,
    progress: Progress,
    chosen: ReportFormat,
) -> Answer:
    """Read the accounts that have no line of results yet, and write all lines as one file."""
    if chosen.audit is chosen.audit_lines:
        return _streamed(source, asked, many, progress, chosen)
    read = _Read(asked)
    # Whoever asks for some controls asks for nothing else.
    tells_paths = chosen.tells_paths and not asked.controls
    whole = run.accounts_answer(source, asked, many, progress, read.add, tells_paths=tells_paths)
    if not read.accounts:
        raise InputError(whole.summary, hint="choose another shard, or more accounts")
    written = _audit_report(read, asked, many, whole)
    access = read.paths.report(read.last) if tells_paths else None
    return report.written(replace(written, access=access), chosen, of_any_length)


def _streamed(
    source: Source,
    asked: AuditArguments,
    many: FleetArguments,
    progress: Progress,
    chosen: ReportFormat,
) -> Answer:
    """The file of a format that is written line by line: no more than one account is in memory."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", suffix=chosen.ending, delete=False
    ) as file:
        path = Path(file.name)
        # The command copies it to its output before it ends.
        atexit.register(path.unlink, missing_ok=True)
        written = _Written(asked, chosen, file.write)
        whole = run.accounts_answer(source, asked, many, progress, written.add)
    if not written.accounts:
        raise InputError(whole.summary, hint="choose another shard, or more accounts")
    artifact = Artifact(
        name=f"aws-iam-audit{chosen.ending}", language=chosen.language, content="", file=str(path)
    )
    return replace(
        whole,
        findings=(),
        counts=written.counts,
        artifacts=(artifact,),
        sources=(report.REPORTS,),
    )


class _Written:
    """The accounts that are written so far, and their findings counted."""

    def __init__(
        self, asked: AuditArguments, chosen: ReportFormat, write: Callable[[str], object]
    ) -> None:
        self.accounts = 0
        self._benchmark = catalogue.benchmark(asked.benchmark)
        self._framework = asked.framework or CIS
        _, self._shown = _asked_controls(self._benchmark, asked)
        self._audit = chosen.audit
        self._write = write
        self.counts = Counts()
        """The counts of all findings."""

    def add(self, line: Line) -> None:
        """Write the findings of an account."""
        self.accounts += 1
        report = self._report(line)
        self.counts = summed(self.counts, report.counts)
        if self._audit is not None:
            self._write("".join(self._audit(report)))

    def _report(self, line: Line) -> AuditReport:
        read = _AccountLine(line) if line["status"] == "read" else None
        partition = read.partition if read else "aws"
        benchmark = self._benchmark
        return AuditReport(
            version=__version__,
            benchmark=benchmark.version,
            versions=catalogue.versions(),
            account=str(line["account"]),
            partition=partition,
            home=_HOMES.get(partition, _HOMES["aws"]),
            collected_at=read.collected_at if read else datetime.now(UTC),
            as_of=catalogue.as_of(),
            summary="",
            section_of={
                control.key: benchmark.section_of(control) for control in benchmark.controls
            },
            whys={control.key: control.why for control in benchmark.controls},
            fixes={control.key: control.fix for control in benchmark.controls},
            framework=self._framework,
            findings=tuple(
                _with_frameworks(finding, benchmark)
                for finding in by_urgency(read.findings() if read else _unread(line, self._shown))
            ),
        )


class _Read:
    """What the lines of the accounts say, their findings on the disk."""

    def __init__(self, asked: AuditArguments) -> None:
        self.benchmark = catalogue.benchmark(asked.benchmark)
        self.chosen, self.shown = _asked_controls(self.benchmark, asked)
        self.findings = FindingsOnDisk()
        self.paths = AccountPaths()
        self.accounts = self.unread = 0
        self.partition = "aws"
        self.only_account = ""
        self.regions: set[str] = set()
        self.some_regions: set[str] = set()
        self.first: datetime | None = None
        self.last: datetime | None = None

    def add(self, line: Line) -> None:
        """Write the findings of an account, and remember when and where it was read."""
        self.accounts += 1
        account = self.only_account = str(line["account"])
        if line["status"] != "read":
            self.unread += 1
            found: Iterable[Finding] = _unread(line, self.shown)
        else:
            read = _AccountLine(line)
            found = read.findings()
            self.partition = read.partition
            self.regions.add(read.regions)
            self.some_regions.update(read.some_regions)
            self.first = min(self.first or read.collected_at, read.collected_at)
            self.last = max(self.last or read.collected_at, read.collected_at)
        self.paths.add(line)
        self.findings.add(account, (_with_frameworks(own, self.benchmark) for own in found))


def _asked_controls(
    benchmark: Benchmark, asked: AuditArguments
) -> tuple[Sequence[Control], Sequence[Control]]:
    """The controls that were asked for, and those of them that are shown."""
    chosen = benchmark.selected(asked.controls) if asked.controls else benchmark.controls
    least = Severity(asked.severity) if asked.severity else Severity.INFO
    return chosen, [control for control in chosen if control.severity.rank <= least.rank]


def _audit_report(
    read: _Read, asked: AuditArguments, many: FleetArguments, whole: Answer
) -> AuditReport:
    benchmark, chosen = read.benchmark, read.chosen
    sizes = Counter(benchmark.section_of(control) for control in chosen)
    sections = [_row(row, sizes[row["section"]] * read.unread) for row in whole.facts["sections"]]
    # INVARIANT: `accounts_answer` raises when no account could be read, so there are times.
    last = read.last or datetime.now(UTC)
    rows = _mute_rows(read, asked, last)
    summary = " ".join(
        filter(None, (whole.summary, audit_mutes.mutes_sentence(read.findings.counts, rows)))
    )
    facts = {**whole.facts, **({"mutes": rows} if rows else {})}
    return AuditReport(
        version=__version__,
        benchmark=benchmark.version,
        framework=asked.framework or CIS,
        versions=catalogue.versions(),
        account=read.only_account if read.accounts == 1 else "",
        accounts=read.accounts,
        partition=read.partition,
        regions=read.regions.pop() if len(read.regions) == 1 else "",
        some_regions=sorted(read.some_regions),
        home=_HOMES.get(read.partition, _HOMES["aws"]),
        collected_at=last,
        collected_from=read.first if read.accounts - read.unread > 1 else None,
        as_of=catalogue.as_of(),
        summary=summary,
        mutes=rows,
        partial=(
            *left_out(asked=len(chosen), of=len(benchmark.controls), below=asked.severity or ""),
            *([f"only the accounts of shard {many.shard}"] if many.shard else []),
        ),
        sections=sections,
        total=_total(sections) | {"score": whole.facts["score"]["overall"]},
        section_of={control.key: benchmark.section_of(control) for control in benchmark.controls},
        whys={control.key: control.why for control in benchmark.controls},
        fixes={control.key: control.fix for control in benchmark.controls},
        findings=read.findings,
        answer=replace(whole, summary=summary, facts=facts),
    )


def _mute_rows(read: _Read, asked: AuditArguments, last: datetime) -> list[dict[str, Any]]:
    if asked.mute is None:
        return []
    mutes = audit_mutes.parse_mutes(asked.mute, read.benchmark)
    # The lines hold no findings below the severity: a mute of such a control would seem to match nothing.
    keys = {control.key for control in read.shown}
    mutes = tuple(mute for mute in mutes if mute.control in keys)
    return audit_mutes.mute_rows(read.findings, mutes, last.astimezone(UTC).date())


class _AccountLine:
    """The line of an account that was read; the file may have been edited by hand."""

    def __init__(self, line: Line) -> None:
        self.account = str(line["account"])
        self.regions = str(line.get("regions", ""))
        self.some_regions: list[str] = (
            [] if line.get("all_regions") else [str(r) for r in line.get("regions_read", ())]
        )
        self._line = line
        try:
            self.collected_at = datetime.fromisoformat(line["collected_at"])
            self.partition = str(line["caller"]).split(":")[1]
        except (KeyError, TypeError, ValueError, IndexError):
            raise results_file.broken_line(line, "who read it, and when") from None

    def findings(self) -> tuple[Finding, ...]:
        """The findings of the account."""
        return results_file.findings_of(self._line)


def _unread(line: Line, controls: Iterable[Control]) -> Iterator[Finding]:
    """Every control of an account that could not be read, as unknown: none may vanish."""
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


def _with_frameworks(finding: Finding, benchmark: Benchmark) -> Finding:
    """The finding with its ids, which the lines leave out."""
    number = (finding.controls or {}).get(benchmark.version)
    return replace(finding, frameworks=with_cis(finding.code, number))


def _row(row: Mapping[str, Any], unread: int) -> dict[str, Any]:
    """The section's counts, including the controls of accounts that could not be read."""
    counted = {**row, "unknown": row["unknown"] + unread}
    not_evaluated = sum(count for name, count in counted.items() if name in _NOT_EVALUATED)
    return {**counted, "not_evaluated": not_evaluated}


def _total(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update({name: row[name] for name in row if name not in {"section", "score"}})
    return {"section": "all", **total}
