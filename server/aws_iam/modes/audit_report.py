"""`audit report`: what `run` finds, as a file for people and for other tools."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from aws_iam import __version__
from aws_iam.answer import Answer, Artifact, Finding, Severity, Status, Where, counts, to_json
from aws_iam.modes import audit_run
from aws_iam.modes.audit_account import command
from aws_iam.modes.audit_unread import missing_permissions
from aws_iam.report.audited import Audited, identity, parts_of
from aws_iam.report.clean import clean
from aws_iam.rules import benchmark as catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.modes.audit_run import Judged

Format = Literal["markdown", "html", "json", "csv", "sarif", "ocsf", "asff", "junit"]

_PAGE = "references/compliance-checklist.md"
_NAME = "aws-iam-audit"


def answer(run: Judged, format_: Format) -> Answer:
    """The file, and of the findings only the counts: they stand in it."""
    made, name, language = _MADE[format_]
    content = made(run)
    return Answer(
        summary=audit_run.summary(run),
        counts=counts(run.shown),
        facts=audit_run.facts(run),
        artifacts=(Artifact(name=f"{_NAME}{name}", language=language, content=content),),
        sources=(f"{_PAGE}#reports",),
        next=(command(run.source, "run"),),
        as_of=catalogue.as_of(),
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
        mutes=run.facts.get("mutes", ()),
        to_add=to_add[0].content if to_add else "",
        section_of={each.key: benchmark.section_of(each) for each in benchmark.controls},
        whys={each.key: each.why for each in benchmark.controls},
        findings=run.shown,
    )


def _markdown(run: Judged) -> str:
    from aws_iam.report.audit_markdown import audit_markdown

    return audit_markdown(audited(run))


def _html(run: Judged) -> str:
    from aws_iam.report.html_page import html_page

    return html_page(audited(run))


def _json(run: Judged) -> str:
    """What `audit run --json --detail full` prints."""
    whole = audit_run.answer(run)
    told = replace(whole, tool="audit", action="run", counts=counts(whole.findings))
    return json.dumps(to_json(clean(told)), indent=1) + "\n"


def _csv(run: Judged) -> str:
    from aws_iam.report.csv_table import csv_table

    return csv_table(audited(run))


def _ocsf(run: Judged) -> str:
    from aws_iam.report.ocsf import ocsf

    return ocsf(audited(run))


def _asff(run: Judged) -> str:
    from aws_iam.report.asff import asff

    return asff(audited(run))


def _sarif(run: Judged) -> str:
    from aws_iam.report.sarif import Run, sarif

    told = audited(run)
    unread = [each for each in told.findings if each.status is Status.UNKNOWN]
    described = Run(
        version=__version__,
        category="audit",
        whys=told.whys,
        notes=[
            f"{each.code} could not be judged: {each.reason or each.message}" for each in unread
        ],
        identify=identity,
    )
    return sarif([_placed(each) for each in told.findings], described)


def _placed(finding: Finding) -> Finding:
    """An account has no files: the resource stands as a path, so that alerts are known again by it."""
    service, kind, name = parts_of(finding.resource or "") or ("", "", finding.resource or "")
    steps = (finding.account, finding.region or "global", service, kind, name)
    path = "/".join(step for each in steps if each for step in each.split("/") if step.strip("."))
    return replace(finding, where=Where(file=f"aws/{path}", line=1))


def _junit(run: Judged) -> str:
    from aws_iam.report.junit import Case, junit

    told = audited(run)
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for each in told.findings:
        grouped[each.code].append(each)
    cases = [
        Case(
            name=_named(found[0], told), suite=told.section_of.get(code, ""), findings=tuple(found)
        )
        for code, found in grouped.items()
    ]
    return junit(cases, f"{_NAME} {told.account} CIS {told.benchmark}", Severity.INFO)


def _named(finding: Finding, told: Audited) -> str:
    number = told.number(finding)
    return f"{finding.code} [{number}]" if number else finding.code


_MADE: dict[Format, tuple[Callable[[Judged], str], str, str]] = {
    "markdown": (_markdown, ".md", "markdown"),
    "html": (_html, ".html", "html"),
    "json": (_json, ".json", "json"),
    "csv": (_csv, ".csv", "csv"),
    "sarif": (_sarif, ".sarif", "json"),
    "ocsf": (_ocsf, ".ocsf.json", "json"),
    "asff": (_asff, ".asff.json", "json"),
    "junit": (_junit, "-junit.xml", "xml"),
}
