"""A circuit breaker: when one account's calls fail in a way that further calls would repeat, they are not made.

It opens for a Region that does not answer, an operation that AWS keeps throttling, a session that has expired, and for all
calls of a reading that AWS lets hang, when its time is over.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from aws_iam.account.calls.failures import SessionExpired, expired, miss_of
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError
from aws_iam.account.names.iam_actions import action_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.account.calls.failures import Failure

MAX_TIMEOUTS = 3
"""Calls without an answer after which a Region that has answered none is not called any more."""
MAX_THROTTLED = 5
"""Calls of an operation in a Region, one after another, that AWS throttled in every attempt; then it is not called any more."""


DEADLINE_SECONDS = 600
"""How long a reading may go on in which that many calls had no answer; one that is answered may take as long as it needs."""


class CircuitBreaker:
    """What came of the calls so far, for one reading of one account."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._timeouts: Counter[str] = Counter()
        self._throttled: Counter[tuple[str, str]] = Counter()
        self._answered: set[str] = set()
        self._expired = ""

    def allow(self, operation: str, region: str) -> None:
        """Return if the call may be made; raises RefusedError or SessionExpired if not."""
        if self._expired:
            raise expired(self._expired)
        hangs = sum(self._timeouts.values()) >= MAX_TIMEOUTS
        if hangs and self._clock() - self._began >= DEADLINE_SECONDS:
            # Each call may wait for a minute and a half: a few thousand of them would take days.
            raise RefusedError(_over(operation, region))
        if self._timeouts[region] >= MAX_TIMEOUTS and region not in self._answered:
            # Each further call would wait for its own timeouts: minutes, for the same result.
            raise RefusedError(_not_called(MissKind.TIMEOUT, operation, region))
        if self._throttled[operation, region] >= MAX_THROTTLED:
            # Each would be slowed down, retried and refused: half an hour for two hundred of them.
            raise RefusedError(_not_called(MissKind.THROTTLED, operation, region))

    def record_answer(self, operation: str, region: str) -> None:
        """AWS answered the call."""
        with self._lock:
            self._answered.add(region)
            self._throttled.pop((operation, region), None)

    def record_failure(self, error: Failure, operation: str, region: str, owner: str) -> Miss:
        """The miss that a failure means; raises SessionExpired when it ends the reading."""
        try:
            miss = miss_of(error, operation, region, owner)
        except SessionExpired as over:
            self._expired = over.code
            raise
        with self._lock:
            if miss.kind is MissKind.TIMEOUT:
                self._timeouts[region] += 1
            if miss.kind is MissKind.THROTTLED:
                self._throttled[operation, region] += 1
            else:
                self._throttled.pop((operation, region), None)
        return miss


def _over(operation: str, region: str) -> Miss:
    minutes = DEADLINE_SECONDS // 60
    return Miss(
        kind=MissKind.TIMEOUT,
        call=operation,
        code="DeadlineReached",
        permission=action_of(operation),
        message=f"not asked: AWS let calls hang, and the reading had taken {minutes} minutes",
        region=region,
    )


def _not_called(kind: MissKind, operation: str, region: str) -> Miss:
    code, why = _REASONS[kind]
    return Miss(
        kind=kind,
        call=operation,
        code=code,
        permission=action_of(operation),
        message=f"not asked: {why}",
        region=region,
    )


_REASONS = {
    MissKind.TIMEOUT: ("RegionSilent", "the Region had answered nothing so far"),
    MissKind.THROTTLED: (
        "NotAskedAgain",
        f"AWS had throttled {MAX_THROTTLED} such calls in a row",
    ),
}
