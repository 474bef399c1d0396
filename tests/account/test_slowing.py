"""Accounts that share a client are slowed down one by one."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from aws_iam.account import slowing
from aws_iam.account.aws import ATTEMPTS, Clients
from aws_iam.account.connect import session_of
from aws_iam.account.slowing import Slowing
from aws_iam.account.worn import WornProvider, wearer, worn

THROTTLED = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
FINE = b"<GetAccountSummaryResponse><GetAccountSummaryResult/></GetAccountSummaryResponse>"


class Body:
    """A body that is read like a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Any:
        yield self._content


def badge(account: str) -> ReadOnlyCredentials:
    return ReadOnlyCredentials(account, "secret", "token")


def shared(monkeypatch: Any) -> tuple[Any, dict[str, Any]]:
    """A client of accounts of which `busy` is throttled, and the SDK's limiter of each."""
    made: dict[str, Any] = {}
    # No call waits before it is sent again.
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    plain = slowing.limiter

    def limiter() -> Any:
        made[wearer()] = plain()
        return made[wearer()]

    def answer(request: Any, **_: Any) -> Any:
        status, content = (400, THROTTLED) if wearer() == "busy" else (200, FINE)
        headers: Any = {}
        return AWSResponse(request.url, status, headers, Body(content))

    session = session_of(None, "us-east-1", WornProvider())
    core: Any = session._session  # noqa: SLF001 - boto3 shows its core nowhere else
    core.register("before-send", answer)
    client = Clients(session, shared=True).get("iam", "us-east-1")
    Slowing(client, limiter)
    return client, made


def test_an_account_that_is_throttled_slows_itself_down_and_no_other(monkeypatch: Any) -> None:
    client, made = shared(monkeypatch)
    with worn(badge("quiet")):
        client.get_account_summary()
    with worn(badge("busy")), pytest.raises(ClientError, match="Throttling") as refused:
        client.get_account_summary()
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == ATTEMPTS - 1
    with worn(badge("quiet")):
        client.get_account_summary()
    assert set(made) == {"quiet", "busy"}
    assert {each: made[each]._enabled for each in made} == {"quiet": False, "busy": True}  # noqa: SLF001 - the SDK tells it nowhere else


def test_a_client_of_one_account_leaves_it_to_the_sdk() -> None:
    session = session_of(None, "us-east-1", WornProvider())
    modes = {
        each: Clients(session, shared=each).get("iam", "us-east-1").meta.config.retries["mode"]
        for each in (True, False)
    }
    assert modes == {True: "standard", False: "adaptive"}


def test_thousands_of_accounts_leave_nothing_behind() -> None:
    session = session_of(None, "us-east-1", WornProvider())
    client = session.client("iam")
    limiters = Slowing(client)
    for number in range(300):
        with worn(badge(str(number))):
            client.meta.events.emit("before-send.iam.GetUser", request=None)
    assert 0 < len(limiters) <= slowing.MOST
