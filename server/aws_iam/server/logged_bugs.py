"""What happens to a bug in the server: its traceback goes to the log, and to nobody else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

log = logging.getLogger(__name__)


class LoggedBugs:
    """Logs an exception of the block with its traceback, and goes on after the block; those that are `passing` pass."""

    def __init__(self, part: str, passing: tuple[type[Exception], ...] = ()) -> None:
        self._part = part
        self._passing = passing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, self._passing):
            return False
        log.error("bug in %s", self._part, exc_info=error)
        return True
