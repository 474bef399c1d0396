"""A check of an account: one question about what was read of it, with its words and its proof in one place.

    @check("SEC-ROT-OFF", severity=…, title=…, fix=…, source=…, needs=(SECRETS,), bad=[…], good=[…], trap=[…])
    def not_rotated(account: Account, limits: Limits) -> Iterator[Outcome]:
        \"\"\"Why it matters.\"\"\"
        yield Fail(secret.arn, "what is wrong, with the value", region)

Outcomes are those of `judge.py`: what could not be read is unknown, by itself. Where a control of the audit reports
every resource, a check reports what fails and what is unknown, and counts what passes. The examples are snapshots: `bad`
must fail, `good` must pass, `trap` looks bad and is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.language.frozen import slotted
from aws_iam.escape import escaped
from aws_iam.rules.declared import declared_in
from aws_iam.rules.fix_placeholders import filled
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, Unknown, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import ModuleType

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account

L = TypeVar("L")
# The longest ARN has 2,048 characters.
_RESOURCE = 2048
_MESSAGE = 2000


@slotted
class Check(Generic[L]):
    """A declared check; `findings` judges a snapshot within limits that the caller may set."""

    code: str
    severity: Severity
    title: str
    fix: str
    source: str
    why: str
    needs: tuple[Fact[Any], ...]
    test: Callable[[Account, L], Iterator[Outcome]]
    bad: tuple[Account, ...]
    good: tuple[Account, ...]
    trap: tuple[Account, ...]

    def findings(self, account: Account, limits: L) -> tuple[Finding, ...]:
        """What fails and what is unknown, one by one; else one finding that says how much passed."""
        found = tuple(guarded(lambda: self.test(account, limits)))
        told = [each for each in found if isinstance(each, (Fail, Unknown))]
        passed = sum(isinstance(each, Pass) for each in found)
        if told:
            return tuple(self._finding(each, account) for each in told)
        return (self._finding(_summed(found, passed), account),)

    def _finding(self, outcome: Outcome, account: Account) -> Finding:
        own = outcome if isinstance(outcome, Fail) else None
        # A Region as such is no resource: the finding's place already says it.
        resource = None if outcome.resource == outcome.region else outcome.resource
        status = _STATUS[type(outcome)]
        partial = not own and not account.regions.complete
        message = escaped(outcome.message, _MESSAGE)
        return Finding(
            code=self.code,
            title=self.title,
            severity=(own and own.severity) or self.severity,
            status=status,
            message=f"{message} ({account.regions} read)" if partial else message,
            reason=escaped(outcome.reason, _MESSAGE) if isinstance(outcome, Unknown) else None,
            resource=escaped(resource, _RESOURCE) if resource else None,
            region=outcome.region,
            account=account.id,
            fix=filled(
                own.fix or self.fix,
                resource=resource,
                region=outcome.region,
                account=account.id,
                partition=account.partition,
                more=own.names,
            )
            if own
            else None,
            source=self.source,
            confidence="low" if own and own.low_confidence else None,
        )


_STATUS: Mapping[type[Outcome], Status] = {
    Fail: Status.FAIL,
    Pass: Status.PASS,
    NotApplicable: Status.NOT_APPLICABLE,
    Unknown: Status.UNKNOWN,
}


def _summed(found: Iterable[Outcome], passed: int) -> Outcome:
    if passed:
        return Pass(None, f"{passed:,} {'keeps' if passed == 1 else 'keep'} it")
    why = dict.fromkeys(each.message for each in found if each.message)
    return NotApplicable(None, "; ".join(why) or "nothing to judge")


def check(  # noqa: PLR0913 - a declaration: every word of a check stands here
    code: str,
    *,
    severity: Severity,
    title: str,
    fix: str,
    source: str,
    needs: Iterable[Fact[Any]],
    bad: Sequence[Account],
    good: Sequence[Account],
    trap: Sequence[Account],
) -> Callable[[Callable[[Account, L], Iterator[Outcome]]], Check[L]]:
    """Declare a check; `needs` are the facts it asks the account for."""

    def declare(test: Callable[[Account, L], Iterator[Outcome]]) -> Check[L]:
        if not (test.__doc__ and bad and good and trap and source.startswith("https://")):
            message = f"check {code} needs a docstring, a bad, a good and a trap example, and an https source"
            raise TypeError(message)
        return Check(
            code=code,
            severity=severity,
            title=title,
            fix=fix,
            source=source,
            why=test.__doc__.strip(),
            needs=tuple(needs),
            test=test,
            bad=tuple(bad),
            good=tuple(good),
            trap=tuple(trap),
        )

    return declare


def checks_in(*modules: ModuleType) -> tuple[Check[Any], ...]:
    """Every check of the modules, in order of declaration; refuses a code declared twice."""
    return declared_in(Check, modules)
