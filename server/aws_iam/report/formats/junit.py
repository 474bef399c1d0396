"""Findings as a JUnit report: one test for each policy, control or case, those without findings too.

A test fails when one of its findings fails at or above a severity; findings below it are listed in the test's output.
Consumers read only the first `failure` of a test, so there is one, which lists all findings.
"""

from __future__ import annotations

import html
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from aws_iam.answer import Severity, Status
from aws_iam.frozen import slotted
from aws_iam.report.answer_text import place_of
from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.clean import FIX_LIMIT
from aws_iam.report.policy_report import NO_FILE
from aws_iam.report.xml_text import xml_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aws_iam.answer import Finding
    from aws_iam.report.audit_report import AuditReport
    from aws_iam.report.cases_report import CasesReport
    from aws_iam.report.policy_report import PolicyReport

MOST_TEXT = 1_000
# No severity is as bad.
_NO_RANK = -1
_UNDECIDED = frozenset({Status.UNKNOWN, Status.MANUAL})


@slotted
class Case:
    """A policy or a control: its name, the suite (a file, a section) it belongs to, and its findings."""

    name: str
    suite: str
    findings: tuple[Finding, ...] = ()


@slotted
class _Test:
    """A case whose findings are sorted by what they mean for the test."""

    case: Case
    failing: tuple[Finding, ...]
    erring: tuple[Finding, ...]
    """What could not be judged, where that is an error and nothing fails."""
    undecided: tuple[Finding, ...]
    others: tuple[Finding, ...]

    @property
    def skipped(self) -> bool:
        """Whether nothing fails but something is undecided or muted: the test must not pass."""
        return bool(self.unsettled) and not self.failing and not self.erring

    @property
    def unsettled(self) -> tuple[Finding, ...]:
        """The findings that are undecided or muted."""
        return self.undecided + tuple(finding for finding in self.others if finding.muted)


def junit(
    cases: Callable[[], Iterable[Case]],
    name: str,
    fail_on: Severity | None = Severity.HIGH,
    errors: frozenset[Status] = frozenset(),
) -> Iterator[str]:
    """The report as XML, a line each; findings with a status of `errors` are errors of their test.

    The cases of a suite come together. They are gone over twice, because a suite's counts stand before its tests.
    """
    limit = _NO_RANK if fail_on is None else fail_on.rank
    total = _Counts()
    for case in cases():
        total.add(_test(case, limit, errors))
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites name={_attribute(name)} {total}>\n"
    for suite, group in groupby(cases(), key=lambda case: case.suite):
        for line in _suite(suite, [_test(case, limit, errors) for case in group]):
            yield f"{line}\n"
    yield "</testsuites>\n"


def _test(case: Case, limit: int, errors: frozenset[Status]) -> _Test:
    failed = [finding for finding in case.findings if finding.status is Status.FAIL]
    failing = [f for f in failed if not f.muted and f.severity.rank <= limit]
    undecided = [finding for finding in case.findings if finding.status in _UNDECIDED]
    erring = [f for f in undecided if f.status in errors and not f.muted and not failing]
    placed = {id(finding) for finding in (*failing, *undecided)}
    return _Test(
        case=case,
        failing=tuple(sorted(failing, key=lambda finding: finding.severity.rank)),
        erring=tuple(erring),
        undecided=tuple(undecided),
        others=tuple(finding for finding in case.findings if id(finding) not in placed),
    )


@dataclass(slots=True)
class _Counts:
    """How many tests there are, and how they end, as attributes."""

    tests: int = 0
    failures: int = 0
    errors: int = 0
    skipped: int = 0

    def add(self, test: _Test) -> None:
        """Count a test."""
        self.tests += 1
        self.failures += bool(test.failing)
        self.errors += bool(test.erring)
        self.skipped += test.skipped

    def __str__(self) -> str:
        return f'tests="{self.tests}" failures="{self.failures}" errors="{self.errors}"'


def _suite(name: str, tests: Sequence[_Test]) -> Iterator[str]:
    total = _Counts()
    for test in tests:
        total.add(test)
    yield f' <testsuite name={_attribute(name)} {total} skipped="{total.skipped}">'
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
        yield from _element("failure", test.failing)
    elif test.erring:
        yield from _element("error", test.erring)
    elif test.skipped:
        yield f"   <skipped message={_attribute(_reason(test.unsettled))}/>"
    told = {id(finding) for finding in test.erring}
    open_ = [f for f in test.undecided if id(f) not in told] if test.failing or told else []
    rest = (*test.others, *open_)
    if rest:
        yield f"   <system-out>{_listed(rest)}</system-out>"
    yield "  </testcase>"


