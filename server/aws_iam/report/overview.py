"""What a page says of its findings as a whole, gathered in one pass: counts, the controls that fail, and the findings to list."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_QUIET = frozenset({Status.PASS, Status.NOT_APPLICABLE})
Placed = tuple[int, Finding]
"""A finding and its position among all."""


@dataclass(slots=True)
class Failing:
    """A control that fails: its first finding, which is the worst, how many there are, and where."""

    worst: Finding
    count: int = 0
    accounts: set[str] = field(default_factory=set)


class Overview:
    """The findings, which come worst first, as far as a page tells them; `most` are listed."""

    def __init__(self, findings: Iterable[Finding], most: int) -> None:
        self.count = 0
        self.status: Counter[Status] = Counter()
        self.unmuted: set[Status] = set()
        """The statuses of findings that are not muted."""
        self.muted = 0
        self.severities: set[Severity] = set()
        self.failing: dict[str, Failing] = {}
        self.failed: Counter[Severity] = Counter()
        """The failed findings that are not muted."""
        self.changes: Counter[str] = Counter()
        """The values of the filter `change`; `still_open` is what fails as before."""
        self.unknown: set[str] = set()
        """The controls that are unknown somewhere."""
        self.reasons: Counter[str] = Counter()
        self.accounts: set[str] = set()
        self.regions: set[str] = set()
        self._listing = _Listing(most)
        for finding in findings:
            self._add(finding)

    def listed(self) -> tuple[tuple[Placed, ...], frozenset[int]]:
        """The findings to list, and the positions of those that come first of their control."""
        return self._listing.chosen()

    def _add(self, finding: Finding) -> None:
        self._listing.add(self.count, finding)
        self.count += 1
        self.status[finding.status] += 1
        self.severities.add(finding.severity)
        self.accounts.add(finding.account or "")
        if finding.region:
            self.regions.add(finding.region)
        if finding.muted is not None:
            self.muted += 1
        else:
            self.unmuted.add(finding.status)
            if finding.status is Status.FAIL:
                self._add_failed(finding)
        if finding.status is Status.UNKNOWN:
            self.unknown.add(finding.code)
            self.reasons[finding.reason or finding.message] += 1
        self.changes.update(_changes_of(finding))

    def _add_failed(self, finding: Finding) -> None:
        self.failed[finding.severity] += 1
        control = self.failing.setdefault(finding.code, Failing(finding))
        control.count += 1
        control.accounts.add(finding.account or "")


class _Listing:
    """Which findings have room: the first of each control, then the others; what passes comes last in both."""

    def __init__(self, most: int) -> None:
        self._most = most
        # What is quiet fills what the others leave, so that as many of each are kept.
        self._firsts: tuple[dict[str, Placed], ...] = ({}, {})
        self._others: tuple[list[Placed], ...] = ([], [])

    def add(self, at: int, finding: Finding) -> None:
        """Keep the finding if it may be listed."""
        quiet = finding.status in _QUIET
        firsts, others = self._firsts[quiet], self._others[quiet]
        if finding.code not in firsts:
            firsts[finding.code] = at, finding
        elif len(others) < self._most:
            others.append((at, finding))

    def chosen(self) -> tuple[tuple[Placed, ...], frozenset[int]]:
        """The findings in the order in which they get room, and the positions of the first of each control."""
        loud, quiet = self._firsts
        firsts = {**quiet, **loud}
        order = sorted(firsts, key=lambda code: (code not in loud, firsts[code][0]))
        # A control that also passes somewhere is listed there like any other finding.
        beside = [quiet[code] for code in quiet if code in loud]
        others = (*self._others[0], *sorted((*self._others[1], *beside), key=_position))
        every = (*(firsts[code] for code in order), *others)
        return every[: self._most], frozenset(at for at, _ in firsts.values())


def _position(placed: Placed) -> int:
    return placed[0]


def _changes_of(finding: Finding) -> Iterator[str]:
    """The values of the filter `change` that the finding fits."""
    if finding.change:
        yield finding.change
    if finding.change == "same" and finding.status is Status.FAIL:
        yield "still_open"
