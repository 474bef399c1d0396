"""Several accounts read now and kept together, for a question over all of them: a run judges each alone and keeps lines.

read_accounts(source, many, facts, progress)   →   ReadAccounts(accounts=(…), not_read=({"account": …, "why": …},))
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aws_iam.account.reading import organization
from aws_iam.account.reading.many_accounts import (
    ACCOUNTS_AT_ONCE,
    AccountRole,
    NotRead,
    fleet_of,
)
from aws_iam.errors import AwsError
from aws_iam.tools.audit.access.account_set import ReadAccounts
from aws_iam.tools.audit.fleet import targets as audit_targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.account.collect.fact import Fact, Held
    from aws_iam.account.reading.many_accounts import Fleet
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.run.arguments import ManyAccounts
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress


def read_accounts(
    source: Source, many: ManyAccounts, facts: Sequence[Fact[Any]], progress: Progress
) -> ReadAccounts:
    """Read them all, through the role that `role_arn` names in each; AwsError where none can be read."""
    # The list is checked before the first AWS call.
    listed = audit_targets.parse_accounts(many.accounts) if many.accounts else None
    fleet = fleet_of(source.profile, tuple(source.regions or ()), uuid4().hex)
    members = _members(fleet, needed=listed is None)
    named = listed or tuple(audit_targets.AccountTarget(account=own) for own in sorted(members))
    targets = audit_targets.with_roles(
        named, source.role_arn, caller=fleet.account, partition=fleet.partition
    )
    doors = [
        AccountRole(
            account=target.account,
            role_arn=target.role_arn,
            external_id=source.external_id if target.role_arn else None,
        )
        for target in targets
    ]
    read = _in_threads(fleet, doors, facts, _shared(fleet, facts, doors, members), progress)
    accounts = [own for own in read.values() if not isinstance(own, NotRead)]
    not_read = [
        {"account": account, "why": own.reason}
        for account, own in read.items()
        if isinstance(own, NotRead)
    ]
    if not accounts:
        first = not_read[0]
        raise AwsError(
            f"none of {len(not_read)} accounts could be read; {first['account']}: {first['why']}"
        )
    return ReadAccounts(
        accounts=tuple(sorted(accounts, key=lambda own: own.id)),
        not_read=tuple(sorted(not_read, key=lambda row: row["account"])),
    )


def _members(fleet: Fleet, *, needed: bool) -> frozenset[str]:
    try:
        return frozenset(organization.active_accounts(fleet))
    except AwsError:
        if needed:
            raise
        # Without the list nothing can be shared: each account is read on its own.
        return frozenset()


def _shared(
    fleet: Fleet, facts: Sequence[Fact[Any]], doors: Sequence[AccountRole], members: frozenset[str]
) -> dict[str, tuple[Held, ...]]:
    """For each member of the caller's organization the facts that all members share, which are read once."""
    inside = [door.account for door in doors if door.account in members]
    if not inside:
        return {}
    # No fact of access is another account's to tell.
    shared = organization.shared_by(fleet, facts, lambda _account: None)
    return dict.fromkeys(inside, shared.facts)


def _in_threads(
    fleet: Fleet,
    doors: Sequence[AccountRole],
    facts: Sequence[Fact[Any]],
    shared: dict[str, tuple[Held, ...]],
    progress: Progress,
) -> dict[str, Account | NotRead]:
    stop = threading.Event()
    executor = ThreadPoolExecutor(ACCOUNTS_AT_ONCE, thread_name_prefix="account")
    read: dict[str, Account | NotRead] = {}
    try:
        waiting = {
            executor.submit(
                fleet.read, facts, door, known=shared.get(door.account, ()), stop=stop
            ): door.account
            for door in doors
        }
        for future in as_completed(waiting):
            account = waiting[future]
            read[account] = future.result()
            progress(len(read), len(doors), f"account {account}")
    finally:
        # After an early exit no further call is made, and nobody waits for those under way.
        stop.set()
        executor.shutdown(wait=False, cancel_futures=True)
    return read
