"""Sending slower after AWS throttled a call: each account for itself, where accounts share a client.

The SDK's `adaptive` mode slows a client down. Here the client's calls are divided by who signs them, and each account
has the SDK's limiter for its own.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.retries import adaptive

from aws_iam.account.worn import wearer

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 64
"""Accounts that a client remembers; a process reads far fewer at a time, and a run has thousands."""


def limiter() -> Any:
    """The SDK's limiter, which is made for a client and hears of nothing but what it is told."""
    deaf = SimpleNamespace(register=lambda *_: None)
    client: Any = SimpleNamespace(meta=SimpleNamespace(events=deaf))
    return adaptive.register_retry_handler(client)


class Slowing:
    """The limiters of one client, by who signs."""

    def __init__(self, client: Any, make: Callable[[], Any] = limiter) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._of: OrderedDict[str, Any] = OrderedDict()
        client.meta.events.register("before-send", self._sending)
        client.meta.events.register("needs-retry", self._answered)

    def _sending(self, **event: Any) -> None:
        self._mine().on_sending_request(**event)

    def _answered(self, **event: Any) -> None:
        self._mine().on_receiving_response(**event)

    def _mine(self) -> Any:
        with self._lock:
            own = self._of.get(wearer()) or self._make()
            self._of[wearer()] = own
            self._of.move_to_end(wearer())
            if len(self._of) > MOST:
                self._of.popitem(last=False)
        return own

    def __len__(self) -> int:
        return len(self._of)
