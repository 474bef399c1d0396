"""The audit of one account: every control of a benchmark version, the facts that this needs, and the score."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Severity, Status
from aws_iam.frozen import slotted
from aws_iam.report import audit_report
from aws_iam.rules.check import Check, checks_in, needs_of
from aws_iam.tools.audit.controls import (
    access_logs,
    account_contacts,
    alarms,
    cloudtrail,
    ec2_instances,
    iam_permissions,
    iam_users,
    organization,
    password_policy,
    resource_policies,
    root_user,
    s3_buckets,
    security_groups,
    security_services,
    storage,
    vpc,
)
from aws_iam.tools.audit.controls.benchmark import benchmark as benchmark_of
from aws_iam.tools.audit.controls.control import findings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.tools.audit.controls.benchmark import Benchmark, Control

MODULES: tuple[ModuleType, ...] = (
    root_user,
    account_contacts,
    iam_users,
    password_policy,
    iam_permissions,
    resource_policies,
    organization,
    cloudtrail,
    access_logs,
    alarms,
    security_services,
    security_groups,
    vpc,
    ec2_instances,
    s3_buckets,
    storage,
)
CHECKS: Mapping[str, Check[Account]] = {check.code: check for check in checks_in(*MODULES)}
"""The check of each control by its key; a control without one is manual."""


@slotted
class Tally:
    """How many controls of a section (or level) have each status; muted controls count only as muted."""

    name: str
    status: Mapping[Status, int]
    muted: int = 0

    @property
    def score(self) -> float | None:
        """The part of the controls that passes, None when nothing was evaluated; what is unknown counts as not passed."""
        return audit_report.score(self.status)

    @property
    def evaluated(self) -> int:
        """How many controls pass or fail."""
        return self.status.get(Status.PASS, 0) + self.status.get(Status.FAIL, 0)

    @property
    def not_evaluated(self) -> int:
        """How many controls neither pass nor fail."""
        return sum(self.status.values()) + self.muted - self.evaluated

    def row(self) -> dict[str, Any]:
        """The tally as a flat table row."""
        row: dict[str, Any] = {"section": self.name}
        row |= {status.value: self.status.get(status, 0) for status in _COLUMNS}
        return row | {
            "muted": self.muted,
            "not_evaluated": self.not_evaluated,
            "score": self.score,
        }


@slotted
class Score:
    """The tallies of the sections, in the benchmark's order, and the total."""

    sections: tuple[Tally, ...]
    total: Tally


_GOOD = frozenset({Status.PASS, Status.NOT_APPLICABLE})
_COLUMNS = (Status.PASS, Status.FAIL, Status.MANUAL, Status.UNKNOWN, Status.NOT_APPLICABLE)


def judge(
    account: Account,
    benchmark: Benchmark | str | None = None,
    *,
    controls: Iterable[str] | None = None,
    severity: Severity | None = None,
) -> tuple[Finding, ...]:
    """The findings of the named controls (of all if none is named), in the benchmark's order, worst first in each.

    `severity` leaves out findings with a lower severity.
    """
    chosen = _benchmark(benchmark)
    findings = (
        finding
        for control in _selected(chosen, controls)
        for finding in sorted(
            findings_of(control, CHECKS.get(control.key), account, chosen), key=_place
        )
    )
    return tuple(f for f in findings if severity is None or f.severity.rank <= severity.rank)


def needs(
    benchmark: Benchmark | str | None = None, *, controls: Iterable[str] | None = None
) -> tuple[Fact[Any], ...]:
    """The facts that these controls need, each once."""
    chosen = _selected(_benchmark(benchmark), controls)
    return needs_of(CHECKS[control.key] for control in chosen if control.key in CHECKS)


def rolled_up(findings: Iterable[Finding]) -> dict[str, Status]:
    """The status of each control: the first that it has of fail, unknown, manual, pass, not_applicable."""
    status: dict[str, Status] = {}
    for finding in findings:
        so_far = status.get(finding.code, finding.status)
        status[finding.code] = min(so_far, finding.status, key=lambda outcome: outcome.rank)
    return status


def score(
    findings: Iterable[Finding],
    benchmark: Benchmark | str | None = None,
    *,
    by: Literal["section", "level"] = "section",
) -> Score:
    """How many controls pass and fail, by section or level.

    A control that passes only because a finding is muted counts as muted: muting does not improve the score.
    """
    chosen = _benchmark(benchmark)
    listed = tuple(findings)
    muted = {finding.code for finding in listed if finding.muted is not None}
    status = {
        key: of_control
        for key, of_control in rolled_up(f for f in listed if f.muted is None).items()
        if key not in muted or of_control not in _GOOD
    }
    seen = {finding.code for finding in listed}
    groups: dict[str, list[Control]] = defaultdict(list)
    for control in chosen.controls:
        if control.key in seen:
            name = (
                chosen.section_of(control)
                if by == "section"
                else f"level {control.level[chosen.version]}"
            )
            groups[name].append(control)
    ordered = groups.items() if by == "section" else sorted(groups.items())
    sections = tuple(_tally(name, members, status) for name, members in ordered)
    everything = [control for members in groups.values() for control in members]
    return Score(sections=sections, total=_tally("all", everything, status))


def _tally(name: str, members: Iterable[Control], status: Mapping[str, Status]) -> Tally:
    counted = Counter(status.get(control.key) for control in members)
    muted = counted.pop(None, 0)
    return Tally(name=name, status={key: n for key, n in counted.items() if key}, muted=muted)


def _benchmark(benchmark: Benchmark | str | None) -> Benchmark:
    return (
        benchmark_of(benchmark) if benchmark is None or isinstance(benchmark, str) else benchmark
    )


def _selected(benchmark: Benchmark, controls: Iterable[str] | None) -> tuple[Control, ...]:
    return benchmark.controls if controls is None else benchmark.selected(controls)


def _place(finding: Finding) -> tuple[int, str, str, str]:
    return (
        finding.status.rank,
        finding.region or "",
        finding.resource or "",
        finding.message,
    )
