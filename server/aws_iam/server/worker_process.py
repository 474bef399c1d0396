"""The program of a worker process: runs calls of tools, one after the other, as the server sends them.

The server can end a process, not a thread. It reads calls from its standard input and writes what becomes of them to its
standard output; when the input ends, the server has gone, and so does it. See `workers.py` for the other side.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import struct
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO

from aws_iam.account.session.permitted import PERMITTED, Permitted
from aws_iam.errors import AwsIamError
from aws_iam.processor_time import OutOfTimeError, processor_time
from aws_iam.report.clean import clean
from aws_iam.server.logged_bugs import LoggedBugs
from aws_iam.tools import playbooks
from aws_iam.tools.registry import tool_named
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.answer import Answer
    from aws_iam.tools.kit.tool import Progress

HEADER = struct.Struct(">Q")
"""Before each message: how many bytes of pickle follow."""
_MOST_MEMORY = 2 * 1024**3
_ANSWERED = (AwsIamError, MemoryError)
_MOST_TRACKED = 20_000
"""Objects that the garbage collector walks in a full pass, between calls."""
_LESS = "pass less at once, or use the command `aws-iam`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a tool: its arguments, what it may name, and how long it may run."""

    tool: str
    arguments: dict[str, Any]
    permitted: Permitted
    processor_seconds: float = 0.0
    """The most processor time; 0: no limit, as of what waits for AWS."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far the call is."""

    done: int
    total: int
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer, and how much memory the process holds after it, in bytes; 0: not known."""

    answer: Answer
    memory: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The caller can mend it, or AWS cannot be read; the process `goes_on` unless the call was broken off."""

    message: str
    hint: str
    memory: int
    goes_on: bool = True


@dataclass(frozen=True, slots=True)
class Failed:
    """A bug; it has been logged."""


def run_call(call: Call, progress: Progress) -> Answer:
    """The cleaned answer to a call, under what it may name."""
    before = PERMITTED.set(call.permitted)
    try:
        answer = playbooks.run_tool(tool_named(call.tool), call.arguments, progress=progress)
        return clean(answer)
    finally:
        PERMITTED.reset(before)


def main() -> None:
    """Run calls until the standard input ends."""
    calls, outcomes = _own_pipes()
    # Ctrl-C at a terminal reaches all processes; the server decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory()
    waiting: SimpleQueue[Call] = SimpleQueue()
    threading.Thread(target=_receive, args=(calls, waiting), daemon=True).start()
    writing = threading.Lock()

    def send(message: object) -> None:
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        with writing:
            outcomes.write(HEADER.pack(len(data)) + data)
            outcomes.flush()

    while True:
        send(_outcome(waiting.get(), send))
        spare_collector()


def spare_collector() -> None:
    """Have later full passes of the garbage collector leave out what calls keep for as long as the process lives.

    The service data alone is 70,000 lists and actions, and a pass over them falls in the middle of some call.
    """
    if len(gc.get_objects()) > _MOST_TRACKED:
        # What was left out before, and was dropped since, goes first.
        gc.unfreeze()
        gc.collect()
        gc.freeze()


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the server; what else reads the input or prints, programs too, has an empty one and standard error."""
    calls, outcomes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return calls, outcomes


def _receive(calls: BinaryIO, waiting: SimpleQueue[Call]) -> None:
    """Hand calls on; at the end of the input nobody waits for an answer, so whatever runs ends too."""
    try:
        while header := calls.read(HEADER.size):
            (length,) = HEADER.unpack(header)
            waiting.put(pickle.loads(calls.read(length)))  # noqa: S301 - from the server itself
    finally:
        # Also where the server was ended within a message, which cannot be read then.
        os._exit(0)


def _outcome(call: Call, send: Callable[[object], None]) -> object:
    def progress(done: int, total: int, text: str) -> None:
        send(Step(done, total, text))

    try:
        with LoggedBugs(call.tool, passing=_ANSWERED), processor_time(call.processor_seconds):
            return Answered(run_call(call, progress), _memory())
        return Failed()
    except AwsIamError as error:
        return Refused(error.message, error.hint, _memory())
    except OutOfTimeError:
        return Refused(
            f"this call takes more than {counted(int(call.processor_seconds), 'second')} of processor time",
            f"{_LESS} with `--seconds`",
            _memory(),
            goes_on=False,
        )
    except MemoryError:
        return Refused(
            f"this call needs more than {_MOST_MEMORY // 1024**3} GB of memory",
            f"{_LESS}, which has no such limit",
            _memory(),
            goes_on=False,
        )


def _limit_memory() -> None:
    if sys.platform == "win32":
        return
    import resource

    # Not the address space, of which each thread reserves much and uses little.
    for limit, most in ((resource.RLIMIT_DATA, _MOST_MEMORY), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # a lower limit is set already
            resource.setrlimit(limit, (most, most))


def _memory() -> int:
    """What the process holds now; 0 where the system has no simple way to ask, as outside Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
