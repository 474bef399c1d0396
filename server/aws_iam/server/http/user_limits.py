"""How much of a shared server one user may take: so much at once, and so much in a minute."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_USERS = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """What one user may have at once, and begin in a minute."""

    at_once: int
    per_minute: int


CALLS = Limit(8, 300)
ACCOUNT_READS = Limit(3, 60)
"""Of these calls those that read an account: they may take minutes, and all users share the processes for them."""
REQUESTS = Limit(32, 1200)
"""All requests, calls of tools among them: streams that stay open, lists, resources."""
MOST_SESSIONS = 16


@dataclass(slots=True)
class _Taken:
    running: int
    left: float
    """What may still be begun now; it comes back with time."""
    at: float


class UserLimits:
    """What each user has taken."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._users: OrderedDict[str, _Taken] = OrderedDict()

    def seconds_to_wait(self, user: str) -> int:
        """After how many seconds the user's next one is taken; 0: now."""
        taken = self._of(user)
        if taken.left < 1:
            return math.ceil((1 - taken.left) * 60 / self._limit.per_minute)
        return 1 if taken.running >= self._limit.at_once else 0

    @contextmanager
    def one(self, user: str) -> Iterator[None]:
        """One of the user's, as long as the block runs."""
        taken = self._of(user)
        taken.left -= 1
        taken.running += 1
        try:
            yield
        finally:
            taken.running -= 1

    def _of(self, user: str) -> _Taken:
        now = time.monotonic()
        most = self._limit.per_minute
        taken = self._users.setdefault(user, _Taken(0, most, now))
        self._users.move_to_end(user)
        taken.left = min(most, taken.left + (now - taken.at) * most / 60)
        taken.at = now
        # Whoever has not called for longest has nothing left to count, unless a call of theirs runs.
        if len(self._users) > _MOST_USERS:
            idle = next((name for name, one in self._users.items() if not one.running), None)
            if idle is not None and idle != user:
                del self._users[idle]
        return taken
