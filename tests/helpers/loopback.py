"""A small HTTP server on loopback: paths to JSON, and what was asked of it; and servers in a thread for the length of a block.

It stands for issuers of tokens, and for a Kubernetes API behind TLS, which kmock does not speak (see kubernetes_api.py).
"""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
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


@dataclass
class Loopback:
    """What is served by path (with its query), and the requests: (path, headers)."""

    answers: dict[str, Any]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: int = 0
    host: str = ""
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"


@contextmanager
def serving(
    answers: dict[str, Any] | None = None, *, certificate: Path | None = None
) -> Iterator[Loopback]:
    """The server, over TLS with a certificate and key; an answer is JSON, bytes, or a status."""
    state = Loopback(answers=answers if answers is not None else {})

    class Handler(BaseHTTPRequestHandler):
        # Connections stay open, as AWS's do, and a body follows its head without waiting.
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def do_GET(self) -> None:
            state.asked.append((self.path, dict(self.headers)))
            answer = state.answers.get(self.path, 404)
            status = answer if isinstance(answer, int) else 200
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            # A client that does not trust the certificate breaks off.
            with suppress(ssl.SSLError, ConnectionError):
                super().handle()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.host = f"127.0.0.1:{server.server_address[1]}"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        state.scheme = "https"
    with serving_thread(server):
        yield state
