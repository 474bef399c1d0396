"""Serves MCP clients over HTTP, and says whether it is well."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import RequestBodyLimitMiddleware, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from aws_iam.errors import InputError, system_reason
from aws_iam.escape import quoted
from aws_iam.server import messages
from aws_iam.server.call_log import CallLog
from aws_iam.server.http.endpoint import HttpEndpoint, RequestLimit
from aws_iam.server.http.place import ENDPOINT, LOOPBACK, Place
from aws_iam.server.http.resource_server import ResourceServer, Scopes
from aws_iam.server.http.slow_clients import BodyTimeLimit, ImpatientProtocol
from aws_iam.server.mcp_server import Serving, build
from aws_iam.server.workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mcp.server.lowlevel import Server
    from starlette.requests import Request

    from aws_iam.account.session.permitted import Permitted
    from aws_iam.server.http.aws_roles import AwsRoles
    from aws_iam.server.http.issuer import Issuer
    from aws_iam.server.http.users import User

_MOST_CONNECTIONS = 256
_SESSION_SECONDS = 600
_SECONDS_TO_FINISH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Who may come in: users with a token of the issuer for the audience, under the scopes, and their AWS roles."""

    issuer: Issuer
    audience: str
    scopes: Scopes
    roles: AwsRoles | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Where the server listens and is reached, and who may come in; without `authorization` whoever reaches it."""

    host: str
    port: int
    base_url: str | None
    authorization: Authorization | None

    @property
    def place(self) -> Place:
        """Where clients reach the server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return Place(
            base_url=self.base_url or f"http://{host}:{self.port}",
            local_port=self.port if self.host in LOOPBACK else None,
        )


def serve_http(options: HttpOptions, permitted: Permitted, ready: Callable[[str], None]) -> None:
    """Serve until the process is told to end; `ready` is told the address."""
    guard = _guard(options)
    if guard is not None:
        guard.issuer.discover()
    listener = _listener(options)
    workers = Workers()

    def permitted_for(user: User | None) -> Permitted:
        return guard.permitted(user, permitted) if guard and user else permitted

    server = build(Serving(permitted=permitted_for, heavy=workers, log=CallLog()))
    app = http_app(server, options.place, workers=workers, guard=guard)
    ready(options.place.resource)
    run_http(app, listener)


def run_http(app: Starlette, listener: socket.socket) -> None:
    """Serve the application until the process is told to end."""
    config = uvicorn.Config(
        app,
        http=ImpatientProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    uvicorn.Server(config).run(sockets=[listener])


def http_app(
    server: Server[Any],
    place: Place,
    *,
    workers: Workers | None = None,
    guard: ResourceServer | None = None,
) -> Starlette:
    """The server as a web application; its `workers` end with it, and `guard` says who may come in."""
    # What the SDK checks by prefixes is checked by the endpoint.
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    streams = StreamableHTTPSessionManager(
        server,
        security_settings=security,
        max_sessions=_MOST_CONNECTIONS,
        session_idle_timeout=_SESSION_SECONDS,
    )
    texts = StreamableHTTPSessionManager(
        server, security_settings=security, json_response=True, stateless=True
    )
    endpoint = HttpEndpoint(streams, texts, place, guard)

    @asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        async with workers or nullcontext(), streams.run(), texts.run():
            if workers is not None and guard is not None:
                await workers.warm()
            yield

    async def is_ready(_request: Request) -> PlainTextResponse:
        has_keys = guard is None or guard.issuer.has_keys()
        can_work = workers is None or not workers.is_full
        ready = has_keys and can_work
        return PlainTextResponse("ready" if ready else "not ready", 200 if ready else 503)

    in_time = BodyTimeLimit(RequestBodyLimitMiddleware(endpoint, messages.MOST_BYTES))
    limited = RequestLimit(in_time)
    app = Starlette(
        routes=[
            Route(ENDPOINT, endpoint=guard.guarded(limited) if guard else limited),
            Route("/healthz", _is_alive),
            Route("/readyz", is_ready),
            *(guard.routes() if guard else ()),
        ],
        middleware=guard.middleware() if guard else [],
        lifespan=running,
    )
    # It would go to whatever host the request names, and from behind a proxy to http.
    app.router.redirect_slashes = False
    return app


async def _is_alive(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


def _guard(options: HttpOptions) -> ResourceServer | None:
    given = options.authorization
    if given is None:
        return None
    return ResourceServer(
        given.issuer, given.audience, options.place, scopes=given.scopes, roles=given.roles
    )


def _listener(options: HttpOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family)
    except OSError as error:
        address = quoted(f"{options.host}:{options.port}")
        raise InputError(
            f"cannot listen on {address}: {system_reason(error)}", hint="choose another port"
        ) from None
