"""The audit of one account among many, from its role to its line of results; runs in a thread or on a worker.

A job is a value: it holds names and arguments, never a client, a session or a secret. The process that runs it finds its own
credentials, in a profile or in the environment.
"""

from __future__ import annotations

import json
import time
import traceback
from concurrent.futures import CancelledError
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.account.reading.many_accounts import AccountRole, NotRead, fleet_of
from aws_iam.account.reading.organization import SharedFacts, with_shared_facts
from aws_iam.answer import Severity, counts, to_json
from aws_iam.errors import AwsIamError, InputError, OffTheAllowlistError
from aws_iam.escape import escaped
from aws_iam.frozen import slotted
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.judge import judge, needs, rolled_up, score
from aws_iam.tools.audit.fleet import account_paths, results_file
from aws_iam.tools.audit.fleet.result_rows import row_of
from aws_iam.tools.audit.paths.found_paths import facts_of_identities
from aws_iam.tools.audit.run import mutes as audit_mutes
from aws_iam.tools.audit.run.run import ReadCounter
from aws_iam.tools.kit.unread_facts import is_unjudged
from aws_iam.version import __version__

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.tools.audit.controls.benchmark import Benchmark
    from aws_iam.tools.audit.run.mutes import Mute


@slotted
class Job:
    """Everything needed to audit one account."""

    door: AccountRole
    run: str
    """The id of the run; clients and facts that a process keeps between jobs are kept for one run."""
    profile: str | None = None
    regions: tuple[str, ...] = ()
    benchmark: str
    controls: tuple[str, ...] | None = None
    severity: Severity | None = None
    mutes: tuple[Mute, ...] = ()
    shared: SharedFacts | None = None
    """The facts that all members of the organization share; None for an account outside."""
    tells_paths: bool = False
    """Whether the line says who can become an administrator, which needs more facts."""
    version: str = __version__


def needed_facts(
    benchmark: Benchmark, controls: Iterable[str] | None, *, tells_paths: bool
) -> tuple[Fact[Any], ...]:
    """The facts of the controls, and those of paths."""
    more = facts_of_identities() if tells_paths else ()
    return tuple(dict.fromkeys((*needs(benchmark, controls=controls), *more)))


def run_job(job: Job, stop: threading.Event | None = None) -> str:
    """The account's line of results; AwsError if the caller can read no account at all."""
    if job.version != __version__:
        raise InputError(
            f"a worker has version {__version__} of aws-iam-mcp, the run has {job.version}",
            hint="install the same version on every worker",
        )
    try:
        return _read(job, stop)
    except (AwsIamError, OffTheAllowlistError, CancelledError):
        raise
    except Exception as error:  # noqa: BLE001 - a bug of ours in one account must not end the audit of the others
        return unreadable_line(job.door.account, _bug_report(error))


def _read(job: Job, stop: threading.Event | None) -> str:
    began = time.monotonic()
    benchmark = catalogue.benchmark(job.benchmark)
    shared_facts = job.shared.facts if job.shared else ()
    counter = ReadCounter()
    fleet = fleet_of(job.profile, job.regions, job.run)
    facts = needed_facts(benchmark, job.controls, tells_paths=job.tells_paths)
    read = fleet.read(facts, job.door, counter, shared_facts, stop)
    if isinstance(read, NotRead):
        return unreadable_line(job.door.account, read.reason)
    account = with_shared_facts(read, job.shared) if job.shared else read
    found = judge(account, benchmark, controls=job.controls)
    seconds = round(time.monotonic() - began, 2)
    return _json_line(_results(job, account, found) | {"reads": counter.done, "seconds": seconds})


def _bug_report(error: Exception) -> str:
    """What a bug report needs: the error, and where it happened."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    words = escaped(f"{type(error).__name__}: {error}")
    place = f"{Path(last.filename).name}, line {last.lineno}"
    return f"the audit of this account failed, which is a bug; please report it ({words}; {place})"


def worker_version() -> str:
    """The version that runs here; each worker is asked before it gets a job."""
    return __version__


def unreadable_line(account: str, reason: str) -> str:
    """The line of an account that could not be read."""
    return _json_line({"account": account, "status": "unreadable", "reason": reason})


def _results(job: Job, account: Account, unmuted: tuple[Finding, ...]) -> dict[str, Any]:
    benchmark = catalogue.benchmark(job.benchmark)
    found = unmuted
    if job.mutes:
        day = account.collected_at.astimezone(UTC).date()
        found, _ = audit_mutes.apply_mutes(found, job.mutes, benchmark, day)
    status_before = {id(now): then.status for now, then in zip(found, unmuted, strict=True)}
    scored = score(found, benchmark)
    shown = by_urgency(tuple(filter(_at_least(job.severity), found)))
    unjudged = is_unjudged({finding.status for finding in unmuted})
    return {
        "account": account.id,
        "status": "read",
        **({results_file.NOTHING_EVALUATED: True} if unjudged else {}),
        "alias": account.alias,
        "caller": account.caller_arn,
        "collected_at": account.collected_at.isoformat(timespec="seconds"),
        "regions": str(account.regions),
        "all_regions": account.regions.complete,
        "regions_read": list(account.regions.read),
        "score": scored.total.score,
        "controls": _statuses(found),
        "counts": to_json(counts(found)),
        "findings": [
            row_of(finding, status_before[id(finding)], account.partition) for finding in shown
        ],
        **({account_paths.FIELD: account_paths.path_field(account)} if job.tells_paths else {}),
    }


def _statuses(found: tuple[Finding, ...]) -> dict[str, str]:
    """The status of each control; `muted` if all of its findings are."""
    muted = dict.fromkeys((finding.code for finding in found), "muted")
    unmuted = rolled_up(finding for finding in found if finding.muted is None)
    return muted | {code: status.value for code, status in unmuted.items()}


def _at_least(severity: Severity | None) -> Any:
    return lambda finding: severity is None or finding.severity.rank <= severity.rank


def _json_line(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
