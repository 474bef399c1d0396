"""How a call of a tool runs: where, as whom, and for how long at most."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from mcp import types
from mcp.shared.exceptions import MCPError

from aws_iam.errors import InputError
from aws_iam.server.client_presence import cancel_when_client_leaves
from aws_iam.server.worker_process import Call
from aws_iam.server.workers import Runner, in_a_thread
from aws_iam.tools.kit.argument_values import read
from aws_iam.tools.registry import NAMES, tool_named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from mcp.server.context import ServerRequestContext

    from aws_iam.account.session.permitted import Permitted
    from aws_iam.answer import Answer
    from aws_iam.tools.kit.tool import Tool


@dataclass(frozen=True, slots=True)
class _CallKind:
    """How long a call may take, in seconds, and whether it runs in a process of its own."""

    is_heavy: bool
    longest: float
    processor_seconds: float = 0.0


_LIGHT = _CallKind(is_heavy=False, longest=60)
_OF_DOCUMENTS = _CallKind(is_heavy=True, longest=120, processor_seconds=10)
_OF_AN_ACCOUNT = _CallKind(is_heavy=True, longest=1800)
_LONGEST_OF_LIGHT = 10_000
"""Characters of the arguments, above which no call is light: what an action does with a name takes long for a book."""


async def run(  # noqa: PLR0913 - what is called, as whom, where, and for whom
    tool: Tool,
    values: dict[str, Any],
    permitted: Permitted,
    heavy: Runner,
    context: ServerRequestContext[Any],
    *,
    length: int,
) -> Answer:
    """The answer to a call; `heavy` runs what may take long, by what it reads and by the `length` of its arguments.

    It ends when its client cancels or leaves.
    """
    kind = _kind_of(tool, values, length)
    call = Call(
        tool=tool.name,
        arguments=values,
        permitted=permitted,
        processor_seconds=kind.processor_seconds,
    )
    runner = heavy if kind.is_heavy else in_a_thread
    progress = CallProgress(asyncio.get_running_loop(), context)
    scope = anyio.CancelScope()
    cancel_when_client_leaves(scope, context.request)
    try:
        with scope:
            answer = await runner(call, progress, longest=kind.longest)
            await progress.told()
            return answer
    finally:
        progress.ended = True
    raise MCPError(types.CONNECTION_CLOSED, "the client has left")


def reads_account(name: str, values: Mapping[str, Any]) -> bool:
    """Whether the call reads AWS. What a mistaken call would do is not known, and it does nothing."""
    if name not in NAMES:
        return False
    tool = tool_named(name)
    try:
        action = tool.action_named(values.get("action") or tool.default)
        rest = {
            key: value for key, value in values.items() if key != "action" and value is not None
        }
        given, _ = tool.by_argument(action, rest, cli=False)
        arguments = {argument.name: argument for argument in action.arguments}
        # Read as the action reads them: to it "false" is no, and any text would be true here.
        is_set = {
            name: bool(read(arguments[name], given[name]).value)
            for name in ("demo", "online")
            if name in arguments and name in given
        }
    except InputError:
        return False
    if not action.may_read_account or is_set.get("demo"):
        return False
    return is_set.get("online", False) if "online" in arguments else "document" not in given


def _kind_of(tool: Tool, values: Mapping[str, Any], length: int) -> _CallKind:
    if reads_account(tool.name, values):
        return _OF_AN_ACCOUNT
    if length > _LONGEST_OF_LIGHT:
        return _OF_DOCUMENTS
    try:
        action = tool.action_named(values.get("action") or tool.default)
    except InputError:
        return _LIGHT
    return _OF_DOCUMENTS if action.documents or action.may_read_account else _LIGHT


class CallProgress:
    """Reports the progress of one call, at most once per percent; after `ended` nobody waits for it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, context: ServerRequestContext[Any]
    ) -> None:
        self.ended = False
        self._loop = loop
        self._send = context.session.report_progress
        self._sent = -1
        self._under_way: list[Future[None]] = []

    def __call__(self, done: int, total: int, text: str) -> None:
        """Report a step; collectors call this from threads of their own."""
        if self.ended:
            # The thread of a cancelled call cannot be killed. As with Ctrl-C, it makes no further call to AWS.
            raise KeyboardInterrupt
        percent = 100 * done // max(total, 1)
        if percent > self._sent:
            self._sent = percent
            sending = asyncio.run_coroutine_threadsafe(self._send(done, total, text), self._loop)
            self._under_way.append(sending)

    async def told(self) -> None:
        """Wait until all steps are on their way: what follows the answer reaches nobody."""
        await asyncio.gather(*map(asyncio.wrap_future, self._under_way), return_exceptions=True)
