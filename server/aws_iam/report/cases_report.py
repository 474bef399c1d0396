"""What a report of policy tests is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_iam.answer import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCase:
    """A case, the file that has it, its first request or the one that fails, and what it is decided by."""

    name: str
    file: str
    request: str
    expected: str
    decided: str
    by: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesReport:
    """The cases of one call to `policy test`, in their order."""

    summary: str
    cases: tuple[ReportedCase, ...]
