"""Trail by trail: what each records and where it rests, and the AWS CLI commands that mend what fails."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.logging.cloudtrail import TRAIL_INSIGHTS, TRAILS
from aws_iam.account.collect.organization.organization import ORGANIZATION
from aws_iam.account.collect.storage.buckets import BUCKETS
from aws_iam.account.collect.storage.trail_buckets import TRAIL_BUCKET_ACCESS
from aws_iam.answer import Answer, Artifact, Status
from aws_iam.report.page import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.judge import judge, needs
from aws_iam.tools.audit.evidence import event_selectors
from aws_iam.tools.audit.trails.checks import Check, checks, insight_kinds
from aws_iam.tools.audit.trails.commands import script
from aws_iam.tools.kit.account_source import command
from aws_iam.tools.kit.unread_facts import misses_of, reasons, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.collect.logging.cloudtrail import Trail, Trails
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.tools.audit.controls.benchmark import Benchmark
    from aws_iam.tools.kit.parameters import Source

_KEYS = (
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


def needed() -> tuple[Fact[Any], ...]:
    """The facts that the verification reads."""
    wanted = (fact for version, keys in _by_version() for fact in needs(version, controls=keys))
    own: tuple[Fact[Any], ...] = (
        TRAILS,
        TRAIL_INSIGHTS,
        TRAIL_BUCKET_ACCESS,
        BUCKETS,
        ORGANIZATION,
    )
    return tuple({fact.name: fact for fact in (*own, *wanted)}.values())


def answer(account: Account, source: Source, benchmark: Benchmark | None = None) -> Answer:
    """Every trail, what is wrong with it, and the commands.

    Findings are the controls of the version; what only other versions ask is a table, for no number of it fits.
    """
    chosen = benchmark or catalogue.benchmark()
    found = by_urgency(judge(account, chosen, controls=_keys_of(chosen)))
    further = by_urgency(
        finding
        for version, keys in _by_version()
        for finding in judge(account, version, controls=[k for k in keys if not _has(chosen, k)])
    )
    trails = account.get(TRAILS)
    listed = () if isinstance(trails, Miss) else trails.trails
    beside = [check for trail in listed for check in checks(account, trail)]
    missed = misses_of(account, needed())
    lines = script(account, listed, [*found, *further])
    return Answer(
        summary=_summary(account, trails, chosen, found, further, beside),
        findings=found,
        facts={
            "benchmark": chosen.version,
            "account": account.id,
            "regions": str(account.regions),
            "trails": [_row(account, trail) for trail in listed] or _none(trails),
            **({"not_read": rows(missed)} if missed else {}),
            "checks_beyond_cis": [check.row() for check in beside],
            "checks_of_other_versions": [_further(check) for check in further],
        },
        artifacts=(
            (Artifact(name="mend-cloudtrail.sh", language="bash", content=lines),) if lines else ()
        ),
        sources=(f"{_PAGE}#cloudtrail-verification", f"{_PAGE}#cloudtrail-set-up"),
        next=(command(source, "run"),),
        as_of=catalogue.as_of(),
    )


def _keys_of(benchmark: Benchmark) -> list[str]:
    return [key for key in _KEYS if _has(benchmark, key)]


def _has(benchmark: Benchmark, key: str) -> bool:
    return benchmark.version in catalogue.controls()[key].ids


def _by_version() -> list[tuple[str, list[str]]]:
    """The controls under the newest version that has them: some were dropped, the question remains."""
    grouped: dict[str, list[str]] = defaultdict(list)
    for key in _KEYS:
        ids = catalogue.controls()[key].ids
        newest = next(version for version in reversed(catalogue.versions()) if version in ids)
        grouped[newest].append(key)
    return list(grouped.items())


def _further(finding: Finding) -> dict[str, Any]:
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


def _none(trails: Trails | Miss) -> list[dict[str, Any]] | str:
    """No trail is an answer only where every Region told."""
    if isinstance(trails, Miss):
        return f"{_UNKNOWN}: {trails}"
    return f"{_UNKNOWN}: {reasons(trails.unread)}" if trails.unread else []


def _summary(
    account: Account,
    trails: Trails | Miss,
    benchmark: Benchmark,
    found: Sequence[Finding],
    further: Sequence[Finding],
    beside: Sequence[Check],
) -> str:
    parts = [_seen(account, trails), _counted(found, len(_keys_of(benchmark)), benchmark)]
    if failed := _codes(further, Status.FAIL):
        parts.append(f"of the checks of other versions {_listed(failed)} fail")
    if broken := list(dict.fromkeys(c.name for c in beside if c.status is Status.FAIL)):
        parts.append(f"beyond CIS {_listed(broken)} fail")
    return f"{'; '.join(parts)}."


def _seen(account: Account, trails: Trails | Miss) -> str:
    if isinstance(trails, Miss):
        return f"The trails of account {account.id} could not be read: {trails}"
    count = len(trails.trails)
    seen = f"{count} trail{'' if count == 1 else 's'} seen from account {account.id}"
    if not trails.unread:
        return seen
    where = ", ".join(dict.fromkeys(miss.region for miss in trails.unread if miss.region))
    place = f" in {where}" if where else ""
    unread = f"could not be read{place}: {reasons(trails.unread)}"
    if count:
        return f"{seen}, further trails {unread}"
    return f"The trails of account {account.id} {unread}"


def _counted(found: Sequence[Finding], checks: int, benchmark: Benchmark) -> str:
    failed, unread = _codes(found, Status.FAIL), _codes(found, Status.UNKNOWN)
    under = f"{checks} controls of CIS {benchmark.version}"
    if failed:
        told = f"{len(failed)} of {under} fail: {_listed(failed)}"
    else:
        told = f"none of {under} is known to fail" if unread else f"none of {under} fails"
    return f"{told}; {len(unread)} of them could not be judged" if unread else told


def _codes(found: Sequence[Finding], status: Status) -> list[str]:
    return list(dict.fromkeys(finding.code for finding in found if finding.status is status))


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def _row(account: Account, trail: Trail) -> dict[str, Any]:
    status, chosen = trail.status, trail.selectors
    kinds = insight_kinds(account, trail)
    return {
        "trail": trail.name,
        "home_region": trail.home_region,
        "account": trail.owner,
        "all_regions": trail.multi_region,
        "organization": trail.organization,
        "logging": _of(status, lambda it: it.logging),
        "management_events": _of(chosen, lambda it: str(event_selectors.management_events(it))),
        "s3_objects": _of(
            chosen, lambda it: str(event_selectors.object_events(it, account.partition))
        ),
        "insights": _of(kinds, lambda it: ", ".join(it) or "none"),
        "validation": trail.validation,
        "kms_key": trail.kms_key,
        "bucket": trail.bucket,
        "log_group": trail.log_group_arn,
        "last_delivery": _of(status, lambda it: _stamp(it.last_delivery)),
        "delivery_error": _of(status, lambda it: it.delivery_error or it.logs_delivery_error),
    }


def _of(value: Any, tell: Callable[[Any], Any]) -> Any:
    return _UNKNOWN if isinstance(value, Miss) else tell(value)


def _stamp(moment: Any) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else None
