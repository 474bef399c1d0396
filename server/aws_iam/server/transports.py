"""How clients reach the MCP server: standard input and output, or HTTP on loopback."""

from __future__ import annotations

import io
import os
import socket
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, BinaryIO

import anyio
import anyio.to_thread
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from aws_iam.errors import InputError, system_reason
from aws_iam.escape import quoted
from aws_iam.server import messages
from aws_iam.server.client_presence import present
from aws_iam.server.mcp_server import build
from aws_iam.server.workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from mcp.server.lowlevel import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecurityMiddleware
    from mcp.shared._stream_protocols import WriteStream
    from starlette.applications import Starlette
    from starlette.types import Message, Receive, Scope, Send

    from aws_iam.server.serve_options import ServeOptions


def serve_stdio(options: ServeOptions) -> None:
    """Serve one client over standard input and output until it leaves."""
    try:
        anyio.run(_serve_stdio, options)
    except* BrokenPipeError:
        pass  # it left without reading its answers


async def _serve_stdio(options: ServeOptions) -> None:
    workers = Workers()
    server = build(options.permitted, workers)
    # The SDK guards the output and would read the input without a limit: it gets an input that has ended.
    ended = anyio.wrap_file(io.StringIO())
    with _input_of_the_protocol() as lines:
        async with (
            workers,
            stdio_server(stdin=ended) as (unused, outgoing),
            anyio.create_task_group() as tasks,
        ):
            await unused.aclose()
            passed, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
            tasks.start_soon(_read_messages, lines, passed, outgoing)
            await server.run(received, outgoing, server.create_initialization_options())
            tasks.cancel_scope.cancel()


@contextmanager
def _input_of_the_protocol() -> Iterator[BinaryIO]:
    """Standard input; while the server runs, what else reads it, programs it starts among them, finds its end."""
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        # Not closed: a thread may wait in it for the next line.
        yield os.fdopen(own, "rb", closefd=False)
    finally:
        os.dup2(own, 0)


async def _read_messages(
    lines: BinaryIO,
    passed: WriteStream[SessionMessage | Exception],
    outgoing: WriteStream[SessionMessage],
) -> None:
    """Pass messages on, and answer lines that are none: the SDK would leave their sender waiting."""
    async with passed:
        # An interrupt does not wait for the next line.
        while line := await anyio.to_thread.run_sync(_line, lines, abandon_on_cancel=True):
            if isinstance(line, messages.UnreadableMessageError):
                await outgoing.send(SessionMessage(line.answer))
            elif line.strip():
                try:
                    message = messages.read(line)
                except messages.UnreadableMessageError as error:
                    await outgoing.send(SessionMessage(error.answer))
                else:
                    await passed.send(SessionMessage(message))


def _line(lines: BinaryIO) -> bytes | messages.UnreadableMessageError:
    """The next line, empty at the end of the input; one that is too long is read and not kept."""
    line = lines.readline(messages.MOST_BYTES + 1)
    if len(line) <= messages.MOST_BYTES:
        return line
    end = line
    while not end.endswith(b"\n") and (more := lines.readline(messages.MOST_BYTES)):
        end = end[-1000:] + more
    return messages.too_long(line, end)


_ENDPOINT = "/mcp"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MOST_CONNECTIONS = 256
_SESSION_SECONDS = 600
_SECONDS_TO_FINISH = 3


def serve_http(options: ServeOptions, address: str, ready: Callable[[str], None]) -> None:
    """Serve at http://ADDRESS/mcp; only on loopback, because there is no authentication yet. `ready` is told the address."""
    host, port = _host_and_port(address)
    listener = _listener(host, port, address)
    ready(f"http://{f'[{host}]' if ':' in host else host}:{port}{_ENDPOINT}")
    workers = Workers()
    run_http(http_app(build(options.permitted, workers), workers), listener)


def run_http(app: Starlette, listener: socket.socket) -> None:
    """Serve the application until the process is told to end."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    uvicorn.Server(config).run(sockets=[listener])


def http_app(server: Server[Any], workers: Workers | None = None) -> Starlette:
    """The server as a web application; its `workers` end with it.

    A client that takes events has its answer streamed, with the progress before it; of the older protocol it has a
    session, in which it can cancel. Any other client gets one JSON text.
    """
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import (
        RequestBodyLimitMiddleware,
        TransportSecurityMiddleware,
        TransportSecuritySettings,
    )
    from starlette.applications import Starlette
    from starlette.routing import Route

    local = ["127.0.0.1:*", "localhost:*", "[::1]:*"]
    security = TransportSecuritySettings(
        allowed_hosts=local, allowed_origins=[f"http://{host}" for host in local]
    )
    streams = StreamableHTTPSessionManager(
        server,
        security_settings=security,
        max_sessions=_MOST_CONNECTIONS,
        session_idle_timeout=_SESSION_SECONDS,
    )
    texts = StreamableHTTPSessionManager(
        server, security_settings=security, json_response=True, stateless=True
    )
    endpoint = HttpEndpoint(streams, texts, TransportSecurityMiddleware(security))

    @asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        async with workers or nullcontext(), streams.run(), texts.run():
            yield

    limited = RequestBodyLimitMiddleware(endpoint, messages.MOST_BYTES)
    return Starlette(routes=[Route(_ENDPOINT, endpoint=limited)], lifespan=running)


class HttpEndpoint:
    """Reads what is posted, chooses how to answer it, and ends the call when its client leaves.

    The older protocol lets a client come back for the rest of an answer. Nothing is kept for that, so it would wait in vain.
    """

    def __init__(
        self,
        streams: StreamableHTTPSessionManager,
        texts: StreamableHTTPSessionManager,
        security: TransportSecurityMiddleware,
    ) -> None:
        self._streams = streams
        self._texts = texts
        self._security = security

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        from mcp.server.streamable_http import MCP_SESSION_ID_HEADER, check_accept_headers
        from starlette.requests import ClientDisconnect, Request
        from starlette.responses import Response

        request = Request(scope, receive)
        posted = request.method == "POST"
        refusal = await self._security.validate_request(request, is_post=posted)
        body = b""
        if refusal is None and posted:
            try:
                body = await request.body()
                messages.read(body)
            except ClientDisconnect:
                return
            except messages.UnreadableMessageError as error:
                text = error.answer.model_dump_json(by_alias=True)
                refusal = Response(text, status_code=400, media_type="application/json")
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        takes_events = check_accept_headers(request)[1] or MCP_SESSION_ID_HEADER in request.headers
        manager = self._streams if takes_events else self._texts
        await _answer(manager, body, scope, receive, send)


async def _answer(
    manager: StreamableHTTPSessionManager, body: bytes, scope: Scope, receive: Receive, send: Send
) -> None:
    presence = present(scope)
    left = anyio.Event()
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        if unread:
            return unread.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        presence.leave()
        left.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await manager.handle_request(scope, received, send)
        tasks.cancel_scope.cancel()


def _listener(host: str, port: int, address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(
            f"cannot listen on {quoted(address)}: {system_reason(error)}",
            hint="choose another port",
        ) from None


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port[:6]) < 65536:  # noqa: PLR2004 - ports
        raise InputError(
            f"`--http` must be HOST:PORT, not {quoted(address)}", hint="for example 127.0.0.1:8080"
        )
    if host not in _LOOPBACK:
        raise InputError(
            f"refusing to listen on {quoted(host)}: there is no authentication, so anyone who reaches this port "
            "could read AWS with your credentials",
            hint="use 127.0.0.1, localhost or [::1], with a tunnel if the client runs elsewhere",
        )
    return host, int(port)
