"""One line for each call of a tool, as JSON on standard error: who, what, how it ended and how long it took.

No argument and no answer stands in it: they hold policies, names and tokens.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from aws_iam.escape import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.server.http.users import User

_LONGEST = 256


@dataclass(slots=True)
class LoggedCall:
    """A call that is being made; `outcome` is what becomes of it."""

    outcome: str = "cancelled"


class CallLog:
    """Writes the lines to a stream, standard error unless another one is given."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    @contextmanager
    def call(self, user: User | None, tool: str, action: str) -> Iterator[LoggedCall]:
        """Log the call when the block ends."""
        started, call = time.monotonic(), LoggedCall()
        try:
            yield call
        finally:
            line = {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "event": "call",
                "issuer": user.issuer if user else "",
                "user": escaped(user.subject, _LONGEST) if user else "",
                "client": escaped(user.client, _LONGEST) if user else "",
                "tool": tool,
                "action": action,
                "outcome": call.outcome,
                "seconds": round(time.monotonic() - started, 3),
            }
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
