"""A server on loopback that answers as a function says, and the APIs of GitLab, SendGrid and Grafana for tokens."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from helpers.loopback import serving_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = tuple[int, Any]


@contextmanager
def served(answer: Callable[[str, str, dict[str, str], Any], Answer]) -> Iterator[str]:
    """A server on loopback; its address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content = answer(self.command, self.path, headers, body)
            text = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"


class GitLab:
    """Exchanges tokens as GitLab does: the old one is revoked at once."""

    first = "glpat-first"

    def __init__(self) -> None:
        self.valid = {self.first}
        self.settings = {"TOKEN_DAYS": "30"}
        self.address = "GITLAB_URL"

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        token = headers["private-token"]
        if token not in self.valid:
            return 401, None
        if path.endswith("/rotate"):
            assert method == "POST"
            assert set(body) == {"expires_at"}
            new = f"glpat-{len(token)}x{token[6:]}"
            self.valid = {new}
            return 200, {"token": new}
        return 200, {"active": True}


class SendGrid:
    """Creates and deletes keys as SendGrid does."""

    first = "SG.first.aaaa"

    def __init__(self) -> None:
        self.valid = {self.first}
        self.settings: dict[str, str] = {}
        self.address = "SENDGRID_URL"
        self.scopes = ["mail.send", "api_keys.create", "api_keys.delete"]

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        if headers["authorization"].removeprefix("Bearer ") not in self.valid:
            return 401, None
        if path == "/v3/scopes":
            return 200, {"scopes": self.scopes}
        if method == "POST":
            assert body["scopes"] == self.scopes
            key = f"SG.{body['name'][-4:]}.{len(self.valid)}bbb"
            self.valid.add(key)
            return 201, {"api_key": key}
        key_id = path.rpartition("/")[2]
        left = {key for key in self.valid if key.split(".")[1] != key_id}
        gone, self.valid = left == self.valid, left
        return (404 if gone else 204), None


class Grafana:
    """Creates and deletes tokens of a service account as Grafana does."""

    first = "glsa_first"

    def __init__(self) -> None:
        self.tokens = {7: ("by hand", self.first)}
        self.settings = {"SERVICE_ACCOUNT_ID": "1"}
        self.address = "GRAFANA_URL"

    @property
    def valid(self) -> set[str]:
        return {token for _, token in self.tokens.values()}

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        if headers["authorization"].removeprefix("Bearer ") not in self.valid:
            return 401, None
        if method == "POST":
            number = max(self.tokens) + 1
            self.tokens[number] = (body["name"], f"glsa_{number}")
            return 200, {"id": number, "name": body["name"], "key": f"glsa_{number}"}
        if method == "DELETE":
            del self.tokens[int(path.rpartition("/")[2])]
            return 200, {"message": "deleted"}
        return 200, [{"id": number, "name": name} for number, (name, _) in self.tokens.items()]
