"""One client for all Regions of a service: the Region is chosen call by call.

Making a client takes as long as three calls, and an audit of seventeen Regions would make several hundred. The SDK
takes its Region from the client; here it takes it from the context of the call:

    follow(client)
    with going_to("eu-west-1"):
        client.describe_vpcs()
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_REGION: ContextVar[str] = ContextVar("region")


@contextmanager
def going_to(region: str) -> Iterator[None]:
    """Send what is called in here to the Region, by clients that `follow`."""
    token = _REGION.set(region)
    try:
        yield
    finally:
        _REGION.reset(token)


def region_here() -> str:
    """The Region that calls go to here; empty where none was chosen."""
    return _REGION.get("")


def follow(client: Any) -> None:
    """Let the client's calls go where `going_to` says; elsewhere it stays in its own Region."""
    own = client.meta.region_name

    def enter(*, context: Any, **_event: Any) -> None:
        context["client_region"] = region_here() or own

    def resolve(*, builtins: Any, context: Any, **_event: Any) -> None:
        builtins["AWS::Region"] = context["client_region"]
        # The SDK's rules have the last word: IAM's signatures name us-east-1 everywhere.
        context.setdefault("signing", {})["region"] = context["client_region"]

    service = client.meta.service_model.service_id.hyphenize()
    # First: the pace of a Region and the Region of a bucket build upon it.
    client.meta.events.register_first(f"provide-client-params.{service}", enter)
    client.meta.events.register_first(f"before-endpoint-resolution.{service}", resolve)
