"""Findings as a JUnit report: one test for each thing that was judged, clean ones too.

A test fails when a finding of it fails at or above a severity; what is less bad stands in its output. A consumer reads
the first `failure` of a test and no other, so there is one, which lists all.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from aws_iam.answer import Severity, Status
from aws_iam.escape import escaped
from aws_iam.report.clean import FIX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.answer import Finding

MOST_TEXT = 1_000
# What XML 1.0 cannot hold in any spelling and `escaped` leaves as it is.
_NO_XML = re.compile("[\ufffe\uffff]")
_UNDECIDED = frozenset({Status.UNKNOWN, Status.MANUAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that was judged: its name, the suite (a file, a section) it belongs to, and its findings."""

    name: str
    suite: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    """A case with its findings sorted out."""

    case: Case
    failing: tuple[Finding, ...]
    undecided: tuple[Finding, ...]
    others: tuple[Finding, ...]

    @property
    def skipped(self) -> bool:
        """Whether nothing fails and something is undecided or muted: a pass would claim too much."""
        return bool(self.told) and not self.failing

    @property
    def told(self) -> tuple[Finding, ...]:
        """What is undecided or muted."""
        return self.undecided + tuple(each for each in self.others if each.muted)


def junit(cases: Sequence[Case], name: str, fail_on: Severity = Severity.HIGH) -> str:
    """The report as XML text; cases of one suite stand together."""
    ordered = sorted(cases, key=lambda case: case.suite)
    suites = [
        (suite, [_test(case, fail_on.rank) for case in group])
        for suite, group in groupby(ordered, key=lambda case: case.suite)
    ]
    every = [test for _, tests in suites for test in tests]
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites name={_attribute(name)} {_counts(every)}>",
            *(line for suite, tests in suites for line in _suite(suite, tests)),
            "</testsuites>\n",
        )
    )


def _test(case: Case, limit: int) -> _Test:
    failed = [finding for finding in case.findings if finding.status is Status.FAIL]
    failing = [each for each in failed if not each.muted and each.severity.rank <= limit]
    undecided = [finding for finding in case.findings if finding.status in _UNDECIDED]
    taken = {id(each) for each in (*failing, *undecided)}
    return _Test(
        case=case,
        failing=tuple(sorted(failing, key=lambda each: each.severity.rank)),
        undecided=tuple(undecided),
        others=tuple(finding for finding in case.findings if id(finding) not in taken),
    )


def _counts(tests: Sequence[_Test]) -> str:
    failures = sum(bool(test.failing) for test in tests)
    return f'tests="{len(tests)}" failures="{failures}" errors="0"'


def _suite(name: str, tests: Sequence[_Test]) -> Iterator[str]:
    skipped = sum(test.skipped for test in tests)
    yield f' <testsuite name={_attribute(name)} {_counts(tests)} skipped="{skipped}">'
    for test in tests:
        yield from _lines(test)
    yield " </testsuite>"


def _lines(test: _Test) -> Iterator[str]:
    names = f"classname={_attribute(test.case.suite)} name={_attribute(test.case.name)}"
    if not test.case.findings:
        yield f"  <testcase {names}/>"
        return
    yield f"  <testcase {names}>"
    if test.failing:
        yield from _failure(test.failing)
    elif test.skipped:
        yield f"   <skipped message={_attribute(_reason(test.told))}/>"
    rest = test.others + (test.undecided if test.failing else ())
    if rest:
        yield f"   <system-out>{_listed(rest)}</system-out>"
    yield "  </testcase>"


def _failure(failing: Sequence[Finding]) -> Iterator[str]:
    worst = failing[0]
    more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
    message = _attribute(f"{worst.code}: {worst.message or worst.title}{more}")
    kind = _attribute(worst.severity.value)
    yield f"   <failure type={kind} message={message}>{_listed(failing)}</failure>"


def _reason(told: Sequence[Finding]) -> str:
    first = told[0]
    muted = f"muted: {first.muted}" if first.muted else ""
    return f"{first.code}: {muted or first.reason or first.message or first.title}"


def _listed(findings: Iterable[Finding]) -> str:
    return "\n" + "\n".join(html.escape(line) for line in map(_line, findings)) + "\n"


def _line(finding: Finding) -> str:
    place = ", ".join(
        filter(None, (finding.resource, finding.region, str(finding.where or "") or None))
    )
    parts = [
        f"[{finding.severity.value}] {finding.status.value} {finding.code}",
        finding.message or finding.title,
        *([f"at {place}"] if place else []),
        *([f"reason: {finding.reason}"] if finding.reason else []),
        *([f"muted: {finding.muted}"] if finding.muted else []),
    ]
    fix = finding.fix if finding.status is Status.FAIL else None
    told = [*map(_text, parts), *([_text(f"fix: {fix}", FIX_LIMIT)] if fix else [])]
    return "; ".join(told)


def _attribute(text: str) -> str:
    return f'"{html.escape(_text(text))}"'


def _text(text: str, limit: int = MOST_TEXT) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", escaped(text, limit))
