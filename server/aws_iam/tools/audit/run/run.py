"""The audit's answer: the score, what to fix first, every finding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Severity, Status
from aws_iam.errors import InputError
from aws_iam.report.audit_report import left_out
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.judge import judge, needs, rolled_up, score
from aws_iam.tools.audit.run import changes
from aws_iam.tools.audit.run import mutes as audit_mutes
from aws_iam.tools.kit import account_source
from aws_iam.tools.kit.account_source import command
from aws_iam.tools.kit.unread_facts import lead, missing_permissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.tools.audit.controls.benchmark import Benchmark
    from aws_iam.tools.audit.controls.judge import Score
    from aws_iam.tools.audit.run.arguments import Asked
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress
from aws_iam.report.page import by_urgency
from aws_iam.tools.kit.account_source import account_words

_PAGE = "references/compliance-checklist.md"
_FIRST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An account under a version: what was found, beside the mutes and an earlier snapshot."""

    account: Account
    source: Source
    benchmark: Benchmark
    findings: tuple[Finding, ...]
    """Every finding of this run, and those of the earlier snapshot that are gone, in order."""
    score: Score
    severity: Severity | None
    reads: int
    facts: Mapping[str, Any]
    """What the mutes and the comparison add."""
    said: str
    """The same in a sentence."""

    @property
    def shown(self) -> tuple[Finding, ...]:
        """The findings that are not below the asked severity."""
        if self.severity is None:
            return self.findings
        return tuple(f for f in self.findings if f.severity.rank <= self.severity.rank)


def judged(source: Source, asked: Asked, progress: Progress) -> Judged:
    """Read the account that the arguments name, and judge it."""
    benchmark = catalogue.benchmark(asked.benchmark)
    controls = named_controls(asked)
    # What the caller gives is read before the account is: a typing mistake must not cost a minute.
    mutes = audit_mutes.read(asked.mute, benchmark) if asked.mute is not None else ()
    wanted = needs(benchmark, controls=controls)
    earlier = _earlier(asked.against)
    counted = _Counted(progress)
    facts = wanted if asked.save is None or controls else _every_fact()
    account, not_saved = account_source.read_and_saved(source, facts, counted, save=asked.save)
    found = judge(account, benchmark, controls=controls)
    more: dict[str, Any] = {}
    said = []
    if not_saved is not None:
        more["not_saved"] = not_saved.message
        said.append(f"The snapshot is not saved: {not_saved.message}.")
    gone: tuple[Finding, ...] = ()
    if earlier is not None:
        before = changes.Side(earlier, judge(earlier, benchmark, controls=controls))
        both = changes.compared(changes.Side(account, found), before)
        found, gone = both[: len(found)], both[len(found) :]
        more |= changes.facts(both, earlier)
        said.append(changes.said(more["changes"]))
    if mutes:
        day = account.collected_at.astimezone(UTC).date()
        found, rows = audit_mutes.applied(found, mutes, benchmark, day)
        more["mutes"] = rows
        said.append(audit_mutes.said(found, rows))
    return Judged(
        account=account,
        source=source,
        benchmark=benchmark,
        findings=by_urgency((*found, *gone)),
        # What is gone has no part in the state of a control.
        score=score(found, benchmark),
        severity=Severity(asked.severity) if asked.severity else None,
        reads=counted.done,
        facts=more,
        said=" ".join(said),
    )


def named_controls(asked: Asked) -> list[str] | None:
    """The controls that are asked for; None: all. A list that names none is no wish for all."""
    if asked.controls is not None and not any(map(str.strip, asked.controls)):
        raise InputError("`controls` names no control", hint="leave it out to judge all of them")
    return asked.controls


def _earlier(file: str | None) -> Account | None:
    if file is None:
        return None
    from aws_iam.account.reading.snapshot import load

    return load(Path(file))


def answer(run: Judged) -> Answer:
    """The score counts every control, `severity` only leaves out findings."""
    account, found, shown = run.account, run.findings, run.shown
    return Answer(
        summary=summary(run),
        findings=shown,
        facts={
            **facts(run),
            **({"reads": run.reads} if run.reads else {}),
        },
        artifacts=missing_permissions(account, found),
        next=_next(found, run.source),
        sources=(f"{_PAGE}#status-semantics", f"{_PAGE}#remediation-workflow"),
        as_of=catalogue.as_of(),
    )


