"""Many accounts, read by one caller: one session, one set of clients, a role in each account.

    fleet = fleet_of("audit", ("eu-west-1",), run)
    account = fleet.read(needs, Door(account="111122223333", role_arn="arn:aws:iam::111122223333:role/audit"))

An account that cannot be entered is a `Closed` value. What would keep the caller out of every account (credentials,
clock, network) raises AwsError: then nothing is learned by trying the next one.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from aws_iam.account.calls.account_credentials import WornProvider, worn
from aws_iam.account.calls.aws import Clients, client_config, make_client
from aws_iam.account.calls.failures import FAILURES, calling, code_of, words_of
from aws_iam.account.reading.collect_account import Entry, collect_at
from aws_iam.account.session.connect import (
    SESSION_NAME,
    badge_in,
    caller,
    checked_regions,
    connect,
    home_region,
    in_words,
    is_the_callers,
    known_regions,
    session_of,
)
from aws_iam.errors import AwsError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from botocore.credentials import ReadOnlyCredentials

    from aws_iam.account.collect.fact import Fact, Held
    from aws_iam.account.reading.snapshot import Account

AT_ONCE = 8
"""Accounts that are read at a time."""
WORKERS = 8
"""Calls in flight for one of many accounts."""
_MAKING = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The way into an account; without a role it is the caller's own."""

    account: str
    role_arn: str | None = None
    # A worker that fails writes the arguments of its job to its log.
    external_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """An account that could not be entered, or not read at all."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """The caller's own way to AWS, before any role."""

    profile: str | None
    regions: tuple[str, ...]
    role_arn: None = None
    external_id: None = None


def _silent(_done: int, _total: int, _text: str) -> None:
    """Nobody watches."""


class Fleet:
    """The caller, and one set of clients that signs for whichever account a thread reads."""

    def __init__(self, profile: str | None, regions: tuple[str, ...]) -> None:
        session = connect(_Way(profile=profile, regions=regions))
        self.asked = checked_regions(session, regions)
        self.home = home_region(session, self.asked)
        self.account, self.arn = caller(session, self.home)
        self.partition = self.arn.split(":")[1]
        self._foreign = known_regions(session) - known_regions(session, self.partition)
        self._session = session
        # One role session a time is opened for each account, and many threads ask for one at once.
        self._sts = make_client(session, "sts", self.home, client_config())
        shared = session_of(profile, session.region_name or self.home, WornProvider())
        # All threads meet at the one host of a global service.
        self._clients = Clients(shared, AT_ONCE * WORKERS)

    def client(self, service: str) -> Any:
        """A client of the caller's own account."""
        return make_client(self._session, service, self.home, client_config())

    def read(
        self,
        needs: Iterable[Fact[Any]],
        door: Door,
        progress: Callable[[int, int, str], None] = _silent,
        given: Iterable[Held] = (),
        stop: threading.Event | None = None,
    ) -> Account | Closed:
        """A snapshot of the account behind the door, or why there is none."""
        try:
            credentials, arn = self._entered(door)
        except _ShutError as shut:
            return Closed(reason=str(shut))
        entry = Entry(
            account=door.account,
            arn=arn,
            clients=self._clients,
            home=self.home,
            asked=self.asked,
            foreign=self._foreign,
            workers=WORKERS,
            stop=stop,
        )
        try:
            with worn(credentials):
                return collect_at(needs, entry, progress, given)
        except (AwsError, InputError) as error:
            # A Region that this account has not enabled, a role session that ran out: another account may have luck.
            return Closed(reason=str(error))
        finally:
            self._clients.forget(credentials.access_key or "")

    def _entered(self, door: Door) -> tuple[ReadOnlyCredentials, str]:
        if door.role_arn is None:
            return self._own(), self.arn
        # What signs is the caller's own: that it cannot be renewed is no answer about this account.
        self._own()
        extra = {} if door.external_id is None else {"ExternalId": door.external_id}
        try:
            with calling():
                answer = self._sts.assume_role(
                    RoleArn=door.role_arn, RoleSessionName=SESSION_NAME, **extra
                )
        except FAILURES as error:
            words = in_words(error)
            answered = isinstance(error, (ClientError, ResponseParserError))
            if answered and not is_the_callers(code_of(error)):
                raise _ShutError(str(words)) from None
            raise words from None
        try:
            return badge_in(answer)
        except AwsError as odd:
            raise _ShutError(str(odd)) from None

    def _own(self) -> ReadOnlyCredentials:
        """The caller's own credentials, renewed by the SDK where they can be."""
        own: Any = self._session.get_credentials()
        try:
            with calling():
                frozen: ReadOnlyCredentials = own.get_frozen_credentials()
        except ResponseParserError as error:
            raise AwsError(
                f"the caller's credentials cannot be renewed: {words_of(error)}"
            ) from None
        except FAILURES as error:
            raise in_words(error) from None
        return frozen


class _ShutError(Exception):
    """AWS will not let the caller into this one account; never leaves this module."""


def fleet_of(profile: str | None, regions: tuple[str, ...], run: str) -> Fleet:
    """The fleet of this process for a run, made once: a worker reads account after account with the same clients.

    Another run gets a fleet of its own: a worker lives for days, and the credentials of yesterday's may have run out.
    """
    surroundings = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("AWS_")))
    # A worker's threads begin at once, and the second one shall find what the first one makes.
    with _MAKING:
        return _fleet(profile, regions, run, surroundings)


@lru_cache(maxsize=4)
def _fleet(
    profile: str | None,
    regions: tuple[str, ...],
    _run: str,
    _surroundings: tuple[tuple[str, str], ...],
) -> Fleet:
    # What the SDK reads from the environment is part of the key.
    return Fleet(profile, regions)
