"""What a report of policy tests is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.answer import Finding


@slotted
class ReportedCase:
    """A case, the file that has it, its first request or the one that fails, and what it is decided by."""

    name: str
    file: str
    request: str
    expected: str
    decided: str
    by: str
    findings: tuple[Finding, ...] = ()


@slotted
class CasesReport:
    """The cases of one call to `policy test`, in their order."""

    summary: str
    cases: tuple[ReportedCase, ...]
