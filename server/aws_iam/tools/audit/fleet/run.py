"""The audit of many accounts: which to read, what is done already, and one answer over all."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aws_iam.account.reading import organization
from aws_iam.account.reading.many_accounts import AccountRole, Fleet, fleet_of
from aws_iam.answer import Answer, NextCall, Severity, Status, next_call
from aws_iam.engine.reference import frameworks
from aws_iam.errors import AwsError, InputError
from aws_iam.frozen import slotted
from aws_iam.report.audit_report import left_out
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.fleet import changes, results_file, workers
from aws_iam.tools.audit.fleet import targets as audit_targets
from aws_iam.tools.audit.fleet.job import Job, needed_facts
from aws_iam.tools.audit.fleet.totals import Totals, named_accounts
from aws_iam.tools.audit.run import mutes as audit_mutes
from aws_iam.tools.audit.run.run import fix_first, named_controls, score_words
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import FrameType

    from aws_iam.account.reading.organization import SharedFacts
    from aws_iam.answer import Finding
    from aws_iam.tools.audit.controls.benchmark import Benchmark
    from aws_iam.tools.audit.fleet.changes import ResultsComparison
    from aws_iam.tools.audit.fleet.results_file import ResultsFile
    from aws_iam.tools.audit.fleet.targets import AccountTarget
    from aws_iam.tools.audit.run.arguments import AuditArguments, FleetArguments
    from aws_iam.tools.audit.run.mutes import Mute
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

    OnLine = Callable[[Mapping[str, Any]], object]

_PAGE = "references/compliance-checklist.md"
_FOR_ONE_ACCOUNT = ("demo", "snapshot", "save")


def accounts_answer(
    source: Source,
    arguments: AuditArguments,
    fleet_arguments: FleetArguments,
    progress: Progress,
    on_line: OnLine = lambda _: None,
    *,
    tells_paths: bool = False,
) -> Answer:
    """Read and judge every account that is not done yet, and sum up all of them; calls `on_line` with each account's line.

    With `tells_paths` the lines of the accounts that are read now say who can become an administrator there.
    """
    _refuse_contradictions(source, arguments, fleet_arguments)
    benchmark = catalogue.benchmark(arguments.benchmark)
    controls = named_controls(arguments)
    chosen = benchmark.selected(controls) if controls else benchmark.controls
    mutes = (
        audit_mutes.parse_mutes(arguments.mute, benchmark) if arguments.mute is not None else ()
    )
    shard = audit_targets.parse_shard(fleet_arguments.shard)
    # Every argument is checked before the first AWS call: a typo must not cost a minute.
    listed = (
        audit_targets.parse_accounts(fleet_arguments.accounts)
        if fleet_arguments.accounts
        else None
    )
    totals = Totals(benchmark, chosen)
    job = _job_of(source, arguments, benchmark, mutes)
    comparison = (
        changes.compare_with_results(arguments.against, job, fleet_arguments.out)
        if arguments.against
        else None
    )
    with _results_of(fleet_arguments.out, job) as results:
        run_id = uuid4().hex
        members = organization.active_accounts(_fleet(source, run_id)) if listed is None else None
        targets = listed or tuple(
            audit_targets.AccountTarget(account=member) for member in members or ()
        )
        run = _Run(
            id=run_id,
            source=source,
            arguments=arguments,
            fleet_arguments=fleet_arguments,
            benchmark=benchmark,
            mutes=mutes,
            members=None if members is None else frozenset(members),
            named=len(targets),
            shard_targets=tuple(
                target for target in targets if shard is None or shard.holds(target.account)
            ),
            comparison=comparison,
            tells_paths=tells_paths,
        )
        _read(run, results, totals, progress, on_line)
    return _answer(run, totals)


@slotted
class _Run:
    """What all jobs of the run share, and the accounts to read."""

    id: str
    source: Source
    arguments: AuditArguments
    fleet_arguments: FleetArguments
    benchmark: Benchmark
    mutes: tuple[Mute, ...]
    members: frozenset[str] | None
    """The accounts of the caller's organization; None if not listed yet."""
    named: int
    shard_targets: tuple[AccountTarget, ...]
    comparison: ResultsComparison | None
    tells_paths: bool = False

    @property
    def understood(self) -> list[str]:
        """How words in `controls` were understood."""
        return self.benchmark.understood(self.controls or ())

    @property
    def controls(self) -> tuple[str, ...] | None:
        """The controls in the arguments; None for all."""
        return tuple(self.arguments.controls) if self.arguments.controls else None

    @property
    def severity(self) -> Severity | None:
        """The lowest severity to show."""
        return Severity(self.arguments.severity) if self.arguments.severity else None

    def jobs(self, targets: Sequence[AccountTarget]) -> Iterator[Job]:
        """A job for each account; the facts that the organization's members share are read once, here."""
        fleet = _fleet(self.source, self.id)
        roles = audit_targets.with_roles(
            targets, self.source.role_arn, caller=fleet.account, partition=fleet.partition
        )
        members = _members(fleet) if self.members is None else self.members
        shared = None
        if any(role.account in members for role in roles):
            wanted = needed_facts(self.benchmark, self.controls, tells_paths=self.tells_paths)
            shared = organization.shared_by(fleet, wanted, self._doors(fleet, roles))
        return (self._job(role, shared if role.account in members else None) for role in roles)

    def _job(self, target: AccountTarget, shared: SharedFacts | None) -> Job:
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
            tells_paths=self.tells_paths,
        )

    def _door(self, target: AccountTarget) -> AccountRole:
        external_id = self.source.external_id if target.role_arn else None
        return AccountRole(
            account=target.account, role_arn=target.role_arn, external_id=external_id
        )

    def _doors(
        self, fleet: Fleet, targets: Sequence[AccountTarget]
    ) -> Callable[[str], AccountRole | None]:
        """How to enter an account: as the list says, else through the role that `role_arn` names in each."""
        listed = {target.account: target for target in targets}

        def door(account: str) -> AccountRole | None:
            if account in listed or account == fleet.account:
                return self._door(
                    listed.get(account, audit_targets.AccountTarget(account=account))
                )
            if self.source.role_arn is None:
                return None
            (target,) = audit_targets.with_roles(
                (audit_targets.AccountTarget(account=account),),
                self.source.role_arn,
                caller=fleet.account,
                partition=fleet.partition,
            )
            return self._door(target)

        return door


