"""The server over HTTP: progress, clients that leave, and what is refused, in both protocol eras."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from aws_iam.server import kept_answers
from aws_iam.server.http import slow_clients
from aws_iam.server.kept_answers import Bound
from aws_iam.tools import playbooks
from helpers.estate_server import Estate, estate
from helpers.folders import ROOT
from helpers.protocol.over_http import (
    EVENTS,
    JSON,
    LEGACY,
    MODERN,
    Served,
    mcp_over_http,
    request,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.process

ERAS = pytest.mark.parametrize("era", [MODERN, LEGACY])
MODES: dict[str, Literal["auto", "legacy"]] = {MODERN: "auto", LEGACY: "legacy"}


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with mcp_over_http() as served:
        yield served


@contextmanager
def readable_account(patch: pytest.MonkeyPatch) -> Iterator[Estate]:
    with estate() as aws:
        patch.setenv("AWS_ACCESS_KEY_ID", "a")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield aws


@ERAS
def test_progress_arrives_before_the_answer(
    server: Served, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    steps: list[tuple[float, float | None]] = []

    async def step(done: float, total: float | None, _text: str | None) -> None:
        steps.append((done, total))

    async def conversation() -> Any:
        asked = {"regions": ["us-east-1"], "controls": ["root_mfa", "alarm_root_use"]}
        async with Client(server.url, mode=MODES[era]) as client:
            return await client.call_tool("audit", asked, progress_callback=step)

    with readable_account(monkeypatch):
        result = asyncio.run(conversation())
    assert not result.is_error
    assert len(steps) > 1
    assert any(done == total for done, total in steps)


class Watched:
    """An audit of many calls to AWS: known are its first call, and its end."""

    def __init__(self, aws: Estate, patch: pytest.MonkeyPatch) -> None:
        self.aws = aws
        self.begun = threading.Event()
        self.abandoned = threading.Event()
        self.ended = threading.Event()
        self.progress: Any = None
        aws.watch = self._hold
        run = playbooks.run_tool

        def watched(*arguments: Any, progress: Any) -> Any:
            self.progress = progress
            try:
                return run(*arguments, progress=progress)
            finally:
                self.ended.set()

        patch.setattr(playbooks, "run_tool", watched)

    def _hold(self, operation: str) -> None:
        """AWS answers only after the client has gone."""
        if operation.startswith("iam:"):
            self.begun.set()
            assert self.abandoned.wait(60)

    def ends_soon(self) -> None:
        """Asserts that after the client has gone the audit makes no more calls than were under way."""
        for _ in range(600):
            if self.progress.ended:
                break
            self.ended.wait(0.05)
        assert self.progress.ended
        before = self.aws.calls.total()
        self.abandoned.set()
        assert self.ended.wait(60)
        # A complete audit makes hundreds.
        assert self.aws.calls.total() - before <= 16


@contextmanager
def running_audit(
    served: Served, patch: pytest.MonkeyPatch, era: str, headers: dict[str, str]
) -> Iterator[tuple[Watched, Any, int]]:
    """An audit that has made its first calls, the connection that waits for it, and its id."""
    with readable_account(patch) as aws:
        audit = Watched(aws, patch)
        regions = ["us-east-1", "eu-west-1", "us-west-2"]
        body, own = request("tools/call", era, name="audit", arguments={"regions": regions})
        connection = served.send(body, {**own, **headers})
        try:
            assert audit.begun.wait(60)
            yield audit, connection, json.loads(body)["id"]
        finally:
            audit.abandoned.set()
            connection.close()


@ERAS
@pytest.mark.parametrize("accept", [EVENTS, JSON], ids=["events", "json"])
def test_a_client_that_leaves_ends_its_call(
    server: Served, monkeypatch: pytest.MonkeyPatch, era: str, accept: str
) -> None:
    headers = server.session() if (era, accept) == (LEGACY, EVENTS) else {}
    headers = {**headers, "Accept": accept}
    with running_audit(server, monkeypatch, era, headers) as (audit, connection, _):
        connection.close()
        audit.ends_soon()


def test_a_session_can_cancel_its_call(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    session = server.session()
    with running_audit(server, monkeypatch, LEGACY, session) as (audit, _, number):
        note = {"method": "notifications/cancelled", "params": {"requestId": number}}
        status, _, _ = server.post(json.dumps({"jsonrpc": "2.0", **note}).encode(), **session)
        assert status == 202
        audit.ends_soon()


@ERAS
def test_who_takes_no_events_gets_one_json_text(server: Served, era: str) -> None:
    asked = {"name": "policy", "arguments": {"action": "lookup", "query": "s3:GetObject"}}
    body, headers = request("tools/call", era, **asked)
    status, answer, kind = server.post(body, **headers, Accept=JSON)
    assert (status, kind) == (200, JSON)
    assert answer["result"]["structuredContent"]["action"] == "lookup"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]', -32600),
        (b'{"id":1,"method":"tools/list"}', -32600),
        (b"{", -32700),
        (b"", -32700),
    ],
    ids=["batch", "shape", "half", "empty"],
)
@ERAS
def test_what_is_no_message_is_refused_with_the_code_for_it(
    server: Served, era: str, body: bytes, code: int
) -> None:
    status, answer, kind = server.post(body, MCP_Protocol_Version=era)
    assert (status, kind) == (400, JSON)
    assert answer["error"]["code"] == code


def test_a_body_has_a_limit(server: Served) -> None:
    status, _, _ = server.post(b" " * 4_200_000)
    assert status == 413


HOSTS = ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"]
FOREIGN_HOSTS = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "localhost:{port}.evil.example",
    "evil.example:{port}",
    "localhost:1",
    "localhost",
    "localhost:{port}:",
    "localhost:{port}/",
    "user@localhost:{port}",
    "0.0.0.0:{port}",
    "",
]
FOREIGN_ORIGINS = [
    "https://evil.example",
    "http://localhost:{port}.evil.example",
    "http://localhost.evil.example:{port}",
    "http://evil.example/http://localhost:{port}",
    "http://user@localhost:{port}",
    "https://localhost:{port}",
    "http://localhost:3000",
    "http://localhost",
    "http://localhost:{port}/",
    "file://",
    "null",
    "",
]
BODIES = pytest.mark.parametrize(
    "body", [request("tools/list", LEGACY)[0], b"{"], ids=["list", "half"]
)


@pytest.mark.parametrize("host", HOSTS)
def test_it_answers_under_each_name_of_this_machine(server: Served, host: str) -> None:
    body, headers = request("tools/list")
    named = f"{host}:{server.port}"
    assert server.post(body, **headers, Host=named, Origin=f"http://{named}")[0] == 200


@BODIES
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_other_hosts_are_refused_before_anything_is_read(
    server: Served, host: str, body: bytes
) -> None:
    assert server.post(body, Host=host.format(port=server.port))[0] == 421


@BODIES
@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_other_origins_are_refused_before_anything_is_read(
    server: Served, origin: str, body: bytes
) -> None:
    assert server.post(body, Origin=origin.format(port=server.port))[0] == 403


def test_a_client_that_does_not_finish_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "SECONDS_FOR_HEAD", 0.2)
    monkeypatch.setattr(slow_clients, "SECONDS_FOR_BODY", 0.2)
    body, headers = request("tools/list")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with mcp_over_http() as served:
        host = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        whole = f"{host}Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        assert b" 200 " in answer_to(served, whole.encode() + body)
        assert b" 408 " in answer_to(served, whole.encode() + body[:10])
        assert answer_to(served, host.encode()) == b""
        assert answer_to(served, b"") == b""
        # A connection that was used well is no licence to stay.
        first, rest = answers_of_two(served, whole.encode() + body, host.encode())
        assert (b" 200 " in first, rest) == (True, b"")


def answer_to(served: Served, data: bytes) -> bytes:
    """What comes until the server closes."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def answers_of_two(served: Served, one: bytes, two: bytes) -> tuple[bytes, bytes]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(one)
        first = connection.recv(65536)
        connection.sendall(two)
        rest = b"".join(iter(lambda: connection.recv(65536), b""))
        # The answer to the first may come in parts.
        return first, rest if b"HTTP/1.1" in rest else b""


