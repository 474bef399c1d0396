"""The tool `audit`: an account against the CIS AWS Foundations Benchmark, read-only."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from aws_iam.answer import Answer
from aws_iam.errors import InputError
from aws_iam.report.catalogue import access_formats, audit_formats, by_line, report_formats
from aws_iam.tools.audit.run.arguments import AuditArguments, FleetArguments, ManyAccounts
from aws_iam.tools.kit.argument_values import code_list
from aws_iam.tools.kit.parameters import BENCHMARK, Benchmark, Framework, Source
from aws_iam.tools.kit.synonyms import REPORT_FORMATS
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


_FORMATS = {
    **REPORT_FORMATS,
    "web page": "html",
    "excel": "csv",
    "spreadsheet": "csv",
    "xlsx": "csv",
    "security hub": "asff",
    "commands": "cli",
    "aws cli": "cli",
    "bash": "cli",
    "hcl": "terraform",
    "cfn": "cloudformation",
}
_OF_REPORTS, _OF_CHANGES, _OF_ACCESS = "report", "rightsize", "access"
_CHANGE_FORMATS = ("cli", "cloudformation", "terraform")


def _formats() -> tuple[str, ...]:
    """The formats of all actions: an argument has the same choices in each."""
    return tuple(dict.fromkeys((*audit_formats(), *access_formats(), *_CHANGE_FORMATS)))


def _refuse_format(action: str, format_: str) -> None:
    """Refuse a format that another action has."""
    able = {
        _OF_REPORTS: audit_formats(),
        _OF_CHANGES: ("json", *_CHANGE_FORMATS),
        _OF_ACCESS: access_formats(),
    }[action]
    if format_ not in able:
        raise InputError(
            f"`audit {action}` has no format `{format_}`", hint=f"it has {code_list(able)}"
        )


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
            choices=_formats,
            synonyms=_FORMATS,
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
    _refuse_format(_OF_REPORTS, format_)
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
            choices=_formats,
            synonyms=_FORMATS,
            also=("output", "type", "output_format"),
        ),
    ] = None,
) -> Answer:
    """Show who can perform an action on a resource, what a principal can do and become, or the attack paths to something."""
    from aws_iam.tools.audit.access.estate_accounts import AskedAccounts
    from aws_iam.tools.audit.paths.questions import answer_of

    if format_ is not None:
        _refuse_format(_OF_ACCESS, format_)
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
            choices=_formats,
            synonyms=_FORMATS,
            also=("output", "type", "output_format"),
        ),
    ] = "json",
) -> Answer:
    """Show what each role and user did not use, and a smaller policy that keeps what it did."""
    _refuse_format(_OF_CHANGES, format_)
    from aws_iam.tools.audit.rightsize.answer import rightsize_answer

    return rightsize_answer(source, progress, principal, events, days, format_)
