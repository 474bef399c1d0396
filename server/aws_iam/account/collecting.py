"""Read an account: the facts that are needed and no others, all at once, each failure kept as a miss.

account = collect((SUMMARY, ALARMS), source, progress)
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_iam.account.allowlist import guard
from aws_iam.account.aws import Aws, Clients
from aws_iam.account.collect import COLLECTORS
from aws_iam.account.connect import (
    Source,
    caller,
    checked_regions,
    connect,
    home_region,
    known_regions,
)
from aws_iam.account.fact import Fact, Held, Miss
from aws_iam.account.snapshot import Account, Regions, held_facts
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import boto3

    from aws_iam.account.connect import Source

_REGIONS = "ec2:DescribeRegions"


def _silent(_done: int, _total: int, _text: str) -> None:
    """Nobody watches."""


def collect(
    needs: Iterable[Fact[Any]],
    source: Source,
    progress: Callable[[int, int, str], None] = _silent,
    *,
    session: boto3.Session | None = None,
) -> Account:
    """A snapshot with these facts. A ready `session` (the demonstration's) is guarded and used as it is.

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
    partition = arn.split(":")[1]
    foreign = known_regions(session) - known_regions(session, partition)
    started = datetime.now(UTC)
    clients = Clients(session)
    aws = Aws(
        clients,
        account=account,
        partition=partition,
        home=home,
        regions=(),
        collectors=COLLECTORS,
        progress=progress,
    )
    try:
        enabled = aws.tried(lambda: _enabled(aws, foreign))
        aws.regions = _read(asked, enabled, home)
        facts = _facts(aws, tuple(needs))
        return Account(
            id=account,
            partition=aws.partition,
            caller_arn=arn,
            alias=_alias(aws),
            collected_at=started,
            regions=Regions(read=aws.regions, enabled=enabled, asked=asked),
            facts=held_facts(facts),
        )
    finally:
        aws.close()


def _facts(aws: Aws, needs: tuple[Fact[Any], ...]) -> list[Held]:
    wanted = {fact.name for fact in needs}
    places = [
        (each.fact, region)
        for name, each in COLLECTORS.items()
        if name in wanted
        for region in (aws.regions if each.regional else ("",))
    ]
    values = aws.each(lambda place: aws.settle(*place), places, "reading")
    return [
        Held(fact=fact, region=region, value=value)
        for (fact, region), value in zip(places, values, strict=True)
    ]


def _enabled(aws: Aws, foreign: frozenset[str]) -> tuple[str, ...]:
    """The account's Regions; an emulator lists those of `foreign` partitions too."""
    listed = {each["RegionName"] for each in aws.need(_REGIONS).get("Regions", ())}
    return tuple(sorted(listed - foreign))


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
