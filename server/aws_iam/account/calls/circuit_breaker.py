"""When to ask no more: each further call would only wait for the answer that the last ones had.

A Region that is silent, an operation that AWS keeps throttling, a session that has run out. Of one account, for one
reading of it.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from aws_iam.account.calls.failures import SessionExpired, expired, miss_of
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError
from aws_iam.account.names.iam_actions import action_of

if TYPE_CHECKING:
    from aws_iam.account.calls.failures import Failure

MOST_SILENT = 3
"""Calls without any answer after which a Region in which none was answered is asked no more."""
MOST_THROTTLED = 5
"""Calls of an operation in a Region that AWS throttled to the end, one after another, after which it is called no more."""


class Patience:
    """What came of the calls so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._silent: Counter[str] = Counter()
        self._throttled: Counter[tuple[str, str]] = Counter()
        self._answered: set[str] = set()
        self._over = ""

    def demand(self, operation: str, region: str) -> None:
        """RefusedError, or SessionExpired, when the call is better not made."""
        if self._over:
            raise expired(self._over)
        if self._silent[region] >= MOST_SILENT and region not in self._answered:
            # Each further call would wait for its own timeouts: minutes, for the same answer.
            raise RefusedError(_unasked(MissKind.TIMEOUT, operation, region))
        if self._throttled[operation, region] >= MOST_THROTTLED:
            # Each would be slowed down, tried again and refused: half an hour for two hundred of them.
            raise RefusedError(_unasked(MissKind.THROTTLED, operation, region))

    def answered(self, operation: str, region: str) -> None:
        """AWS told what it was asked."""
        with self._lock:
            self._answered.add(region)
            self._throttled.pop((operation, region), None)

    def failed(self, error: Failure, operation: str, region: str, owner: str) -> Miss:
        """The miss that a failure means; SessionExpired when it ends the reading."""
        try:
            miss = miss_of(error, operation, region, owner)
        except SessionExpired as over:
            self._over = over.code
            raise
        with self._lock:
            if miss.kind is MissKind.TIMEOUT:
                self._silent[region] += 1
            if miss.kind is MissKind.THROTTLED:
                self._throttled[operation, region] += 1
            else:
                self._throttled.pop((operation, region), None)
        return miss


def _unasked(kind: MissKind, operation: str, region: str) -> Miss:
    code, why = _GIVEN_UP[kind]
    return Miss(
        kind=kind,
        call=operation,
        code=code,
        permission=action_of(operation),
        message=f"not asked: {why}",
        region=region,
    )


_GIVEN_UP = {
    MissKind.TIMEOUT: ("RegionSilent", "the Region had answered nothing so far"),
    MissKind.THROTTLED: (
        "NotAskedAgain",
        f"AWS had throttled {MOST_THROTTLED} such calls in a row",
    ),
}
