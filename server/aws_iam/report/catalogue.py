"""What a report format declares, and the formats that `report/formats/` holds."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.report import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_iam.report.access_report import AccessReport
    from aws_iam.report.audit_report import AuditReport
    from aws_iam.report.cases_report import CasesReport
    from aws_iam.report.policy_report import PolicyReport


@slotted
class ReportFormat:
    """A format, the file it makes, and a writer for each kind of report it can hold."""

    name: str
    ending: str
    """Of the file's name: `.md`, `-junit.xml`."""
    language: str
    """What the content is written in: `json`, `html`."""
    used_for: str
    notes: str
    """What a reader should know before choosing it; Markdown for the reference page."""
    audit: Callable[[AuditReport], Iterable[str]] | None = None
    """Gives the file in parts: that of very many accounts is never in memory as a whole."""
    policies: Callable[[PolicyReport], str] | None = None
    access: Callable[[AccessReport], str] | None = None
    cases: Callable[[CasesReport], str] | None = None
    tells_paths: bool = False
    """Whether the file of an audit tells the paths to administrator access too."""
    audit_lines: Callable[[AuditReport], Iterable[str]] | None = None
    """A writer of lines of JSON: those of several accounts behind each other are the file of all of them."""


def report_formats() -> dict[str, ReportFormat]:
    """Every format by its name, in the order of the names."""
    modules = sorted(module.name for module in iter_modules(formats.__path__))
    declared = (import_module(f"{formats.__name__}.{module}").FORMAT for module in modules)
    return {declaration.name: declaration for declaration in declared}


def audit_formats() -> tuple[str, ...]:
    """The names of the formats that hold an audit."""
    return tuple(name for name, declared in report_formats().items() if declared.audit)


def by_line(name: str) -> ReportFormat:
    """The format with its lines as the file; InputError for one that has none."""
    declared = report_formats()[name]
    if declared.audit_lines is None:
        able = [other.name for other in report_formats().values() if other.audit_lines]
        raise InputError(
            f"`ndjson` does not go with the format {name}",
            hint=f"it goes with {' and '.join(able)}",
        )
    ending = f"{declared.ending.removesuffix('.json')}.ndjson"
    return replace(declared, ending=ending, language="ndjson", audit=declared.audit_lines)


def policy_formats() -> tuple[str, ...]:
    """The names of the formats that hold the problems of policies."""
    return tuple(name for name, declared in report_formats().items() if declared.policies)


def access_formats() -> tuple[str, ...]:
    """The names of the formats that hold who reaches what."""
    return tuple(name for name, declared in report_formats().items() if declared.access)


def case_formats() -> tuple[str, ...]:
    """The names of the formats that hold the cases of policy tests."""
    return tuple(name for name, declared in report_formats().items() if declared.cases)
