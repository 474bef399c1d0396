"""What an organization's accounts have in common: who they are, and what its management account knows for all.

Read once for a run over many accounts. An organization's trail or analyzer covers its members, but a member that is
read alone cannot prove it; beside what was read here, it can.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.fact import Held, Miss, MissKind
from aws_iam.account.facts.governance import (
    ANALYZERS,
    ORG_DELEGATION,
    ORG_GUARDRAILS,
    ORG_SERVICES,
    ORG_TREE,
    ORGANIZATION,
    ROOT_FEATURES,
    Analyzer,
)
from aws_iam.account.facts.trails import TRAILS, Trail
from aws_iam.account.failures import FAILURES, code_of
from aws_iam.account.fleet import Closed, Door
from aws_iam.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.fact import Fact
    from aws_iam.account.fleet import Fleet
    from aws_iam.account.snapshot import Account

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


def active_accounts(fleet: Fleet) -> tuple[str, ...]:
    """The ids of the organization's active accounts, sorted; AwsError when AWS will not list them."""
    try:
        pages = fleet.client("organizations").get_paginator("list_accounts").paginate()
        listed = [each for page in pages for each in page["Accounts"]]
    except FAILURES as error:
        raise AwsError(
            f"the organization's accounts cannot be listed (organizations:ListAccounts, {code_of(error)})",
            hint="run with credentials of the management account or of a delegated administrator, or name the accounts with `--accounts`",
        ) from error
    # `State` replaces `Status`, which AWS retires.
    states = ((each["Id"], each.get("State") or each.get("Status")) for each in listed)
    return tuple(sorted(account for account, state in states if state == "ACTIVE"))


def shared_by(fleet: Fleet, needs: Iterable[Fact[Any]]) -> Shared:
    """What the members have in common, as far as it is needed and the caller's account may read it."""
    wanted = tuple(needs)
    asked = [fact for fact in (*_COMMON, TRAILS, ANALYZERS) if fact in wanted]
    read = fleet.read(asked, Door(account=fleet.account)) if asked else None
    return Shared() if read is None or isinstance(read, Closed) else _common(read)


def _common(account: Account) -> Shared:
    trails = account.get(TRAILS)
    found = () if isinstance(trails, Miss) else trails.trails
    analyzers = ((region, _whole(account, region)) for region in account.regions.read)
    return Shared(
        # What was refused here may still be read in the account itself.
        facts=tuple(
            Held(fact=fact, region="", value=account.facts[fact.name, ""])
            for fact in _COMMON
            if not isinstance(account.facts.get((fact.name, ""), _NOT_READ), Miss)
        ),
        trails=tuple(each for each in found if each.organization),
        analyzers=tuple((region, listed) for region, listed in analyzers if listed),
    )


def _whole(account: Account, region: str) -> tuple[Analyzer, ...]:
    listed = account.get_in(region, ANALYZERS)
    return () if isinstance(listed, Miss) else tuple(a for a in listed if a.type == _OF_ALL)


def as_member(account: Account, shared: Shared) -> Account:
    """The snapshot of a member, with what covers it from above."""
    facts = dict(account.facts)
    trails = account.facts.get((TRAILS.name, ""))
    if trails is not None and not isinstance(trails, Miss):
        known = {each.arn: each for each in shared.trails}
        merged = tuple(_completed(each, known.get(each.arn)) for each in trails.trails)
        facts[TRAILS.name, ""] = replace(trails, trails=merged)
    for region, above in shared.analyzers:
        own = facts.get((ANALYZERS.name, region))
        if own is not None and not isinstance(own, Miss):
            every = {each.arn: each for each in (*own, *above)}
            facts[ANALYZERS.name, region] = tuple(every[arn] for arn in sorted(every))
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
