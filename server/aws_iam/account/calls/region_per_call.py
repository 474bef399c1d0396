"""One client for all Regions of a service: the Region is chosen call by call.

The SDK takes the Region from the client, so an audit of 17 Regions would make several hundred clients: it takes 1.8 times
the processor time without this module. Here the Region comes from the context of the call:

    choose_region_per_call(client)
    with calls_to("eu-west-1"):
        client.describe_vpcs()

It sets what the SDK's handlers read (`client_region`, `AWS::Region`). tests/account/calls/test_region_per_call.py
compares the request of every service with that of the SDK's own client in each Region, and fails when botocore changes
that. The figure is from tests/benchmarks/without.py, November 2026.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_REGION: ContextVar[str] = ContextVar("region")


@contextmanager
def calls_to(region: str) -> Iterator[None]:
    """Send the calls in here to the Region, by clients of `choose_region_per_call`."""
    token = _REGION.set(region)
    try:
        yield
    finally:
        _REGION.reset(token)


def called_region() -> str:
    """The Region that calls in this context go to; empty where none was chosen."""
    return _REGION.get("")


def choose_region_per_call(client: Any) -> None:
    """Let the client's calls go to the Region of `calls_to`; without one they go to the client's own."""
    own = client.meta.region_name

    def set_region(*, context: Any, **_event: Any) -> None:
        context["client_region"] = called_region() or own

    def resolve_endpoint(*, builtins: Any, context: Any, **_event: Any) -> None:
        builtins["AWS::Region"] = context["client_region"]
        # The SDK's endpoint rules may still override it: IAM is signed for us-east-1 everywhere.
        context.setdefault("signing", {})["region"] = context["client_region"]

    service = client.meta.service_model.service_id.hyphenize()
    # First, because the rate limits of a Region and the redirects to a bucket's Region build on it.
    client.meta.events.register_first(f"provide-client-params.{service}", set_region)
    client.meta.events.register_first(f"before-endpoint-resolution.{service}", resolve_endpoint)
