"""`audit run`: one account judged, and its answer: what to fix first, the score, every finding."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, NextCall, Severity, Status, counts, next_call
from aws_iam.engine.reference import frameworks
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.report.audit_report import left_out
from aws_iam.report.control_lines import problem_in_short, shortened
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.judge import judge, needs, rolled_up, score
from aws_iam.tools.audit.run import changes
from aws_iam.tools.audit.run import mutes as audit_mutes
from aws_iam.tools.kit import account_source
from aws_iam.tools.kit.account_source import ACCOUNT_ARGUMENTS, account_words, audit_call
from aws_iam.tools.kit.unread_facts import is_unjudged, missing_permissions, not_judged_summary
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account, Regions
    from aws_iam.answer import Finding
    from aws_iam.engine.reference.frameworks import Framework
    from aws_iam.tools.audit.controls.benchmark import Benchmark
    from aws_iam.tools.audit.controls.judge import Score
    from aws_iam.tools.audit.run.arguments import AuditArguments
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

_PAGE = "references/compliance-checklist.md"
_FIRST = 3
_MOST_REGIONS = 5


@slotted
class AuditRun:
    """An audited account: its findings under a benchmark version, after mutes and compared with an earlier snapshot."""

    account: Account
    source: Source
    benchmark: Benchmark
    framework: Framework
    """Whose ids are shown."""
    findings: tuple[Finding, ...]
    """Every finding of this run, and those of the earlier snapshot that are gone, in order."""
    score: Score
    severity: Severity | None
    reads: int
    facts: Mapping[str, Any]
    """The facts that saving, comparing and muting add."""
    notes: str
    """The same in sentences."""

    @property
    def shown(self) -> tuple[Finding, ...]:
        """The findings at or above the severity in the arguments."""
        if self.severity is None:
            return self.findings
        return tuple(f for f in self.findings if f.severity.rank <= self.severity.rank)


def audit_account(
    source: Source,
    arguments: AuditArguments,
    progress: Progress,
    also: Iterable[Fact[Any]] = (),
) -> AuditRun:
    """Read the account that the arguments name, and judge it; `also` are facts for more than the controls."""
    benchmark = catalogue.benchmark(arguments.benchmark)
    controls = named_controls(arguments)
    # Every argument is checked before the account is read: a typo must not cost a minute.
    mutes = (
        audit_mutes.parse_mutes(arguments.mute, benchmark) if arguments.mute is not None else ()
    )
    needed = tuple(dict.fromkeys((*needs(benchmark, controls=controls), *also)))
    earlier = _earlier(arguments.against)
    counter = ReadCounter(progress)
    wanted = needed if arguments.save is None or controls else _every_fact()
    account, not_saved = account_source.read_and_save(source, wanted, counter, save=arguments.save)
    found = judge(account, benchmark, controls=controls)
    understood = benchmark.understood(controls or ())
    added: dict[str, Any] = {"understood": understood} if understood else {}
    if is_unjudged({finding.status for finding in found}):
        added["nothing_evaluated"] = True
    notes = [account_source.age_words(account)] if source.snapshot is not None else []
    if not_saved is not None:
        added["not_saved"] = not_saved.message
        notes.append(f"The snapshot could not be saved: {not_saved.message}.")
    gone: tuple[Finding, ...] = ()
    if earlier is not None:
        before = changes.JudgedSnapshot(earlier, judge(earlier, benchmark, controls=controls))
        both = changes.with_changes(changes.JudgedSnapshot(account, found), before)
        found, gone = both[: len(found)], both[len(found) :]
        added |= changes.changes_facts(both, earlier)
        notes.append(changes.changes_sentence(added["changes"]))
    if mutes:
        day = account.collected_at.astimezone(UTC).date()
        found, rows = audit_mutes.apply_mutes(found, mutes, benchmark, day)
        added["mutes"] = rows
        notes.append(audit_mutes.mutes_sentence(counts(found), rows))
    return AuditRun(
        account=account,
        source=source,
        benchmark=benchmark,
        framework=frameworks.framework(arguments.framework, benchmark.version),
        findings=by_urgency((*found, *gone)),
        # A finding that is gone does not count in the score.
        score=score(found, benchmark),
        severity=Severity(arguments.severity) if arguments.severity else None,
        reads=counter.done,
        facts=added,
        notes=" ".join(filter(None, notes)),
    )


def named_controls(arguments: AuditArguments) -> list[str] | None:
    """The controls in the arguments, None for all; a list without a name is refused."""
    if arguments.controls is not None and not any(map(str.strip, arguments.controls)):
        raise InputError("`controls` names no control", hint="leave it out to judge all of them")
    return arguments.controls


def _earlier(file: str | None) -> Account | None:
    if file is None:
        return None
    from aws_iam.account.reading.snapshot import load

    return load(Path(file))


def run_answer(run: AuditRun) -> Answer:
    """The answer of `audit run`; `severity` leaves out findings, but the score counts every control."""
    return Answer(
        summary=run_summary(run),
        findings=run.shown,
        facts={
            **run_facts(run),
            **({"reads": run.reads} if run.reads else {}),
        },
        artifacts=missing_permissions(run.account, run.findings),
        next=_next(run.shown),
        sources=(f"{_PAGE}#status-semantics", f"{_PAGE}#remediation-workflow"),
        as_of=catalogue.as_of(),
    )


def run_facts(run: AuditRun) -> dict[str, Any]:
    """Account, score, sections, and what mutes and comparison add."""
    left_out = len(run.findings) - len(run.shown)
    return {
        "benchmark": run.benchmark.version,
        **run.framework.facts(),
        "account": account_words(run.account),
        "regions": _regions(run.account.regions),
        "collected_at": run.account.collected_at.isoformat(timespec="seconds"),
        "score": _score(run.score),
        **({"not_judged": words} if (words := not_judged(run)) else {}),
        **({"left_out_by_severity": left_out} if run.severity else {}),
        **({"changes": run.facts["changes"]} if "changes" in run.facts else {}),
        "sections": [_row(tally.row()) for tally in run.score.sections],
        **{name: value for name, value in run.facts.items() if value and name != "changes"},
    }


def run_summary(run: AuditRun) -> str:
    """What to fix first, the score, what could not be judged, what changed."""
    account, total = run.account, run.score.total
    statuses = ", ".join(
        f"{total.status.get(status, 0)} {status.value.replace('_', ' ')}" for status in _COUNTED
    )
    statuses += f", {total.muted} muted" if total.muted else ""
    unread = total.status.get(Status.UNKNOWN, 0)
    first = fix_first(run.shown)
    scored = (
        f"Score {score_words(total.score, total.evaluated, _asked(run), unread)} for account {account_words(account)} under CIS {run.benchmark.version}; "
        f"controls: {statuses}."
    )
    gap = f"{text}." if (text := _unknown(run)) else ""
    # When most controls could not be judged, the summary must say so first.
    parts = (gap, first, scored) if unread > total.evaluated else (first, scored, gap)
    partial = f"{'; '.join(left)}." if (left := _left_out(run)) else ""
    return " ".join(filter(None, (*parts, partial, run.notes)))


def score_words(score: float | None, evaluated: int, tried: int, unread: int) -> str:
    """The score with what it rests on: `24% on 41 of 70 controls (17 unknown count as not passed)`."""
    if score is None:
        return f"none ({'nothing could' if unread else 'no control can'} be evaluated)"
    gap = f" ({unread:,} unknown count{'s' * (unread == 1)} as not passed)" if unread else ""
    return f"{score:.0%} on {evaluated:,} of {counted(tried, 'control')}{gap}"


def not_judged(run: AuditRun) -> list[str]:
    """What the run leaves open, in sentences: controls without a verdict, controls and findings that are left out."""
    return [*filter(None, (_unknown(run),)), *_left_out(run)]


def _unknown(run: AuditRun) -> str:
    """How many controls could not be judged, and why."""
    total = run.score.total
    unknown = total.status.get(Status.UNKNOWN, 0)
    return not_judged_summary(run.account, run.findings, unknown, _asked(run))


def _left_out(run: AuditRun) -> tuple[str, ...]:
    """The controls that were not requested, and the findings that are not shown."""
    return left_out(
        asked=_asked(run),
        of=len(run.benchmark.controls),
        below=run.severity.value if run.severity else "",
        count=len(run.findings) - len(run.shown),
    )


def _asked(run: AuditRun) -> int:
    """How many controls were judged or tried."""
    return sum(run.score.total.status.values()) + run.score.total.muted


_COUNTED = (Status.PASS, Status.FAIL, Status.MANUAL, Status.UNKNOWN, Status.NOT_APPLICABLE)


def fix_first(found: Iterable[Finding]) -> str:
    """The worst controls that fail, and what is wrong; empty if none fails. The worst findings come first in `found`."""
    failed: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        if finding.status is Status.FAIL and finding.muted is None:
            failed[finding.code].append(finding)
    worst = [_what_is_wrong(findings) for findings in list(failed.values())[:_FIRST]]
    return f"Fix first: {'; '.join(worst)}." if worst else ""


def _what_is_wrong(findings: Sequence[Finding]) -> str:
    """A control's first finding in short, and how many more there are."""
    first = findings[0]
    more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
    return f"`{first.code}` ({first.severity.value}): {shortened(problem_in_short(first))}{more}"


