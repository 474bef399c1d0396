"""What checks on an account share: their terms, their findings, and helpers for Regions, ages and identity policies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.errors import InputError, NotCollected
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
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
    """What a check measures an account by: thresholds that the caller may set, and accounts that the caller trusts."""

    unused_days: int = 90
    expiring_days: int = 30
    trusted: frozenset[str] = frozenset()
    """Trusted accounts and organizations, in addition to the account itself."""

    def trusts(self, account: Account, other: str) -> bool:
        """Whether the other account or organization is the account itself or one of the trusted ones."""
        return other == account.id or other in self.trusted


def findings_on(
    account: Account, checks: Iterable[Check[Account]], terms: Terms
) -> tuple[Finding, ...]:
    """The findings of these checks, in order."""
    return tuple(finding for check in checks for finding in _findings(check, account, terms))


def _findings(check: Check[Account], account: Account, terms: Terms) -> Iterator[Finding]:
    """One finding for each Fail and Unknown; if there is none, one finding that counts what passed."""
    outcomes = tuple(check.outcomes(account, terms))
    failed_or_unknown = tuple(
        outcome for outcome in outcomes if isinstance(outcome, (Fail, Unknown))
    )
    for outcome in failed_or_unknown or (_summary(outcomes),):
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
    """The outcome for tests that judged nothing, with each reason once."""
    reasons = dict.fromkeys(outcome.message for outcome in outcomes if outcome.message)
    return NotApplicable(None, "; ".join(reasons) or "nothing to judge")


def in_regions(
    account: Account, fact: RegionFact[T], test: Callable[[str, T], Iterable[Outcome]]
) -> Iterator[Outcome]:
    """The outcomes of every Region that was read; a Region whose fact is missing is unknown.

    A Region without the service has nothing to judge. Regions that AWS did not list are unknown as well.
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
    """The value, or the reason why it is missing, for every Region that was read and has the service."""
    for region, value in account.in_each(fact):
        if not (isinstance(value, Miss) and value.kind is MissKind.NOWHERE):
            yield region, value


def unlisted(account: Account) -> Iterator[Outcome]:
    """An Unknown if AWS did not list the Regions: the ones that were read prove nothing about the others."""
    missing = account.regions.unlisted
    if missing:
        read = ", ".join(account.regions.read)
        said = f"{missing}, so only {read} was read; name the Regions to judge those alone"
        yield unread(missing.error().reworded(said))


def policy_of(text: str, call: str) -> Policy:
    """The policy document that AWS sent; a document that cannot be read counts as a missing fact."""
    # A server that only lists its tools starts without the readers of policies.
    from aws_iam.engine.sources.gather import one_policy

    try:
        return one_policy(text)
    except InputError as error:
        raise NotCollected(error.message, call=call, code="unreadable document") from None


def age_days(account: Account, moment: datetime) -> int:
    """Whole days between the moment and the reading of the account."""
    return (account.collected_at - moment) // timedelta(days=1)


def day(moment: datetime) -> str:
    """The day of a moment, for messages."""
    return f"{moment:%Y-%m-%d}"


_SERVICE_ROLES = "/aws-service-role/"


@slotted
class IdentityPolicy:
    """An identity policy: the ARN of the policy or of its holder, its place in words, and its JSON text if AWS sent it."""

    arn: str
    place: str
    document: str | None

    @property
    def is_of_aws(self) -> bool:
        """Whether AWS manages it, so that the account cannot change it."""
        return ":iam::aws:" in self.arn


def identity_policies(authorization: Authorization) -> Iterator[IdentityPolicy]:
    """The inline and the attached managed policies, without those of service-linked roles."""
    roles = (role for role in authorization.roles if not role.path.startswith(_SERVICE_ROLES))
    holders: tuple[User | Group | Role, ...] = (
        *authorization.users,
        *authorization.groups,
        *roles,
    )
    for holder in holders:
        for inline in holder.inline:
            place = f"inline policy {quoted(inline.name)}"
            yield IdentityPolicy(arn=holder.arn, place=place, document=inline.document)
    for managed in authorization.policies:
        if managed.attachments:
            place = f"policy {quoted(managed.name)}"
            yield IdentityPolicy(arn=managed.arn, place=place, document=managed.document)
