"""The audit of many accounts: which, where, what is done already, and one answer over all."""

from __future__ import annotations

import shlex
import signal
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aws_iam.account.reading import organization
from aws_iam.account.reading.many_accounts import Door, Fleet, fleet_of
from aws_iam.answer import Answer, Severity, Status
from aws_iam.errors import AwsError, InputError
from aws_iam.report.audit_report import left_out
from aws_iam.report.page import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.judge import needs
from aws_iam.tools.audit.fleet import changes, results_file, workers
from aws_iam.tools.audit.fleet import targets as audit_targets
from aws_iam.tools.audit.fleet.job import Job
from aws_iam.tools.audit.fleet.totals import NAMED, Totals
from aws_iam.tools.audit.run import mutes as audit_mutes
from aws_iam.tools.audit.run.run import fix_first, named_controls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import FrameType

    from aws_iam.account.reading.organization import Shared
    from aws_iam.answer import Finding
    from aws_iam.tools.audit.controls.benchmark import Benchmark
    from aws_iam.tools.audit.fleet.changes import Against
    from aws_iam.tools.audit.fleet.results_file import Results
    from aws_iam.tools.audit.fleet.targets import Target
    from aws_iam.tools.audit.run.arguments import Asked, Many
    from aws_iam.tools.audit.run.mutes import Mute
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

    Take = Callable[[Mapping[str, Any]], object]

_PAGE = "references/compliance-checklist.md"
_OF_ONE = {"demo": "source", "snapshot": "source", "save": "asked"}


def answer(
    source: Source, asked: Asked, many: Many, progress: Progress, take: Take = lambda _: None
) -> Answer:
    """Read and judge every account that is not done, and sum up all of them; `take` is given each account's line."""
    _refuse_contradictions(source, asked, many)
    benchmark = catalogue.benchmark(asked.benchmark)
    controls = named_controls(asked)
    chosen = benchmark.selected(controls) if controls else benchmark.controls
    mutes = audit_mutes.read(asked.mute, benchmark) if asked.mute is not None else ()
    shard = audit_targets.shard(many.shard)
    # The list is read before AWS is asked anything: a typing mistake must not cost a minute.
    listed = audit_targets.named(many.accounts) if many.accounts else None
    totals = Totals(benchmark, chosen)
    job = _job_of(source, asked, benchmark, mutes)
    earlier = changes.against(asked.against, job, many.out) if asked.against else None
    with _kept(many.out, job) as results:
        run_id = uuid4().hex
        members = organization.active_accounts(_fleet(source, run_id)) if listed is None else None
        targets = listed or tuple(audit_targets.Target(account=member) for member in members or ())
        run = _Run(
            id=run_id,
            source=source,
            asked=asked,
            many=many,
            benchmark=benchmark,
            mutes=mutes,
            members=None if members is None else frozenset(members),
            named=len(targets),
            mine=tuple(
                target for target in targets if shard is None or shard.holds(target.account)
            ),
            earlier=earlier,
        )
        _read(run, results, totals, progress, take)
    return _answer(run, totals)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What every job of the run has in common, and the accounts that are this run's."""

    id: str
    source: Source
    asked: Asked
    many: Many
    benchmark: Benchmark
    mutes: tuple[Mute, ...]
    members: frozenset[str] | None
    """The accounts of the caller's organization; None: not asked yet."""
    named: int
    mine: tuple[Target, ...]
    earlier: Against | None

    @property
    def controls(self) -> tuple[str, ...] | None:
        """The controls that are asked for; None: all."""
        return tuple(self.asked.controls) if self.asked.controls else None

    @property
    def severity(self) -> Severity | None:
        """The least severity that is shown."""
        return Severity(self.asked.severity) if self.asked.severity else None

    def jobs(self, targets: Sequence[Target]) -> Iterator[Job]:
        """A job for each account; what those of the organization have in common is read once, here."""
        fleet = _fleet(self.source, self.id)
        roles = audit_targets.with_roles(
            targets, self.source.role_arn, caller=fleet.account, partition=fleet.partition
        )
        members = _members(fleet) if self.members is None else self.members
        shared = None
        if any(role.account in members for role in roles):
            wanted = needs(self.benchmark, controls=self.controls)
            shared = organization.shared_by(fleet, wanted, self._doors(fleet, roles))
        return (self._job(role, shared if role.account in members else None) for role in roles)

    def _job(self, target: Target, shared: Shared | None) -> Job:
        return Job(
            door=self._door(target),
            run=self.id,
            profile=self.source.profile,
            regions=tuple(self.source.regions or ()),
            benchmark=self.benchmark.version,
            controls=self.controls,
            severity=self.severity,
            mutes=self.mutes,
            shared=shared,
        )

    def _door(self, target: Target) -> Door:
        external_id = self.source.external_id if target.role_arn else None
        return Door(account=target.account, role_arn=target.role_arn, external_id=external_id)

    def _doors(self, fleet: Fleet, targets: Sequence[Target]) -> Callable[[str], Door | None]:
        """The way into any account: that of the list, else the role that `role_arn` means in each."""
        listed = {target.account: target for target in targets}

        def door(account: str) -> Door | None:
            if account in listed or account == fleet.account:
                return self._door(listed.get(account, audit_targets.Target(account=account)))
            if self.source.role_arn is None:
                return None
            (target,) = audit_targets.with_roles(
                (audit_targets.Target(account=account),),
                self.source.role_arn,
                caller=fleet.account,
                partition=fleet.partition,
            )
            return self._door(target)

        return door


