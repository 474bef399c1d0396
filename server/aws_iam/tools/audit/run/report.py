"""`audit report`: what `run` finds, as a file for people and for other tools."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from aws_iam.answer import Answer, Artifact, Finding, Severity, Status, Where, counts, to_json
from aws_iam.report.audited import Audited, identity, left_out, parts_of
from aws_iam.report.clean import clean
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.run import run as audit_run
from aws_iam.tools.kit.account_source import command
from aws_iam.tools.kit.unread_facts import missing_permissions
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.tools.audit.run.run import Judged

Format = Literal["markdown", "html", "json", "csv", "sarif", "ocsf", "asff", "junit"]

_PAGE = "references/compliance-checklist.md"
_NAME = "aws-iam-audit"
_MOST_PATH = 400
"""Characters of a resource as a path; GitHub shows it as the name of a file."""


def answer(run: Judged, format_: Format) -> Answer:
    """The file, and of the findings only the counts: they stand in it."""
    told = written(audited(run), audit_run.answer(run), format_)
    return replace(told, next=(command(run.source, "run"),))


def written(told: Audited, whole: Answer, format_: Format) -> Answer:
    """The answer of a run with the file in the place of its findings."""
    content = _json(whole) if format_ == "json" else _WRITERS[format_](told)
    ending, language = _FILES[format_]
    return replace(
        whole,
        findings=(),
        counts=counts(told.findings),
        artifacts=(Artifact(name=f"{_NAME}{ending}", language=language, content=content),),
        sources=(f"{_PAGE}#reports",),
    )


def audited(run: Judged) -> Audited:
    """The run as the formats take it."""
    account, benchmark = run.account, run.benchmark
    to_add = missing_permissions(account, run.findings)
    read = account.regions.read
    return Audited(
        version=__version__,
        benchmark=benchmark.version,
        versions=catalogue.versions(),
        account=account.id,
        alias=account.alias or "",
        partition=account.partition,
        regions=str(account.regions),
        home="us-east-1" if "us-east-1" in read else read[0],
        collected_at=account.collected_at,
        as_of=catalogue.as_of(),
        summary=audit_run.summary(run),
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
        findings=run.shown,
    )


def _markdown(told: Audited) -> str:
    from aws_iam.report.audit_markdown import audit_markdown

    return audit_markdown(told)


def _html(told: Audited) -> str:
    from aws_iam.report.html_page import html_page

    return html_page(told)


def _json(whole: Answer) -> str:
    """What `audit run --json --detail full` prints."""
    told = replace(whole, tool="audit", action="run", counts=counts(whole.findings))
    return json.dumps(to_json(clean(told)), indent=1) + "\n"


def _csv(told: Audited) -> str:
    from aws_iam.report.csv_table import csv_table

    return csv_table(told)


def _ocsf(told: Audited) -> str:
    from aws_iam.report.ocsf import ocsf

    return ocsf(told)


def _asff(told: Audited) -> str:
    from aws_iam.report.asff import asff

    return asff(told)


def _sarif(told: Audited) -> str:
    from aws_iam.report.sarif import Run, sarif

    # GitHub takes an upload of the same category for the next state of the same alerts.
    subject = told.account or "accounts"
    described = Run(
        version=__version__,
        category=f"audit/{subject}/{told.benchmark}",
        whys=told.whys,
        notes=[f"not the whole audit: {each}" for each in told.partial],
        alerts=frozenset({Status.FAIL}),
        identify=identity,
    )
    return sarif([_placed(finding) for finding in told.findings], described)


def _placed(finding: Finding) -> Finding:
    """An account has no files: the resource stands as a path, so that alerts are known again by it."""
    service, kind, name = parts_of(finding.resource or "") or ("", "", finding.resource or "")
    steps = (finding.account, finding.region or "global", service, kind, name)
    path = "/".join(step for each in steps if each for step in each.split("/") if step.strip("."))
    if len(path) > _MOST_PATH:
        # Two long names may begin alike.
        path = f"{path[:_MOST_PATH]}-{identity(finding)}"
    return replace(finding, where=Where(file=f"aws/{path}", line=1))


def _junit(told: Audited) -> str:
    from aws_iam.report.junit import Case, junit

    grouped: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in told.findings:
        grouped[finding.account or "" if told.several else "", finding.code].append(finding)
    cases = [
        Case(
            name=_named(found[0], told),
            suite=f"{account} {told.section_of.get(code, '')}".strip(),
            findings=tuple(found),
        )
        for (account, code), found in grouped.items()
    ]
    return junit(cases, f"{_NAME} {told.subject} CIS {told.benchmark}", Severity.INFO)


def _named(finding: Finding, told: Audited) -> str:
    number = told.number(finding)
    return f"{finding.code} [{number}]" if number else finding.code


_WRITERS: dict[Format, Callable[[Audited], str]] = {
    "markdown": _markdown,
    "html": _html,
    "csv": _csv,
    "sarif": _sarif,
    "ocsf": _ocsf,
    "asff": _asff,
    "junit": _junit,
}
_FILES: dict[Format, tuple[str, str]] = {
    "markdown": (".md", "markdown"),
    "html": (".html", "html"),
    "json": (".json", "json"),
    "csv": (".csv", "csv"),
    "sarif": (".sarif", "json"),
    "ocsf": (".ocsf.json", "json"),
    "asff": (".asff.json", "json"),
    "junit": ("-junit.xml", "xml"),
}
