"""The test of a control, declared once, and the findings that come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding
from aws_iam.engine.language.frozen import slotted
from aws_iam.escape import escaped
from aws_iam.rules.fix_placeholders import filled
from aws_iam.rules.outcomes import (
    LONGEST_MESSAGE,
    LONGEST_RESOURCE,
    STATUS,
    Fail,
    Manual,
    NotApplicable,
    Outcome,
    Unknown,
    guarded,
    unlisted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import ModuleType

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.controls.benchmark import Benchmark, Control

    Test = Callable[["Account", "Terms"], Iterator["Outcome"]]


_TRAIL = "trail"


@slotted
class Terms:
    """Under which control of which version a test judges."""

    control: Control
    benchmark: Benchmark

    def threshold(self, name: str) -> Any:
        """The value of this version."""
        return self.benchmark.threshold(self.control, name)

    def question(self, evidence: str) -> str:
        """The evidence, and what a person has to decide on it."""
        ask = self.control.question
        return f"{evidence}; decide: {ask[:1].lower()}{ask[1:]}" if ask else evidence


@slotted
class Judge:
    """A declared test: of which controls, on which facts."""

    keys: tuple[str, ...]
    needs: tuple[Fact[Any], ...]
    test: Test

    def outcomes(self, account: Account, terms: Terms) -> tuple[Outcome, ...]:
        """Everything found; a missing fact ends the test and becomes its last outcome."""
        found = list(guarded(lambda: self.test(account, terms)))
        # A trail of one Region shows in that Region alone.
        if terms.control.scope == _TRAIL:
            found += unlisted(account)
        telling = tuple(outcome for outcome in found if not isinstance(outcome, NotApplicable))
        return telling or (_nothing(found),)


def judges(*keys: str, needs: Iterable[Fact[Any]] = ()) -> Callable[[Test], Judge]:
    """Declare the test of one or more controls; `needs` are the facts it asks the account for."""

    def declare(test: Test) -> Judge:
        if not (keys and test.__doc__):
            message = "a judge needs the key of a control and a docstring"
            raise TypeError(message)
        return Judge(keys=keys, needs=tuple(needs), test=test)

    return declare


def judges_in(*modules: ModuleType) -> Mapping[str, Judge]:
    """The judge of each control key; refuses a key that two judges claim."""
    found: dict[str, Judge] = {}
    for module in modules:
        for value in vars(module).values():
            for key in value.keys if isinstance(value, Judge) else ():
                if key in found:
                    message = f"control {key} is judged twice"
                    raise TypeError(message)
                found[key] = value
    return found


def findings_of(
    control: Control, judge: Judge | None, account: Account, benchmark: Benchmark
) -> tuple[Finding, ...]:
    """The findings of one control, at least one."""
    terms = Terms(control=control, benchmark=benchmark)
    found = judge.outcomes(account, terms) if judge else (_by_hand(control),)
    return tuple(_finding(outcome, control, account) for outcome in found)


def _nothing(found: Iterable[Outcome]) -> NotApplicable:
    why = "; ".join(dict.fromkeys(outcome.message for outcome in found))
    return NotApplicable(None, why or "nothing to judge")


def _by_hand(control: Control) -> Manual:
    ask = control.question or f"by hand: {control.condition.get('pass', control.title)}"
    look = control.command or f"the answers of {', '.join(control.api)}"
    return Manual(None, f"{ask} Look at: {look}")


def _finding(outcome: Outcome, control: Control, account: Account) -> Finding:
    own = outcome if isinstance(outcome, Fail) else None
    # A Region as such is no resource: the finding's place already says it.
    resource = None if outcome.resource == outcome.region else outcome.resource
    fix = filled(
        (own and own.fix) or control.fix,
        resource=resource,
        region=outcome.region,
        account=account.id,
        partition=account.partition,
        more=own.names if own else (),
    )
    return Finding(
        code=control.key,
        title=control.title,
        severity=(own and own.severity) or control.severity,
        status=STATUS[type(outcome)],
        message=_message(outcome, control, account),
        reason=escaped(outcome.reason, LONGEST_MESSAGE) if isinstance(outcome, Unknown) else None,
        resource=escaped(resource, LONGEST_RESOURCE) if resource else None,
        region=outcome.region,
        account=account.id,
        fix=fix,
        source=control.source,
        controls=dict(control.ids),
        confidence="low" if own and own.low_confidence else None,
    )


def _message(outcome: Outcome, control: Control, account: Account) -> str:
    """The outcome's words, with what a verdict on a part of the Regions or on no facts has to add."""
    message = escaped(outcome.message, LONGEST_MESSAGE)
    if isinstance(outcome, Unknown):
        return f"{message}; by hand: {control.question}" if control.question else message
    # A trail of one Region shows in that Region alone.
    of_regions = control.regional or control.scope == _TRAIL
    partial_view = of_regions and not account.regions.complete
    if partial_view and not isinstance(outcome, Fail):
        return f"{message} ({account.regions} read)"
    return message