def _read(
    run: _Run, results: Results | None, totals: Totals, progress: Progress, take: Take
) -> None:
    mine = {target.account for target in run.mine}
    for line in results.lines() if results else ():
        # The file may hold more than is asked for now: other parts, and accounts that are gone from the list.
        if line["account"] in mine:
            _take_in(run, line, totals, take)
    todo = [target for target in run.mine if results is None or target.account not in results.done]
    total = len(mine)
    progress(totals.accounts, total, "accounts")
    if not todo:
        return
    jobs = run.jobs(todo)
    with _last_words(results, totals, total), workers.pool(run.many.scheduler) as pool:
        for text in workers.lines(pool, jobs):
            line = results_file.parsed(text)
            if results is not None:
                results.add(text)
            _take_in(run, line, totals, take)
            progress(totals.accounts, total, f"account {line['account']} {line['status']}")


def _take_in(run: _Run, line: Mapping[str, Any], totals: Totals, take: Take) -> None:
    told = run.earlier.beside(line) if run.earlier else line
    totals.add(told)
    take(told)


@contextmanager
def _last_words(results: Results | None, totals: Totals, total: int) -> Iterator[None]:
    """Say how far a run came that does not reach its end; a termination ends it as Ctrl-C does."""
    in_front = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _interrupt) if in_front else None
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_far(results, totals, total)) from None
    except AwsError as error:
        if not totals.accounts:
            raise
        hint = f"{error.hint}; " if error.hint else ""
        raise AwsError(error.message, hint=f"{hint}{_how_far(results, totals, total)}") from error
    finally:
        if in_front:
            signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _how_far(results: Results | None, totals: Totals, total: int) -> str:
    done = f"{totals.accounts} of {total} accounts were done"
    if results is None:
        return f"{done}; with `--out FILE` the next run would continue"
    return f"{done} and are in {results.path}; the same command continues"


def _fleet(source: Source, run: str) -> Fleet:
    return fleet_of(source.profile, tuple(source.regions or ()), run)


def _members(fleet: Fleet) -> frozenset[str]:
    try:
        return frozenset(organization.active_accounts(fleet))
    except AwsError:
        # Who may not list the members knows nothing for them: each account is read as if it stood alone.
        return frozenset()


def _kept(
    out: str | None, job: dict[str, Any]
) -> AbstractContextManager[Results] | nullcontext[None]:
    return nullcontext() if out is None else results_file.results(Path(out), job)


def _job_of(
    source: Source,
    asked: Asked,
    benchmark: Benchmark,
    mutes: tuple[Mute, ...],
) -> dict[str, Any]:
    """What decides the results; the accounts, which part of them, and the way in may differ from run to run."""
    return {
        "benchmark": benchmark.version,
        "controls": sorted(set(asked.controls)) if asked.controls else None,
        "severity": asked.severity,
        "regions": sorted(set(source.regions)) if source.regions else None,
        "mute": results_file.fingerprint(repr(mutes)) if mutes else None,
    }


