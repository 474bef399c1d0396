"""Handles what is posted to `/mcp`: reads it, refuses what may not come in, answers it, and ends the call when its client leaves."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import anyio
from mcp import types
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER, check_accept_headers
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from aws_iam.server import messages
from aws_iam.server.client_presence import present
from aws_iam.server.http.user_limits import (
    ACCOUNT_READS,
    CALLS,
    MOST_SESSIONS,
    REQUESTS,
    UserLimits,
)
from aws_iam.server.http.users import user_of
from aws_iam.server.tool_calls import reads_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from aws_iam.server.http.place import Place
    from aws_iam.server.http.resource_server import ResourceServer
    from aws_iam.server.http.users import User


class RequestLimit:
    """Takes so many requests of one user at a time, before it reads what they send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests = UserLimits(REQUESTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        user = user_of(HTTPConnection(scope))
        if user is None:
            await self._app(scope, receive, send)
        elif refusal := _refusal_for_now(self._requests, user):
            await refusal(scope, receive, send)
        else:
            with self._requests.one(user.key):
                await self._app(scope, receive, send)


class HttpEndpoint:
    """Reads what is posted, chooses how to answer it, and ends the call when its client leaves.

    A client that takes events has its answer streamed, with the progress before it; of the older protocol it has a
    session, in which it can cancel. Any other client gets one JSON text. The older protocol lets a client come back for
    the rest of an answer. Nothing is kept for that, so it would wait in vain.
    """

    def __init__(
        self,
        streams: StreamableHTTPSessionManager,
        texts: StreamableHTTPSessionManager,
        place: Place,
        guard: ResourceServer | None,
    ) -> None:
        self._streams = streams
        self._texts = texts
        self._place = place
        self._guard = guard
        self._calls = UserLimits(CALLS)
        self._reads = UserLimits(ACCOUNT_READS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        request = Request(scope, receive)
        posted = request.method == "POST"
        refusal = self._refusal_of_headers(request)
        body, message = b"", None
        if refusal is None and posted:
            try:
                body = await request.body()
                message = messages.read(body)
            except ClientDisconnect:
                return
            except messages.UnreadableMessageError as error:
                text = error.answer.model_dump_json(by_alias=True)
                refusal = Response(text, status_code=400, media_type="application/json")
        user = user_of(request)
        call = _tool_call(message)
        if refusal is None and user is not None:
            refusal = self._refusal_of_message(user, message, call)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        takes_events = check_accept_headers(request)[1] or MCP_SESSION_ID_HEADER in request.headers
        manager = self._streams if takes_events else self._texts
        with self._counted(user, call):
            await _answer(manager, body, scope, receive, send)

    @contextmanager
    def _counted(
        self, user: User | None, call: tuple[str, dict[str, Any]] | None
    ) -> Iterator[None]:
        if user is None or call is None:
            yield
            return
        with (
            self._calls.one(user.key),
            self._reads.one(user.key) if reads_account(*call) else nullcontext(),
        ):
            yield

    def _refusal_of_headers(self, request: Request) -> Response | None:
        if not self._place.accepts_host(request.headers):
            return Response("this server has another name", status_code=421)
        if not self._place.accepts_origin(request.headers):
            return Response("pages of this origin may not ask", status_code=403)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method == "POST" and kind != "application/json":
            return Response("the body must be application/json", status_code=415)
        return None

    def _refusal_of_message(
        self, user: User, message: Any, call: tuple[str, dict[str, Any]] | None
    ) -> Response | None:
        if isinstance(message, types.JSONRPCRequest) and message.method == "initialize":
            return self._refusal_of_session(user)
        if call is None:
            return None
        if self._guard is None or not reads_account(*call):
            return _refusal_for_now(self._calls, user)
        return (
            self._guard.challenge_for_account(user)
            or _refusal_for_now(self._calls, user)
            or _refusal_for_now(self._reads, user)
        )

    def _refusal_of_session(self, user: User) -> Response | None:
        """One user's sessions must leave room for those of others: all of them together are limited."""
        owners = self._streams._session_owners.values()  # noqa: SLF001 - the SDK counts those of all users alone
        own = sum(
            (owner["issuer"], owner["subject"]) == (user.issuer, user.subject) for owner in owners
        )
        if own < MOST_SESSIONS:
            return None
        return _too_many(f"you have {own} sessions: end one, or call again in some minutes", 60)


def _refusal_for_now(limits: UserLimits, user: User) -> Response | None:
    seconds = limits.seconds_to_wait(user.key)
    return _too_many(f"call again in {seconds} s", seconds) if seconds else None


def _too_many(words: str, seconds: int) -> Response:
    return JSONResponse(
        {"error": "too_many_requests", "error_description": words},
        status_code=429,
        headers={"Retry-After": str(seconds)},
    )


def _tool_call(message: Any) -> tuple[str, dict[str, Any]] | None:
    """The tool and the arguments of a message that calls one."""
    if not isinstance(message, types.JSONRPCRequest) or message.method != "tools/call":
        return None
    params = message.params or {}
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str):
        return None
    return name, arguments if isinstance(arguments, dict) else {}


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
