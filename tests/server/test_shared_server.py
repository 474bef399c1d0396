"""One server for many people: who comes in, as whom AWS is read, and that nothing of one can be had by another."""

from __future__ import annotations

import asyncio
import http.client
import json
import select
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from threading import Event
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.oauth2 import AuthorizationCodeResult
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp.shared.exceptions import MCPError

from aws_iam.server.http import endpoint, user_limits
from helpers.protocol.issuer import OFFLINE, READ
from helpers.protocol.over_http import EVENTS, LEGACY, MODERN, request
from helpers.protocol.shared import (
    ROLES,
    Shared,
    bearer,
    get,
    guarded_server,
    shared_server,
    wait_until_ready,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = pytest.mark.process

ERAS = pytest.mark.parametrize("era", [MODERN, LEGACY])
MODES: dict[str, Literal["auto", "legacy"]] = {MODERN: "auto", LEGACY: "legacy"}
LOOKUP = {"action": "lookup", "query": "s3:GetObject"}
AUDIT = {"action": "run", "regions": ["us-east-1"], "controls": ["root_mfa"]}
REPORT = {"action": "report", "demo": True, "format": "html"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with shared_server(tmp_path_factory.mktemp("shared")) as served:
        yield served


def test_each_user_reads_under_a_role_of_their_own(shared: Shared) -> None:
    shared.aws.assumed.clear()
    for subject, account in (("ada", "222222222222"), ("bob", "333333333333")):
        shared.aws.signers.clear()
        result = shared.call(shared.issuer.token(sub=subject), "audit", AUDIT)
        answer = result["structuredContent"]
        assert answer["facts"]["account"].startswith(account)
        asked = shared.aws.assumed[-1]
        assert asked["RoleArn"] == ROLES["roles"][subject]["role_arn"]  # type: ignore[index]
        assert asked["RoleSessionName"] == subject
        # AssumeRole is signed with the server's own key, and nothing else is.
        assert len(shared.aws.signers) == 2
        assert "SERVERS" in shared.aws.signers
    assert len(shared.aws.assumed) == 2
    assert shared.aws.assumed[1]["ExternalId"] == "bobs"
    assert shared.aws.assumed[1]["SourceIdentity"] == "bob"
    assert "SourceIdentity" not in shared.aws.assumed[0]
    assert shared.aws.assumed[1]["Tags.member.1.Value"] == "bob"


def test_two_subjects_never_have_one_name(shared: Shared) -> None:
    shared.call(shared.issuer.token(sub="eve/../ada"), "audit", AUDIT)
    name = shared.aws.assumed[-1]["RoleSessionName"]
    assert name.startswith("eve-..-ada-")
    assert len(name) > len("eve-..-ada-")


def test_a_user_without_a_role_has_all_that_needs_no_account(shared: Shared) -> None:
    before = shared.aws.calls.total()
    token = shared.issuer.token(sub="carol")
    refused = shared.call(token, "audit", AUDIT)
    assert refused["isError"]
    assert "no AWS role for you" in refused["content"][0]["text"]
    assert not shared.call(token, "policy", LOOKUP).get("isError")
    assert not shared.call(token, "audit", {**REPORT, "format": "json"}).get("isError")
    assert shared.aws.calls.total() == before


@pytest.mark.parametrize(
    "named",
    [
        {"profile": "default"},
        {"role_arn": "arn:aws:iam::333333333333:role/reads-for-bob"},
        {"role_arn": "arn:aws:iam::222222222222:role/reads-for-ada", "external_id": "x"},
    ],
)
def test_the_file_decides_and_never_the_caller(shared: Shared, named: dict[str, str]) -> None:
    before = shared.aws.calls.total()
    refused = shared.call(shared.issuer.token(), "audit", {**AUDIT, **named})
    assert refused["isError"]
    assert "a role of their own" in refused["content"][0]["text"]
    assert shared.aws.calls.total() == before


async def as_user(shared: Shared, era: str, token: str, conversation: Any) -> Any:
    async with httpx2.AsyncClient(headers=bearer(token), timeout=60) as requests:
        transport = streamable_http_client(f"{shared.url}/mcp", http_client=requests)
        async with Client(transport, mode=MODES[era]) as client:
            return await conversation(client)


@ERAS
def test_what_is_kept_for_one_user_is_given_to_no_other(shared: Shared, era: str) -> None:
    asked = {"action": "run", "demo": True}

    async def first(client: Client) -> tuple[str, str]:
        made = await client.call_tool("audit", REPORT)
        uri = next(str(part.uri) for part in made.content if part.type == "resource_link")
        page = await client.call_tool("audit", asked)
        assert page.structured_content
        return uri, page.structured_content["next_cursor"]

    async def two_users() -> None:
        ada, bob = shared.issuer.token(sub="ada"), shared.issuer.token(sub="bob")

        async def both(client: Client) -> None:
            uri, cursor = await first(client)

            async def other(stranger: Client) -> None:
                with pytest.raises(MCPError, match="no longer kept"):
                    await stranger.read_resource(uri)
                turned = await stranger.call_tool("audit", {**asked, "cursor": cursor})
                assert turned.is_error

            await as_user(shared, era, bob, other)
            assert (await client.read_resource(uri)).contents
            assert not (await client.call_tool("audit", {**asked, "cursor": cursor})).is_error

        await as_user(shared, era, ada, both)

    asyncio.run(two_users())


def test_a_session_serves_its_user_alone(shared: Shared) -> None:
    hello = {"name": "t", "version": "1"}
    body, _ = request("initialize", LEGACY, protocolVersion=LEGACY, capabilities={}, clientInfo=hello)  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=60)
    given = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection.request("POST", "/mcp", body, {**given, **bearer(shared.issuer.token())})
    response = connection.getresponse()
    response.read()
    session = response.headers["Mcp-Session-Id"]
    connection.close()
    body, _ = request("tools/list", LEGACY)
    headers = {**given, "Mcp-Session-Id": session, "MCP-Protocol-Version": LEGACY}
    bob, ada = shared.issuer.token(sub="bob"), shared.issuer.token()
    assert shared.post(body, {**headers, **bearer(bob)})[0] == 404
    assert shared.post(body, headers)[0] == 401
    assert shared.post(body, {**headers, **bearer(ada)})[0] == 200


class Storage:
    """Holds what the SDK's client learns."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def test_the_sdks_client_finds_its_way_in_and_asks_for_more_when_it_needs_more(
    shared: Shared,
) -> None:
    shared.issuer.sought.clear()
    came_back: list[str] = []

    async def sign_in(address: str) -> None:
        async with httpx2.AsyncClient() as browser:
            came_back.append((await browser.get(address)).headers["Location"])

    async def came() -> AuthorizationCodeResult:
        found = parse_qs(urlsplit(came_back[-1]).query)
        return AuthorizationCodeResult(
            code=found["code"][0], state=found["state"][0], iss=found["iss"][0]
        )

    async def conversation() -> Any:
        provider = OAuthClientProvider(
            f"{shared.url}/mcp",
            OAuthClientMetadata(redirect_uris=["http://127.0.0.1:1/callback"], client_name="t"),  # type: ignore[list-item]
            Storage(),
            sign_in,
            came,
        )
        async with httpx2.AsyncClient(auth=provider, timeout=60) as requests:
            transport = streamable_http_client(f"{shared.url}/mcp", http_client=requests)
            async with Client(transport, mode="auto") as client:
                assert [tool.name for tool in (await client.list_tools()).tools]
                return await client.call_tool("audit", AUDIT)

    result = asyncio.run(conversation())
    assert not result.is_error
    scopes = [asked.get("scope", "").split() for asked in shared.issuer.sought]
    assert scopes[0] == [OFFLINE]
    assert sorted(scopes[-1]) == sorted([OFFLINE, READ])
    assert all(asked["resource"] == f"{shared.url}/mcp" for asked in shared.issuer.sought)


def test_the_log_says_who_did_what_and_nothing_of_what_was_said(shared: Shared) -> None:
    token = shared.issuer.token(sub="dora")
    shared.call(token, "policy", {"action": "lookup", "query": "s3:MarkerOfTheQuery"})
    shared.ask("tools/list", shared.issuer.token(aud="marker-of-the-audience"))
    calls = [json.loads(line) for line in shared.lines() if line.startswith("{")]
    line = next(call for call in calls if call["user"] == "dora")
    assert set(line) == {"at", "event", "issuer", "user", "client", "tool", "action", "outcome", "seconds"}  # fmt: skip
    assert (line["tool"], line["action"], line["client"]) == ("policy", "lookup", "ide")
    everything = "\n".join(shared.lines())
    assert "Marker" not in everything
    assert "marker" not in everything
    assert token not in everything
    assert token.split(".")[1] not in everything
    assert "a token was refused" in everything
    assert "Traceback" not in everything


def test_a_user_has_so_many_calls_and_is_told_when_the_next_one_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoint, "CALLS", user_limits.Limit(8, 3))
    with guarded_server() as (issuer, served):

        def statuses(subject: str, calls: int) -> list[int]:
            body, headers = request("tools/call", name="policy", arguments=LOOKUP)
            given = bearer(issuer.token(sub=subject))
            return [served.post(body, **headers, **given)[0] for _ in range(calls)]

        assert statuses("hasty", 5) == [200, 200, 200, 429, 429]
        # Nobody else waits for that, and what is no call of a tool is not counted.
        assert statuses("patient", 1) == [200]
        body, headers = request("tools/list")
        hasty = bearer(issuer.token(sub="hasty"))
        assert served.post(body, **headers, **hasty)[0] == 200
        body, headers = request("tools/call", name="policy", arguments=LOOKUP)
        connection = served.send(body, {**headers, **hasty})
        assert 1 <= int(connection.getresponse().headers["Retry-After"]) <= 20
        connection.close()


def test_a_user_has_so_many_requests_at_once_and_none_of_anybody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stream that stays open is one, whether or not anything is called in it."""
    monkeypatch.setattr(endpoint, "REQUESTS", user_limits.Limit(2, 1000))
    with guarded_server() as (issuer, served), ExitStack() as connections:
        body, headers = request("tools/list")

        def status(subject: str, sent: bytes = body) -> int:
            given = {**headers, **bearer(issuer.token(sub=subject))}
            connection = connections.enter_context(closing(served.send(sent, given)))
            response = connections.enter_context(connection.getresponse())
            if response.status == 429:
                assert int(response.headers["Retry-After"]) >= 1
            return response.status

        for _ in range(2):
            head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nContent-Type: application/json\r\n"
            lines = f"Authorization: Bearer {issuer.token(sub='greedy')}\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
            slow = socket.create_connection(("127.0.0.1", served.port), timeout=60)
            connections.enter_context(slow).sendall(f"{head}{lines}".encode())
            assert slow.recv(25).startswith(b"HTTP/1.1 100")  # it waits for the body
        assert status("greedy") == 429
        assert status("modest") == 200


def test_the_sessions_of_one_user_leave_room_for_those_of_others(shared: Shared) -> None:
    hello = {"name": "t", "version": "1"}
    body, _ = request("initialize", LEGACY, protocolVersion=LEGACY, capabilities={}, clientInfo=hello)  # fmt: skip

    def statuses(subject: str, times: int) -> set[int]:
        headers = {"Accept": EVENTS, **bearer(shared.issuer.token(sub=subject))}
        return {shared.post(body, headers)[0] for _ in range(times)}

    assert statuses("greedy", user_limits.MOST_SESSIONS) == {200}
    assert statuses("greedy", 2) == {429}
    assert statuses("modest", 1) == {200}


def test_connections_that_are_too_many_are_closed(shared: Shared) -> None:
    with ExitStack() as connections:
        many = [
            connections.enter_context(
                socket.create_connection(("127.0.0.1", shared.port), timeout=60)
            )
            for _ in range(256 + 32 + 20)
        ]
        closed, _, _ = select.select(many, [], [], 60)
        assert closed
        assert all(one.recv(1) == b"" for one in closed)
    wait_until_ready(shared)


def test_nobody_is_sent_to_another_host(shared: Shared) -> None:
    for path in ("/mcp/", "/healthz/", "//evil.example/mcp"):
        assert get(shared, path, Host="evil.example")[0] == 404


def test_when_told_to_end_it_finishes_what_it_has_begun(tmp_path: Path) -> None:
    with shared_server(tmp_path) as served, ThreadPoolExecutor() as threads:
        begun = Event()
        may_answer = Event()

        def hold(operation: str) -> None:
            if operation == "sts:AssumeRole":
                begun.set()
                assert may_answer.wait(60)

        served.aws.watch = hold
        few = {**AUDIT, "controls": ["root_mfa"]}
        call = threads.submit(served.call, served.issuer.token(), "audit", few)
        assert begun.wait(60)
        served.process.terminate()
        may_answer.set()
        assert not call.result(60).get("isError")
        assert served.process.wait(60) in {0, -15}


def test_clients_that_go_leave_no_traceback(shared: Shared) -> None:
    """While they send a head or a body, and while they wait for an answer."""
    body, headers = request("tools/call", name="audit", arguments={**REPORT})
    lines = {**headers, **bearer(shared.issuer.token()), "Content-Type": "application/json"}
    named = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    accepted = "Accept: application/json, text/event-stream\r\n"
    head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{shared.port}\r\n{named}{accepted}Content-Length: {len(body)}\r\n\r\n"
    whole = head.encode() + body
    for part in (whole[:20], whole[:-20], whole):
        for linger in (b"", b"\x01\x00\x00\x00\x00\x00\x00\x00"):
            with socket.create_connection(("127.0.0.1", shared.port), timeout=60) as connection:
                connection.sendall(part)
                if linger:  # a reset in place of an end
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    assert not shared.call(shared.issuer.token(), "policy", LOOKUP).get("isError")
    said = "\n".join(line for line in shared.lines() if not line.startswith("{"))
    assert "Traceback" not in said
    assert "Error" not in said
