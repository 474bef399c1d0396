"""Trying again, and sending slower after AWS throttled a call: each account in each Region for itself, since they share a client.

The SDK's `adaptive` mode slows a client down, and every mode lets a client try again only so often. Here the client's
calls are divided by who signs them and where they go, as AWS's limits are, and each part has the SDK's own for itself.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.retries import adaptive, standard

from aws_iam.account.calls.account_credentials import wearer
from aws_iam.account.calls.region_per_call import region_here

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 512
"""Parts that a client remembers: more than the accounts that a process reads at a time have Regions."""


class Part:
    """What the SDK does for a client after an answer, or instead of one, for some of the client's calls."""

    def __init__(self, client: Any) -> None:
        self._heard: dict[str, list[Callable[..., Any]]] = defaultdict(list)
        # What the SDK would register with a client; its own quota of retries, and its own pace, come with it.
        events = SimpleNamespace(register=self._register)
        meta = SimpleNamespace(events=events, service_model=client.meta.service_model)
        inner: Any = SimpleNamespace(meta=meta)
        attempts = client.meta.config.retries["total_max_attempts"]
        standard.register_retry_handler(inner, max_attempts=attempts)
        self.limiter = adaptive.register_retry_handler(inner)

    def _register(self, event: str, handler: Callable[..., Any], **_: Any) -> None:
        self._heard[event.partition(".")[0]].append(handler)

    def hear(self, name: str, event: dict[str, Any]) -> Any:
        """What the first of those who have an answer says; all of them hear of it."""
        answers = [handler(**event) for handler in self._heard[name]]
        return next((answer for answer in answers if answer is not None), None)


class Slowing:
    """The parts of one client, by who signs and the Region."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._of: OrderedDict[tuple[str, str], Part] = OrderedDict()
        events, service = client.meta.events, client.meta.service_model.service_id.hyphenize()
        # The client's own has one quota for all that the client is used for.
        events.unregister(f"needs-retry.{service}", unique_id=f"retry-config-{service}")
        events.register("before-send", self._sending)
        events.register(f"needs-retry.{service}", self._answered)
        events.register(f"after-call.{service}", self._ended)

    def _sending(self, **event: Any) -> None:
        self._mine().hear("before-send", event)

    def _answered(self, **event: Any) -> Any:
        return self._mine().hear("needs-retry", event)

    def _ended(self, **event: Any) -> None:
        self._mine().hear("after-call", event)

    def _mine(self) -> Part:
        place = (wearer(), region_here())
        with self._lock:
            own = self._of.get(place) or Part(self._client)
            self._of[place] = own
            self._of.move_to_end(place)
            if len(self._of) > MOST:
                self._of.popitem(last=False)
        return own

    def forget(self, who: str) -> None:
        """Drop the parts of whoever signs no more: a run over many accounts meets each once."""
        with self._lock:
            for place in [each for each in self._of if each[0] == who]:
                del self._of[place]

    def __len__(self) -> int:
        return len(self._of)
