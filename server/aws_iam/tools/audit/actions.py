"""The tool `audit`: an account against the CIS AWS Foundations Benchmark, read-only."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from aws_iam.answer import Answer
from aws_iam.report.catalogue import access_formats, audit_formats, by_line, report_formats
from aws_iam.tools.audit.run.arguments import AuditArguments, FleetArguments, ManyAccounts
from aws_iam.tools.kit.parameters import BENCHMARK, Benchmark, Framework, Source
from aws_iam.tools.kit.synonyms import FORMATS, REPORT_FORMATS, TEXT
from aws_iam.tools.kit.tool import Json, Parameter, Progress, Tool

# The checks and the facts they need are imported inside the actions: a server that only lists its tools starts
# without them.

tool = Tool(
    "audit",
    title="CIS audit",
    subject="Is my AWS account secure? CIS benchmark 1.2 to 7.0, read-only; `demo`: true needs no credentials",
    asked={
        "run": "audit, scan",
        "report": "report file",
        "control": "one control",
        "checklist": "all controls",
        "cloudtrail": "are trails right",
        "access_analyzer": "analyzers",
        "principals": "administrators, unused keys",
        "access": "who can, attack paths",
        "rightsize": "unused access",
    },
    default="run",
    also={
        "scan": "run",
        "check": "run",
        "audit": "run",
        "explain": "control",
        "describe": "control",
        "controls": "checklist",
        "list": "checklist",
        "export": "report",
        "trails": "cloudtrail",
        "analyzers": "access_analyzer",
        "who_can": "access",
        "paths": "access",
        "attack_paths": "access",
        "privilege_escalation": "principals",
        "escalation": "principals",
        "administrators": "principals",
        "admins": "principals",
        "least_privilege": "rightsize",
        "unused_permissions": "rightsize",
        "unused": "rightsize",
    },
)


_PAGES = {**REPORT_FORMATS, "web page": "html"}
_TABLES = {"excel": "csv", "spreadsheet": "csv", "xlsx": "csv", "security hub": "asff"}
_CHANGES = ("json", "cli", "cloudformation", "terraform")


@tool.action
def run(source: Source, progress: Progress, asked: AuditArguments, many: FleetArguments) -> Answer:
    """Judge every control of a CIS version on the account: score, what to fix first, evidence."""
    if many != FleetArguments():
        from aws_iam.tools.audit.fleet import run as fleet_run

        return fleet_run.accounts_answer(source, asked, many, progress)
    from aws_iam.tools.audit.run import run as audit_run

    return audit_run.run_answer(audit_run.audit_account(source, asked, progress))


@tool.artifact_action
def report(
    source: Source,
    progress: Progress,
    asked: AuditArguments,
    many: FleetArguments,
    format_: Annotated[
        str,
        Parameter(
            "report file",
            brief="",
            choices=audit_formats,
            synonyms={**_PAGES, **_TABLES, TEXT: "markdown"},
            also=("output", "type", "report_format", "output_format"),
            by_position=True,
        ),
    ] = "markdown",
    *,
    ndjson: Annotated[
        bool,
        Parameter("ocsf and asff by line, written account by account", cli_only=True),
    ] = False,
) -> Answer:
    """Write what `run` finds as a file: a page, a table, or a format that other tools read."""
    chosen = by_line(format_) if ndjson else report_formats()[format_]
    if many != FleetArguments():
        from aws_iam.tools.audit.fleet import report as fleet_report

        return fleet_report.answer(source, asked, many, progress, chosen)
    from aws_iam.tools.audit.run import report as audit_report

    return audit_report.answer(source, asked, progress, chosen)


@tool.action
def control(
    id_: Annotated[
        str,
        Parameter(
            "control key, CIS number, Security Hub id, or words",
            also=(
                "control",
                "control_id",
                "key",
                "name",
                "control_key",
                "check",
            ),
            brief="CIS or Security Hub id, words",
            by_position=True,
        ),
    ],
    benchmark: Benchmark = None,
) -> Answer:
    """What a control checks, why, how, its remediation and its ids in all versions."""
    from aws_iam.tools.audit.run import catalogue

    return catalogue.control_answer(id_, benchmark)


@tool.action
def checklist(
    benchmark: Annotated[str | None, replace(BENCHMARK, by_position=True)] = None,
    section: Annotated[
        str | None,
        Parameter(
            "section number or name",
            also=(
                "topic",
                "section_name",
                "category",
            ),
            brief="number or name",
        ),
    ] = None,
    framework: Framework = None,
) -> Answer:
    """All controls of a CIS version, including those that need manual review; offline."""
    from aws_iam.tools.audit.run import catalogue

    return catalogue.checklist_answer(benchmark, section, framework)


@tool.action
def cloudtrail(source: Source, progress: Progress, benchmark: Benchmark = None) -> Answer:
    """Verify every trail and give the commands that fix it."""
    from aws_iam.tools.audit.controls import benchmark as catalogue
    from aws_iam.tools.audit.trails.trails import needed_facts, trails_answer
    from aws_iam.tools.kit import account_source

    version = catalogue.benchmark(benchmark)
    account = account_source.read_account(source, needed_facts(), progress)
    return account_source.dated(trails_answer(account, version), account, source)


@tool.action
def access_analyzer(source: Source, progress: Progress) -> Answer:
    """Show the analyzers of each Region and their active findings."""
    from aws_iam.tools.audit.access_analyzer import analyzers_answer, needed_facts
    from aws_iam.tools.kit import account_source

    account = account_source.read_account(source, needed_facts(), progress)
    return account_source.dated(analyzers_answer(account), account, source)


@tool.action
def principals(source: Source, progress: Progress) -> Answer:
    """Show who is or can become an administrator, roles open to outsiders, and unused access."""
    from aws_iam.tools.audit.principals.principals import needed_facts, principals_answer
    from aws_iam.tools.kit import account_source

    account = account_source.read_account(source, needed_facts(), progress)
    return account_source.dated(principals_answer(account), account, source)


@tool.artifact_action
def access(
    source: Source,
    progress: Progress,
    many: ManyAccounts,
    who_can: Annotated[
        list[str] | None,
        Parameter(
            "actions, such as s3:GetObject",
            brief="actions",
            also=("actions", "who_can_do", "permission", "permissions"),
            by_position=True,
        ),
    ] = None,
    on: Annotated[
        str | None,
        Parameter(
            "ARN, pattern, or kind such as s3:bucket",
            brief="ARN or kind",
            also=("resource", "resource_arn", "arn", "target"),
        ),
    ] = None,
    principal: Annotated[
        str | None,
        Parameter(
            "user or role: ARN or name",
            brief="user or role",
            also=("user", "role", "identity", "principal_arn", "who"),
        ),
    ] = None,
    to: Annotated[
        str | None,
        Parameter(
            "`admin`, or an ARN to reach",
            brief="admin, …",
            also=("reach", "become", "goal", "paths_to"),
        ),
    ] = None,
    format_: Annotated[
        str | None,
        Parameter(
            "a file: page, Markdown, JSON, or the paths for Mermaid and graph tools",
            brief="",
            choices=access_formats,
            synonyms=_PAGES,
            left_out=TEXT,
            also=("output", "type", "output_format"),
        ),
    ] = None,
) -> Answer:
    """Show who can perform an action on a resource, what a principal can do and become, or the attack paths to something."""
    from aws_iam.tools.audit.access.estate_accounts import AskedAccounts
    from aws_iam.tools.audit.access_questions import answer_of

    asked = AskedAccounts(source=source, many=many, progress=progress)
    answer = answer_of(asked, who_can, on, principal=principal, to=to)
    if format_ is None:
        return answer
    from aws_iam.tools.audit.access.access_file import as_file

    return as_file(answer, format_)


@tool.artifact_action
def rightsize(
    source: Source,
    progress: Progress,
    principal: Annotated[
        str | None,
        Parameter(
            "role or user: ARN or name; absent: all",
            brief="",
            also=("role", "user", "role_name", "user_name"),
            by_position=True,
        ),
    ] = None,
    events: Annotated[
        Json,
        Parameter(
            "CloudTrail records, which show what else was used",
            brief="",
            document=True,
            records=True,
            also=("records", "event", "logs", "cloudtrail_events"),
        ),
    ] = None,
    days: Annotated[
        str | None,
        Parameter(
            "older uses do not count, and younger principals are not judged; absent: all uses that AWS has, and 90 days",
            brief="",
            also=("window", "period", "unused_days"),
        ),
    ] = None,
    format_: Annotated[
        str,
        Parameter(
            "json, or the changes for cli, cloudformation or terraform",
            brief="",
            choices=_CHANGES,
            synonyms={**FORMATS, "commands": "cli"},
            left_out=TEXT,
            also=("output", "type", "output_format"),
        ),
    ] = "json",
) -> Answer:
    """Show what each role and user did not use, and a smaller policy that keeps what it did."""
    from aws_iam.tools.audit.rightsize.answer import rightsize_answer

    return rightsize_answer(source, progress, principal, events, days, format_)
