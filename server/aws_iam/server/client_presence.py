"""Whether the client that waits for a call over HTTP is still there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from anyio import CancelScope

_KEY = "aws_iam.client"


@dataclass(slots=True)
class ClientPresence:
    """The client of one HTTP request: when it leaves, the call that it waits for is cancelled.

    The SDK does so only where it streams the answer and keeps no session.
    """

    left: bool = False
    call: CancelScope | None = None

    def leave(self) -> None:
        """Cancel the call: nobody will read its answer."""
        self.left = True
        if self.call is not None:
            self.call.cancel()


def present(request: MutableMapping[str, Any]) -> ClientPresence:
    """The presence that belongs to a request, kept in its ASGI scope."""
    presence: ClientPresence = request.setdefault(_KEY, ClientPresence())
    return presence


def cancel_when_client_leaves(call: CancelScope, request: Any) -> None:
    """Cancel the call when its client leaves; over stdio there is no request, and the SDK ends every call."""
    if request is None:
        return
    presence = present(request.scope)
    presence.call = call
    if presence.left:
        call.cancel()
