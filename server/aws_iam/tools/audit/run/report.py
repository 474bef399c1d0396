"""`audit report`: what `run` finds, as a file for people and for other tools."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Answer
from aws_iam.report.audit_report import AuditReport, left_out
from aws_iam.tools.audit.access.access_file import access_report
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.paths.found_paths import facts_of_identities
from aws_iam.tools.audit.paths.to_answer import paths_answer
from aws_iam.tools.audit.run import run as audit_run
from aws_iam.tools.audit.run.file_of_parts import in_memory
from aws_iam.tools.kit.account_source import audit_call
from aws_iam.tools.kit.unread_facts import missing_permissions
from aws_iam.version import __version__

if TYPE_CHECKING:
    from aws_iam.report.catalogue import ReportFormat
    from aws_iam.tools.audit.run.arguments import AuditArguments
    from aws_iam.tools.audit.run.file_of_parts import FileOfParts
    from aws_iam.tools.audit.run.run import AuditRun
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

REPORTS = "references/compliance-checklist.md#reports"
"""Where the formats are explained."""
_SAME = ("controls", "benchmark", "framework", "severity", "mute")


def answer(
    source: Source, asked: AuditArguments, progress: Progress, chosen: ReportFormat
) -> Answer:
    """The file; of the findings the answer holds only the counts, since the file lists them."""
    # Whoever asks for some controls asks for nothing else.
    tells_paths = chosen.tells_paths and not asked.controls
    also = facts_of_identities() if tells_paths else ()
    run = audit_run.audit_account(source, asked, progress, also)
    access = access_report(paths_answer((run.account,))) if tells_paths else None
    return replace(
        written(replace(audit_report(run), access=access), chosen),
        next=(audit_call("run", "the findings as an answer", _SAME),),
    )


def written(report: AuditReport, chosen: ReportFormat, as_file: FileOfParts = in_memory) -> Answer:
    """The answer of the run with the file in place of its findings."""
    if chosen.audit is None:
        message = f"the format {chosen.name} holds no audit"
        raise ValueError(message)
    file = as_file(f"aws-iam-audit{chosen.ending}", chosen.language, chosen.audit(report))
    return replace(
        report.answer,
        findings=(),
        counts=report.counts,
        artifacts=(file,),
        sources=(REPORTS,),
    )


def audit_report(run: AuditRun) -> AuditReport:
    """The run as the formats take it."""
    account, benchmark = run.account, run.benchmark
    to_add = missing_permissions(account, run.findings)
    read = account.regions.read
    return AuditReport(
        version=__version__,
        benchmark=benchmark.version,
        framework=run.framework.name,
        versions=catalogue.versions(),
        account=account.id,
        alias=account.alias or "",
        partition=account.partition,
        regions=str(account.regions),
        some_regions=() if account.regions.complete else read,
        home="us-east-1" if "us-east-1" in read else read[0],
        collected_at=account.collected_at,
        as_of=catalogue.as_of(),
        summary=audit_run.run_summary(run),
        sections=[tally.row() for tally in run.score.sections],
        total=run.score.total.row(),
        changes=run.facts.get("changes", {}),
        partial=left_out(
            asked=len({finding.code for finding in run.findings}),
            of=len(benchmark.controls),
            below=run.severity.value if run.severity else "",
            count=len(run.findings) - len(run.shown),
        ),
        mutes=run.facts.get("mutes", ()),
        to_add=to_add[0].content if to_add else "",
        section_of={control.key: benchmark.section_of(control) for control in benchmark.controls},
        whys={control.key: control.why for control in benchmark.controls},
        fixes={control.key: control.fix for control in benchmark.controls},
        findings=run.shown,
        answer=audit_run.run_answer(run),
    )
