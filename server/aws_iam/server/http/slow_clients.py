"""How long a client may take to send a request, and how many connections there are: uvicorn itself limits neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
from starlette.responses import PlainTextResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS_FOR_HEAD = 15.0
SECONDS_FOR_BODY = 30.0
# Above the limit requests get a 503; above this too connections are closed, as each takes a file descriptor.
_CONNECTIONS_TO_REFUSE = 32


class LateBodyError(Exception):
    """The body has not come in time."""


class BodyTimeLimit:
    """Answers 408 where a body takes longer than `SECONDS_FOR_BODY`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        until = anyio.current_time() + SECONDS_FOR_BODY
        is_whole = False

        async def received() -> Message:
            nonlocal is_whole
            if is_whole:
                return await receive()
            with anyio.move_on_after(until - anyio.current_time()) as time:
                message = await receive()
            if time.cancelled_caught:
                raise LateBodyError
            is_whole = not message.get("more_body")
            return message

        try:
            await self._app(scope, received, send)
        except LateBodyError:
            words = "the body did not arrive in time"
            late = PlainTextResponse(words, status_code=408, headers={"Connection": "close"})
            await late(scope, receive, send)


class ImpatientProtocol(H11Protocol):
    """Closes a connection on which no complete head has come for `SECONDS_FOR_HEAD`, and those that are too many."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Handle a new connection."""
        super().connection_made(transport)
        most = self.config.limit_concurrency
        if most is not None and len(self.connections) > most + _CONNECTIONS_TO_REFUSE:
            transport.abort()
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Handle the next bytes; with a head the application takes over."""
        super().data_received(data)
        if self._is_answering():
            self._stop_waiting()
        elif self._waiting is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._waiting = self.loop.call_later(SECONDS_FOR_HEAD, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if not self._is_answering():
            self.transport.close()

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None until the first head
        return cycle is not None and not cycle.response_complete
