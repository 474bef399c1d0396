"""One account of many, from the role to the line of results; runs in a thread here or in a worker elsewhere.

A job is a value: it holds names and arguments, never a client, a session or a secret. Whoever runs it gets credentials
of its own, from its profile or its environment.
"""

from __future__ import annotations

import json
import time
import traceback
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.account.reading.many_accounts import Closed, Door, fleet_of
from aws_iam.account.reading.organization import Shared, as_member
from aws_iam.answer import Severity, counts, to_json
from aws_iam.errors import AwsIamError, InputError, OffTheAllowlistError
from aws_iam.escape import escaped
from aws_iam.report.page import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.judge import judge, needs, rolled_up, score
from aws_iam.tools.audit.fleet import results_file
from aws_iam.tools.audit.run import mutes as audit_mutes
from aws_iam.version import __version__

if TYPE_CHECKING:
    import threading

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding, Status
    from aws_iam.tools.audit.run.mutes import Mute


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What judging one account takes."""

    door: Door
    run: str
    """The run that the job belongs to; what a process keeps between jobs, it keeps for one run."""
    profile: str | None = None
    regions: tuple[str, ...] = ()
    benchmark: str
    controls: tuple[str, ...] | None = None
    severity: Severity | None = None
    mutes: tuple[Mute, ...] = ()
    shared: Shared | None = None
    """What the organization's members have in common; None for an account outside."""
    version: str = __version__


def run(job: Job, stop: threading.Event | None = None) -> str:
    """The account's line of results; AwsError when the caller can read no account at all."""
    if job.version != __version__:
        raise InputError(
            f"a worker has version {__version__} of aws-iam-mcp, the run has {job.version}",
            hint="install the same version on every worker",
        )
    try:
        return _read(job, stop)
    except (AwsIamError, OffTheAllowlistError, CancelledError):
        raise
    except Exception as error:  # noqa: BLE001 - a mistake of ours, which must not cost the other accounts
        return closed(job.door.account, _mistake(error))


def _read(job: Job, stop: threading.Event | None) -> str:
    began = time.monotonic()
    benchmark = catalogue.benchmark(job.benchmark)
    given = job.shared.facts if job.shared else ()
    reads = _Reads()
    fleet = fleet_of(job.profile, job.regions, job.run)
    read = fleet.read(needs(benchmark, controls=job.controls), job.door, reads, given, stop)
    if isinstance(read, Closed):
        return closed(job.door.account, read.reason)
    account = as_member(read, job.shared) if job.shared else read
    seconds = round(time.monotonic() - began, 2)
    return _line(_judged(job, account) | {"reads": reads.done, "seconds": seconds})


def _mistake(error: Exception) -> str:
    """What happened and where, as a report of it needs it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    words = escaped(f"{type(error).__name__}: {error}")
    place = f"{Path(last.filename).name}, line {last.lineno}"
    return f"the audit of this account failed, which is a bug; please report it ({words}; {place})"


def version() -> str:
    """The version that runs here; a worker is asked before it gets a job."""
    return __version__


def closed(account: str, reason: str) -> str:
    """The line of an account that could not be read."""
    return _line({"account": account, "status": "unreadable", "reason": reason})


def _judged(job: Job, account: Account) -> dict[str, Any]:
    benchmark = catalogue.benchmark(job.benchmark)
    before = found = judge(account, benchmark, controls=job.controls)
    if job.mutes:
        day = account.collected_at.astimezone(UTC).date()
        found, _ = audit_mutes.applied(found, job.mutes, benchmark, day)
    was = {id(now): then.status for now, then in zip(found, before, strict=True)}
    scored = score(found, benchmark)
    shown = by_urgency(tuple(filter(_at_least(job.severity), found)))
    return {
        "account": account.id,
        "status": "read",
        "alias": account.alias,
        "caller": account.caller_arn,
        "collected_at": account.collected_at.isoformat(timespec="seconds"),
        "regions": str(account.regions),
        "regions_read": list(account.regions.read),
        "score": scored.total.score,
        "controls": _statuses(found),
        "counts": to_json(counts(found)),
        "findings": [_told(finding, was[id(finding)]) for finding in shown],
    }


def _told(finding: Finding, was: Status) -> dict[str, Any]:
    """The finding, with the status that a mute took from it: a later run is compared with that."""
    told: dict[str, Any] = to_json(finding)
    return told if finding.status is was else told | {results_file.WAS: was.value}


def _statuses(found: tuple[Finding, ...]) -> dict[str, str]:
    """The status of each control; `muted` where its every finding is."""
    told = dict.fromkeys((finding.code for finding in found), "muted")
    open_ = rolled_up(finding for finding in found if finding.muted is None)
    return told | {code: status.value for code, status in open_.items()}


def _at_least(severity: Severity | None) -> Any:
    return lambda finding: severity is None or finding.severity.rank <= severity.rank


def _line(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


class _Reads:
    """Counts what was read."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, done: int, _total: int, _text: str) -> None:
        self.done = max(self.done, done)
