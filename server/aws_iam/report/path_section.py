"""The paths to administrator access as a section of the audit's HTML page; `audit access` writes a page of their own.

The markup is in `assets/report/paths.html.j2`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.report.access_page import path_parts

if TYPE_CHECKING:
    from aws_iam.report.access_report import AccessReport

MOST_PATHS = 25
"""Paths that the section lists; the shortest come first, and the others are counted."""


def path_section(report: AccessReport) -> dict[str, Any]:
    """What the section prints."""
    return {
        "summary": report.summary,
        "not_considered": report.not_considered,
        **path_parts(report, MOST_PATHS),
    }
