"""Ends work that takes longer than it may, by the processor time of this process: waiting does not count."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class OutOfTimeError(BaseException):
    """The processor time is used up. Not an Exception: no handler of one shall catch it."""


@contextmanager
def processor_time(seconds: float) -> Iterator[None]:
    """Raises OutOfTimeError in the block when this process has worked so long in it; 0: no limit.

    Only the main thread can be ended so, and Windows has no such clock.
    """
    if (
        not seconds
        or sys.platform == "win32"
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    before = signal.signal(signal.SIGPROF, _out_of_time)
    # And each second after it: Python drops what is raised while it cleans up an object.
    signal.setitimer(signal.ITIMER_PROF, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _out_of_time(_number: int, _frame: object) -> None:
    raise OutOfTimeError
