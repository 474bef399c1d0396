"""Trail by trail: what each records and where it rests, and the AWS CLI commands that mend what fails."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aws_iam.account.fact import Miss
from aws_iam.account.facts.trails import TRAILS
from aws_iam.answer import Answer, Artifact, Status
from aws_iam.modes.audit_account import command
from aws_iam.modes.audit_run import ordered
from aws_iam.modes.audit_trail_commands import script
from aws_iam.rules import benchmark as catalogue
from aws_iam.rules import selectors
from aws_iam.rules.audit import judge, needs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.account.fact import Fact
    from aws_iam.account.facts.trails import Trail
    from aws_iam.account.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.modes.parameters import Source

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
    return tuple({fact.name: fact for fact in (TRAILS, *wanted)}.values())


def answer(account: Account, source: Source) -> Answer:
    """Every trail, what is wrong with it, and the commands."""
    found = ordered(
        finding
        for version, keys in _by_version()
        for finding in judge(account, version, controls=keys)
    )
    trails = account.get(TRAILS)
    listed = () if isinstance(trails, Miss) else trails.trails
    lines = script(account, listed, found)
    return Answer(
        summary=_summary(account, trails, found),
        findings=found,
        facts={
            "benchmark": catalogue.benchmark().version,
            "account": account.id,
            "regions": str(account.regions),
            "trails": [_row(each, account.partition) for each in listed],
        },
        artifacts=(
            (Artifact(name="mend-cloudtrail.sh", language="bash", content=lines),) if lines else ()
        ),
        sources=(f"{_PAGE}#cloudtrail-verification", f"{_PAGE}#cloudtrail-set-up"),
        next=(command(source, "run"),),
        as_of=catalogue.as_of(),
    )


def _by_version() -> list[tuple[str, list[str]]]:
    """The controls under the newest version that has them: some were dropped, the question remains."""
    grouped: dict[str, list[str]] = defaultdict(list)
    for key in _KEYS:
        ids = catalogue.controls()[key].ids
        newest = next(each for each in reversed(catalogue.versions()) if each in ids)
        grouped[newest].append(key)
    return list(grouped.items())


def _summary(account: Account, trails: Any, found: Sequence[Finding]) -> str:
    if isinstance(trails, Miss):
        return f"The trails of account {account.id} could not be read: {trails}."
    failed = list(dict.fromkeys(each.code for each in found if each.status is Status.FAIL))
    unread = list(dict.fromkeys(each.code for each in found if each.status is Status.UNKNOWN))
    count = len(trails.trails)
    parts = [f"{count} trail{'' if count == 1 else 's'} seen from account {account.id}"]
    parts.append(f"{len(failed)} of {len(_KEYS)} checks fail" if failed else "no check fails")
    parts += [f"{len(unread)} could not be judged"] if unread else []
    names = f": {', '.join(f'`{each}`' for each in failed)}" if failed else ""
    return f"{'; '.join(parts)}{names}."


def _row(trail: Trail, partition: str) -> dict[str, Any]:
    status, chosen = trail.status, trail.selectors
    return {
        "trail": trail.name,
        "home_region": trail.home_region,
        "account": trail.owner,
        "all_regions": trail.multi_region,
        "organization": trail.organization,
        "logging": _of(status, lambda it: it.logging),
        "management_events": _of(chosen, lambda it: str(selectors.management_events(it))),
        "s3_objects": _of(chosen, lambda it: str(selectors.object_events(it, partition))),
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
