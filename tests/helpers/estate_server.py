"""Many accounts behind one address: moto over HTTP on loopback, which refuses some roles and counts what it is asked.

    with estate(refused=("222222222222",)) as server:
        ...                                  # server.url, server.calls

As a program it prints its address and serves until its standard input ends. `GET /calls` gives the counts. With a
certificate it speaks TLS and keeps its connections, as AWS does.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import boto3
import botocore.session
import pytest
from botocore.loaders import Loader, create_loader
from moto.backends import get_backend
from moto.iam.models import IAMBackend, get_account_id_from
from werkzeug.serving import WSGIRequestHandler, make_server

from demo_account.moto_app import moto_app
from helpers.loopback import serving_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

DENIED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>{code}</Code><Message>User: arn:aws:iam::123456789012:user/auditor is not authorized to perform: sts:AssumeRole on resource: {role}</Message></Error><RequestId>r</RequestId></ErrorResponse>"""
# Moto's credential report leaves the root user out; AWS's has it in every account.
_ROOT = "<root_account>,arn:aws:iam::123456789012:root,2020-01-01T00:00:00+00:00,not_supported,N/A"
_REPORT = IAMBackend.get_credential_report
_SERVICE = re.compile(r"Credential=[^/]*/\d*/[^/]*/([a-z0-9-]+)/")


@dataclass
class Estate:
    """The WSGI application around moto's."""

    refused: frozenset[str] = frozenset()
    code: str = "AccessDenied"
    """Why a role is refused."""
    denied: str = ""
    """An operation of a JSON service that nobody may call."""
    analyzers: dict[str, list[dict[str, str]]] | None = None
    """The analyzers of each account, in every Region; None: the service is out of order."""
    calls: Counter[str] = field(default_factory=Counter)
    signers: set[str] = field(default_factory=set)
    """The access keys that signed a call."""
    assumed: list[dict[str, str]] = field(default_factory=list)
    """What was asked of AssumeRole."""
    url: str = ""
    watch: Callable[[str], None] = lambda _operation: None
    _moto: Any = field(default_factory=moto_app)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        if environ["PATH_INFO"] == "/calls":
            start("200 OK", [("Content-Type", "application/json")])
            with self._lock:
                return [json.dumps(self.calls).encode()]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        operation, form = _asked(environ, body)
        role = form.get("RoleArn", "")
        with self._lock:
            if operation == "sts:AssumeRole":
                self.assumed.append(form)
            self.calls[operation] += 1
            self.signers.add(access_key_of(environ))
        self.watch(operation)
        if any(f"::{account}:" in role for account in self.refused):
            start("403 Forbidden", [("Content-Type", "text/xml")])
            return [DENIED.format(role=role, code=self.code).encode()]
        if operation == self.denied:
            start("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
            return [b'{"__type": "AccessDeniedException", "Message": "no"}']
        if operation == "access-analyzer:GET /analyzer" and self.analyzers is not None:
            account = get_account_id_from(access_key_of(environ))
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps({"analyzers": self.analyzers.get(account, [])}).encode()]
        if operation.startswith("access-analyzer"):
            # Moto has no such backend; looking for it costs a trace on standard error.
            start("501 Not Implemented", [("Content-Type", "application/json")])
            return [b"{}"]
        return self._moto(environ, start)


def access_key_of(environ: dict[str, Any]) -> str:
    """The access key that signed."""
    found = re.search(r"Credential=([^/]*)/", environ.get("HTTP_AUTHORIZATION", ""))
    return found[1] if found else ""


def _asked(environ: dict[str, Any], body: bytes) -> tuple[str, dict[str, str]]:
    """`service:Operation` as far as the request tells, and the fields of a form."""
    found = _SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
    service = found[1] if found else "-"
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    is_form = not target and b"Action=" in body
    given = parse_qs(body.decode("latin-1")) if is_form else {}
    form = {name: values[0] for name, values in given.items()}
    name = target or form.get("Action", f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
    return f"{service}:{name}", form


class _Keeping(WSGIRequestHandler):
    """Connections stay open, and a body follows its head without waiting."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True


@contextmanager
def estate(refused: Iterable[str] = (), certificate: str = "") -> Iterator[Estate]:
    """The server in a thread of this process; with the file of a certificate and its key, over TLS."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    # Moto imports a service with its first request, and two threads at once would do it twice.
    for name in ("sts", "iam", "ec2", "s3", "organizations"):
        get_backend(name)  # type: ignore[call-overload]
    app = Estate(refused=frozenset(refused))
    scheme, tls = "http", {}
    if certificate:
        scheme = "https"
        tls = {"ssl_context": (certificate, certificate), "request_handler": _Keeping}
    server: Any = make_server("127.0.0.1", 0, app, threaded=True, **tls)  # type: ignore[arg-type]
    # A connection that is kept has a thread, which shall not outlive the server.
    server.daemon_threads = True
    app.url = f"{scheme}://127.0.0.1:{server.server_port}"
    with serving_thread(server), pytest.MonkeyPatch.context() as patch:
        patch.setattr(IAMBackend, "get_credential_report", _with_root)
        yield app


def _with_root(backend: IAMBackend) -> str:
    head, _, users = _REPORT(backend).partition("\n")
    rest = ["false" if name.endswith("_active") else "N/A" for name in head.split(",")[5:]]
    return f"{head}\n{','.join((_ROOT, *rest))}\n{users}"


def inside(server: Estate, account: str) -> boto3.Session:
    """A session in the account, to set something up."""
    sts = _session("test", "test").client("sts", endpoint_url=server.url)
    role = f"arn:aws:iam::{account}:role/set-up"
    given = sts.assume_role(RoleArn=role, RoleSessionName="set-up")["Credentials"]
    return _session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def _session(*keys: str) -> boto3.Session:
    core = botocore.session.Session()
    core.register_component("data_loader", _loader())
    return boto3.Session(*keys, region_name="us-east-1", botocore_session=core)


@cache
def _loader() -> Loader:
    """One for all sessions, or each would read the SDK's models anew."""
    return create_loader()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("refused", nargs="*")
    parser.add_argument("--certificate", default="")
    given = parser.parse_args()
    with estate(given.refused, given.certificate) as running:
        sys.stdout.write(f"{running.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
