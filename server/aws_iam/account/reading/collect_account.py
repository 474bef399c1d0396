"""Reads an account: the facts that are needed and no others, in parallel, each failure kept as a miss.

account = collect((SUMMARY, ALARMS), source, progress)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_iam.account.calls.aws import Aws
from aws_iam.account.calls.clients import WORKERS, Clients
from aws_iam.account.calls.failures import SessionExpired
from aws_iam.account.collect.catalogue import COLLECTORS
from aws_iam.account.collect.fact import Fact, Held, Miss, MissKind, RefusedError
from aws_iam.account.guard.allowlist import guard
from aws_iam.account.names.iam_actions import action_of
from aws_iam.account.reading.snapshot import Account, Regions, held_facts
from aws_iam.account.session.connect import (
    caller,
    checked_regions,
    connect,
    home_region,
    known_regions,
)
from aws_iam.account.session.permitted import regions_of
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence

    import boto3

    from aws_iam.account.session.account_arguments import AccountArguments

_REGIONS = "ec2:DescribeRegions"


class PartlyRead(KeyboardInterrupt):
    """The user stopped the reading: `account` holds what was read by then of `wanted` facts."""

    def __init__(self, account: Account, wanted: int) -> None:
        super().__init__()
        self.account = account
        self.wanted = wanted


def _silent(_done: int, _total: int, _text: str) -> None:
    """Report no progress."""


def collect(
    needs: Iterable[Fact[Any]],
    source: AccountArguments,
    progress: Callable[[int, int, str], None] = _silent,
    *,
    session: boto3.Session | None = None,
) -> Account:
    """A snapshot with these facts. A `session` that is passed in is guarded and otherwise used as it is.

    The guard applies to clients that the session makes from now on, not to those that the caller made before.
    """
    if session is None:
        session = connect(source)
    else:
        guard(session._session)  # noqa: SLF001 - boto3 shows its core nowhere else
    return collect_from(needs, session, regions_of(source), progress)


def collect_from(
    needs: Iterable[Fact[Any]],
    session: boto3.Session,
    regions: Sequence[str],
    progress: Callable[[int, int, str], None] = _silent,
    principal: str = "",
) -> Account:
    """A snapshot through a guarded session; with `principal` the use of that user or role alone."""
    named = checked_regions(session, regions)
    home = home_region(session, named)
    account, arn = caller(session, home)
    foreign = known_regions(session) - known_regions(session, arn.split(":")[1])
    opened = OpenAccount(
        account=account,
        arn=arn,
        clients=Clients(session),
        home=home,
        named_regions=named,
        foreign=foreign,
        outlives_session=True,
        principal=principal,
    )
    return collect_open_account(needs, opened, progress)


@slotted
class OpenAccount:
    """An account that can be read: its id, the caller, the clients, the Regions."""

    account: str
    arn: str
    clients: Clients
    home: str
    named_regions: tuple[str, ...]
    foreign: frozenset[str]
    """The Regions of other partitions."""
    workers: int = WORKERS
    stop: threading.Event | None = None
    """Set to stop the reading."""
    outlives_session: bool = False
    """Whether there is a snapshot of what was read by then if the session expires, or none at all."""
    principal: str = ""
    """The one user or role whose use is read; empty: of all."""


def collect_open_account(
    needs: Iterable[Fact[Any]],
    opened: OpenAccount,
    progress: Callable[[int, int, str], None] = _silent,
    known: Iterable[Held] = (),
) -> Account:
    """A snapshot of an open account; `known` facts are not read again."""
    started = datetime.now(UTC)
    aws = Aws(
        opened.clients,
        account=opened.account,
        partition=opened.arn.split(":")[1],
        home=opened.home,
        regions=(),
        collectors=COLLECTORS,
        progress=progress,
        workers=opened.workers,
        stop=opened.stop,
        principal=opened.principal,
    )
    aws.prefill(known)
    try:
        enabled = aws.value_or_miss(lambda: _enabled(aws, opened.foreign))
        aws.regions = _regions_to_read(opened.named_regions, enabled, opened.home)
        empty = Account(
            id=opened.account,
            partition=aws.partition,
            caller_arn=opened.arn,
            collected_at=started,
            regions=Regions(read=aws.regions, enabled=enabled, asked=opened.named_regions),
        )
        return _filled(empty, aws, tuple(needs), outlives_session=opened.outlives_session)
    finally:
        aws.close()


def _filled(
    account: Account, aws: Aws, needs: tuple[Fact[Any], ...], *, outlives_session: bool
) -> Account:
    wanted = {fact.name for fact in needs}
    places = [
        (collector.fact, region)
        for name, collector in COLLECTORS.items()
        if name in wanted
        for region in (aws.regions if collector.regional else ("",))
    ]
    try:
        facts = held_facts(_facts(aws, places))
        return replace(account, alias=_alias(aws), facts=facts)
    except KeyboardInterrupt:
        held = _held(places, aws.stop())
        raise PartlyRead(replace(account, facts=held_facts(held)), len(places)) from None
    except SessionExpired as over:
        held = _held(places, aws.stop())
        if not (held and outlives_session):
            raise
        read = {(entry.fact.name, entry.region) for entry in held}
        rest = [
            Held(fact=fact, region=region, value=_expired(fact, region, over.code))
            for fact, region in places
            if (fact.name, region) not in read
        ]
        return replace(account, facts=held_facts([*held, *rest]))


def _held(places: list[tuple[Fact[Any], str]], done: dict[tuple[str, str], Any]) -> list[Held]:
    return [
        Held(fact=fact, region=region, value=done[fact.name, region])
        for fact, region in places
        if (fact.name, region) in done
    ]


def _expired(fact: Fact[Any], region: str, code: str) -> Miss:
    operation = COLLECTORS[fact.name].operations[0]
    return Miss(
        kind=MissKind.EXPIRED,
        call=operation,
        code=code,
        permission=action_of(operation),
        region=region,
    )


def _facts(aws: Aws, places: list[tuple[Fact[Any], str]]) -> list[Held]:
    values = aws.read_each(lambda place: aws.fact_or_miss(*place), places, _progress_text)
    return [
        Held(fact=fact, region=region, value=value)
        for (fact, region), value in zip(places, values, strict=True)
    ]


def _progress_text(place: tuple[Fact[Any], str]) -> str:
    """The service and Region, such as `ec2 eu-west-1`."""
    fact, region = place
    service = fact.name.partition(".")[0]
    return f"{service} {region}" if region else service


def _enabled(aws: Aws, foreign: frozenset[str]) -> tuple[str, ...]:
    """The account's enabled Regions; emulators also list those of `foreign` partitions."""
    answer = aws.need(_REGIONS)
    listed = {region.get("RegionName", "") for region in answer.get("Regions", ())}
    own = tuple(sorted(listed - foreign))
    if not own or "" in own:
        # Every account has some. Without any, nothing would be read and nothing found.
        raise RefusedError(
            Miss(
                kind=MissKind.BROKEN,
                call=_REGIONS,
                code="IncompleteAnswer",
                permission=_REGIONS,
                message="the answer contains no Region",
            )
        )
    return own


def _regions_to_read(
    named_regions: tuple[str, ...], enabled: tuple[str, ...] | Miss, home: str
) -> tuple[str, ...]:
    """Those that were named, else all enabled ones; only the session's own where they cannot be listed."""
    if isinstance(enabled, Miss):
        return named_regions or (home,)
    for region in named_regions:
        if region not in enabled:
            raise InputError(
                f"Region {quoted(region)} is not enabled for the account",
                hint=f"enabled are {', '.join(enabled)}",
            )
    return named_regions or enabled


def _alias(aws: Aws) -> str | None:
    answer = aws.value_or_miss(lambda: aws.need("iam:ListAccountAliases"))
    return None if isinstance(answer, Miss) else next(iter(answer.get("AccountAliases", ())), None)
