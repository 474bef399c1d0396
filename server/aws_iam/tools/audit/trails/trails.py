"""`audit cloudtrail`: what each trail records and where it delivers, and the AWS CLI commands that fix what fails."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.logging.cloudtrail import TRAIL_INSIGHTS, TRAILS
from aws_iam.account.collect.organization.organization import ORGANIZATION
from aws_iam.account.collect.storage.buckets import BUCKETS
from aws_iam.account.collect.storage.trail_buckets import TRAIL_BUCKET_ACCESS
from aws_iam.answer import Answer, Artifact, Status
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.judge import judge, needs
from aws_iam.tools.audit.evidence import event_selectors
from aws_iam.tools.audit.trails.checks import TrailCheck, insight_kinds, trail_checks
from aws_iam.tools.audit.trails.commands import fix_script
from aws_iam.tools.kit.account_source import audit_call
from aws_iam.tools.kit.unread_facts import (
    evaluation_facts,
    misses_of,
    unread_reasons,
    unread_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.collect.logging.cloudtrail import Trail, Trails
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.tools.audit.controls.benchmark import Benchmark

_CONTROLS = (
    "cloudtrail_all_regions",
    "cloudtrail_validation",
    "cloudtrail_kms",
    "cloudtrail_bucket_public",
    "cloudtrail_bucket_logging",
    "cloudtrail_cloudwatch",
    "s3_data_events_write",
    "s3_data_events_read",
)
_PAGE = "references/compliance-checklist.md"
_UNKNOWN = "unknown"


def needed_facts() -> tuple[Fact[Any], ...]:
    """The facts that the answer needs."""
    wanted = (
        fact for version, keys in _controls_by_version() for fact in needs(version, controls=keys)
    )
    own: tuple[Fact[Any], ...] = (
        TRAILS,
        TRAIL_INSIGHTS,
        TRAIL_BUCKET_ACCESS,
        BUCKETS,
        ORGANIZATION,
    )
    return tuple({fact.name: fact for fact in (*own, *wanted)}.values())


def trails_answer(account: Account, benchmark: Benchmark | None = None) -> Answer:
    """Every trail, what is wrong with it, and the commands that fix it.

    The findings are the version's controls; controls that only other versions have are a table, because they have no number in
    this one.
    """
    benchmark_used = benchmark or catalogue.benchmark()
    findings = by_urgency(judge(account, benchmark_used, controls=_controls_of(benchmark_used)))
    other_findings = by_urgency(
        finding
        for version, keys in _controls_by_version()
        for finding in judge(
            account,
            version,
            controls=[key for key in keys if not _has_control(benchmark_used, key)],
        )
    )
    trails = account.get(TRAILS)
    listed = () if isinstance(trails, Miss) else trails.trails
    extra_checks = [check for trail in listed for check in trail_checks(account, trail)]
    misses = misses_of(account, needed_facts())
    script = fix_script(account, listed, [*findings, *other_findings])
    return Answer(
        summary=_summary(account, trails, benchmark_used, findings, other_findings, extra_checks),
        findings=findings,
        facts={
            "benchmark": benchmark_used.version,
            "account": account.id,
            **evaluation_facts(account, [*findings, *other_findings]),
            "regions": str(account.regions),
            "trails": [_row(account, trail) for trail in listed] or _no_trails(trails),
            **({"not_read": unread_table(misses)} if misses else {}),
            "checks_beyond_cis": [check.row() for check in extra_checks],
            "checks_of_other_versions": [_other_row(check) for check in other_findings],
        },
        artifacts=(
            (Artifact(name="mend-cloudtrail.sh", language="bash", content=script),)
            if script
            else ()
        ),
        sources=(f"{_PAGE}#cloudtrail-verification", f"{_PAGE}#cloudtrail-set-up"),
        next=(audit_call("run", "all controls of the benchmark", ("benchmark",)),),
        as_of=catalogue.as_of(),
    )


def _controls_of(benchmark: Benchmark) -> list[str]:
    return [key for key in _CONTROLS if _has_control(benchmark, key)]


def _has_control(benchmark: Benchmark, key: str) -> bool:
    return benchmark.version in catalogue.controls()[key].ids


def _controls_by_version() -> list[tuple[str, list[str]]]:
    """The controls by the newest version that has them; newer versions dropped some."""
    grouped: dict[str, list[str]] = defaultdict(list)
    for key in _CONTROLS:
        ids = catalogue.controls()[key].ids
        newest = next(version for version in reversed(catalogue.versions()) if version in ids)
        grouped[newest].append(key)
    return list(grouped.items())


def _other_row(finding: Finding) -> dict[str, Any]:
    ids = finding.controls or {}
    return {
        "check": finding.code,
        "cis": ", ".join(f"{version}: {number}" for version, number in ids.items()),
        "status": finding.status.value,
        "severity": finding.severity.value,
        "message": finding.message,
        "reason": finding.reason,
        "fix": finding.fix if finding.status is Status.FAIL else None,
    }


def _no_trails(trails: Trails | Miss) -> list[dict[str, Any]] | str:
    """An empty table, or why it is not known that there is no trail."""
    if isinstance(trails, Miss):
        return f"{_UNKNOWN}: {trails}"
    return f"{_UNKNOWN}: {unread_reasons(trails.unread)}" if trails.unread else []


def _summary(
    account: Account,
    trails: Trails | Miss,
    benchmark: Benchmark,
    findings: Sequence[Finding],
    other_findings: Sequence[Finding],
    extra_checks: Sequence[TrailCheck],
) -> str:
    parts = [
        _trails_words(account, trails),
        _controls_words(findings, len(_controls_of(benchmark)), benchmark),
    ]
    if failed := _codes(other_findings, Status.FAIL):
        parts.append(f"controls of other CIS versions that fail: {_listed(failed)}")
    if broken := list(dict.fromkeys(c.name for c in extra_checks if c.status is Status.FAIL)):
        parts.append(f"checks beyond CIS that fail: {_listed(broken)}")
    return f"{'; '.join(parts)}."


def _trails_words(account: Account, trails: Trails | Miss) -> str:
    if isinstance(trails, Miss):
        return f"The trails of account {account.id} could not be read: {trails}"
    count = len(trails.trails)
    seen = f"{count} trail{'' if count == 1 else 's'} seen from account {account.id}"
    if not trails.unread:
        return seen
    where = ", ".join(dict.fromkeys(miss.region for miss in trails.unread if miss.region))
    place = f" in {where}" if where else ""
    unread = f"could not be read{place}: {unread_reasons(trails.unread)}"
    if count:
        return f"{seen}, further trails {unread}"
    return f"The trails of account {account.id} {unread}"


def _controls_words(findings: Sequence[Finding], checks: int, benchmark: Benchmark) -> str:
    failed, unread = _codes(findings, Status.FAIL), _codes(findings, Status.UNKNOWN)
    under = f"{checks} controls of CIS {benchmark.version}"
    if failed:
        counted = f"{len(failed)} of {under} fail: {_listed(failed)}"
    else:
        counted = f"none of {under} is known to fail" if unread else f"none of {under} fails"
    return f"{counted}; {len(unread)} of them could not be judged" if unread else counted


def _codes(findings: Sequence[Finding], status: Status) -> list[str]:
    return list(dict.fromkeys(finding.code for finding in findings if finding.status is status))


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def _row(account: Account, trail: Trail) -> dict[str, Any]:
    status, selectors = trail.status, trail.selectors
    kinds = insight_kinds(account, trail)
    return {
        "trail": trail.name,
        "home_region": trail.home_region,
        "account": trail.owner,
        "all_regions": trail.multi_region,
        "organization": trail.organization,
        "logging": _or_unknown(status, lambda it: it.logging),
        "management_events": _or_unknown(
            selectors, lambda it: str(event_selectors.management_events(it))
        ),
        "s3_objects": _or_unknown(
            selectors, lambda it: str(event_selectors.object_events(it, account.partition))
        ),
        "insights": _or_unknown(kinds, lambda it: ", ".join(it) or "none"),
        "validation": trail.validation,
        "kms_key": trail.kms_key,
        "bucket": trail.bucket,
        "log_group": trail.log_group_arn,
        "last_delivery": _or_unknown(status, lambda it: _stamp(it.last_delivery)),
        "delivery_error": _or_unknown(
            status, lambda it: it.delivery_error or it.logs_delivery_error
        ),
    }


def _or_unknown(value: Any, describe: Callable[[Any], Any]) -> Any:
    return _UNKNOWN if isinstance(value, Miss) else describe(value)


def _stamp(moment: Any) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else None
