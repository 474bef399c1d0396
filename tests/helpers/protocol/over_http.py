"""The MCP server over HTTP on loopback in a thread of this process, and what clients post to it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import uvicorn

from aws_iam.server.http.place import Place
from aws_iam.server.http.serving import http_app
from aws_iam.server.http.slow_clients import ImpatientProtocol
from aws_iam.server.mcp_server import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.server.http.resource_server import ResourceServer

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
EVENTS = "application/json, text/event-stream"
JSON = "application/json"
_NUMBERS = count(1)


@dataclass(frozen=True)
class Served:
    """A server and the conversations with it; the older protocol's have a session where events are taken."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def send(
        self, body: bytes, headers: Mapping[str, str], method: str = "POST"
    ) -> http.client.HTTPConnection:
        """A connection whose answer has not been read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        given = {"Content-Type": JSON, "Accept": EVENTS, **headers}
        connection.request(method, "/mcp", body, given)
        return connection

    def post(self, body: bytes, **headers: str) -> tuple[int, Any, str]:
        """Status, JSON (the last event's, of a stream) and content type of the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self.send(body, named)
        try:
            response = connection.getresponse()
            text = response.read().decode()
            kind = response.headers.get("Content-Type", "")
            if kind.startswith("text/event-stream"):
                text = text.strip().rpartition("data: ")[2]
            return response.status, json.loads(text) if text[:1] == "{" else text, kind
        finally:
            connection.close()

    def ask(self, method: str, era: str = MODERN, **params: Any) -> Any:
        """The whole answer to a request, without a session."""
        body, headers = request(method, era, **params)
        _, answer, _ = self.post(body, **headers, **({} if era == MODERN else {"Accept": JSON}))
        return answer

    def session(self) -> dict[str, str]:
        """The headers of a new session of the older protocol."""
        hello = {"name": "test", "version": "1"}
        body, _ = request(
            "initialize", LEGACY, protocolVersion=LEGACY, capabilities={}, clientInfo=hello
        )
        connection = self.send(body, {})
        response = connection.getresponse()
        response.read()
        connection.close()
        headers = {
            "Mcp-Session-Id": response.headers["Mcp-Session-Id"],
            "MCP-Protocol-Version": LEGACY,
        }
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert self.post(json.dumps(note).encode(), **headers)[0] == 202
        return headers


def request(method: str, era: str = MODERN, **params: Any) -> tuple[bytes, dict[str, str]]:
    """A request as bytes, and the headers that its era wants with it."""
    headers = {"MCP-Protocol-Version": era}
    if era == MODERN:
        params["_meta"] = {
            **params.get("_meta", {}),
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        headers["Mcp-Method"] = method
        if name := params.get("name", params.get("uri")):
            headers["Mcp-Name"] = name
    sent = {"jsonrpc": "2.0", "id": next(_NUMBERS), "method": method, "params": params}
    return json.dumps(sent).encode(), headers


@contextmanager
def mcp_over_http(
    guard: Callable[[Place], ResourceServer] | None = None,
) -> Iterator[Served]:
    """The server, until the end of the block; with a guard for those who have a token."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        place = Place(base_url=f"http://127.0.0.1:{port}", local_port=port)
        config = uvicorn.Config(
            http_app(build(), place, guard=guard(place) if guard else None),
            http=ImpatientProtocol,
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Served(port)
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()
