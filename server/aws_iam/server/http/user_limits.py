"""How much of a shared server one user may take: so many calls at once, and so many in a minute."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_AT_ONCE = 8
MOST_PER_MINUTE = 300
_MOST_USERS = 10_000


@dataclass(slots=True)
class _Taken:
    running: int
    left: float
    """Calls that may still be made now; they come back with time."""
    at: float


class UserLimits:
    """What each user has taken."""

    def __init__(self) -> None:
        self._users: OrderedDict[str, _Taken] = OrderedDict()

    def seconds_to_wait(self, user: str) -> int:
        """After how many seconds the user's next call is taken; 0: now."""
        taken = self._of(user)
        if taken.left < 1:
            return math.ceil((1 - taken.left) * 60 / MOST_PER_MINUTE)
        return 1 if taken.running >= MOST_AT_ONCE else 0

    @contextmanager
    def call(self, user: str) -> Iterator[None]:
        """A call of the user, as long as the block runs."""
        taken = self._of(user)
        taken.left -= 1
        taken.running += 1
        try:
            yield
        finally:
            taken.running -= 1

    def _of(self, user: str) -> _Taken:
        now = time.monotonic()
        taken = self._users.setdefault(user, _Taken(0, MOST_PER_MINUTE, now))
        self._users.move_to_end(user)
        taken.left = min(MOST_PER_MINUTE, taken.left + (now - taken.at) * MOST_PER_MINUTE / 60)
        taken.at = now
        # Whoever has not called for longest has nothing left to count, unless a call of theirs runs.
        if len(self._users) > _MOST_USERS:
            idle = next((name for name, one in self._users.items() if not one.running), None)
            if idle is not None and idle != user:
                del self._users[idle]
        return taken