@ERAS
def test_it_serves_the_sdks_client(server: Served, era: str) -> None:
    async def names() -> list[str]:
        async with Client(server.url, mode=MODES[era]) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert asyncio.run(names()) == ["policy", "secrets", "kms", "irsa", "audit"]


REPORT = {"action": "report", "demo": True, "format": "html"}
LOOKUP = {"action": "lookup", "query": "s3:GetObject"}


@ERAS
def test_no_client_pushes_out_what_is_kept_for_another(
    server: Served, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    monkeypatch.setattr(kept_answers, "OF_ONE_CLIENT", Bound(2, 64_000_000))

    async def conversation() -> None:
        mode = MODES[era]
        async with Client(server.url, mode=mode) as one, Client(server.url, mode=mode) as other:
            uris = [await report(one), await report(other)]
            for _ in range(3):
                await other.call_tool("policy", LOOKUP)
            assert (await one.read_resource(uris[0])).contents
            with pytest.raises(MCPError, match="no longer kept"):
                await other.read_resource(uris[1])

    asyncio.run(conversation())


@ERAS
def test_a_session_keeps_its_answers_to_itself_and_without_one_the_link_decides(
    server: Served, era: str
) -> None:
    async def conversation() -> None:
        mode = MODES[era]
        asked = {"action": "run", "demo": True}
        async with Client(server.url, mode=mode) as one, Client(server.url, mode=mode) as other:
            uri = await report(one)
            first = await one.call_tool("audit", asked)
            cursor = first.structured_content["next_cursor"]
            goes_on = await other.call_tool("audit", {**asked, "cursor": cursor})
            assert goes_on.is_error is (era == LEGACY)
            if era == LEGACY:
                with pytest.raises(MCPError, match="no longer kept"):
                    await other.read_resource(uri)
            else:
                assert (await other.read_resource(uri)).contents

    asyncio.run(conversation())


async def report(client: Client) -> str:
    """The address of a file that is kept for a client."""
    result = await client.call_tool("audit", REPORT)
    uri: str = result.structured_content["artifacts"][0]["uri"]
    return uri


@contextmanager
def http_server() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "aws_iam", "serve", "--http", f"127.0.0.1:{port}"],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT / "server")},
        stdout=subprocess.PIPE,
    )
    try:
        assert any(listening(server, port) for _ in range(400))
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.terminate()
        assert server.stdout
        assert server.stdout.read() == b""
        server.stdout.close()
        server.wait(timeout=60)


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("[::1]", "[::1]")]
)
def test_serve_says_at_a_terminal_where_it_is_and_how_it_ends(host: str, shown: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as free:
        free.bind(("::1" if ":" in host else "127.0.0.1", 0))
        port = free.getsockname()[1]
    ours, theirs = pty.openpty()
    server = subprocess.Popen(
        [sys.executable, "-m", "aws_iam", "serve", "--http", f"{host}:{port}"],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT / "server")},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    said = ""
    # A line may come in parts.
    while "Ctrl-C" not in said and (part := os.read(ours, 1_000)):
        said += part.decode()
    server.send_signal(signal.SIGINT)
    output, _ = server.communicate(timeout=60)
    os.close(ours)
    assert f"http://{shown}:{port}/mcp" in said
    assert "Ctrl-C" in said
    assert output == b""


def listening(server: subprocess.Popen[bytes], port: int) -> bool:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return True
    # The wait between two attempts ends when the server does.
    with suppress(subprocess.TimeoutExpired):
        server.wait(timeout=0.05)
        pytest.fail("the server ended")
    return False


def test_the_command_serves_http_and_writes_nothing_to_its_output() -> None:
    async def tools(url: str) -> list[str]:
        async with Client(url) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    with http_server() as url:
        assert asyncio.run(tools(url)) == ["policy", "secrets", "kms", "irsa", "audit"]