def _read(
    run: _Run, results: ResultsFile | None, totals: Totals, progress: Progress, on_line: OnLine
) -> None:
    shard_targets = {target.account for target in run.shard_targets}
    for line in results.lines() if results else ():
        # The file may also hold other shards, and accounts that are no longer in the list.
        if line["account"] in shard_targets:
            _add_line(run, line, totals, on_line)
    todo = [
        target
        for target in run.shard_targets
        if results is None or target.account not in results.done
    ]
    total = len(shard_targets)
    progress(totals.accounts, total, "accounts")
    if not todo:
        return
    jobs = run.jobs(todo)
    with (
        _reporting_progress(results, totals, total),
        workers.worker_pool(
            run.fleet_arguments.scheduler, plain=run.fleet_arguments.plain_scheduler
        ) as pool,
    ):
        for text in workers.completed_lines(pool, jobs):
            line = results_file.parse_line(text)
            if results is not None:
                results.add(text)
            _add_line(run, line, totals, on_line)
            progress(totals.accounts, total, f"account {line['account']} {line['status']}")


def _add_line(run: _Run, line: Mapping[str, Any], totals: Totals, on_line: OnLine) -> None:
    counted = run.comparison.with_changes(line) if run.comparison else line
    totals.add(counted)
    on_line(counted)