def _score(scored: Score) -> dict[str, Any]:
    return {
        "overall": scored.total.score,
        "evaluated": scored.total.evaluated,
        "not_evaluated": scored.total.not_evaluated,
        "by_section": {tally.name: tally.score for tally in scored.sections},
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """A narrow row: without the sum of three columns, and without `muted` if it is zero."""
    return {
        name: value
        for name, value in row.items()
        if name != "not_evaluated" and (name != "muted" or value)
    }


def _next(findings: Sequence[Finding]) -> tuple[NextCall, ...]:
    unmuted = [finding for finding in findings if finding.muted is None]
    status = rolled_up(unmuted)
    worst = next((finding.code for finding in unmuted if finding.status is Status.FAIL), None)
    calls = []
    if worst:
        why = "the gravest failed control: what it checks and what mends it"
        calls.append(next_call("audit", "control", why, ("benchmark",), id=worst))
    why = "who can become an administrator, by which paths, and what closes most of them"
    calls.append(next_call("audit", "access", why, ACCOUNT_ARGUMENTS, to="admin"))
    if any(key.startswith("cloudtrail_") and status[key] is Status.FAIL for key in status):
        why = "each trail, and the commands that mend it"
        calls.append(audit_call("cloudtrail", why, ("benchmark",)))
    if status.get("access_analyzer") is Status.FAIL:
        why = "the Regions without an analyzer, and what the others found"
        calls.append(audit_call("access_analyzer", why))
    return (
        *calls,
        audit_call("principals", "administrators, trusts and unused access of the account"),
    )


class ReadCounter:
    """A progress callback that also counts what was read."""

    def __init__(self, progress: Progress = lambda *_: None) -> None:
        self.done = 0
        self._progress = progress

    def __call__(self, done: int, total: int, text: str) -> None:
        """Remember the highest count and pass the progress on."""
        self.done = max(self.done, done)
        self._progress(done, total, text)


def _every_fact() -> tuple[Fact[Any], ...]:
    """The facts of a saved snapshot: enough for every version and for the other actions."""
    from aws_iam.tools.audit import access_analyzer
    from aws_iam.tools.audit.principals import principals
    from aws_iam.tools.audit.trails import trails

    listed = [fact for version in catalogue.versions() for fact in needs(version)]
    for action in (trails, access_analyzer, principals):
        listed += action.needed_facts()
    return tuple({fact.name: fact for fact in listed}.values())


def _regions(regions: Regions) -> str:
    """How many Regions were read; by name where they are a part."""
    if regions.complete:
        return str(regions)
    return f"{regions}: {joined(regions.read, shown=_MOST_REGIONS)}"
