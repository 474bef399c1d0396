"""Servers of the standard library and of Werkzeug in a thread of their own, for the length of a block."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socketserver import BaseServer

# Servers look twice in a second whether they shall end, which a hundred tests would wait for.
_LOOKS_EVERY = 0.01


@contextmanager
def serving_thread(server: BaseServer) -> Iterator[None]:
    """The server answers within the block; its port is closed when the block ends."""
    thread = threading.Thread(target=server.serve_forever, args=(_LOOKS_EVERY,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
