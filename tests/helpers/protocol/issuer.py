"""An issuer of access tokens on loopback: discovery, keys, and the flow in which a client registers and a person signs in."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import SystemRandom
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from helpers.loopback import serving_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

AUDIENCE = "aws-iam-tests"
OFFLINE, READ = "aws-iam:offline", "aws-iam:read-account"


@dataclass
class Issuer:
    """What the issuer publishes, and what was asked of it."""

    url: str = ""
    name: str | None = None
    """The `issuer` in its metadata, if not its URL."""
    keys: list[RSAKey] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    signed_in: str = "ada"
    sought: list[dict[str, str]] = field(default_factory=list)
    """The queries of those who were sent to sign in."""
    answers: threading.Event = field(default_factory=threading.Event)
    """Set, unless the issuer shall hang."""

    def published(self) -> dict[str, Any]:
        return {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in self.keys]}

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.name or self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": [OFFLINE, READ],
        }

    def token(self, *, key: RSAKey | None = None, header: Any = None, **claims: Any) -> str:
        """A token for this server; claims that are None are left out."""
        signs = key or self.keys[0]
        now = int(time.time())
        given = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ada",
            "client_id": "ide",
            "scope": f"{OFFLINE} {READ}",
            "iat": now,
            "exp": now + 600,
            **claims,
        }
        kept = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(
            {"alg": "RS256", "kid": signs.kid, **(header or {})}, kept, signs,
            algorithms=["RS256", "PS256", "HS256"],
        )  # fmt: skip


def new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid})


def free_port() -> int:
    """A port of loopback that nobody uses, for a program that takes a number.

    It is below those that systems give to whom asks for any port: none of the tests beside takes it meanwhile.
    """
    while True:
        port = SystemRandom().randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def issuing() -> Iterator[Issuer]:
    """The issuer, until the end of the block."""
    state = Issuer(keys=[new_key("one")])
    state.answers.set()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            with lock:
                state.asked.append(path)
            state.answers.wait(60)
            if path.startswith("/.well-known/"):
                self._json(state.metadata())
            elif path == "/keys":
                self._json(state.published())
            elif path == "/authorize":
                asked = dict(parse_qsl(query))
                state.sought.append(asked)
                back = {"code": "c", "state": asked["state"], "iss": state.url}
                self.send_response(302)
                self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(back)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._json({}, 404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            path = urlsplit(self.path).path
            with lock:
                state.asked.append(path)
            if path == "/register":
                self._json({**json.loads(body), "client_id": "registered"}, 201)
            elif path == "/token":
                scope = state.sought[-1].get("scope", "")
                token = state.token(sub=state.signed_in, client_id="registered", scope=scope)
                self._json({"access_token": token, "token_type": "Bearer", "scope": scope})
            else:
                self._json({}, 404)

        def _json(self, value: Any, status: int = 200) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    with serving_thread(server):
        yield state
