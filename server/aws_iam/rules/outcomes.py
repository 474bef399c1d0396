"""The test of a control, declared once, and what the framework guarantees for all of them.

    @judges("root_mfa", needs=(SUMMARY,))
    def root_mfa(account: Account, terms: Terms) -> Iterator[Outcome]:
        \"\"\"Why the test is as it is.\"\"\"
        if not account.require(SUMMARY).root_mfa:
            yield Fail(account.root_arn, "the root user has no MFA device")

A test reads facts with `account.require`. A fact that is missing becomes an `Unknown` outcome here, with the call, the
error code and the IAM action to allow: no author can forget it, and what was proved before it stands. `each` and
`in_regions` keep one unreadable item or Region from ending the loop over the others. Where AWS would not list the
Regions, a verdict on those that were read is not one on all. A test that yields nothing had nothing to judge.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.answer import Severity, Status
from aws_iam.engine.language.frozen import positional
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError, NotCollected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.account.collect.fact import RegionFact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Policy


T = TypeVar("T")
# The longest ARN has 2,048 characters.
LONGEST_RESOURCE = 2048
LONGEST_MESSAGE = 2000


@positional
class Outcome:
    """What was found for one resource; the subclasses are the closed set."""

    resource: str | None
    message: str
    region: str | None = None


@positional
class Fail(Outcome):
    """The opposite of the requirement was proved; `severity` and `fix` where this case has its own.

    `names` fill the holes of the fix that the resource's ARN does not name.
    """

    severity: Severity | None = None
    fix: str | None = None
    low_confidence: bool = False
    names: tuple[tuple[str, str], ...] = ()


@positional
class Pass(Outcome):
    """The requirement was proved from facts that were read."""


@positional
class Manual(Outcome):
    """A person decides; the message is the evidence."""


@positional
class NotApplicable(Outcome):
    """Nothing to judge; the message says why."""


@positional
class Unknown(Outcome):
    """A needed fact is missing; `reason` says which and what would make it readable."""

    reason: str = ""


STATUS: Mapping[type[Outcome], Status] = {
    Fail: Status.FAIL,
    Pass: Status.PASS,
    Manual: Status.MANUAL,
    NotApplicable: Status.NOT_APPLICABLE,
    Unknown: Status.UNKNOWN,
}


def each(
    items: Iterable[T],
    test: Callable[[T], Iterable[Outcome]],
    *,
    name: Callable[[T], str] | None = None,
    region: str | None = None,
) -> Iterator[Outcome]:
    """The outcomes of every item; one that cannot be read is unknown, by its name, and the others keep their verdict."""
    for item in items:
        yield from guarded(partial(test, item), name(item) if name else None, region)


def in_regions(
    account: Account, fact: RegionFact[T], test: Callable[[str, T], Iterable[Outcome]]
) -> Iterator[Outcome]:
    """The outcomes of every Region that was read; one whose fact is missing is unknown.

    A Region that does not have the service has nothing to judge. Regions that AWS would not list are unknown as well.
    """
    for region, value in account.in_each(fact):
        if isinstance(value, Miss) and value.kind is MissKind.NOWHERE:
            service = value.call.partition(":")[0]
            yield NotApplicable(None, f"{region} does not have the service {service}", region)
        elif isinstance(value, Miss):
            yield unread(value.error(), region=region)
        else:
            yield from guarded(partial(test, region, value), region=region)
    yield from unlisted(account)


def where_offered(account: Account, fact: RegionFact[T]) -> Iterator[tuple[str, T | Miss]]:
    """The value, or why it is missing, in every Region that was read and has the service."""
    for region, value in account.in_each(fact):
        if not (isinstance(value, Miss) and value.kind is MissKind.NOWHERE):
            yield region, value


def policy_of(text: str, call: str) -> Policy:
    """The policy document that AWS sent; one that cannot be read is a missing fact."""
    try:
        return one_policy(text)
    except InputError as error:
        raise NotCollected(error.message, call=call, code="unreadable document") from None


def unread(
    missing: NotCollected, resource: str | None = None, region: str | None = None
) -> Unknown:
    """The outcome of a missing fact: the call, the error and the IAM action to allow."""
    where = f" in {missing.region}" if missing.region else ""
    if missing.code == MissKind.UNASKED:
        why = missing.message.partition("; ")[0]
        told = f"could not be judged: {why}"
        return Unknown(resource, told, missing.region or region, reason=missing.message)
    code = missing.code or "not collected"
    refused = f"{missing.permission} is not allowed" in missing.message
    word = "allow" if refused else "needs"
    needs = f"; {word} {missing.permission}" if missing.permission else ""
    return Unknown(
        resource,
        f"could not be judged: {missing.message}",
        missing.region or region,
        reason=f"{missing.call}{where}: {code}{needs}",
    )


def guarded(
    test: Callable[[], Iterable[Outcome]],
    resource: str | None = None,
    region: str | None = None,
) -> Iterator[Outcome]:
    """The outcomes of a test, what is unknown once; a fact that is missing becomes the last of them."""
    told: set[Outcome] = set()
    # The call stands inside: a test that is no generator reads facts before its first outcome.
    try:
        for outcome in test():
            if outcome in told:
                continue
            if isinstance(outcome, Unknown):
                told.add(outcome)
            yield outcome
    except NotCollected as missing:
        yield unread(missing, resource, region)


def unlisted(account: Account) -> Iterator[Outcome]:
    """Without the list of Regions, what was read of some proves nothing of the others."""
    missing = account.regions.unlisted
    if missing:
        read = ", ".join(account.regions.read)
        yield unread(
            NotCollected(
                f"{missing}, so only {read} was read; name the Regions to judge those alone",
                call=missing.call,
                code=missing.code or missing.kind.value,
                permission=missing.permission,
            )
        )
