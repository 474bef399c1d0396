"""The audit's answer: the score, what to fix first, every finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Severity, Status
from aws_iam.escape import escaped
from aws_iam.modes.audit_account import command
from aws_iam.modes.audit_unread import lead, missing_permissions
from aws_iam.rules import benchmark as catalogue
from aws_iam.rules.audit import judge, rolled_up, score

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.account.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.modes.parameters import Source
    from aws_iam.rules.audit import Score
    from aws_iam.rules.benchmark import Benchmark

_PAGE = "references/compliance-checklist.md"
_FIRST = 3


def answer(
    account: Account,
    source: Source,
    *,
    benchmark: str | None,
    controls: Sequence[str] | None,
    severity: Severity | None,
    reads: int,
) -> Answer:
    """Judge the snapshot: the score counts every control, `severity` only leaves out findings."""
    chosen = catalogue.benchmark(benchmark)
    found = ordered(judge(account, chosen, controls=controls))
    scored = score(found, chosen)
    shown = tuple(
        each for each in found if severity is None or each.severity.rank <= severity.rank
    )
    return Answer(
        summary=_summary(account, chosen, found, scored),
        findings=shown,
        facts={
            "benchmark": chosen.version,
            "account": _account_words(account),
            "regions": str(account.regions),
            "collected_at": account.collected_at.isoformat(timespec="seconds"),
            "score": _score(scored),
            **({"reads": reads} if reads else {}),
            **({"left_out_by_severity": len(found) - len(shown)} if severity else {}),
            "sections": [_row(tally.row()) for tally in scored.sections],
        },
        artifacts=missing_permissions(account, found),
        next=_next(found, source),
        sources=(f"{_PAGE}#status-semantics", f"{_PAGE}#remediation-workflow"),
        as_of=catalogue.as_of(),
    )


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Failed first, the worst of them first; then unknown, manual, passed; each in the benchmark's order."""
    return tuple(sorted(findings, key=lambda each: (each.status.rank, each.severity.rank)))


def _summary(
    account: Account, benchmark: Benchmark, found: Sequence[Finding], scored: Score
) -> str:
    total = scored.total
    counted = ", ".join(
        f"{total.status.get(status, 0)} {status.value.replace('_', ' ')}" for status in _SAID
    )
    percent = "none (nothing could be evaluated)" if total.score is None else f"{total.score:.0%}"
    first = _first(found)
    fix = f" Fix first: {', '.join(first)}." if first else ""
    told = (
        f"Score {percent} for account {_account_words(account)} under CIS {benchmark.version}; "
        f"controls: {counted}."
    )
    unread = total.status.get(Status.UNKNOWN, 0)
    gap = lead(account, found, unread, sum(total.status.values()))
    if not gap:
        return f"{told}{fix}"
    # A score of a few controls must not stand before how few they are.
    evaluated = total.status.get(Status.PASS, 0) + total.status.get(Status.FAIL, 0)
    return f"{gap}. {told}{fix}" if unread > evaluated else f"{told} {gap}.{fix}"


_SAID = (Status.PASS, Status.FAIL, Status.MANUAL, Status.UNKNOWN, Status.NOT_APPLICABLE)


def _first(found: Sequence[Finding]) -> list[str]:
    failed = dict.fromkeys(
        (each.code, each.severity.value) for each in found if each.status is Status.FAIL
    )
    return [f"`{code}` ({severity})" for code, severity in list(failed)[:_FIRST]]


def _account_words(account: Account) -> str:
    return f"{account.id} ({escaped(account.alias, 63)})" if account.alias else account.id


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
    status = rolled_up(found)
    worst = next((each.code for each in found if each.status is Status.FAIL), None)
    commands = [f"aws-iam audit control --id {worst}"] if worst else []
    if any(key.startswith("cloudtrail_") and status[key] is Status.FAIL for key in status):
        commands.append(command(source, "cloudtrail"))
    if status.get("access_analyzer") is Status.FAIL:
        commands.append(command(source, "access_analyzer"))
    return tuple(commands or ["aws-iam audit checklist"])
