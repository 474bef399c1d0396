"""Processes in which calls run that may take long, so that the server can end them.

A thread cannot be ended from outside, and pure Python in one thread slows all others. The standard library's pools
cannot end one task, and AnyIO's workers report no progress, so the server keeps processes of its own: it sends a call,
passes its progress on, and kills the process when the caller cancels or leaves, or the call takes too long.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import anyio
import anyio.to_thread
from anyio.streams.buffered import BufferedByteReceiveStream

from aws_iam.errors import AwsIamError
from aws_iam.server.worker_process import HEADER, Answered, Call, Failed, Refused, Step, run_call
from aws_iam.wording import counted

if TYPE_CHECKING:
    from types import TracebackType

    from anyio.abc import ByteSendStream, Process

    from aws_iam.answer import Answer
    from aws_iam.tools.kit.tool import Progress

MOST_WAITING = 32
"""Calls that wait for a process; a further one is refused at once."""
_MEMORY_TO_KEEP = 250_000_000
"""A process that holds more is ended after its call: Python seldom gives memory back."""
_LONGEST_MESSAGE = 2**31
# With the modules of this process, and not with those of the folder in which it runs.
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from aws_iam.server.worker_process import main; main()"
_SECONDS_TO_END = 1.0


class WorkerFailedError(Exception):
    """The call met a bug, which its process has logged, or the process ended before it answered."""


class Runner(Protocol):
    """Runs a call, and stops it when it is cancelled."""

    async def __call__(self, call: Call, progress: Progress, *, longest: float) -> Answer:
        """The answer; AwsIamError after `longest` seconds."""


async def in_a_thread(call: Call, progress: Progress, *, longest: float) -> Answer:  # noqa: ARG001 - as of Runner
    """Run a call that is light, or that a program which embeds the server runs itself; when cancelled nobody waits for it."""
    return await anyio.to_thread.run_sync(run_call, call, progress, abandon_on_cancel=True)


@dataclass(frozen=True, slots=True)
class _Worker:
    process: Process
    calls: ByteSendStream
    outcomes: BufferedByteReceiveStream

    async def ask(self, call: Call, progress: Progress) -> Answered | Refused | Failed | None:
        """What became of the call; None if the process ended."""
        data = pickle.dumps(call, pickle.HIGHEST_PROTOCOL)
        try:
            await self.calls.send(HEADER.pack(len(data)) + data)
            while isinstance(outcome := await self._next(), Step):
                progress(outcome.done, outcome.total, outcome.text)
        except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.IncompleteRead):
            return None
        return outcome

    async def _next(self) -> Step | Answered | Refused | Failed:
        (length,) = HEADER.unpack(await self.outcomes.receive_exactly(HEADER.size))
        data = await self.outcomes.receive_exactly(min(length, _LONGEST_MESSAGE))
        message: Step | Answered | Refused | Failed = pickle.loads(data)  # noqa: S301 - from our own process
        return message

    async def end(self, *, itself: bool = False) -> None:
        """Kill the process, or see it end `itself`."""
        with anyio.CancelScope(shield=True):
            if itself:
                with anyio.move_on_after(_SECONDS_TO_END):
                    await self.process.wait()
            if self.process.returncode is None:
                self.process.kill()
            await self.process.aclose()


class Workers:
    """The processes: at most `size` for calls with documents, and twice as many for those that read an account.

    Each is started when it is needed, and `size` of them are kept for the next call.
    """

    def __init__(self, size: int | None = None) -> None:
        self.size = size or max(2, os.cpu_count() or 1)
        # Reading an account is mostly waiting, for minutes: calls with documents do not wait for that.
        self._for_documents = anyio.CapacityLimiter(self.size)
        self._for_accounts = anyio.CapacityLimiter(2 * self.size)
        self._idle: list[_Worker] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._idle:
            await self._idle.pop().end()

    @property
    def is_full(self) -> bool:
        """Whether a further call would be refused."""
        return _is_full(self._for_documents)

    async def warm(self) -> None:
        """Start a process now, so that the first call need not wait for it."""
        if not self._idle:
            self._idle.append(await _start())

    async def _worker(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.process.returncode is None:
                return worker
            await worker.end()  # the system has ended it, for example for lack of memory
        return await _start()

    async def __call__(self, call: Call, progress: Progress, *, longest: float) -> Answer:
        """Run the call in a process; cancelling kills it."""
        free = self._for_documents if call.processor_seconds else self._for_accounts
        if _is_full(free):
            running = counted(int(free.total_tokens), "call")
            raise AwsIamError(
                f"the server is busy: {running} of this kind run and {MOST_WAITING} wait",
                hint="call again in some seconds",
            )
        async with free:
            worker = await self._worker()
            kept = is_gone = False
            try:
                with anyio.move_on_after(longest) as time:
                    outcome = await worker.ask(call, progress)
                if time.cancelled_caught:
                    raise AwsIamError(
                        f"the call took longer than {counted(int(longest), 'second')} and was ended",
                        hint="ask for less at once, such as fewer Regions or a shorter document, or use the command `aws-iam`",
                    )
                if isinstance(outcome, Answered):
                    kept = outcome.memory <= _MEMORY_TO_KEEP
                    return outcome.answer
                if isinstance(outcome, Refused):
                    # What a call that was broken off leaves behind is not known.
                    kept = outcome.goes_on and outcome.memory <= _MEMORY_TO_KEEP
                    raise AwsIamError(outcome.message, hint=outcome.hint)
                is_gone = outcome is None
                raise WorkerFailedError
            finally:
                if kept and len(self._idle) < self.size:
                    self._idle.append(worker)
                else:
                    await worker.end(itself=is_gone)


def _is_full(limiter: anyio.CapacityLimiter) -> bool:
    return not limiter.available_tokens and limiter.statistics().tasks_waiting >= MOST_WAITING


async def _start() -> _Worker:
    process = await anyio.open_process(
        [sys.executable, "-P", "-c", _PROGRAM, *filter(None, sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None,
    )
    if process.stdin is None or process.stdout is None:
        raise WorkerFailedError  # cannot be: both are pipes
    return _Worker(process, process.stdin, BufferedByteReceiveStream(process.stdout))