@contextmanager
def _reporting_progress(results: ResultsFile | None, totals: Totals, total: int) -> Iterator[None]:
    """If the run ends early, say how far it came; SIGTERM ends it as Ctrl-C does."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _interrupt) if in_main_thread else None
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_progress_words(results, totals, total)) from None
    except AwsError as error:
        if not totals.accounts:
            raise
        hint = f"{error.hint}; " if error.hint else ""
        raise AwsError(
            error.message, hint=f"{hint}{_progress_words(results, totals, total)}"
        ) from error
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _progress_words(results: ResultsFile | None, totals: Totals, total: int) -> str:
    done = f"{totals.accounts} of {total} accounts were done"
    if results is None:
        return f"{done}; with `out: FILE` the next run would continue"
    return f"{done} and are in {results.path}; the same command continues"


def _fleet(source: Source, run: str) -> Fleet:
    return fleet_of(source.profile, tuple(source.regions or ()), run)


def _members(fleet: Fleet) -> frozenset[str]:
    try:
        return frozenset(organization.active_accounts(fleet))
    except AwsError:
        # Without the list of members nothing can be shared: each account is read on its own.
        return frozenset()


def _results_of(
    out: str | None, job: dict[str, Any]
) -> AbstractContextManager[ResultsFile] | nullcontext[None]:
    return nullcontext() if out is None else results_file.open_results(Path(out), job)


def _job_of(
    source: Source,
    arguments: AuditArguments,
    benchmark: Benchmark,
    mutes: tuple[Mute, ...],
) -> dict[str, Any]:
    """What decides the results. Accounts, shard and credentials may differ between runs that share a file."""
    return {
        "benchmark": benchmark.version,
        "controls": sorted(set(arguments.controls)) if arguments.controls else None,
        "severity": arguments.severity,
        "regions": sorted(set(source.regions)) if source.regions else None,
        "mute": results_file.fingerprint(repr(mutes)) if mutes else None,
    }


def _refuse_contradictions(
    source: Source, arguments: AuditArguments, fleet_arguments: FleetArguments
) -> None:
    fleet_arguments.refuse_contradictions()
    if not fleet_arguments.accounts and not fleet_arguments.org:
        given = next(
            n for n in ("shard", "out", "scheduler") if getattr(fleet_arguments, n) is not None
        )
        raise InputError(
            f"`{given}` is for a run over many accounts", hint="give `accounts` or `org` too"
        )
    for name in _FOR_ONE_ACCOUNT:
        if getattr(source, name, None) or getattr(arguments, name, None):
            raise InputError(
                f"`{name}` is for one account",
                hint="for many accounts, `out` names the file for the results",
            )


def _answer(run: _Run, totals: Totals) -> Answer:
    if totals.accounts and not totals.read:
        first = totals.not_read[0]
        raise AwsError(
            f"none of {totals.accounts} accounts could be read; {first['account']}: {first['why']}"
        )
    found = by_urgency(totals.findings(run.severity))
    sections, out = totals.sections(), run.fleet_arguments.out
    return Answer(
        summary=_summary(run, totals, found),
        findings=found,
        facts={
            **({"understood": words} if (words := run.understood) else {}),
            "benchmark": run.benchmark.version,
            **frameworks.framework(run.arguments.framework, run.benchmark.version).facts(),
            "accounts": _accounts(run, totals),
            **({"nothing_evaluated": True} if totals.unknown and not totals.evaluated else {}),
            "score": {
                "overall": totals.score,
                "evaluated": totals.evaluated,
                "not_evaluated": totals.not_evaluated,
                "by_section": {row["section"]: row["score"] for row in sections},
            },
            **({"results": out} if out else {}),
            **(run.comparison.facts() if run.comparison else {}),
            **({"not_read": totals.not_read} if totals.not_read else {}),
            "sections": sections,
            "worst_accounts": totals.worst(),
            "reads": totals.reads,
        },
        next=_next(found),
        sources=(f"{_PAGE}#many-accounts", f"{_PAGE}#status-semantics"),
        as_of=catalogue.as_of(),
    )


def _accounts(run: _Run, totals: Totals) -> dict[str, Any]:
    numbers = {"named": run.named, "read": totals.read, "not_read": totals.unread}
    numbers |= {"nothing_evaluated": totals.unjudged} if totals.unjudged else {}
    return numbers | ({"shard": run.fleet_arguments.shard} if run.fleet_arguments.shard else {})


def _summary(run: _Run, totals: Totals, found: Sequence[Finding]) -> str:
    shard = run.fleet_arguments.shard
    if not totals.accounts:
        return f"None of {run.named} accounts is in shard {shard}."
    tried = totals.accounts * len(totals.controls)
    of_shard = f" (shard {shard}: {len(run.shard_targets)} of {run.named})" if shard else ""
    scored = (
        f"Score {score_words(totals.score, totals.evaluated, tried, totals.unknown)} over {totals.read} of {totals.accounts} accounts{of_shard} under CIS "
        f"{run.benchmark.version}."
    )
    failed = [
        finding for finding in found if finding.status is Status.FAIL and finding.muted is None
    ]
    controls = len({finding.code for finding in failed})
    sentences = (
        _not_read_sentence(totals),
        _not_judged_sentence(totals),
        fix_first(failed),
        scored,
        f"{controls} control{' fails' if controls == 1 else 's fail'} somewhere."
        if failed
        else "",
        _partial(run, totals, len(found)),
        run.comparison.sentence() if run.comparison else "",
    )
    return " ".join(filter(None, sentences))


def _partial(run: _Run, totals: Totals, shown: int) -> str:
    """The controls that were not requested, and those that are not shown."""
    judged = len(totals.controls)
    parts = [*left_out(asked=judged, of=len(run.benchmark.controls))]
    hidden = judged - shown
    if hidden and run.severity:
        plural = " is" if hidden == 1 else "s are"
        parts.append(f"{hidden} control{plural} left out, below {run.severity.value}")
    return f"{'; '.join(parts)}." if parts else ""


def _not_read_sentence(totals: Totals) -> str:
    """The accounts that could not be read."""
    if not totals.unread:
        return ""
    accounts = named_accounts([row["account"] for row in totals.not_read], totals.unread)
    plural = "s" if totals.unread > 1 else ""
    return f"{totals.unread} account{plural} could not be read ({accounts})."


def _not_judged_sentence(totals: Totals) -> str:
    """The accounts that could be entered, but in which everything was refused."""
    if not totals.unjudged:
        return ""
    accounts = named_accounts(totals.first_unjudged, totals.unjudged)
    return f"Nothing could be evaluated in {counted(totals.unjudged, 'account')} ({accounts})."


def _next(found: Sequence[Finding]) -> tuple[NextCall, ...]:
    failed = (
        finding.code
        for finding in found
        if finding.status is Status.FAIL and finding.muted is None
    )
    worst = next(failed, None)
    why = "the gravest failed control: what it checks and what mends it"
    return (next_call("audit", "control", why, ("benchmark",), id=worst),) if worst else ()