def facts(run: Judged) -> dict[str, Any]:
    """Account, score, sections, and what mutes and comparison add."""
    left_out = len(run.findings) - len(run.shown)
    return {
        "benchmark": run.benchmark.version,
        "account": account_words(run.account),
        "regions": str(run.account.regions),
        "collected_at": run.account.collected_at.isoformat(timespec="seconds"),
        "score": _score(run.score),
        **({"left_out_by_severity": left_out} if run.severity else {}),
        **({"changes": run.facts["changes"]} if "changes" in run.facts else {}),
        "sections": [_row(tally.row()) for tally in run.score.sections],
        **{name: value for name, value in run.facts.items() if value and name != "changes"},
    }


def summary(run: Judged) -> str:
    """What to fix first and why, the score, what could not be judged, what changed."""
    account, found, total = run.account, run.findings, run.score.total
    counted = ", ".join(
        f"{total.status.get(status, 0)} {status.value.replace('_', ' ')}" for status in _SAID
    )
    counted += f", {total.muted} muted" if total.muted else ""
    percent = "none (nothing could be evaluated)" if total.score is None else f"{total.score:.0%}"
    fix = fix_first(found, run.benchmark)
    told = (
        f"Score {percent} for account {account_words(account)} under CIS {run.benchmark.version}; "
        f"controls: {counted}."
    )
    unread = total.status.get(Status.UNKNOWN, 0)
    gap = lead(account, found, unread, sum(total.status.values()) + total.muted)
    gap = f"{gap}." if gap else ""
    # What few controls tell must not stand before how few they are.
    evaluated = total.status.get(Status.PASS, 0) + total.status.get(Status.FAIL, 0)
    parts = (gap, fix, told) if unread > evaluated else (fix, told, gap)
    return " ".join(filter(None, (*parts, _partial(run), run.said)))


def _partial(run: Judged) -> str:
    """What was not asked for, and what is not shown."""
    total = run.score.total
    parts = left_out(
        asked=sum(total.status.values()) + total.muted,
        of=len(run.benchmark.controls),
        below=run.severity.value if run.severity else "",
        count=len(run.findings) - len(run.shown),
    )
    return f"{'; '.join(parts)}." if parts else ""


_SAID = (Status.PASS, Status.FAIL, Status.MANUAL, Status.UNKNOWN, Status.NOT_APPLICABLE)


def fix_first(found: Iterable[Finding], benchmark: Benchmark) -> str:
    """The worst controls that fail, and why; empty when none does. `found` has the worst first."""
    whys = {control.key: control.why for control in benchmark.controls}
    failed: dict[str, Severity] = {}
    for finding in found:
        if finding.status is Status.FAIL and finding.muted is None:
            failed.setdefault(finding.code, finding.severity)
    told = [
        f"`{code}` ({severity.value}): {whys[code].rstrip('.')}"
        for code, severity in list(failed.items())[:_FIRST]
    ]
    return f"Fix first: {'; '.join(told)}." if told else ""


def _score(scored: Score) -> dict[str, Any]:
    return {
        "overall": scored.total.score,
        "not_evaluated": scored.total.not_evaluated,
        "by_section": {tally.name: tally.score for tally in scored.sections},
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """A narrow row: what was not evaluated is the sum of three columns, and few mute anything."""
    return {
        name: value
        for name, value in row.items()
        if name != "not_evaluated" and (name != "muted" or value)
    }


def _next(found: Sequence[Finding], source: Source) -> tuple[str, ...]:
    open_ = [finding for finding in found if finding.muted is None]
    status = rolled_up(open_)
    worst = next((finding.code for finding in open_ if finding.status is Status.FAIL), None)
    commands = [f"aws-iam audit control --id {worst}"] if worst else []
    if any(key.startswith("cloudtrail_") and status[key] is Status.FAIL for key in status):
        commands.append(command(source, "cloudtrail"))
    if status.get("access_analyzer") is Status.FAIL:
        commands.append(command(source, "access_analyzer"))
    return (*(commands or ["aws-iam audit checklist"]), command(source, "principals"))


class _Counted:
    """A progress that also remembers how much was read."""

    def __init__(self, progress: Progress) -> None:
        self.done = 0
        self._progress = progress

    def __call__(self, done: int, total: int, text: str) -> None:
        self.done = max(self.done, done)
        self._progress(done, total, text)


def _every_fact() -> tuple[Fact[Any], ...]:
    """What a saved snapshot holds: enough to judge it under every version, and for the other actions."""
    from aws_iam.tools.audit import access_analyzer
    from aws_iam.tools.audit.principals import principals
    from aws_iam.tools.audit.trails import trails

    listed = [fact for version in catalogue.versions() for fact in needs(version)]
    for action in (trails, access_analyzer, principals):
        listed += action.needed()
    return tuple({fact.name: fact for fact in listed}.values())
