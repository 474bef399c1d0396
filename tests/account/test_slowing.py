"""Accounts and Regions that share a client are slowed down one by one."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from aws_iam.account import slowing
from aws_iam.account.aws import ATTEMPTS, Clients
from aws_iam.account.connect import session_of
from aws_iam.account.regional import region_here
from aws_iam.account.slowing import Slowing
from aws_iam.account.worn import WornProvider, wearer, worn

CROWDED = "us-east-1"
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


def shared(monkeypatch: Any) -> tuple[Clients, dict[tuple[str, str], Any]]:
    """Clients of accounts of which `busy` is throttled in one Region, and the SDK's limiter of each place."""
    made: dict[tuple[str, str], Any] = {}
    # No call waits before it is sent again.
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    plain = slowing.limiter

    def limiter() -> Any:
        made[wearer(), region_here()] = plain()
        return made[wearer(), region_here()]

    def answer(request: Any, **_: Any) -> Any:
        is_busy = (wearer(), region_here()) == ("busy", CROWDED)
        status, content = (400, THROTTLED) if is_busy else (200, FINE)
        headers: Any = {}
        return AWSResponse(request.url, status, headers, Body(content))

    session = session_of(None, CROWDED, WornProvider())
    core: Any = session._session  # noqa: SLF001 - boto3 shows its core nowhere else
    core.register("before-send", answer)
    monkeypatch.setattr(slowing, "limiter", limiter)
    return Clients(session), made


def test_an_account_that_is_throttled_in_a_region_slows_itself_down_there_alone(
    monkeypatch: Any,
) -> None:
    clients, made = shared(monkeypatch)

    def ask(account: str, region: str) -> None:
        with worn(badge(account)), clients.at("iam", region) as client:
            client.get_account_summary()

    ask("quiet", CROWDED)
    with pytest.raises(ClientError, match="Throttling") as refused:
        ask("busy", CROWDED)
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == ATTEMPTS - 1
    ask("quiet", CROWDED)
    ask("busy", "eu-west-1")
    assert {place: made[place]._enabled for place in made} == {  # noqa: SLF001 - the SDK tells it nowhere else
        ("quiet", CROWDED): False,
        ("busy", CROWDED): True,
        ("busy", "eu-west-1"): False,
    }


def test_thousands_of_accounts_leave_nothing_behind() -> None:
    session = session_of(None, "us-east-1", WornProvider())
    client = session.client("iam")
    limiters = Slowing(client)
    for number in range(2 * slowing.MOST):
        with worn(badge(str(number))):
            client.meta.events.emit("before-send.iam.GetUser", request=None)
    assert 0 < len(limiters) <= slowing.MOST
