"""Accounts and Regions that share a client are slowed down, and try again, one by one."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError
from botocore.retries import adaptive

from aws_iam.account.calls import retries
from aws_iam.account.calls.account_credentials import (
    ContextCredentialsProvider,
    signing_key_id,
    signing_with,
)
from aws_iam.account.calls.clients import ATTEMPTS, Clients, client_config
from aws_iam.account.calls.region_per_call import called_region
from aws_iam.account.calls.retries import RetryStates
from aws_iam.account.session.connect import session_of

pytestmark = pytest.mark.process

CROWDED = "us-east-1"
THROTTLED = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
FINE = b"<GetAccountSummaryResponse><GetAccountSummaryResult/></GetAccountSummaryResponse>"


class Body:
    """A body that is read like a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Any:
        yield self._content


def credentials_of(account: str) -> ReadOnlyCredentials:
    return ReadOnlyCredentials(account, "secret", "token")


class Aws:
    """AWS, where the account `busy` is throttled in one Region: as often as `left` says for others."""

    def __init__(self, monkeypatch: Any) -> None:
        self.states: dict[tuple[str, str], Any] = {}
        self.left = 0
        # No call waits before it is sent again.
        monkeypatch.setattr("time.sleep", lambda _seconds: None)
        plain = retries.RetryState

        def state(client: Any) -> Any:
            made = self.states[signing_key_id(), called_region()] = plain(client)
            return made

        monkeypatch.setattr(retries, "RetryState", state)
        session = session_of(None, CROWDED, ContextCredentialsProvider())
        core: Any = session._session  # noqa: SLF001 - boto3 shows its core nowhere else
        core.register("before-send", self._answer)
        self.clients = Clients(session)

    def _answer(self, request: Any, **_: Any) -> Any:
        is_busy = (signing_key_id(), called_region()) == ("busy", CROWDED)
        is_busy, self.left = is_busy or self.left > 0, max(0, self.left - 1)
        status, content = (400, THROTTLED) if is_busy else (200, FINE)
        headers: Any = {}
        return AWSResponse(request.url, status, headers, Body(content))

    def ask(self, account: str, region: str) -> dict[str, Any]:
        """What the SDK tells of a call: how often it was sent again, and whether it might have been."""
        with signing_with(credentials_of(account)), self.clients.at("iam", region) as client:
            answer = client.get_account_summary()
        return dict(answer["ResponseMetadata"])


def test_an_account_that_is_throttled_in_a_region_slows_down_only_there(
    monkeypatch: Any,
) -> None:
    aws = Aws(monkeypatch)
    aws.ask("quiet", CROWDED)
    with pytest.raises(ClientError, match="Throttling") as refused:
        aws.ask("busy", CROWDED)
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == ATTEMPTS - 1
    aws.ask("quiet", CROWDED)
    aws.ask("busy", "eu-west-1")
    assert {place: state.limiter._enabled for place, state in aws.states.items()} == {  # noqa: SLF001 - the SDK tells it nowhere else
        ("quiet", CROWDED): False,
        ("busy", CROWDED): True,
        ("busy", "eu-west-1"): False,
    }


def test_an_account_that_is_throttled_in_a_region_uses_up_the_retries_of_no_other(
    monkeypatch: Any,
) -> None:
    aws = Aws(monkeypatch)
    # The SDK's pace is not what this is about, and would wait in real time.
    monkeypatch.setattr(adaptive.ClientRateLimiter, "on_sending_request", lambda *_, **__: None)
    refused: Any = {}
    for _ in range(200):
        with pytest.raises(ClientError, match="Throttling") as caught:
            aws.ask("busy", CROWDED)
        refused = caught.value.response["ResponseMetadata"]
        if refused["RetryAttempts"] == 0:
            break
    assert refused["RetryQuotaReached"]
    for account, region in (("quiet", CROWDED), ("busy", "eu-west-1")):
        aws.left = 2
        told = aws.ask(account, region)
        assert (told["RetryAttempts"], "RetryQuotaReached" in told) == (2, False)


def test_successful_calls_return_their_retries_to_the_quota(monkeypatch: Any) -> None:
    aws = Aws(monkeypatch)
    monkeypatch.setattr(adaptive.ClientRateLimiter, "on_sending_request", lambda *_, **__: None)
    for _ in range(200):
        aws.left = 1
        assert aws.ask("quiet", CROWDED)["RetryAttempts"] == 1


def test_an_account_that_is_done_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[RetryStates] = []

    def made(client: Any) -> RetryStates:
        kept.append(RetryStates(client))
        return kept[-1]

    monkeypatch.setattr("aws_iam.account.calls.clients.RetryStates", made)
    aws = Aws(monkeypatch)
    for account in ("quiet", "other"):
        aws.ask(account, CROWDED)
        aws.ask(account, "eu-west-1")
    assert [len(states) for states in kept] == [4]
    aws.clients.forget("quiet")
    assert [len(states) for states in kept] == [2]


def test_thousands_of_accounts_leave_nothing_behind() -> None:
    session = session_of(None, "us-east-1", ContextCredentialsProvider())
    client = session.client("iam", config=client_config())
    states = RetryStates(client)
    for number in range(2 * retries.MAX_STATES):
        with signing_with(credentials_of(str(number))):
            client.meta.events.emit("before-send.iam.GetUser", request=None)
    assert 0 < len(states) <= retries.MAX_STATES
