"""Serves one client over standard input and output."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import anyio
import anyio.to_thread
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from aws_iam.server import messages
from aws_iam.server.mcp_server import Serving, build
from aws_iam.server.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp.shared._stream_protocols import WriteStream

    from aws_iam.account.session.permitted import Permitted


def serve_stdio(permitted: Permitted) -> None:
    """Serve one client until it leaves; it may name what is `permitted`."""
    try:
        anyio.run(_serve_stdio, permitted)
    except* BrokenPipeError:
        pass  # it left without reading its answers


async def _serve_stdio(permitted: Permitted) -> None:
    workers = Workers()
    server = build(Serving(permitted=lambda _user: permitted, heavy=workers))
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
