"""The worst of very many findings, without all of them in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_iam.answer import Finding


class WorstFindings:
    """The worst findings, up to a number; those that do not fit are let go while others still come."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self._most = most
        self._kept: list[Finding] = []
        self._least: tuple[int, int] | None = None
        """The least of as many as fit: what is no worse is not kept."""

    def add(self, finding: Finding) -> None:
        """Keep the finding if it is among the worst so far."""
        self.count += 1
        if self._least is not None and _badness(finding) >= self._least:
            return
        self._kept.append(finding)
        if len(self._kept) >= (self._most if self._least is None else 2 * self._most):
            self._kept = self.sorted()
            self._least = _badness(self._kept[-1])

    def sorted(self) -> list[Finding]:
        """The worst, in their order; among equals the first that came."""
        return sorted(self._kept, key=_badness)[: self._most]


def _badness(finding: Finding) -> tuple[int, int]:
    return finding.status.rank, finding.severity.rank
