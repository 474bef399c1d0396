"""Retries and adaptive slowing down, for each account and Region on its own, though they share a client.

This is for correctness, not speed: the SDK keeps one retry quota and one sending rate for a client, so that one
throttled account or Region would slow down, and take the retries of, all others. Here each pair of access key and Region
has the SDK's own quota and rate. It registers the SDK's handlers (`botocore.retries.standard`, `.adaptive`) with a
client that does not exist; tests/account/calls/test_retries.py fails when botocore changes how they work.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.retries import adaptive, standard

from aws_iam.account.calls.account_credentials import signing_key_id
from aws_iam.account.calls.region_per_call import called_region

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_STATES = 512
"""States that a client keeps: more than the accounts that a process reads at a time have Regions."""


class RetryState:
    """The SDK's retry quota and sending rate, for some of a client's calls."""

    def __init__(self, client: Any) -> None:
        self._handlers: dict[str, list[Callable[..., Any]]] = defaultdict(list)
        # The SDK registers its handlers with a client, and makes a quota and a rate for them.
        events = SimpleNamespace(register=self._register)
        meta = SimpleNamespace(events=events, service_model=client.meta.service_model)
        stand_in: Any = SimpleNamespace(meta=meta)
        attempts = client.meta.config.retries["total_max_attempts"]
        standard.register_retry_handler(stand_in, max_attempts=attempts)
        self.limiter = adaptive.register_retry_handler(stand_in)

    def _register(self, event: str, handler: Callable[..., Any], **_: Any) -> None:
        self._handlers[event.partition(".")[0]].append(handler)

    def emit(self, name: str, event: dict[str, Any]) -> Any:
        """Call all handlers of the event; the first response that is not None."""
        responses = [handler(**event) for handler in self._handlers[name]]
        return next((response for response in responses if response is not None), None)


class RetryStates:
    """The retry states of one client, by access key and Region."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._states: OrderedDict[tuple[str, str], RetryState] = OrderedDict()
        events, service = client.meta.events, client.meta.service_model.service_id.hyphenize()
        # The client's own handler has one quota for all calls.
        events.unregister(f"needs-retry.{service}", unique_id=f"retry-config-{service}")
        events.register("before-send", self._before_send)
        events.register(f"needs-retry.{service}", self._needs_retry)
        events.register(f"after-call.{service}", self._after_call)

    def _before_send(self, **event: Any) -> None:
        self._current().emit("before-send", event)

    def _needs_retry(self, **event: Any) -> Any:
        return self._current().emit("needs-retry", event)

    def _after_call(self, **event: Any) -> None:
        self._current().emit("after-call", event)

    def _current(self) -> RetryState:
        key = (signing_key_id(), called_region())
        with self._lock:
            state = self._states.get(key) or RetryState(self._client)
            self._states[key] = state
            self._states.move_to_end(key)
            if len(self._states) > MAX_STATES:
                self._states.popitem(last=False)
        return state

    def forget(self, access_key: str) -> None:
        """Drop the states of an access key that signs no more calls."""
        with self._lock:
            for key in [key for key in self._states if key[0] == access_key]:
                del self._states[key]

    def __len__(self) -> int:
        return len(self._states)
