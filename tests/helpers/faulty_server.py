"""Moto over HTTP on loopback, whose answers a test spoils: refused, throttled, cut short, replaced by a page, never sent.

with faulty() as server:
    server.spoil = lambda asked: THROTTLED if asked.operation == "DescribeVpcs" else None
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from moto.backends import get_backend
from werkzeug.serving import make_server

from demo_account.moto_app import moto_app
from helpers.loopback import serving_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SCOPE = re.compile(r"Credential=([^/]*)/\d*/([^/]*)/([a-z0-9-]+)/")
_PAGE = b"<!doctype html><title>500</title><h1>Internal Server Error</h1>"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the service and Region that it was signed for, and its operation as far as it tells."""

    service: str
    region: str
    operation: str
    form: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Error:
    """An error in the words of the protocol that the caller speaks."""

    code: str
    status: int = 400

    def answer(self, asked: Asked) -> tuple[int, str, bytes]:
        inner = f"<Code>{self.code}</Code><Message>spoilt</Message>"
        error = f"<Error>{inner}</Error>"
        if asked.service == "ec2":
            error = f"<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>"
        elif asked.form:
            error = f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"
        elif asked.service != "s3":
            body = json.dumps({"__type": self.code, "message": "spoilt"})
            return self.status, "application/x-amz-json-1.1", body.encode()
        return self.status, "text/xml", error.encode()


@dataclass(frozen=True, slots=True)
class Given:
    """A success with this body."""

    kind: str
    body: bytes

    def answer(self, _asked: Asked) -> tuple[int, str, bytes]:
        return 200, self.kind, self.body


THROTTLED = Error("ThrottlingException", 400)
EXPIRED = Error("ExpiredToken", 403)
SILENT, HTML_500, HTML_200, CUT = "silent", "html 500", "html 200", "cut"
"""No answer until the caller gives up; a proxy's page, as a failure and as a success; half of what moto answers."""

Spoilt = Error | Given | str | None


@dataclass
class Faulty:
    """The WSGI application around moto's."""

    spoil: Callable[[Asked], Spoilt] = lambda _asked: None
    calls: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often each operation was asked for: (service, Region, operation)."""
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    _moto: Any = field(default_factory=moto_app)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        asked = _asked(environ, body)
        with self._lock:
            self.calls[asked.service, asked.region, asked.operation] += 1
            spoilt = self.spoil(asked)
        if spoilt == SILENT:
            self.over.wait(30)
        if spoilt in {SILENT, HTML_500, HTML_200}:
            start("200 OK" if spoilt == HTML_200 else "500 E", [("Content-Type", "text/html")])
            return [_PAGE]
        if isinstance(spoilt, (Error, Given)):
            status, kind, content = spoilt.answer(asked)
            start(f"{status} E", [("Content-Type", kind)])
            return [content]
        if asked.service == "access-analyzer":
            # Moto has no such backend; looking for it costs a trace on standard error.
            start("501 E", [("Content-Type", "application/json")])
            return [b"{}"]
        if spoilt == CUT:
            return self._cut(environ, start)
        return self._moto(environ, start)

    def _cut(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        said: list[Any] = []
        whole = b"".join(self._moto(environ, lambda *given: said.extend(given)))
        headers = [(name, value) for name, value in said[1] if name.lower() != "content-length"]
        start(said[0], headers)
        return [whole[: len(whole) // 2]]


def _asked(environ: dict[str, Any], body: bytes) -> Asked:
    found = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    _key, region, service = found.groups() if found else ("", "", "-")
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    form = parse_qs(body.decode("latin-1")) if not target and b"Action=" in body else {}
    flat = {name: values[0] for name, values in form.items()}
    name = target or flat.get("Action") or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    return Asked(service, region, name, flat, body)


@contextmanager
def faulty() -> Iterator[Faulty]:
    """The server in a thread of this process."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    # Moto imports a service with its first request, and two threads at once would do it twice.
    for name in ("sts", "iam", "ec2", "s3", "kms", "logs", "cloudtrail"):
        get_backend(name)  # type: ignore[call-overload]
    app = Faulty()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    app.url = f"http://127.0.0.1:{server.server_port}"
    with serving_thread(server):
        try:
            yield app
        finally:
            app.over.set()
