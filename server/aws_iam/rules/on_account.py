"""What checks on an account share: item by item and Region by Region, under terms; one summary for what passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError, NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, Unknown, guarded, unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from aws_iam.account.collect.fact import RegionFact
    from aws_iam.account.collect.identity.authorization import Authorization, Group, Role, User
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.engine.language.document import Policy
    from aws_iam.rules.check import Check

T = TypeVar("T")


@slotted
class Terms:
    """What a check holds an account against: thresholds that the caller may set, and accounts that the caller trusts."""

    unused_days: int = 90
    expiring_days: int = 30
    trusted: frozenset[str] = frozenset()
    """Accounts and organizations beside the account's own."""

    def trusts(self, account: Account, other: str) -> bool:
        """Whether an account or organization is the owner's or one of those named."""
        return other == account.id or other in self.trusted


def findings_on(
    account: Account, checks: Iterable[Check[Account]], terms: Terms
) -> tuple[Finding, ...]:
    """The findings of these checks, in their order."""
    return tuple(finding for check in checks for finding in _findings(check, account, terms))


def _findings(check: Check[Account], account: Account, terms: Terms) -> Iterator[Finding]:
    """What fails and what is unknown, one by one; else one finding that says how much passed."""
    outcomes = tuple(check.outcomes(account, terms))
    open_ = tuple(outcome for outcome in outcomes if isinstance(outcome, (Fail, Unknown)))
    for outcome in open_ or (_summary(outcomes),):
        finding = check.finding(outcome, account)
        partial_view = not isinstance(outcome, Fail) and not account.regions.complete
        yield (
            replace(finding, message=f"{finding.message} ({account.regions} read)")
            if partial_view
            else finding
        )


def _summary(outcomes: Iterable[Outcome]) -> Outcome:
    passed = sum(isinstance(outcome, Pass) for outcome in outcomes)
    if passed:
        return Pass(None, f"{passed:,} {'passes' if passed == 1 else 'pass'}")
    return nothing_to_judge(outcomes)


def nothing_to_judge(outcomes: Iterable[Outcome]) -> NotApplicable:
    """One outcome for tests that judged nothing, with every reason once."""
    why = dict.fromkeys(outcome.message for outcome in outcomes if outcome.message)
    return NotApplicable(None, "; ".join(why) or "nothing to judge")


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


def unlisted(account: Account) -> Iterator[Outcome]:
    """Unknown where AWS would not list the Regions: what was read of some proves nothing of the others."""
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


def policy_of(text: str, call: str) -> Policy:
    """The policy document that AWS sent; one that cannot be read is a missing fact."""
    try:
        return one_policy(text)
    except InputError as error:
        raise NotCollected(error.message, call=call, code="unreadable document") from None


def age_days(account: Account, moment: datetime) -> int:
    """Whole days from the moment to the reading of the account."""
    return (account.collected_at - moment) // timedelta(days=1)


def day(moment: datetime) -> str:
    """The day of a moment, for messages."""
    return f"{moment:%Y-%m-%d}"


_SERVICE_ROLES = "/aws-service-role/"


@slotted
class IdentityPolicy:
    """One policy: `arn` of its holder or its own, `place` in words, `document` as JSON text, None where AWS did not send it."""

    arn: str
    place: str
    document: str | None

    @property
    def is_of_aws(self) -> bool:
        """Whether AWS manages it, so that nobody here can change it."""
        return ":iam::aws:" in self.arn


def identity_policies(authorization: Authorization) -> Iterator[IdentityPolicy]:
    """The identity policies in force, without those of service-linked roles: inline, and managed where attached."""
    own = (role for role in authorization.roles if not role.path.startswith(_SERVICE_ROLES))
    holders: tuple[User | Group | Role, ...] = (*authorization.users, *authorization.groups, *own)
    for holder in holders:
        for inline in holder.inline:
            place = f"inline policy {quoted(inline.name)}"
            yield IdentityPolicy(arn=holder.arn, place=place, document=inline.document)
    for managed in authorization.policies:
        if managed.attachments:
            place = f"policy {quoted(managed.name)}"
            yield IdentityPolicy(arn=managed.arn, place=place, document=managed.document)
