"""Where the server is reached, and which Host and Origin a request may have there.

Loopback does not protect from a browser: a page of any site may send requests to it, under a name that its owner points at
127.0.0.1. Compared are whole hosts and numbers of ports: `http://localhost:3000.example.org` begins like a local address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.datastructures import Headers

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ENDPOINT = "/mcp"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`base_url` without a path; `local_port` where the server listens on loopback, under the names of this machine too."""

    base_url: str
    local_port: int | None = None

    @property
    def resource(self) -> str:
        """The server as an OAuth resource: the canonical address of its endpoint."""
        return f"{self.base_url}{ENDPOINT}"

    def accepts_host(self, headers: Headers) -> bool:
        """Whether the request names this server; one that names none or two does not."""
        given = headers.getlist("host")
        if len(given) != 1:
            return False
        base = _origin(self.base_url)
        # The scheme is that of the proxy in front, so the port that it leaves out is too.
        named = _origin(f"{base[0]}://{given[0]}") if base else None
        return named is not None and (named == base or self._is_local(named[1], named[2]))

    def accepts_origin(self, headers: Headers) -> bool:
        """Whether the page that sends the request, if a page does, is the server's own."""
        given = headers.getlist("origin")
        if not given:
            return True
        origin = _origin(given[0]) if len(given) == 1 else None
        if origin is None:
            return False
        scheme, host, port = origin
        return origin == _origin(self.base_url) or (
            scheme == "http" and self._is_local(host, port)
        )

    def _is_local(self, host: str, port: int) -> bool:
        return self.local_port is not None and host in LOOPBACK and port == self.local_port


def _origin(text: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an origin, None if the text is anything else."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    is_plain = not (parts.path or parts.query or parts.fragment or parts.username is not None)
    # What urlsplit leaves out silently is no part of an origin either.
    is_clean = text == text.strip() and text.isprintable() and text.isascii() and "@" not in text
    if (
        not host
        or parts.scheme not in _PORTS
        or not is_plain
        or not is_clean
        or text.endswith(("?", "#", ":"))
    ):
        return None
    return parts.scheme, host.lower(), _PORTS[parts.scheme] if port is None else port
