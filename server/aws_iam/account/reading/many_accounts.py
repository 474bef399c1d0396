"""Reads many accounts as one caller: one session, one set of clients, a role in each account.

    fleet = fleet_of("audit", ("eu-west-1",), run)
    account = fleet.read(needs, AccountRole(account="111122223333", role_arn="arn:aws:iam::111122223333:role/audit"))

An account that cannot be read is a `NotRead` value. A failure that concerns every account (the caller's credentials,
the clock, the network) raises AwsError, because the next account would fail in the same way.
"""

from __future__ import annotations

import os
import threading
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from aws_iam.account.calls.account_credentials import ContextCredentialsProvider, signing_with
from aws_iam.account.calls.clients import Clients, client_config, make_client
from aws_iam.account.calls.failures import FAILURES, calling, code_of, text_of
from aws_iam.account.reading.collect_account import OpenAccount, collect_open_account
from aws_iam.account.session.connect import (
    SESSION_NAME,
    caller,
    checked_regions,
    connect,
    explained,
    home_region,
    is_callers_fault,
    known_regions,
    role_session,
    session_of,
)
from aws_iam.errors import AwsError, InputError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from botocore.credentials import ReadOnlyCredentials

    from aws_iam.account.collect.fact import Fact, Held
    from aws_iam.account.reading.snapshot import Account

ACCOUNTS_AT_ONCE = 8
"""Accounts that are read at a time."""
WORKERS_PER_ACCOUNT = 8
"""Calls in flight for one of many accounts."""
_MAKING = threading.Lock()


@slotted
class AccountRole:
    """An account and the role to assume in it; without a role it is the caller's own account."""

    account: str
    role_arn: str | None = None
    # A worker that fails logs the arguments of its job.
    external_id: str | None = field(default=None, repr=False)


@slotted
class NotRead:
    """Why an account could not be read at all."""

    reason: str


@slotted
class _Caller:
    """The arguments of `connect` for the caller's own account."""

    profile: str | None
    regions: tuple[str, ...]
    role_arn: None = None
    external_id: None = None


def _silent(_done: int, _total: int, _text: str) -> None:
    """Report no progress."""


class Fleet:
    """The caller's session, and one set of clients that signs for whichever account a thread reads."""

    def __init__(self, profile: str | None, regions: tuple[str, ...]) -> None:
        session = connect(_Caller(profile=profile, regions=regions))
        self.regions = checked_regions(session, regions)
        self.home = home_region(session, self.regions)
        self.account, self.arn = caller(session, self.home)
        self.partition = self.arn.split(":")[1]
        self._foreign = known_regions(session) - known_regions(session, self.partition)
        self._session = session
        # Shared by all threads that assume a role.
        self._sts = make_client(session, "sts", self.home, client_config())
        shared = session_of(
            profile, session.region_name or self.home, ContextCredentialsProvider()
        )
        # A global service has one host, which all threads call.
        self._clients = Clients(shared, ACCOUNTS_AT_ONCE * WORKERS_PER_ACCOUNT)

    def client(self, service: str) -> Any:
        """A client of the caller's own account."""
        return make_client(self._session, service, self.home, client_config())

    def read(
        self,
        needs: Iterable[Fact[Any]],
        role: AccountRole,
        progress: Callable[[int, int, str], None] = _silent,
        known: Iterable[Held] = (),
        stop: threading.Event | None = None,
    ) -> Account | NotRead:
        """A snapshot of the account, or why there is none."""
        try:
            credentials, arn = self._credentials_for(role)
        except _NoAccessError as refused:
            return NotRead(reason=str(refused))
        opened = OpenAccount(
            account=role.account,
            arn=arn,
            clients=self._clients,
            home=self.home,
            named_regions=self.regions,
            foreign=self._foreign,
            workers=WORKERS_PER_ACCOUNT,
            stop=stop,
        )
        try:
            with signing_with(credentials):
                return collect_open_account(needs, opened, progress, known)
        except (AwsError, InputError) as error:
            # For example a Region that this account has not enabled, or an expired role session: others may work.
            return NotRead(reason=str(error))
        finally:
            self._clients.forget(credentials.access_key or "")

    def _credentials_for(self, role: AccountRole) -> tuple[ReadOnlyCredentials, str]:
        if role.role_arn is None:
            return self._own_credentials(), self.arn
        # If the caller's own credentials cannot be renewed, that concerns all accounts, not this one.
        self._own_credentials()
        extra = {} if role.external_id is None else {"ExternalId": role.external_id}
        try:
            with calling():
                answer = self._sts.assume_role(
                    RoleArn=role.role_arn, RoleSessionName=SESSION_NAME, **extra
                )
        except FAILURES as error:
            failure = explained(error)
            is_answer = isinstance(error, (ClientError, ResponseParserError))
            if is_answer and not is_callers_fault(code_of(error)):
                raise _NoAccessError(str(failure)) from None
            raise failure from None
        try:
            return role_session(answer)
        except AwsError as unreadable:
            raise _NoAccessError(str(unreadable)) from None

    def _own_credentials(self) -> ReadOnlyCredentials:
        """The caller's own credentials, renewed by the SDK where they can be."""
        own: Any = self._session.get_credentials()
        try:
            with calling():
                frozen: ReadOnlyCredentials = own.get_frozen_credentials()
        except ResponseParserError as error:
            raise AwsError(
                f"the caller's credentials cannot be renewed: {text_of(error)}"
            ) from None
        except FAILURES as error:
            raise explained(error) from None
        return frozen


class _NoAccessError(Exception):
    """This one account cannot be read; never leaves this module."""


def fleet_of(profile: str | None, regions: tuple[str, ...], run: str) -> Fleet:
    """The fleet of this process for a run, made once, so that a worker reads all its accounts with the same clients.

    Another run gets its own: a worker may live for days, and the credentials of an earlier run may have expired.
    """
    environment = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("AWS_")))
    # The threads of a worker start together: one makes the fleet, the others find it.
    with _MAKING:
        return _fleet(profile, regions, run, environment)


@lru_cache(maxsize=4)
def _fleet(
    profile: str | None,
    regions: tuple[str, ...],
    _run: str,
    _environment: tuple[tuple[str, str], ...],
) -> Fleet:
    # The environment is part of the cache key, because the SDK reads it.
    return Fleet(profile, regions)
