"""How clients reach the MCP server: standard input and output, or HTTP on loopback."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING

import anyio
from mcp import types
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from aws_iam.errors import InputError, system_reason
from aws_iam.escape import quoted
from aws_iam.server.mcp_server import build

if TYPE_CHECKING:
    from mcp.shared._stream_protocols import ReadStream, WriteStream


def serve_stdio() -> None:
    """Serve one client over standard input and output until it leaves."""
    anyio.run(_serve_stdio)


async def _serve_stdio() -> None:
    server = build()
    async with stdio_server() as (incoming, outgoing), anyio.create_task_group() as tasks:
        passed, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        tasks.start_soon(_answer_parse_errors, incoming, passed, outgoing)
        await server.run(received, outgoing, server.create_initialization_options())
        tasks.cancel_scope.cancel()


_REQUEST_ID = re.compile(r'"id"\s*:\s*(\d{1,18}|"[^"\\]{1,200}")')


async def _answer_parse_errors(
    incoming: ReadStream[SessionMessage | Exception],
    passed: WriteStream[SessionMessage | Exception],
    outgoing: WriteStream[SessionMessage],
) -> None:
    """Pass messages on, and answer those that the SDK cannot parse: it would leave their sender waiting.

    It rejects lone surrogates, numbers of thousands of digits and deep nesting, which senders take for valid JSON.
    """
    async with passed:
        async for item in incoming:
            if isinstance(item, ValidationError):
                await outgoing.send(SessionMessage(_parse_error(item)))
            else:
                await passed.send(item)


def _parse_error(error: ValidationError) -> types.JSONRPCError:
    line = error.errors(include_url=False)[0]["input"]
    found = _REQUEST_ID.search(line) if isinstance(line, str) else None
    message = (
        "cannot parse the message: it is not JSON-RPC, or holds a lone surrogate, a number of thousands of digits or "
        "hundreds of nested levels; check such a document on the command line"
    )
    return types.JSONRPCError(
        jsonrpc="2.0",
        id=json.loads(found[1]) if found else None,
        error=types.ErrorData(code=types.PARSE_ERROR, message=message),
    )


_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve_http(address: str) -> None:
    """Serve at http://ADDRESS/mcp; only on loopback, because there is no authentication yet."""
    import uvicorn

    host, port = _host_and_port(address)
    listener = _listener(host, port, address)
    app = build().streamable_http_app(host=host, json_response=True, stateless_http=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


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
