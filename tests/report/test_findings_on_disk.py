"""Findings on the disk make the same files as findings in memory, and need memory for one account."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.answer import Answer, Finding, Severity, Status, counts
from aws_iam.report.catalogue import report_formats
from aws_iam.report.findings_on_disk import FindingsOnDisk
from aws_iam.report.order import by_urgency
from helpers.audited_runs import audited, finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.report.audit_report import AuditReport

AUDITS = {name: form for name, form in report_formats().items() if form.audit}
ACCOUNTS = ("111122223333", "444455556666", "777788889999")
GENERATED = st.lists(
    st.builds(
        finding,
        code=st.sampled_from(["imdsv2", "root_mfa", "s3_macie"]),
        account=st.sampled_from(ACCOUNTS),
        status=st.sampled_from(Status),
        severity=st.sampled_from([Severity.CRITICAL, Severity.HIGH, Severity.LOW]),
        resource=st.sampled_from([None, "arn:aws:s3:::b", "arn:aws:s3:::c"]),
        muted=st.sampled_from([None, None, "accepted"]),
        change=st.sampled_from([None, "new", "same", "fixed"]),
        reason=st.sampled_from([None, "refused"]),
    ),
    max_size=40,
)


def on_disk(findings: Iterable[Finding]) -> FindingsOnDisk:
    """Written account by account, in an order that is not that of the accounts."""
    kept = FindingsOnDisk()
    every = [*findings]
    for account in reversed(ACCOUNTS):
        kept.add(account, [own for own in every if own.account == account])
    return kept


def in_memory(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return by_urgency(sorted(findings, key=lambda own: own.account or ""))


@given(GENERATED)
def test_they_come_worst_first_and_are_counted(found: list[Finding]) -> None:
    kept = on_disk(found)
    assert tuple(kept) == tuple(kept) == in_memory(found)
    assert len(kept) == len(found)
    assert kept.counts == counts(found)
    one_by_one = [tuple(own) for own in kept.by_account()]
    listed = [in_memory(f for f in found if f.account == account) for account in ACCOUNTS]
    assert one_by_one == [own for own in listed if own]


@pytest.mark.parametrize("name", AUDITS)
def test_every_format_writes_the_same_file(name: str) -> None:
    @given(GENERATED)
    def same(found: list[Finding]) -> None:
        write = AUDITS[name].audit
        assert write
        answer = Answer(summary="s", findings=in_memory(found))
        run = replace(
            audited(in_memory(sorted(found, key=lambda own: own.account or ""))), answer=answer
        )
        kept = replace(run, findings=on_disk(found), answer=replace(answer, findings=()))
        assert "".join(write(kept)) == "".join(write(run))

    same()


@pytest.mark.parametrize("name", [name for name in AUDITS if name not in {"html", "sarif"}])
def test_a_file_of_three_times_the_accounts_needs_no_more_memory(name: str) -> None:
    write = AUDITS[name].audit
    assert write

    def run_of(accounts: int) -> AuditReport:
        kept = FindingsOnDisk()
        for account in range(accounts):
            own = finding(account=f"{account:012}")
            kept.add(f"{account:012}", [replace(own, resource=f"r{at}") for at in range(50)])
        return replace(audited([]), findings=kept, accounts=accounts)

    def peak(run: AuditReport) -> int:
        # What other tests left, and what waits for a collector that comes seldom in the suite, is no part of it; nor does
        # the collector look through what they keep each time that it comes.
        gc.collect()
        gc.freeze()
        seldom = gc.get_threshold()
        gc.set_threshold(700, *seldom[1:])
        tracemalloc.start()
        try:
            for _ in write(run):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            gc.set_threshold(*seldom)

    many, few = run_of(60), run_of(20)
    # Caches fill up to their bounds; it is the tracing that takes time.
    for _ in write(many):
        pass
    # The findings alone would need three times as much.
    assert peak(many) < 2.1 * peak(few)
