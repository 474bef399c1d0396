"""Read an account: the facts that are needed and no others, all at once, each failure kept as a miss.

account = collect((SUMMARY, ALARMS), source, progress)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_iam.account.calls.aws import WORKERS, Aws, Clients
from aws_iam.account.calls.failures import SessionExpired
from aws_iam.account.collect.catalogue import COLLECTORS
from aws_iam.account.collect.fact import Fact, Held, Miss, MissKind, RefusedError
from aws_iam.account.guard.allowlist import guard
from aws_iam.account.names.iam_actions import action_of
from aws_iam.account.reading.snapshot import Account, Regions, held_facts
from aws_iam.account.session.connect import (
    Source,
    caller,
    checked_regions,
    connect,
    home_region,
    known_regions,
)
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence

    import boto3

    from aws_iam.account.session.connect import Source

_REGIONS = "ec2:DescribeRegions"


class PartlyRead(KeyboardInterrupt):
    """The caller stopped the reading: `account` holds the facts that were there by then, of `wanted` many."""

    def __init__(self, account: Account, wanted: int) -> None:
        super().__init__()
        self.account = account
        self.wanted = wanted


def _silent(_done: int, _total: int, _text: str) -> None:
    """Nobody watches."""


def collect(
    needs: Iterable[Fact[Any]],
    source: Source,
    progress: Callable[[int, int, str], None] = _silent,
    *,
    session: boto3.Session | None = None,
) -> Account:
    """A snapshot with these facts. A ready `session` is guarded and used as it is.

    The guard reaches the clients that a session makes afterwards; one that the caller made before stays as it was.
    """
    if session is None:
        session = connect(source)
    else:
        guard(session._session)  # noqa: SLF001 - boto3 shows its core nowhere else
    return collect_from(needs, session, source.regions or (), progress)


def collect_from(
    needs: Iterable[Fact[Any]],
    session: boto3.Session,
    regions: Sequence[str],
    progress: Callable[[int, int, str], None] = _silent,
) -> Account:
    """A snapshot through a guarded session."""
    asked = checked_regions(session, regions)
    home = home_region(session, asked)
    account, arn = caller(session, home)
    foreign = known_regions(session) - known_regions(session, arn.split(":")[1])
    entry = Entry(
        account=account,
        arn=arn,
        clients=Clients(session),
        home=home,
        asked=asked,
        foreign=foreign,
        outlives_session=True,
    )
    return collect_at(needs, entry, progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An open account: which it is, as whom it is read, and with what."""

    account: str
    arn: str
    clients: Clients
    home: str
    asked: tuple[str, ...]
    foreign: frozenset[str]
    """The Regions of other partitions."""
    workers: int = WORKERS
    stop: threading.Event | None = None
    """Set by whoever wants no further call."""
    outlives_session: bool = False
    """Whether a session that expires on the way leaves a snapshot of what was read by then, or none at all."""


def collect_at(
    needs: Iterable[Fact[Any]],
    entry: Entry,
    progress: Callable[[int, int, str], None] = _silent,
    given: Iterable[Held] = (),
) -> Account:
    """A snapshot of an open account; `given` are facts that are known and not read again."""
    started = datetime.now(UTC)
    aws = Aws(
        entry.clients,
        account=entry.account,
        partition=entry.arn.split(":")[1],
        home=entry.home,
        regions=(),
        collectors=COLLECTORS,
        progress=progress,
        workers=entry.workers,
        stop=entry.stop,
    )
    aws.give(given)
    try:
        enabled = aws.tried(lambda: _enabled(aws, entry.foreign))
        aws.regions = _read(entry.asked, enabled, entry.home)
        read = Account(
            id=entry.account,
            partition=aws.partition,
            caller_arn=entry.arn,
            collected_at=started,
            regions=Regions(read=aws.regions, enabled=enabled, asked=entry.asked),
        )
        return _filled(read, aws, tuple(needs), outlives_session=entry.outlives_session)
    finally:
        aws.close()


def _filled(
    account: Account, aws: Aws, needs: tuple[Fact[Any], ...], *, outlives_session: bool
) -> Account:
    wanted = {fact.name for fact in needs}
    places = [
        (each.fact, region)
        for name, each in COLLECTORS.items()
        if name in wanted
        for region in (aws.regions if each.regional else ("",))
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
        known = {(each.fact.name, each.region) for each in held}
        rest = [
            Held(fact=fact, region=region, value=_unread(fact, region, over.code))
            for fact, region in places
            if (fact.name, region) not in known
        ]
        return replace(account, facts=held_facts([*held, *rest]))


def _held(places: list[tuple[Fact[Any], str]], done: dict[tuple[str, str], Any]) -> list[Held]:
    return [
        Held(fact=fact, region=region, value=done[fact.name, region])
        for fact, region in places
        if (fact.name, region) in done
    ]


def _unread(fact: Fact[Any], region: str, code: str) -> Miss:
    operation = COLLECTORS[fact.name].operations[0]
    return Miss(
        kind=MissKind.EXPIRED,
        call=operation,
        code=code,
        permission=action_of(operation),
        region=region,
    )


def _facts(aws: Aws, places: list[tuple[Fact[Any], str]]) -> list[Held]:
    values = aws.each(lambda place: aws.settle(*place), places, _told)
    return [
        Held(fact=fact, region=region, value=value)
        for (fact, region), value in zip(places, values, strict=True)
    ]


def _told(place: tuple[Fact[Any], str]) -> str:
    """The service and Region that is being read: `ec2 eu-west-1`."""
    fact, region = place
    service = fact.name.partition(".")[0]
    return f"{service} {region}" if region else service


def _enabled(aws: Aws, foreign: frozenset[str]) -> tuple[str, ...]:
    """The account's Regions; an emulator lists those of `foreign` partitions too."""
    listed = {each.get("RegionName", "") for each in aws.need(_REGIONS).get("Regions", ())}
    own = tuple(sorted(listed - foreign))
    if not own or "" in own:
        # Every account has some: read as none, nothing would be asked, and nothing found.
        raise RefusedError(
            Miss(
                kind=MissKind.BROKEN,
                call=_REGIONS,
                code="IncompleteAnswer",
                permission=_REGIONS,
                message="the answer names no Region",
            )
        )
    return own


def _read(asked: tuple[str, ...], enabled: tuple[str, ...] | Miss, home: str) -> tuple[str, ...]:
    """The Regions to read: those named, else all enabled; only the session's own where AWS will not list them."""
    if isinstance(enabled, Miss):
        return asked or (home,)
    for region in asked:
        if region not in enabled:
            raise InputError(
                f"Region {quoted(region)} is not enabled for the account",
                hint=f"enabled are {', '.join(enabled)}",
            )
    return asked or enabled


def _alias(aws: Aws) -> str | None:
    answer = aws.tried(lambda: aws.need("iam:ListAccountAliases"))
    return None if isinstance(answer, Miss) else next(iter(answer.get("AccountAliases", ())), None)