def _refuse_contradictions(source: Source, asked: Asked, many: Many) -> None:
    if many.accounts is not None and not any(map(str.strip, many.accounts)):
        raise InputError(
            "`accounts` names no account", hint="give ids, role ARNs or a file with one a line"
        )
    if many.accounts and many.org:
        raise InputError("`accounts` and `org` exclude each other", hint="leave one of them out")
    if not many.accounts and not many.org:
        given = next(n for n in ("shard", "out", "scheduler") if getattr(many, n) is not None)
        raise InputError(
            f"`{given}` is for a run over many accounts", hint="give `--accounts` or `--org` too"
        )
    for name, place in _OF_ONE.items():
        if getattr(source if place == "source" else asked, name):
            raise InputError(
                f"`{name}` is for one account",
                hint="many accounts leave their results in the file of `--out`",
            )


def _answer(run: _Run, totals: Totals) -> Answer:
    if totals.accounts and not totals.read:
        first = totals.not_read[0]
        raise AwsError(
            f"none of {totals.accounts} accounts could be read; {first['account']}: {first['why']}"
        )
    found = by_urgency(totals.findings(run.severity))
    sections, out = totals.sections(), run.many.out
    return Answer(
        summary=_summary(run, totals, found),
        findings=found,
        facts={
            "benchmark": run.benchmark.version,
            "accounts": _accounts(run, totals),
            "score": {
                "overall": totals.score,
                "not_evaluated": totals.not_evaluated,
                "by_section": {row["section"]: row["score"] for row in sections},
            },
            **({"results": out} if out else {}),
            **(run.earlier.facts() if run.earlier else {}),
            **({"not_read": totals.not_read} if totals.not_read else {}),
            "sections": sections,
            "worst_accounts": totals.worst(),
            "reads": totals.reads,
        },
        next=_next(found, out),
        sources=(f"{_PAGE}#many-accounts", f"{_PAGE}#status-semantics"),
        as_of=catalogue.as_of(),
    )


def _accounts(run: _Run, totals: Totals) -> dict[str, Any]:
    counted = {"named": run.named, "read": totals.read, "not_read": totals.unread}
    return counted | ({"shard": run.many.shard} if run.many.shard else {})


def _summary(run: _Run, totals: Totals, found: Sequence[Finding]) -> str:
    shard = run.many.shard
    if not totals.accounts:
        return f"None of {run.named} accounts falls in the part {shard}."
    percent = (
        "none (nothing could be evaluated)" if totals.score is None else f"{totals.score:.0%}"
    )
    part = f" (part {shard}: {len(run.mine)} of {run.named})" if shard else ""
    told = (
        f"Score {percent} over {totals.read} of {totals.accounts} accounts{part} under CIS "
        f"{run.benchmark.version}."
    )
    failed = [
        finding for finding in found if finding.status is Status.FAIL and finding.muted is None
    ]
    controls = len({finding.code for finding in failed})
    count = f" {controls} control{' fails' if controls == 1 else 's fail'} somewhere."
    first = fix_first(failed, run.benchmark)
    said = f" {run.earlier.said()}" if run.earlier else ""
    part = _partial(run, totals, len(found))
    return f"{_unread(totals)}{f'{first} ' if first else ''}{told}{count if failed else ''}{part}{said}"


def _partial(run: _Run, totals: Totals, shown: int) -> str:
    """What was not asked for, and what is not shown: whole controls, with their findings in every account."""
    asked = len(totals.controls)
    parts = [*left_out(asked=asked, of=len(run.benchmark.controls))]
    left = asked - shown
    if left and run.severity:
        plural = " is" if left == 1 else "s are"
        parts.append(f"{left} control{plural} left out, below {run.severity.value}")
    return f" {'; '.join(parts)}." if parts else ""


def _unread(totals: Totals) -> str:
    """What was not seen stands before the score."""
    if not totals.unread:
        return ""
    first = [row["account"] for row in totals.not_read[:NAMED]]
    more = f" and {totals.unread - len(first)} more" if totals.unread > len(first) else ""
    plural = "s" if totals.unread > 1 else ""
    return f"{totals.unread} account{plural} could not be read ({', '.join(first)}{more}). "


def _next(found: Sequence[Finding], out: str | None) -> tuple[str, ...]:
    failed = (
        finding.code
        for finding in found
        if finding.status is Status.FAIL and finding.muted is None
    )
    worst = next(failed, None)
    commands = [f"aws-iam audit control --id {worst}"] if worst else ["aws-iam audit checklist"]
    if out and worst:
        query = f'select(.controls.{worst} == "fail") | .account'
        commands.append(f"jq -r {shlex.quote(query)} {shlex.quote(out)}")
    return tuple(commands)
