"""How a CIS control is declared, and the findings that it produces.

    @control("root_mfa", needs=(SUMMARY,))
    def root_mfa(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
        \"\"\"Why the test is as it is. False alarm when …\"\"\"
        if not account.require(SUMMARY).root_mfa:
            yield Fail(account.root_arn, "the root user has no MFA device")

The words of a control (title, severity, fix, source) and its thresholds are its row in `assets/data/cis-controls.json`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.reading.snapshot import Account
from aws_iam.engine.reference.frameworks import with_cis
from aws_iam.frozen import slotted
from aws_iam.rules.check import Check
from aws_iam.rules.on_account import nothing_to_judge, unlisted
from aws_iam.rules.outcomes import Fail, Manual, NotApplicable, Outcome, Unknown
from aws_iam.tools.audit.controls.benchmark import DATA, controls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_iam.account.collect.fact import Fact
    from aws_iam.answer import Finding
    from aws_iam.tools.audit.controls.benchmark import Benchmark, Control

    Test = Callable[["Account", "ControlTerms"], Iterable["Outcome"]]


_TRAIL = "trail"


@slotted
class ControlTerms:
    """The control and the version of the benchmark that a test applies."""

    control: Control
    benchmark: Benchmark

    def threshold(self, name: str) -> Any:
        """The value of this version."""
        return self.benchmark.threshold(self.control, name)

    def question(self, evidence: str) -> str:
        """The evidence, and the question that a person has to decide."""
        ask = self.control.question
        return f"{evidence}; decide: {ask[:1].lower()}{ask[1:]}" if ask else evidence


def control(
    *keys: str, needs: Iterable[Fact[Any]] = ()
) -> Callable[[Test], tuple[Check[Account], ...]]:
    """Declare the test of one or more controls, one check for each key; every key is a row of the data."""

    def declare(test: Test) -> tuple[Check[Account], ...]:
        rows = controls()
        without = [key for key in keys if key not in rows]
        if not (keys and test.__doc__) or without:
            message = f"control {', '.join(without or keys)} needs a docstring and a row in {DATA}"
            raise TypeError(message)
        return tuple(_check(rows[key], test, test.__doc__.strip(), needs) for key in keys)

    return declare


def _check(row: Control, test: Test, why: str, needs: Iterable[Fact[Any]] = ()) -> Check[Account]:
    return Check(
        code=row.key,
        on=Account,
        severity=row.severity,
        title=row.title,
        fix=row.fix,
        source=row.source,
        why=why,
        needs=tuple(needs),
        test=test,
    )


def findings_of(
    row: Control, check: Check[Account] | None, account: Account, benchmark: Benchmark
) -> tuple[Finding, ...]:
    """The findings of one control, at least one: every outcome, or a manual one if no check is declared."""
    terms = ControlTerms(control=row, benchmark=benchmark)
    declared = check or _check(row, lambda _account, _terms: (_by_hand(row),), row.why)
    outcomes = list(declared.outcomes(account, terms))
    # A single-Region trail appears in its own Region only.
    if check and row.scope == _TRAIL:
        outcomes += unlisted(account)
    judged = [outcome for outcome in outcomes if not isinstance(outcome, NotApplicable)]
    return tuple(
        replace(
            (finding := declared.finding(outcome, account)),
            message=_message(finding.message, outcome, row, account),
            # Every status has the fix: it also says how to keep what passes today.
            fix=declared.fix_for(outcome, account),
            controls=dict(row.ids),
            frameworks=with_cis(row.key, row.ids.get(benchmark.version)),
        )
        for outcome in judged or (nothing_to_judge(outcomes),)
    )


def _by_hand(row: Control) -> Manual:
    question = row.question or f"check by hand: {row.condition.get('pass', row.title)}"
    evidence = row.command or f"the answers of {', '.join(row.api)}"
    return Manual(None, f"{question} Look at: {evidence}")


def _message(message: str, outcome: Outcome, row: Control, account: Account) -> str:
    """The message, with the question to decide by hand, or how many Regions were read."""
    if isinstance(outcome, Unknown):
        return f"{message}; check by hand: {row.question}" if row.question else message
    # A single-Region trail appears in its own Region only.
    of_regions = row.regional or row.scope == _TRAIL
    partial_view = of_regions and not account.regions.complete
    if partial_view and not isinstance(outcome, Fail):
        return f"{message} ({account.regions} read)"
    return message
