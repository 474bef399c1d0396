"""Sending slower after AWS throttled a call: each account in each Region for itself, since they share a client.

The SDK's `adaptive` mode slows a client down. Here the client's calls are divided by who signs them and where they go,
as AWS's limits are, and each part has the SDK's limiter for its own.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

from botocore.retries import adaptive

from aws_iam.account.regional import region_here
from aws_iam.account.worn import wearer

MOST = 512
"""Parts that a client remembers: more than the accounts that a process reads at a time have Regions."""


def limiter() -> Any:
    """The SDK's limiter, which is made for a client and hears of nothing but what it is told."""
    deaf = SimpleNamespace(register=lambda *_: None)
    client: Any = SimpleNamespace(meta=SimpleNamespace(events=deaf))
    return adaptive.register_retry_handler(client)


class Slowing:
    """The limiters of one client, by who signs and the Region."""

    def __init__(self, client: Any) -> None:
        self._lock = threading.Lock()
        self._of: OrderedDict[tuple[str, str], Any] = OrderedDict()
        client.meta.events.register("before-send", self._sending)
        client.meta.events.register("needs-retry", self._answered)

    def _sending(self, **event: Any) -> None:
        self._mine().on_sending_request(**event)

    def _answered(self, **event: Any) -> None:
        self._mine().on_receiving_response(**event)

    def _mine(self) -> Any:
        part = (wearer(), region_here())
        with self._lock:
            own = self._of.get(part) or limiter()
            self._of[part] = own
            self._of.move_to_end(part)
            if len(self._of) > MOST:
                self._of.popitem(last=False)
        return own

    def __len__(self) -> int:
        return len(self._of)
