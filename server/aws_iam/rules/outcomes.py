"""The outcomes of a check, and the outcome of a fact that could not be read.

    yield Fail(statement.place("Action"), "`s3:*` allows every action of s3")
    yield Fail(role.arn, "`deploy` was last used 200 days ago", region)

The first argument is the subject of the outcome: a place in a document, or the ARN of a resource.
"""

from __future__ import annotations

from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from aws_iam.answer import Severity, Status, Where
from aws_iam.errors import NotCollected
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.engine.algebra.text_sets import Effort
    from aws_iam.engine.language.document import Statement

T = TypeVar("T")


@positional
class Outcome:
    """The result for one place or resource; the subclasses below are the only outcomes."""

    about: Where | str | None
    message: str
    region: str | None = None

    @property
    def resource(self) -> str | None:
        """The ARN of the resource; None for a place in a document."""
        return self.about if isinstance(self.about, str) else None

    @property
    def where(self) -> Where | None:
        """The place in the document; None for a resource."""
        return self.about if isinstance(self.about, Where) else None


@positional
class Fail(Outcome):
    """The requirement is not met; `severity` and `fix` replace those of the check in this case.

    `names` fill placeholders of the fix that the ARN of the resource does not. `at` is a place in a document
    of the resource.
    """

    severity: Severity | None = field(default=None, kw_only=True)
    fix: str | None = field(default=None, kw_only=True)
    low_confidence: bool = field(default=False, kw_only=True)
    names: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    at: Where | None = field(default=None, kw_only=True)

    @property
    def where(self) -> Where | None:
        """The place in the document."""
        return self.about if isinstance(self.about, Where) else self.at


@positional
class Pass(Outcome):
    """The facts that were read prove that the requirement is met."""


@positional
class Manual(Outcome):
    """A person has to decide; the message gives the evidence."""


@positional
class NotApplicable(Outcome):
    """Nothing to judge; the message says why."""


@positional
class Unknown(Outcome):
    """A fact is missing; `reason` says which one and how to make it readable."""

    reason: str = ""


STATUS: Mapping[type[Outcome], Status] = {
    Fail: Status.FAIL,
    Pass: Status.PASS,
    Manual: Status.MANUAL,
    NotApplicable: Status.NOT_APPLICABLE,
    Unknown: Status.UNKNOWN,
}


def unread(
    missing: NotCollected, resource: str | None = None, region: str | None = None
) -> Unknown:
    """The outcome for a missing fact."""
    cause = missing.message.partition("; ")[0] if _is_unasked(missing) else missing.message
    return Unknown(
        resource,
        f"could not be judged: {cause}",
        missing.region or region,
        reason=reason_of(missing),
    )


def reason_of(missing: NotCollected) -> str:
    """Why a fact is missing: the call, the error and the IAM action, which helps only where the call was refused."""
    if _is_unasked(missing):
        return missing.message
    where = f" in {missing.region}" if missing.region else ""
    verb = "allow" if missing.refused else "needs"
    needs = f"; {verb} {missing.permission}" if missing.permission else ""
    return f"{missing.call}{where}: {missing.code or 'not collected'}{needs}"


def _is_unasked(missing: NotCollected) -> bool:
    # Imported here because rules on policies must not load account modules; they never call this.
    from aws_iam.account.collect.fact import MissKind

    return missing.code == MissKind.UNASKED


def ended_early(
    effort: Effort, statement: Statement, left_out: str, element: str = ""
) -> Iterator[Unknown]:
    """An Unknown when the effort of a test was used up, so that its silence is not taken for a pass."""
    # To find the place in the text takes longer than most tests, and hardly any ends early.
    if effort.is_spent:
        yield Unknown(
            statement.place(element),
            f"{left_out}: the policy is too long to compare all of it",
            reason=f"{left_out}, because the policy is too long",
        )


def guarded(
    test: Callable[[], Iterable[Outcome]],
    resource: str | None = None,
    region: str | None = None,
) -> Iterator[Outcome]:
    """The outcomes of a test, each Unknown once; a missing fact ends the test with an Unknown."""
    unknown: set[Outcome] = set()
    # The call is inside the try: a test that is not a generator reads its facts when it is called.
    try:
        for outcome in test():
            if outcome in unknown:
                continue
            if isinstance(outcome, Unknown):
                unknown.add(outcome)
            yield outcome
    except NotCollected as missing:
        yield unread(missing, resource, region)


def for_each(
    items: Iterable[T],
    test: Callable[[T], Iterable[Outcome]],
    *,
    name: Callable[[T], str] | None = None,
    region: str | None = None,
) -> Iterator[Outcome]:
    """The outcomes of every item; an item that cannot be read becomes an Unknown with its name and does not end the loop."""
    for item in items:
        yield from guarded(partial(test, item), name(item) if name else None, region)
