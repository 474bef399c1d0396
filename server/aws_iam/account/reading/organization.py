"""What an organization's accounts have in common, read once for a run over many accounts.

An organization's trail or analyzer covers its members, but a member's own answers do not prove it; together with what
the management account shows, they do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.calls.failures import FAILURES, calling, code_of
from aws_iam.account.collect.detection.access_analyzer import ANALYZERS, Analyzer
from aws_iam.account.collect.fact import Held, Miss, MissKind
from aws_iam.account.collect.logging.cloudtrail import TRAILS, Trail
from aws_iam.account.collect.organization.organization import (
    ANALYZER_SERVICE,
    ORG_DELEGATION,
    ORG_GUARDRAILS,
    ORG_SERVICES,
    ORG_TREE,
    ORGANIZATION,
    Organization,
    administrators_of,
)
from aws_iam.account.collect.organization.root_features import ROOT_FEATURES
from aws_iam.account.reading.many_accounts import AccountRole, NotRead
from aws_iam.errors import AwsError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.many_accounts import Fleet
    from aws_iam.account.reading.snapshot import Account

_COMMON = (
    ORGANIZATION,
    ORG_DELEGATION,
    ORG_GUARDRAILS,
    ORG_SERVICES,
    ORG_TREE,
    ROOT_FEATURES,
)
_ORGANIZATION_TYPE = "ORGANIZATION"
_NOT_READ = Miss(kind=MissKind.UNASKED, call="")


@slotted
class SharedFacts:
    """What was read once for all members."""

    facts: tuple[Held, ...] = ()
    trails: tuple[Trail, ...] = ()
    """The organization's trails, with status and selectors."""
    analyzers: tuple[tuple[str, tuple[Analyzer, ...]], ...] = ()
    """The organization's analyzers by Region."""
    analyzers_read: tuple[str, ...] = ()
    """The Regions in which every account that may hold one was read."""


def active_accounts(fleet: Fleet) -> tuple[str, ...]:
    """The ids of the organization's active accounts, sorted; AwsError when AWS will not list them."""
    try:
        pages = fleet.client("organizations").get_paginator("list_accounts").paginate()
        with calling():
            # `State` replaces `Status`, which AWS retires.
            listed = [
                (account["Id"], account.get("State") or account.get("Status"))
                for page in pages
                for account in page.get("Accounts", ())
            ]
    except FAILURES as error:
        raise _unlisted(code_of(error)) from None
    if not listed:
        # The management account is always one of them.
        raise _unlisted("the answer names none")
    return tuple(sorted(account for account, state in listed if state == "ACTIVE"))


def _unlisted(why: str) -> AwsError:
    return AwsError(
        f"the organization's accounts cannot be listed (organizations:ListAccounts, {why})",
        hint="run with credentials of the management account or of a delegated administrator, or name the accounts with `accounts`",
    )


def shared_by(
    fleet: Fleet, needs: Iterable[Fact[Any]], door: Callable[[str], AccountRole | None]
) -> SharedFacts:
    """What the members have in common, as far as it is needed and the caller's account may read it.

    `door` is how to read a delegated administrator's account, which may hold analyzers; None: it cannot be read.
    """
    wanted = tuple(needs)
    facts = [fact for fact in (*_COMMON, TRAILS, ANALYZERS) if fact in wanted]
    own = fleet.read(facts, AccountRole(account=fleet.account)) if facts else None
    if own is None or isinstance(own, NotRead):
        return SharedFacts()
    return _shared(own, _analyzer_accounts(fleet, own, door) if ANALYZERS in facts else ())


def _analyzer_accounts(
    fleet: Fleet, own: Account, door: Callable[[str], AccountRole | None]
) -> tuple[Account | None, ...]:
    """The accounts that may hold an analyzer of the organization; None for one that could not be read."""
    organization, services = own.get(ORGANIZATION), own.get(ORG_SERVICES)
    if organization is None:
        return ()
    if (
        isinstance(organization, Miss)
        or isinstance(services, Miss)
        or not organization.management_account
    ):
        return (own, None)
    named = {organization.management_account, *administrators_of(services, ANALYZER_SERVICE)}
    doors = (door(account) for account in sorted(named - {own.id}))
    others = (None if role is None else fleet.read((ANALYZERS,), role) for role in doors)
    return (own, *(None if isinstance(other, NotRead) else other for other in others))


def _shared(account: Account, holders: tuple[Account | None, ...]) -> SharedFacts:
    trails = account.get(TRAILS)
    listed_trails = () if isinstance(trails, Miss) else trails.trails
    read = [holder for holder in holders if holder is not None]
    regions = sorted({region for holder in read for region in holder.regions.read})
    analyzers = (
        (region, tuple(a for holder in read for a in _of_organization(holder, region)))
        for region in regions
    )
    return SharedFacts(
        # A fact that was refused here may still be readable in the member account.
        facts=tuple(
            Held(fact=fact, region="", value=account.facts[fact.name, ""])
            for fact in _COMMON
            if not isinstance(account.facts.get((fact.name, ""), _NOT_READ), Miss)
        ),
        trails=tuple(trail for trail in listed_trails if trail.organization),
        analyzers=tuple((region, listed) for region, listed in analyzers if listed),
        analyzers_read=tuple(region for region in regions if _all_read(holders, region)),
    )


def _all_read(holders: tuple[Account | None, ...], region: str) -> bool:
    """Whether the analyzers of all of these accounts were read in the Region."""
    return all(holder is not None and _listed(holder, region) is not None for holder in holders)


def _listed(account: Account, region: str) -> tuple[Analyzer, ...] | None:
    listed = account.get_in(region, ANALYZERS)
    return None if isinstance(listed, Miss) else listed


def _of_organization(account: Account, region: str) -> tuple[Analyzer, ...]:
    return tuple(a for a in _listed(account, region) or () if a.type == _ORGANIZATION_TYPE)


def with_shared_facts(account: Account, shared: SharedFacts) -> Account:
    """The snapshot of a member, with the organization's trails and analyzers that cover it."""
    facts = dict(account.facts)
    trails = account.facts.get((TRAILS.name, ""))
    if trails is not None and not isinstance(trails, Miss):
        known = {trail.arn: trail for trail in shared.trails}
        merged = tuple(_completed(trail, known.get(trail.arn)) for trail in trails.trails)
        facts[TRAILS.name, ""] = replace(trails, trails=merged)
    for region, above in shared.analyzers:
        own = facts.get((ANALYZERS.name, region))
        if own is not None and not isinstance(own, Miss):
            by_arn = {analyzer.arn: analyzer for analyzer in (*own, *above)}
            facts[ANALYZERS.name, region] = tuple(by_arn[arn] for arn in sorted(by_arn))
    organization = account.facts.get((ORGANIZATION.name, ""))
    if isinstance(organization, Organization):
        facts[ORGANIZATION.name, ""] = replace(organization, analyzers_read=shared.analyzers_read)
    return replace(account, facts=facts)


def _completed(trail: Trail, known: Trail | None) -> Trail:
    """The trail with status and selectors that its owner could read, where the member could not."""
    if known is None:
        return trail
    return replace(
        trail,
        status=known.status if isinstance(trail.status, Miss) else trail.status,
        selectors=known.selectors if isinstance(trail.selectors, Miss) else trail.selectors,
    )
