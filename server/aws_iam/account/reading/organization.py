"""What an organization's accounts have in common: who they are, and what its management account knows for all.

Read once for a run over many accounts. An organization's trail or analyzer covers its members, but a member that is
read alone cannot prove it; beside what was read here, it can.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from aws_iam.account.reading.many_accounts import Closed, Door
from aws_iam.errors import AwsError

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
_OF_ALL = "ORGANIZATION"
_NOT_READ = Miss(kind=MissKind.UNASKED, call="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What was read once for all members."""

    facts: tuple[Held, ...] = ()
    trails: tuple[Trail, ...] = ()
    """The organization's trails, with status and selectors."""
    analyzers: tuple[tuple[str, tuple[Analyzer, ...]], ...] = ()
    """The organization's analyzers by Region."""
    analyzers_read: tuple[str, ...] = ()
    """The Regions in which there is no other."""


def active_accounts(fleet: Fleet) -> tuple[str, ...]:
    """The ids of the organization's active accounts, sorted; AwsError when AWS will not list them."""
    try:
        pages = fleet.client("organizations").get_paginator("list_accounts").paginate()
        with calling():
            # `State` replaces `Status`, which AWS retires.
            listed = [
                (each["Id"], each.get("State") or each.get("Status"))
                for page in pages
                for each in page.get("Accounts", ())
            ]
    except FAILURES as error:
        raise _unlisted(code_of(error)) from None
    if not listed:
        # Its management account is one.
        raise _unlisted("which names none")
    return tuple(sorted(account for account, state in listed if state == "ACTIVE"))


def _unlisted(why: str) -> AwsError:
    return AwsError(
        f"the organization's accounts cannot be listed (organizations:ListAccounts, {why})",
        hint="run with credentials of the management account or of a delegated administrator, or name the accounts with `--accounts`",
    )


def shared_by(
    fleet: Fleet, needs: Iterable[Fact[Any]], door: Callable[[str], Door | None]
) -> Shared:
    """What the members have in common, as far as it is needed and the caller's account may read it.

    `door` is the way into an account that holds analyzers for all, a delegated administrator; None: there is none.
    """
    wanted = tuple(needs)
    asked = [fact for fact in (*_COMMON, TRAILS, ANALYZERS) if fact in wanted]
    read = fleet.read(asked, Door(account=fleet.account)) if asked else None
    if read is None or isinstance(read, Closed):
        return Shared()
    return _common(read, _holders(fleet, read, door) if ANALYZERS in asked else ())


def _holders(
    fleet: Fleet, own: Account, door: Callable[[str], Door | None]
) -> tuple[Account | None, ...]:
    """The accounts that may hold an analyzer of the organization; None for one that was not read."""
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
    doors = (door(each) for each in sorted(named - {own.id}))
    others = (None if each is None else fleet.read((ANALYZERS,), each) for each in doors)
    found = tuple(None if isinstance(each, Closed) else each for each in others)
    return (own, *found)


def _common(account: Account, holders: tuple[Account | None, ...]) -> Shared:
    trails = account.get(TRAILS)
    found = () if isinstance(trails, Miss) else trails.trails
    read = [holder for holder in holders if holder is not None]
    regions = sorted({region for each in read for region in each.regions.read})
    analyzers = (
        (region, tuple(a for each in read for a in _whole(each, region))) for region in regions
    )
    return Shared(
        # What was refused here may still be read in the account itself.
        facts=tuple(
            Held(fact=fact, region="", value=account.facts[fact.name, ""])
            for fact in _COMMON
            if not isinstance(account.facts.get((fact.name, ""), _NOT_READ), Miss)
        ),
        trails=tuple(each for each in found if each.organization),
        analyzers=tuple((region, listed) for region, listed in analyzers if listed),
        analyzers_read=tuple(region for region in regions if _seen(holders, region)),
    )


def _seen(holders: tuple[Account | None, ...], region: str) -> bool:
    """Whether the analyzers of each of these accounts were read in the Region."""
    return all(holder is not None and _listed(holder, region) is not None for holder in holders)


def _listed(account: Account, region: str) -> tuple[Analyzer, ...] | None:
    listed = account.get_in(region, ANALYZERS)
    return None if isinstance(listed, Miss) else listed


def _whole(account: Account, region: str) -> tuple[Analyzer, ...]:
    return tuple(a for a in _listed(account, region) or () if a.type == _OF_ALL)


def as_member(account: Account, shared: Shared) -> Account:
    """The snapshot of a member, with what covers it from above."""
    facts = dict(account.facts)
    trails = account.facts.get((TRAILS.name, ""))
    if trails is not None and not isinstance(trails, Miss):
        known = {trail.arn: trail for trail in shared.trails}
        merged = tuple(_completed(trail, known.get(trail.arn)) for trail in trails.trails)
        facts[TRAILS.name, ""] = replace(trails, trails=merged)
    for region, above in shared.analyzers:
        own = facts.get((ANALYZERS.name, region))
        if own is not None and not isinstance(own, Miss):
            every = {each.arn: each for each in (*own, *above)}
            facts[ANALYZERS.name, region] = tuple(every[arn] for arn in sorted(every))
    organization = account.facts.get((ORGANIZATION.name, ""))
    if isinstance(organization, Organization):
        seen = replace(organization, analyzers_read=shared.analyzers_read)
        facts[ORGANIZATION.name, ""] = seen
    return replace(account, facts=facts)


def _completed(trail: Trail, known: Trail | None) -> Trail:
    """What a member is refused about the organization's trail, its owner knows."""
    if known is None:
        return trail
    return replace(
        trail,
        status=known.status if isinstance(trail.status, Miss) else trail.status,
        selectors=known.selectors if isinstance(trail.selectors, Miss) else trail.selectors,
    )