def _element(name: str, findings: Sequence[Finding]) -> Iterator[str]:
    worst = findings[0]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    text = worst.reason if name == "error" else worst.message
    message = _attribute(f"{worst.code}: {text or worst.message or worst.title}{more}")
    kind = _attribute(worst.severity.value)
    yield f"   <{name} type={kind} message={message}>{_listed(findings)}</{name}>"


def _reason(unsettled: Sequence[Finding]) -> str:
    first = unsettled[0]
    muted = f"muted: {first.muted}" if first.muted else ""
    return f"{first.code}: {muted or first.reason or first.message or first.title}"


def _listed(findings: Iterable[Finding]) -> str:
    return "\n" + "\n".join(html.escape(line) for line in map(_line, findings)) + "\n"


def _line(finding: Finding) -> str:
    place = ", ".join(place_of(finding))
    parts = [
        f"[{finding.severity.value}] {finding.status.value} {finding.code}",
        finding.message or finding.title,
        *([f"at {place}"] if place else []),
        *([f"reason: {finding.reason}"] if finding.reason else []),
        *([f"muted: {finding.muted}"] if finding.muted else []),
    ]
    fix = finding.fix if finding.status is Status.FAIL else None
    texts = [*map(_text, parts), *([_text(f"fix: {fix}", FIX_LIMIT)] if fix else [])]
    return "; ".join(texts)


def _attribute(text: str) -> str:
    return f'"{html.escape(_text(text))}"'


def _text(text: str, limit: int = MOST_TEXT) -> str:
    return xml_text(text, limit)


def audit_junit(report: AuditReport) -> Iterator[str]:
    """One test for each control; of several accounts, for each control in each account."""

    def cases() -> Iterator[Case]:
        for findings in report.by_account():
            yield from _by_suite(_cases(findings, report))

    name = f"aws-iam-audit {report.subject} CIS {report.benchmark}"
    # A control that could not be judged must not look as if it had been left out on purpose.
    return junit(cases, name, Severity.INFO, frozenset({Status.UNKNOWN}))


def _cases(findings: Iterable[Finding], report: AuditReport) -> Iterator[Case]:
    """A case for each control of an account."""
    by_control: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_control[finding.code].append(finding)
    for control, found in by_control.items():
        account = found[0].account or "" if report.several else ""
        section = report.section_of.get(control, "")
        suite = f"{account} {section}".strip()
        yield Case(name=_numbered(found[0], report), suite=suite, findings=tuple(found))


def _by_suite(cases: Iterable[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: case.suite)


def _numbered(finding: Finding, report: AuditReport) -> str:
    number = report.number(finding)
    return f"{finding.code} [{number}]" if number else finding.code


def _file(finding: Finding) -> str:
    return (finding.where.file if finding.where else None) or NO_FILE


def policies_junit(report: PolicyReport) -> str:
    """One test for each policy, for each finding that is about no single policy, and for each place not judged."""
    cases = [
        *(
            Case(
                name=policy.name or "policy",
                suite=policy.file or NO_FILE,
                findings=policy.findings,
            )
            for policy in report.policies
        ),
        *(
            Case(
                name=finding.code,
                suite="online" if report.action == "validate" else _file(finding),
                findings=(finding,),
            )
            for finding in report.online
        ),
        *(
            Case(name=place.place, suite=place.file or NO_FILE, findings=(place.finding,))
            for place in report.skipped
        ),
    ]
    ordered = _by_suite(cases)
    return "".join(junit(lambda: ordered, f"aws-iam policy {report.action}", report.fail_on))


def cases_junit(report: CasesReport) -> str:
    """One test for each case of a policy test, in the suite of its file."""
    cases = [
        Case(name=own.name, suite=own.file or NO_FILE, findings=own.findings)
        for own in report.cases
    ]
    ordered = _by_suite(cases)
    return "".join(junit(lambda: ordered, "aws-iam policy test", Severity.HIGH))


FORMAT = ReportFormat(
    name="junit",
    ending="-junit.xml",
    language="xml",
    used_for="CI",
    notes="a test for each control; one that could not be judged is an error, what needs review or is muted is "
    "skipped, with its reason",
    audit=audit_junit,
    policies=policies_junit,
    cases=cases_junit,
)
